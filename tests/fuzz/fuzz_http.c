/*
 * What a client sends to the control socket: the server, the routes and their
 * handlers are the daemon's, the store and the poller are fakes.  Three octets,
 * and then what is sent: who the client is, whether the store answers late, and
 * how the client ends; what the store answers; how the bytes are cut.
 */
#include <assert.h>
#include <event2/event.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/control/control.h"
#include "daemon/control/peer.h"
#include "daemon/metrics/metrics.h"
#include "daemon/notify/notify.h"
#include "tests/fuzz/http_answers.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/target.h"
#include "tests/unit/test_control_fakes.h"

#define MESSAGES  5
#define BODY_SIZE 3000
#define PART_SIZE 1000

/* Of the first octet; the rest says how it ends. */
#define ROLES_MASK 0x07
#define HELD       0x08

/* Of the second: the store alone, without a daemon. */
#define ALONE 0x80

/* More than what the largest input asks for can take. */
#define TURNS_MOST 100000

enum ending {
	ENDING_UNSEEN = 0, /* it closes, and something is unread */
	ENDING_READ = 1,   /* it reads all that comes */
	ENDING_HALF = 2,   /* it says that it sends no more */
	ENDING_HELD = 3,   /* it goes before the store has answered */
	ENDING_COUNT
};

struct world {
	struct event_base *base;
	struct notify *notify;
	struct metrics *metrics;
	struct store store;
	struct poller poller;
	struct deliver deliver;
	struct config config;
	struct control *control;
	struct store_message_row messages[MESSAGES];
	struct store_account_row rows[2];
	struct store_poll_row polls[2];
	struct store_quarantine_row quarantine[2];
	struct poller_account_status accounts[2];
	struct poller_plan_entry entries[2];
	unsigned char body[BODY_SIZE];
};

struct client {
	int fd;
	char *bytes; /* that it got */
	size_t length;
	bool is_closed;
};

static const unsigned char unique_id[] = { 'i', 'd', '-', 0xe9 };

/* ---- who the client is ---- */

static unsigned roles_now;

bool __wrap_peer_user(int fd, uid_t *uid_r);
unsigned __wrap_peer_roles(
    const struct peer_users *users, uid_t own, uid_t peer);

bool
__wrap_peer_user(int fd, uid_t *uid_r)
{
	(void)fd;
	*uid_r = 1000;
	return true;
}

unsigned
__wrap_peer_roles(const struct peer_users *users, uid_t own, uid_t peer)
{
	(void)users;
	(void)own;
	(void)peer;
	return roles_now;
}

/* ---- the daemon ---- */

static bool
reload(struct reload *reload, char *error_r, size_t error_size, void *arg)
{
	(void)arg;
	reload_account(reload, RELOAD_ADDED, "new");
	snprintf(error_r, error_size, "line 1: no");
	return true;
}

static void
world_fill_store(struct world *world)
{
	static const struct store_part_row parts[] = {
		{ .number = 1,
		    .type = "text/plain",
		    .charset = "utf-8",
		    .octets = 5,
		    .digest = "00" },
		{ .number = 2,
		    .type = "application/pdf",
		    .name = "a\"b/c.pdf",
		    .disposition = STORE_DISPOSITION_ATTACHMENT,
		    .is_attached = true,
		    .octets = 7,
		    .digest = "00" },
	};
	static const struct store_field_row fields[] = {
		{ "Subject", "caf\xc3\xa9" },
		{ "X", "" },
	};

	for (size_t i = 0; i < BODY_SIZE; i++)
		world->body[i] = (unsigned char)(i * 31 + i / 251);
	for (int i = 0; i < MESSAGES; i++)
		world->messages[i] =
		    (struct store_message_row){ .id = MESSAGES - i,
			    .account = "anna",
			    .octets = BODY_SIZE,
			    .digest = "00",
			    .stored_ms = 1,
			    .subject = "caf\xe9",
			    .is_sealed = i == MESSAGES - 2 };
	world->rows[0] = (struct store_account_row){ .name = "anna", .id = 1 };
	world->rows[1] = (struct store_account_row){ .name = "bert", .id = 2 };
	for (int i = 0; i < 2; i++) {
		world->polls[i] =
		    (struct store_poll_row){ .id = 2 - i, .account = "anna" };
		world->quarantine[i] =
		    (struct store_quarantine_row){ .id = 2 - i,
			    .account = "anna",
			    .octets = BODY_SIZE,
			    .unique_id = unique_id,
			    .unique_id_length = sizeof(unique_id),
			    .reason = "refused",
			    .is_sealed = i == 0,
			    .transcript = "S: -ERR" };
	}
	world->store = (struct store){ .base = world->base,
		.messages = world->messages,
		.message_count = MESSAGES,
		.accounts = world->rows,
		.account_count = 2,
		.polls = world->polls,
		.poll_count = 2,
		.quarantine = world->quarantine,
		.quarantine_count = 2,
		.parts = parts,
		.part_count = 2,
		.fields = fields,
		.field_count = 2,
		.text = "words\n",
		.body = world->body,
		.body_length = BODY_SIZE,
		.part_size = PART_SIZE,
		.takes_bodies = true };
}

static void
world_fill_poller(struct world *world)
{
	static const char *const names[] = { "anna", "lists/all" };

	for (size_t i = 0; i < 2; i++) {
		world->accounts[i] = (struct poller_account_status){
			.name = names[i], .host = "h", .user = "u"
		};
		world->entries[i] =
		    (struct poller_plan_entry){ .number = (uint32_t)i + 1,
			    .occurrence = (uint32_t)i,
			    .unique_id = unique_id,
			    .unique_id_length = sizeof(unique_id),
			    .action = "delete" };
	}
	world->poller = (struct poller){ .accounts = world->accounts,
		.count = 2,
		.planned = "anna",
		.plan = { .messages = 2,
		    .entries = world->entries,
		    .entry_count = 2 } };
}

/* A socket that has no file. */
static int
world_listen(struct sockaddr_un *address_r, socklen_t *length_r)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert(fd != -1);
	memset(address_r, 0, sizeof(*address_r));
	address_r->sun_family = AF_UNIX;
	assert(
	    bind(fd, (struct sockaddr *)address_r, sizeof(sa_family_t)) == 0);
	assert(listen(fd, 8) == 0);
	*length_r = sizeof(*address_r);
	assert(getsockname(fd, (struct sockaddr *)address_r, length_r) == 0);
	return fd;
}

static void
world_begin(struct world *world, int listen_fd, bool is_alone)
{
	struct control_options options = { .listen_fd = listen_fd,
		.store = &world->store,
		.poller = is_alone ? NULL : &world->poller,
		.deliver = is_alone ? NULL : &world->deliver,
		.notify = world->notify,
		.metrics = world->metrics,
		.max_readers = 3,
		.reload = reload };
	char error[512];

	world_fill_store(world);
	world_fill_poller(world);
	delivery_fake_fill(&world->store, &world->deliver);
	world->config.control_socket = "";
	world->control = control_new(
	    world->base, &world->config, &options, error, sizeof(error));
	assert(world->control != NULL);
}

/* ---- the client ---- */

static void
client_read(struct client *client)
{
	ssize_t got;

	do {
		client->bytes = realloc(client->bytes, client->length + 65537);
		assert(client->bytes != NULL);
		got = recv(client->fd, client->bytes + client->length, 65536,
		    MSG_DONTWAIT);
		if (got > 0)
			client->length += (size_t)got;
		client->bytes[client->length] = '\0';
	} while (got > 0);
	client->is_closed |= got == 0;
}

/* Until nothing more happens. */
static void
client_turn(struct client *client, struct world *world, bool reads)
{
	size_t before;
	int turns = 0;

	do {
		assert(turns++ < TURNS_MOST);
		before = client->length;
		for (int i = 0; i < 3; i++)
			event_base_loop(world->base, EVLOOP_NONBLOCK);
		if (reads)
			client_read(client);
	} while (client->length > before);
}

static void
client_send(struct client *client, struct world *world, struct fuzz_input input,
    struct fuzz_cuts cuts)
{
	while (input.left > 0) {
		size_t piece = fuzz_piece(&cuts, input.left);
		ssize_t sent = send(
		    client->fd, input.at, piece, MSG_DONTWAIT | MSG_NOSIGNAL);

		/* Closed, or it takes nothing before it is answered. */
		if (sent <= 0)
			break;
		input.at += sent;
		input.left -= (size_t)sent;
		client_turn(client, world, true);
	}
}

static void
client_end(struct client *client, struct world *world, enum ending ending)
{
	if (ending == ENDING_HELD)
		close(client->fd);
	if (ending == ENDING_HALF)
		shutdown(client->fd, SHUT_WR);
	if (ending == ENDING_HELD || ending == ENDING_HALF)
		client_turn(client, world, ending == ENDING_HALF);
	world->store.hold = false;
	store_fake_release(&world->store);
	client_turn(client, world, ending == ENDING_READ);
	if (ending != ENDING_HELD)
		close(client->fd);
}

static void
run(struct world *world, int listen_fd, const struct sockaddr_un *address,
    socklen_t length, struct fuzz_input input)
{
	unsigned char first = fuzz_octet(&input);
	unsigned char second = fuzz_octet(&input);
	struct fuzz_cuts cuts = fuzz_take_cuts(&input);
	enum ending ending = (first >> 4) % ENDING_COUNT;
	struct client client = { .fd = -1 };

	roles_now = first & ROLES_MASK;
	world_begin(world, listen_fd, (second & ALONE) != 0);
	world->store.hold = (first & HELD) != 0;
	world->store.answer = (second & ~ALONE) % STORE_STATUS_COUNT;
	client.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert(client.fd != -1);
	assert(
	    connect(client.fd, (const struct sockaddr *)address, length) == 0);
	client_send(&client, world, input, cuts);
	client_end(&client, world, ending);
	(void)http_answers_check(
	    client.bytes != NULL ? client.bytes : "", client.length, false);
	event_base_loop(world->base, EVLOOP_NONBLOCK);
	control_free(&world->control);
	/* What was asked of the store is answered after all. */
	event_base_loop(world->base, EVLOOP_NONBLOCK);
	assert(world->store.held == 0 && world->store.open_bodies == 0);
	free(client.bytes);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	static struct world *world;
	struct sockaddr_un address;
	socklen_t length;
	int listen_fd;

	if (world == NULL) {
		signal(SIGPIPE, SIG_IGN);
		world = calloc(1, sizeof(*world));
		assert(world != NULL);
		world->base = event_base_new();
		world->notify = notify_new();
		assert(world->base != NULL && world->notify != NULL);
		world->metrics = metrics_new(world->notify);
		assert(world->metrics != NULL);
	}
	listen_fd = world_listen(&address, &length);
	run(world, listen_fd, &address, length, input);
	return 0;
}

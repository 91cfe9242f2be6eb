#include "tests/unit/test_ctl_daemon.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/control/control.h"
#include "tests/unit/test_control_fakes.h"

/* ---- the daemon's process ---- */

static bool
fake_reload(struct reload *reload, char *error_r, size_t error_size, void *arg)
{
	(void)reload;
	(void)arg;
	snprintf(error_r, error_size, "evpopd.conf:3: prot: unknown key");
	return false;
}

/* What the accounts of the fake do when they are polled. */
static void
finish_poll(struct poller_account_status *account, const char *wish)
{
	account->last_finished_ms += 1000;
	account->last_outcome = "ok";
	if (strcmp(account->name, "broken") == 0) {
		account->last_outcome = "auth";
		account->last_text = "refused \x1b[31m";
		account->health = POLLER_REFUSED;
		account->failing_since_ms = 1000;
	} else if (strcmp(wish, "poll") == 0) {
		account->tally.fetched = 3;
	} else if (strcmp(wish, "baseline") == 0) {
		account->tally.fetched = 0;
		account->tally.seen = 40;
	} else if (strcmp(wish, "confirm") == 0) {
		account->tally.deleted = account->tally.held;
		account->tally.held = 0;
	}
}

/*
 * The plan of the next dry run, of one message more than the last one's; that
 * of "home" has nothing to do.
 */
static void
make_plan(struct poller *poller, const struct poller_account_status *account)
{
	static struct poller_plan_entry entries[PLANNED];
	static const char *const actions[] = { "fetch", "delete",
		"fetch and delete", "adopt", "held", "too large" };

	for (size_t i = 0; i < PLANNED; i++)
		entries[i] = (struct poller_plan_entry){
			.number = (uint32_t)i + 1,
			.unique_id = (const unsigned char *)(i == 1 ? "\x1b[m"
								    : "UID-1"),
			.unique_id_length = i == 1 ? 3 : 5,
			.octets = i == 2 ? 0 : 2048,
			.action =
			    actions[i % (sizeof(actions) / sizeof(actions[0]))],
		};
	poller->planned = account->name;
	poller->plan.made_ms += 1000;
	poller->plan.messages = 1999 + (size_t)poller->plan.made_ms / 1000;
	poller->plan.entries = entries;
	poller->plan.entry_count =
	    strcmp(account->name, "home") == 0 ? 0 : PLANNED;
	poller->plan.fetches = poller->plan.entry_count / 3;
	poller->plan.fetch_octets = poller->plan.fetches * 2048;
	poller->plan.held = strcmp(account->name, "home") == 0 ? 0 : 250;
	poller->plan.cut = poller->plan.entry_count > 0;
}

/* After a while each poll that was asked for is over, all by one wish. */
static void
finish_polls(struct poller *poller)
{
	size_t length = strcspn(poller->asked, " ");

	poller->asked[length] = '\0';
	for (size_t i = 0; i < poller->count; i++) {
		struct poller_account_status *account = &poller->accounts[i];

		if (account->state != POLLER_QUEUED)
			continue;
		account->state = POLLER_WAITING;
		finish_poll(account, poller->asked);
		if (strcmp(poller->asked, "dry-run") == 0 &&
		    account->health == POLLER_WELL)
			make_plan(poller, account);
	}
}

/* The second check finds problems, the next two cannot be carried out. */
static void
go_on_checking(struct store *store)
{
	static const char *const texts[] = { "message 3: its digest differs",
		"message 4: \x1b[31m" };
	struct store_check *check = &store->check;

	if (!check->running)
		return;
	check->messages = 1000;
	check->messages_done += 100;
	check->octets_done += 400 << 10;
	if (check->messages_done < check->messages)
		return;
	check->running = false;
	check->finished_ms = check->started_ms + 65000;
	check->problems = store->checks_started == 2 ? 7 : 0;
	check->texts = texts;
	check->text_count = store->checks_started == 2 ? 2 : 0;
	check->status = store->checks_started == 3   ? STORE_IO
			: store->checks_started == 4 ? STORE_DAMAGED
						     : STORE_OK;
}

struct daemon {
	struct store store;
	struct poller poller;
	struct deliver deliver;
};

static void
time_goes_by(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *daemon = arg;

	(void)fd;
	(void)what;
	finish_polls(&daemon->poller);
	go_on_checking(&daemon->store);
}

static void
fill_messages(struct store_message_row *messages)
{
	for (int i = 0; i < MESSAGES; i++)
		messages[i] = (struct store_message_row){ .id = MESSAGES - i,
			.account = "work",
			.octets = i == 1 ? BODY_SIZE + 1 : BODY_SIZE,
			.digest = "00",
			.stored_ms = 1000,
			.unique_id = (const unsigned char *)"u1",
			.unique_id_length = 2,
			.sender = "A <a@example.org>",
			.subject = "\x1b]0;evil\x07 gr\xc3\xbc\xc3\x9f" };
}

/* What each message holds; the bytes of all parts are those of the body. */
static const struct store_part_row parts[] = {
	{ .number = 1, .type = "text/plain", .octets = 9, .digest = "aa" },
	{ .number = 2,
	    .type = "application/pdf",
	    .name = "a.pdf",
	    .is_attached = true,
	    .octets = BODY_SIZE,
	    .digest = "bb" },
	{ .number = 3, .within = 2, .type = "text/html", .digest = "cc" },
	{ .number = 4, .type = "image/png", .octets = 5, .digest = "dd" },
};

static const struct store_field_row fields[] = {
	{ "From", "A <a@example.org>" },
	{ "Subject", "\x1b[31m" },
};

static unsigned char *
new_body(void)
{
	unsigned char *body = malloc(BODY_SIZE);

	if (body == NULL)
		_exit(1);
	for (size_t i = 0; i < BODY_SIZE; i++)
		body[i] = (unsigned char)(i * 7 + i / 253);
	memcpy(body, "\x1b[31mHello\r\n", 12);
	return body;
}

static void
fill_daemon(struct daemon *daemon, struct event_base *base)
{
	static struct store_message_row messages[MESSAGES];
	static struct poller_account_status accounts[] = {
		{ .name = "broken", .host = "h", .user = "u" },
		{ .name = "home",
		    .host = "h",
		    .user = "u",
		    .identity = "body",
		    .tally = { .too_large = 3, .later = 12, .waiting = 1 } },
		{ .name = "off",
		    .host = "h",
		    .user = "u",
		    .state = POLLER_DISABLED },
		{ .name = "weak",
		    .host = "h",
		    .user = "u",
		    .health = POLLER_FAILING,
		    .failing_since_ms = 2000,
		    .failures = 4,
		    .last_finished_ms = 9000,
		    .last_outcome = "io",
		    .last_text = "connection refused" },
		{ .name = "work",
		    .host = "pop.example.org",
		    .user = "me",
		    .identity = "unique-id",
		    .tally = { .held = 1200,
			.adopted = 9,
			.adopted_octets = 5 << 20 },
		    .last_finished_ms = 1000 },
	};
	static struct store_account_row rows[] = { { .name = "work",
	    .messages = MESSAGES,
	    .octets = 5 << 20,
	    .quarantined = 1 } };
	static struct store_poll_row polls[] = { { .id = 1,
	    .account = "work",
	    .poll = {
		.started_ms = 1000, .outcome = "ok", .tally.fetched = 4 } } };
	static const struct store_quarantine_row quarantine[] = {
		{ 8, "work", (const unsigned char *)"\x1b", 1, 0, BODY_SIZE,
		    1000, "cut \x1b[31m", "S: +OK\nC: RETR 9 \x1b[2J\n",
		    false },
		{ 7, "gone", (const unsigned char *)"U7", 2, 0, BODY_SIZE + 1,
		    1000, "timeout", NULL, false },
	};

	fill_messages(messages);
	daemon->store = (struct store){ .base = base,
		.messages = messages,
		.message_count = MESSAGES,
		.accounts = rows,
		.account_count = 1,
		.polls = polls,
		.poll_count = 1,
		.quarantine = quarantine,
		.quarantine_count = 2,
		.parts = parts,
		.part_count = sizeof(parts) / sizeof(parts[0]),
		.fields = fields,
		.field_count = sizeof(fields) / sizeof(fields[0]),
		.text = "words \x1b[2J\n",
		.body = new_body(),
		.body_length = BODY_SIZE,
		.part_size = 65536 };
	daemon->poller = (struct poller){ .accounts = accounts, .count = 5 };
	delivery_fake_fill(&daemon->store, &daemon->deliver);
}

static void
serve(const char *path, int ready)
{
	static struct daemon daemon;
	struct event_base *base = event_base_new();
	struct config config = { .control_socket = (char *)(uintptr_t)path,
		.control_mode = 0600 };
	struct control_options options = { .listen_fd = -1,
		.store = &daemon.store,
		.poller = &daemon.poller,
		.deliver = &daemon.deliver,
		.reload = fake_reload };
	struct timeval often = { 0, 50000 };
	struct event *timer;
	char error[512];

	signal(SIGPIPE, SIG_IGN);
	if (base == NULL)
		_exit(1);
	fill_daemon(&daemon, base);
	timer = event_new(base, -1, EV_PERSIST, time_goes_by, &daemon);
	if (timer == NULL || event_add(timer, &often) != 0 ||
	    control_new(base, &config, &options, error, sizeof(error)) ==
		NULL ||
	    write(ready, "", 1) != 1)
		_exit(1);
	event_base_dispatch(base);
	_exit(1);
}

int
setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const char *folder = getenv("TMPDIR");
	int ready[2];
	char byte;

	assert_non_null(fixture);
	if (folder == NULL || strlen(folder) > 32)
		folder = "/tmp";
	snprintf(fixture->folder, sizeof(fixture->folder),
	    "%s/evpop-ctl.XXXXXX", folder);
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(
	    fixture->socket, sizeof(fixture->socket), "%s/s", fixture->folder);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fixture->daemon = fork();
	assert_int_not_equal(fixture->daemon, -1);
	if (fixture->daemon == 0) {
		close(ready[0]);
		serve(fixture->socket, ready[1]);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	setenv("EVPOPCTL_SOCKET", fixture->socket, 1);
	/* One would wait for keys. */
	setenv("PAGER", "cat", 1);
	*state = fixture;
	return 0;
}

int
teardown(void **state)
{
	struct fixture *fixture = *state;

	kill(fixture->daemon, SIGKILL);
	waitpid(fixture->daemon, NULL, 0);
	unlink(fixture->socket);
	assert_int_equal(rmdir(fixture->folder), 0);
	free(fixture);
	return 0;
}

/* ---- running the command ---- */

void
run(struct result *result, const char *format, ...)
{
	char line[2048];
	va_list arguments;
	size_t used = (size_t)snprintf(line, sizeof(line),
	    "exec 2>&1; ctl() { '%s' \"$@\"; }; ", EVPOPCTL);
	FILE *pipe;
	int status;

	va_start(arguments, format);
	vsnprintf(line + used, sizeof(line) - used, format, arguments);
	va_end(arguments);
	pipe = popen(line, "r");
	assert_non_null(pipe);
	result->out = malloc(BODY_SIZE * 2);
	assert_non_null(result->out);
	result->length = fread(result->out, 1, BODY_SIZE * 2 - 1, pipe);
	result->out[result->length] = '\0';
	status = pclose(pipe);
	assert_true(WIFEXITED(status));
	result->code = WEXITSTATUS(status);
}

void
expect(
    int code, const char *wanted, const char *unwanted, const char *format, ...)
{
	struct result result;
	char line[1024];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	run(&result, "%s", line);
	if (result.code != code ||
	    (wanted != NULL && strstr(result.out, wanted) == NULL) ||
	    (unwanted != NULL && strstr(result.out, unwanted) != NULL))
		fail_msg("%s: %d: %s", line, result.code, result.out);
	free(result.out);
}

size_t
lines_of(const char *text)
{
	size_t lines = 0;

	for (; *text != '\0'; text++)
		lines += *text == '\n';
	return lines;
}

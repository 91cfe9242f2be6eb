#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/test_control_client.h"

static bool
fake_reload(struct reload *reload, char *error_r, size_t error_size, void *arg)
{
	struct fixture *fixture = arg;

	if (fixture->reload_error != NULL) {
		snprintf(error_r, error_size, "%s", fixture->reload_error);
		return false;
	}
	reload_account(reload, RELOAD_ADDED, "x");
	for (int i = 0; i < 120; i++)
		reload_account(reload, RELOAD_REMOVED, "gone");
	reload_warning(reload, "one");
	reload_warning(reload, "and two");
	reload_text(reload, fixture->reloaded, sizeof(fixture->reloaded));
	return true;
}

struct control *
start(struct fixture *fixture, int listen_fd, char *error, size_t size)
{
	struct control_options options = { .listen_fd = listen_fd,
		.store = &fixture->store,
		.poller = &fixture->poller,
		.deliver = &fixture->deliver,
		.notify = fixture->notify,
		.metrics = fixture->metrics,
		.max_readers = 3,
		.reload = fake_reload,
		.arg = fixture };

	return control_new(
	    fixture->base, &fixture->config, &options, error, size);
}

static void
fill(struct fixture *fixture)
{
	static const char *const names[] = { "home", "lists/all", "shop" };

	fixture->body = malloc(BODY_SIZE);
	assert_non_null(fixture->body);
	for (size_t i = 0; i < BODY_SIZE; i++)
		fixture->body[i] = (unsigned char)(i * 31 + i / 251);
	for (int i = 0; i < MESSAGES; i++)
		fixture->messages[i] =
		    (struct store_message_row){ .id = 100 - i,
			    .account = "shop",
			    .octets = BODY_SIZE,
			    .digest = "00",
			    .stored_ms = 1,
			    .subject = "caf\xe9" };
	for (int i = 0; i < 3; i++) {
		fixture->accounts[i] = (struct poller_account_status){
			.name = names[i], .host = "h", .user = "u"
		};
		fixture->polls[i] =
		    (struct store_poll_row){ .id = 9 - i, .account = "shop" };
	}
	fixture->rows[0] =
	    (struct store_account_row){ .name = "shop", .messages = 25 };
	fixture->store = (struct store){ .base = fixture->base,
		.messages = fixture->messages,
		.message_count = MESSAGES,
		.accounts = fixture->rows,
		.account_count = 1,
		.polls = fixture->polls,
		.poll_count = 3,
		.body = fixture->body,
		.body_length = BODY_SIZE,
		.part_size = PART_SIZE };
	fixture->poller =
	    (struct poller){ .accounts = fixture->accounts, .count = 3 };
	delivery_fake_fill(&fixture->store, &fixture->deliver);
}

int
setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));
	const char *folder = getenv("TMPDIR");
	char error[512];

	assert_non_null(fixture);
	/* A long TMPDIR leaves no room in a socket's address. */
	if (folder == NULL || strlen(folder) > 32)
		folder = "/tmp";
	snprintf(fixture->folder, sizeof(fixture->folder),
	    "%s/evpop-control.XXXXXX", folder);
	assert_non_null(mkdtemp(fixture->folder));
	snprintf(fixture->path, sizeof(fixture->path), "%s/control.sock",
	    fixture->folder);
	fixture->base = event_base_new();
	assert_non_null(fixture->base);
	fixture->notify = notify_new();
	assert_non_null(fixture->notify);
	fixture->metrics = metrics_new(fixture->notify);
	assert_non_null(fixture->metrics);
	fill(fixture);
	fixture->config.control_socket = fixture->path;
	fixture->config.control_mode = 0640;
	fixture->config.max_sessions = 64;
	fixture->control = start(fixture, -1, error, sizeof(error));
	if (fixture->control == NULL)
		fail_msg("%s", error);
	*state = fixture;
	return 0;
}

int
teardown(void **state)
{
	struct fixture *fixture = *state;

	control_free(&fixture->control);
	metrics_free(&fixture->metrics);
	notify_free(&fixture->notify);
	store_fake_release(&fixture->store);
	event_base_loop(fixture->base, EVLOOP_NONBLOCK);
	event_base_free(fixture->base);
	/* The socket is gone already, or this fails. */
	assert_int_equal(rmdir(fixture->folder), 0);
	free(fixture->body);
	free(fixture);
	return 0;
}

/* ---- a client ---- */

int
dial(const struct fixture *fixture)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_not_equal(fd, -1);
	memcpy(address.sun_path, fixture->path, strlen(fixture->path));
	assert_int_equal(
	    connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

void
say(int fd, const char *text)
{
	assert_int_equal(
	    send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

void
turn(struct fixture *fixture)
{
	static const struct timespec pause = { 0, 200000 };

	event_base_loop(fixture->base, EVLOOP_NONBLOCK);
	nanosleep(&pause, NULL);
}

/* Read what is there; false at the end of the connection. */
bool
read_some(int fd, struct reply *reply)
{
	ssize_t got;

	if (reply->room - reply->length < 65536) {
		reply->room += 1 << 20;
		reply->bytes = realloc(reply->bytes, reply->room + 1);
		assert_non_null(reply->bytes);
	}
	got = recv(fd, reply->bytes + reply->length, 65536, MSG_DONTWAIT);
	if (got == -1) {
		if (errno == ECONNRESET)
			return false;
		assert_true(errno == EAGAIN || errno == EINTR);
		return true;
	}
	reply->length += (size_t)got;
	reply->bytes[reply->length] = '\0';
	return got > 0;
}

/* Whether the reply is whole by its Content-Length. */
static bool
is_whole(struct reply *reply)
{
	char *end, *length;

	if (reply->length == 0)
		return false;
	end = strstr(reply->bytes, "\r\n\r\n");
	if (end == NULL)
		return false;
	reply->head_length = (size_t)(end - reply->bytes) + 4;
	length = strcasestr(reply->bytes, "\r\nContent-Length:");
	reply->status = atoi(reply->bytes + strlen("HTTP/1.1 "));
	reply->body = reply->bytes + reply->head_length;
	reply->body_length = reply->length - reply->head_length;
	return length != NULL && length < end &&
	       reply->body_length >=
		   strtoull(length + strlen("\r\nContent-Length:"), NULL, 10);
}

/* Turn the loop until the reply is there, or the connection ends. */
bool
hear(struct fixture *fixture, int fd, struct reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	for (int turns = 0; turns < 50000; turns++) {
		turn(fixture);
		if (!read_some(fd, reply))
			return is_whole(reply);
		if (is_whole(reply)) {
			reply->json = json_loadb(
			    reply->body, reply->body_length, 0, NULL);
			return true;
		}
	}
	fail_msg("no answer");
	return false;
}

void
forget(struct reply *reply)
{
	json_decref(reply->json);
	free(reply->bytes);
}

/* One request on a connection of its own. */
void
ask(struct fixture *fixture, const char *method, const char *target,
    struct reply *reply)
{
	int fd = dial(fixture);
	char request[8192];

	snprintf(request, sizeof(request),
	    "%s %s HTTP/1.1\r\nHost: localhost\r\n\r\n", method, target);
	say(fd, request);
	assert_true(hear(fixture, fd, reply));
	close(fd);
}

const char *
error_text(const struct reply *reply, const char *member)
{
	const char *text = json_string_value(
	    json_object_get(json_object_get(reply->json, "error"), member));

	return text != NULL ? text : "";
}

int64_t
number_of(const json_t *json, const char *name)
{
	const json_t *value = json_object_get(json, name);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

const char *
text_of(const json_t *json, const char *name)
{
	const char *text = json_string_value(json_object_get(json, name));

	return text != NULL ? text : "";
}

void
ask_for(struct fixture *fixture, const char *method, const char *target,
    int status, struct reply *reply)
{
	ask(fixture, method, target, reply);
	if (reply->status != status)
		fail_msg("%s %s: %s", method, target, reply->bytes);
}

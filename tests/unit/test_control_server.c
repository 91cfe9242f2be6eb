/*
 * The server on a real Unix socket, with a store and a poller of straw.
 */
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/control/limits.h"
#include "tests/unit/test_control_client.h"

static void
test_status(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;

	ask_for(fixture, "GET", "/v1/status", 200, &reply);
	assert_int_equal(number_of(reply.json, "pid"), getpid());
	assert_int_equal(
	    json_integer_value(json_object_get(
		json_object_get(reply.json, "limits"), "max_sessions")),
	    64);
	assert_non_null(
	    strstr(reply.bytes, "Content-Type: application/json\r\n"));
	forget(&reply);
}

static void
test_a_connection_is_kept(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	int fd = dial(fixture);

	for (int i = 0; i < 3; i++) {
		say(fd, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_true(hear(fixture, fd, &reply));
		assert_int_equal(reply.status, 200);
		forget(&reply);
	}
	close(fd);
}

static void
test_messages_are_paged(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	char target[128] = "/v1/messages?limit=10";
	char cursor[32];
	int64_t expected = 100;
	unsigned pages = 0;

	do {
		json_t *list;

		ask_for(fixture, "GET", target, 200, &reply);
		list = json_object_get(reply.json, "messages");
		for (size_t i = 0; i < json_array_size(list); i++)
			assert_int_equal(json_integer_value(json_object_get(
					     json_array_get(list, i), "id")),
			    expected--);
		snprintf(cursor, sizeof(cursor), "%s",
		    text_of(reply.json, "next_cursor"));
		if (*cursor != '\0')
			snprintf(target, sizeof(target),
			    "/v1/messages?limit=10&cursor=%s", cursor);
		pages++;
		forget(&reply);
	} while (*cursor != '\0' && pages < 10);
	assert_int_equal(pages, 3);
	assert_int_equal(expected, 100 - MESSAGES);
}

static void
test_accounts_are_paged_by_name(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	json_t *list;

	ask(fixture, "GET", "/v1/accounts?limit=2", &reply);
	assert_string_equal(text_of(reply.json, "next_cursor"), "lists/all");
	forget(&reply);
	ask(fixture, "GET", "/v1/accounts?limit=2&cursor=lists%2Fall", &reply);
	list = json_object_get(reply.json, "accounts");
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(
	    text_of(json_array_get(list, 0), "account"), "shop");
	assert_int_equal(json_integer_value(json_object_get(
			     json_object_get(json_array_get(list, 0), "stored"),
			     "messages")),
	    25);
	assert_null(json_object_get(reply.json, "next_cursor"));
	forget(&reply);
	ask_for(fixture, "GET", "/v1/accounts/lists%2Fall", 200, &reply);
	forget(&reply);

	/* The store in trouble: the accounts show all the same. */
	fixture->store.answer = STORE_IO;
	ask_for(fixture, "GET", "/v1/accounts", 200, &reply);
	list = json_object_get(reply.json, "accounts");
	assert_int_equal(json_array_size(list), 3);
	assert_true(
	    json_is_null(json_object_get(json_array_get(list, 2), "stored")));
	forget(&reply);
}

static void
test_filters_reach_the_store(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;

	ask(fixture, "GET",
	    "/v1/messages?account=shop&since=2024-02-29&before=2024-03-01T00:"
	    "00Z&limit=1000&cursor=77",
	    &reply);
	assert_int_equal(reply.status, 200);
	forget(&reply);
	assert_true(fixture->store.seen.has_since);
	assert_int_equal(fixture->store.seen.since_ms, 1709164800000LL);
	assert_int_equal(fixture->store.seen.before_ms, 1709251200000LL);
	assert_int_equal(fixture->store.seen.limit, 1000);
	assert_int_equal(fixture->store.seen.below_id, 77);
}

static void
test_errors(void **state)
{
	static const struct {
		const char *method, *target;
		int status;
		const char *code, *hint;
	} cases[] = {
		{ "GET", "/", 404, "no_such_path", "/v1/" },
		{ "GET", "/v1/statis", 404, "no_such_path", "" },
		{ "POST", "/v1/status", 405, "bad_method", "" },
		{ "DELETE", "/v1/accounts/shop", 405, "bad_method", "" },
		{ "PUT", "/v1/messages/1", 405, "bad_method", "" },
		{ "OPTIONS", "/v1/reload", 405, "bad_method", "" },
		{ "GET", "/v1/status?x=1", 400, "bad_parameter",
		    "no parameters" },
		{ "GET", "/v1/messages?limt=1", 400, "bad_parameter",
		    "did you mean \"limit\"?" },
		{ "GET", "/v1/messages?limit=0", 400, "bad_parameter",
		    "from 1 to 1000" },
		{ "GET", "/v1/messages?since=soon", 400, "bad_parameter",
		    "7d" },
		{ "GET", "/v1/messages?before=soon", 400, "bad_parameter",
		    "7d" },
		{ "GET", "/v1/messages?cursor=x", 400, "bad_parameter",
		    "next_cursor" },
		{ "GET", "/v1/polls?limit=1001", 400, "bad_parameter", "" },
		{ "GET", "/v1/polls?cursor=-1", 400, "bad_parameter", "" },
		{ "GET", "/v1/accounts?limit=x", 400, "bad_parameter", "" },
		{ "GET", "/v1/accounts/nobody", 404, "no_such_account",
		    "evpopctl accounts" },
		{ "GET", "/v1/messages/x", 400, "bad_id", "" },
		{ "GET", "/v1/messages/0/raw", 400, "bad_id", "" },
		{ "GET", "/v1/messages/7", 404, "no_such_message", "" },
		{ "GET", "/v1/messages/7/raw", 404, "no_such_message", "" },
		{ "POST", "/v1/accounts/nobody/poll", 404, "no_such_account",
		    "" },
		{ "POST", "/v1/accounts/nobody/pause", 404, "no_such_account",
		    "" },
	};
	struct fixture *fixture = *state;
	struct reply reply;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		ask(fixture, cases[i].method, cases[i].target, &reply);
		if (reply.status != cases[i].status ||
		    strcmp(error_text(&reply, "code"), cases[i].code) != 0 ||
		    strstr(error_text(&reply, "hint"), cases[i].hint) == NULL)
			fail_msg("%s %s: %s", cases[i].method, cases[i].target,
			    reply.bytes);
		forget(&reply);
	}
	ask(fixture, "POST", "/v1/status", &reply);
	assert_non_null(strstr(reply.bytes, "\r\nAllow: GET, HEAD\r\n"));
	forget(&reply);
}

static void
test_a_store_in_trouble(void **state)
{
	static const char *const targets[] = { "/v1/messages", "/v1/polls",
		"/v1/messages/100", "/v1/messages/100/raw" };
	struct fixture *fixture = *state;
	struct reply reply;

	fixture->store.answer = STORE_FULL;
	for (size_t i = 0; i < 4; i++) {
		ask(fixture, "GET", targets[i], &reply);
		assert_int_equal(reply.status, 503);
		assert_string_equal(error_text(&reply, "hint"), "make room");
		forget(&reply);
	}
	fixture->store.answer = STORE_SLOW;
	ask_for(fixture, "GET", "/v1/messages?from=x", 503, &reply);
	assert_string_equal(error_text(&reply, "code"), "too_slow");
	assert_non_null(strstr(error_text(&reply, "message"), "within 10 s"));
	assert_non_null(strstr(error_text(&reply, "hint"), "account"));
	forget(&reply);
	fixture->store.health =
	    (struct store_error){ STORE_FULL, "/var is full" };
	ask_for(fixture, "POST", "/v1/accounts/shop/poll", 503, &reply);
	assert_non_null(strstr(error_text(&reply, "message"), "/var is full"));
	assert_string_equal(fixture->poller.asked, "");
	forget(&reply);
	ask_for(fixture, "GET", "/v1/status", 200, &reply);
	forget(&reply);
}

static void
test_wishes(void **state)
{
	static const struct {
		const char *target, *asked;
		int status;
	} cases[] = {
		{ "/v1/accounts/shop/poll", "poll shop", 202 },
		{ "/v1/accounts/lists%2Fall/pause", "pause lists/all", 200 },
		{ "/v1/accounts/shop/resume", "resume shop", 200 },
	};
	struct fixture *fixture = *state;
	struct reply reply;

	for (size_t i = 0; i < 3; i++) {
		ask(fixture, "POST", cases[i].target, &reply);
		assert_int_equal(reply.status, cases[i].status);
		assert_string_equal(fixture->poller.asked, cases[i].asked);
		forget(&reply);
	}
	fixture->poller.answer = POLLER_ALREADY;
	ask_for(fixture, "POST", "/v1/accounts/shop/poll", 409, &reply);
	assert_string_equal(error_text(&reply, "code"), "already");
	forget(&reply);
	fixture->poller.answer = POLLER_IS_DISABLED;
	ask_for(fixture, "POST", "/v1/accounts/shop/poll", 409, &reply);
	assert_string_equal(error_text(&reply, "code"), "disabled");
	forget(&reply);
}

static void
test_reload(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	const json_t *part;

	ask_for(fixture, "POST", "/v1/reload", 200, &reply);
	part = json_object_get(reply.json, "warnings");
	assert_int_equal(json_array_size(part), 2);
	assert_string_equal(
	    json_string_value(json_array_get(part, 1)), "and two");
	part = json_object_get(reply.json, "added");
	assert_int_equal(json_array_size(part), 1);
	assert_string_equal(json_string_value(json_array_get(part, 0)), "x");
	/* Counted, however many there are. */
	part = json_object_get(reply.json, "removed");
	assert_int_equal(json_array_size(part), 100);
	part = json_object_get(reply.json, "counts");
	assert_int_equal(number_of(part, "added"), 1);
	assert_int_equal(number_of(part, "changed"), 0);
	assert_int_equal(number_of(part, "removed"), 120);
	assert_string_equal(fixture->reloaded,
	    "1 account added (x), 0 changed, "
	    "120 removed (gone, gone, gone, gone, gone...)");
	forget(&reply);
	fixture->reload_error = "evpopd.conf:3: prot: unknown key";
	ask_for(fixture, "POST", "/v1/reload", 409, &reply);
	assert_string_equal(
	    error_text(&reply, "message"), fixture->reload_error);
	forget(&reply);
}

static void
test_a_raw_message_is_streamed(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	int fd = dial(fixture);

	say(fd, "GET /v1/messages/100/raw HTTP/1.1\r\nHost: x\r\n\r\n");
	/* Nobody reads: no more is asked than what the sockets take. */
	for (int i = 0; i < 200; i++)
		turn(fixture);
	assert_true(fixture->store.parts_asked >= 1);
	assert_true(fixture->store.parts_asked <= 4);
	assert_true(hear(fixture, fd, &reply));
	assert_int_equal(reply.status, 200);
	assert_non_null(
	    strstr(reply.bytes, "Content-Type: message/rfc822\r\n"));
	assert_int_equal(reply.body_length, BODY_SIZE);
	assert_memory_equal(reply.body, fixture->body, BODY_SIZE);
	assert_int_equal(fixture->store.parts_asked, BODY_SIZE / PART_SIZE);
	forget(&reply);
	/* The connection serves on. */
	say(fd, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
	assert_true(hear(fixture, fd, &reply));
	assert_int_equal(reply.status, 200);
	forget(&reply);
	close(fd);
}

static void
test_raw_of_an_empty_message(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;

	fixture->messages[0].octets = 0;
	fixture->store.body_length = 0;
	ask_for(fixture, "GET", "/v1/messages/100/raw", 200, &reply);
	assert_int_equal(reply.body_length, 0);
	forget(&reply);
}

/* Less than was announced must look like less, never like a whole message. */
static void
test_a_raw_stream_that_breaks_is_cut(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	int fd;

	for (int i = 0; i < 3; i++) {
		fixture->store.fail_at_part = i == 0 ? 4 : 0;
		fixture->store.body_length =
		    i == 1 ? BODY_SIZE - PART_SIZE : BODY_SIZE;
		fixture->messages[0].octets =
		    i == 2 ? BODY_SIZE - 1 : BODY_SIZE;
		fd = dial(fixture);
		say(fd, "GET /v1/messages/100/raw HTTP/1.1\r\nHost: x\r\n\r\n");
		assert_false(hear(fixture, fd, &reply));
		assert_int_equal(reply.status, 200);
		assert_true(reply.body_length < BODY_SIZE - 1);
		forget(&reply);
		close(fd);
	}
	/* Trouble with the first part has an answer of its own. */
	fixture->store.fail_at_part = 1;
	ask_for(fixture, "GET", "/v1/messages/100/raw", 503, &reply);
	forget(&reply);
}

static void
test_clients_that_go_away(void **state)
{
	struct fixture *fixture = *state;
	char some[1000];
	int fd;

	/* In the middle of a stream, between two parts. */
	fd = dial(fixture);
	say(fd, "GET /v1/messages/100/raw HTTP/1.1\r\nHost: x\r\n\r\n");
	for (int i = 0; i < 100; i++)
		turn(fixture);
	assert_true(recv(fd, some, sizeof(some), 0) > 0);
	close(fd);
	for (int i = 0; i < 100; i++)
		turn(fixture);
	assert_true(fixture->store.parts_asked < BODY_SIZE / PART_SIZE);

	/* While the store has a part to give. */
	fd = dial(fixture);
	say(fd, "GET /v1/messages/100/raw HTTP/1.1\r\nHost: x\r\n\r\n");
	for (int i = 0; i < 20; i++)
		turn(fixture);
	fixture->store.hold = true;
	while (fixture->store.held == 0) {
		(void)recv(fd, some, sizeof(some), MSG_DONTWAIT);
		turn(fixture);
	}
	close(fd);
	for (int i = 0; i < 20; i++)
		turn(fixture);
	assert_int_equal(fixture->store.held, 1);
	assert_int_equal(fixture->store.left, 1);
	store_fake_release(&fixture->store);

	/* Before the store's first word. */
	fd = dial(fixture);
	say(fd, "GET /v1/messages HTTP/1.1\r\nHost: x\r\n\r\n");
	while (fixture->store.held == 0)
		turn(fixture);
	close(fd);
	for (int i = 0; i < 5000 && fixture->store.left < 2; i++)
		turn(fixture);
	assert_int_equal(fixture->store.left, 2);
	store_fake_release(&fixture->store);
	fixture->store.hold = false;
	for (int i = 0; i < 20; i++)
		turn(fixture);
}

static size_t
times(const char *text, const char *part)
{
	size_t count = 0;

	while ((text = strstr(text, part)) != NULL) {
		text += strlen(part);
		count++;
	}
	return count;
}

/* A client that does not wait for one answer before it asks again. */
static void
test_requests_that_come_early(void **state)
{
	static const char request[] =
	    "GET /v1/messages?limit=1 HTTP/1.1\r\nHost: x\r\n\r\n";
	struct fixture *fixture = *state;
	struct reply reply;
	int fd = dial(fixture);

	fixture->store.hold = true;
	say(fd, request);
	while (fixture->store.held == 0)
		turn(fixture);
	say(fd, request);
	say(fd, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n");
	for (int i = 0; i < 20; i++)
		turn(fixture);
	assert_int_equal(fixture->store.held, 1);
	store_fake_release(&fixture->store);
	fixture->store.hold = false;
	memset(&reply, 0, sizeof(reply));
	while (reply.bytes == NULL || strstr(reply.bytes, "limits") == NULL) {
		turn(fixture);
		assert_true(read_some(fd, &reply));
	}
	assert_int_equal(times(reply.bytes, "HTTP/1.1 200 OK"), 3);
	assert_int_equal(times(reply.bytes, "\"messages\":["), 2);
	forget(&reply);
	close(fd);
	assert_int_equal(fixture->store.left, 0);
}

/* The end of the server comes before the answers of the store. */
static void
test_the_server_goes_away(void **state)
{
	struct fixture *fixture = *state;
	int raw = dial(fixture), list = dial(fixture), idle = dial(fixture);

	fixture->store.hold = true;
	say(raw, "GET /v1/messages/100/raw HTTP/1.1\r\nHost: x\r\n\r\n");
	say(list, "GET /v1/messages HTTP/1.1\r\nHost: x\r\n\r\n");
	while (fixture->store.held < 2)
		turn(fixture);
	control_free(&fixture->control);
	assert_null(fixture->control);
	store_fake_release(&fixture->store);
	close(raw);
	close(list);
	close(idle);
}

static void
test_limits_of_a_request(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	char *long_text = malloc(70000), *request = malloc(80000);
	int fd;

	assert_non_null(long_text);
	assert_non_null(request);
	memset(long_text, 'a', 70000);
	long_text[LIMITS_URI_SIZE] = '\0';
	snprintf(
	    request, 80000, "GET /%s HTTP/1.1\r\nHost: x\r\n\r\n", long_text);
	fd = dial(fixture);
	say(fd, request);
	assert_true(hear(fixture, fd, &reply));
	assert_int_equal(reply.status, 414);
	forget(&reply);
	close(fd);

	memset(long_text, 'a', 70000);
	long_text[LIMITS_HEADERS_SIZE + 10] = '\0';
	snprintf(request, 80000,
	    "GET /v1/status HTTP/1.1\r\nX-Long: %s\r\n\r\n", long_text);
	fd = dial(fixture);
	say(fd, request);
	assert_true(hear(fixture, fd, &reply));
	assert_int_equal(reply.status, 400);
	forget(&reply);
	close(fd);

	fd = dial(fixture);
	snprintf(request, 80000,
	    "POST /v1/reload HTTP/1.1\r\nContent-Length: %d\r\n\r\n",
	    LIMITS_BODY_SIZE + 1);
	say(fd, request);
	assert_true(hear(fixture, fd, &reply));
	assert_int_equal(reply.status, 413);
	forget(&reply);
	close(fd);
	free(long_text);
	free(request);
}

static void
test_what_is_no_http(void **state)
{
	static const char *const cases[] = { "\r\n\r\n", "hello\r\n\r\n",
		"GET /v1/status HTTP/9.9\r\n\r\n",
		"GET /v1/status HTTP/1.1\r\nno colon\r\n\r\n",
		"GET http://[/v1/status HTTP/1.1\r\n\r\n" };
	struct fixture *fixture = *state;
	struct reply reply;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd = dial(fixture);

		say(fd, cases[i]);
		assert_true(hear(fixture, fd, &reply));
		assert_int_equal(reply.status, 400);
		forget(&reply);
		close(fd);
	}
}

static void
test_a_body_that_is_not_there(void **state)
{
	static const char *const targets[] = {
		"/v1/store/keys?recipient=0011223344556677",
		"/v1/accounts/shop/authorize",
		"/v1/accounts/shop/messages",
	};
	struct fixture *fixture = *state;
	struct reply reply;

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		ask_for(fixture, "POST", targets[i], 400, &reply);
		assert_string_not_equal(error_text(&reply, "hint"), "");
		forget(&reply);
	}
}

static void
test_the_socket_file(void **state)
{
	struct fixture *fixture = *state, other = *fixture;
	struct stat status;
	char error[512], long_path[200], path[128];
	int fd;

	assert_int_equal(lstat(fixture->path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 0777, 0640);

	/* A second daemon is refused, and the first one's socket stays. */
	assert_null(start(&other, -1, error, sizeof(error)));
	assert_non_null(strstr(error, "another daemon answers there"));
	assert_int_equal(lstat(fixture->path, &status), 0);

	/* Another's socket in our place is not removed. */
	assert_int_equal(unlink(fixture->path), 0);
	other.control = start(&other, -1, error, sizeof(error));
	assert_non_null(other.control);
	control_free(&fixture->control);
	assert_int_equal(lstat(fixture->path, &status), 0);
	control_free(&other.control);
	assert_int_equal(lstat(fixture->path, &status), -1);

	/* What a dead daemon left is replaced. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	{
		struct sockaddr_un address = { .sun_family = AF_UNIX };

		memcpy(address.sun_path, fixture->path, strlen(fixture->path));
		assert_int_equal(
		    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	}
	close(fd);
	other.control = start(&other, -1, error, sizeof(error));
	assert_non_null(other.control);
	control_free(&other.control);

	/* A file of another kind is not. */
	snprintf(path, sizeof(path), "%s/file", fixture->folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_int_not_equal(fd, -1);
	close(fd);
	other.config.control_socket = path;
	assert_null(start(&other, -1, error, sizeof(error)));
	assert_non_null(strstr(error, "is not a socket"));
	assert_int_equal(unlink(path), 0);

	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[0] = '/';
	long_path[sizeof(long_path) - 1] = '\0';
	other.config.control_socket = long_path;
	assert_null(start(&other, -1, error, sizeof(error)));
	assert_non_null(strstr(error, "1 to 107 bytes, this one 199"));
	long_path[108] = '\0';
	assert_null(start(&other, -1, error, sizeof(error)));
	assert_non_null(strstr(error, "1 to 107 bytes, this one 108"));

	snprintf(path, sizeof(path), "%s/none/control", fixture->folder);
	other.config.control_socket = path;
	assert_null(start(&other, -1, error, sizeof(error)));
	assert_non_null(strstr(error, "No such file"));

	other.config.control_socket = fixture->path;
	other.config.control_group = (char *)"no such group";
	assert_null(start(&other, -1, error, sizeof(error)));
	assert_non_null(strstr(error, "no such group"));
}

static void
test_a_socket_of_systemds(void **state)
{
	struct fixture *fixture = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct reply reply;
	struct stat status;
	char error[512];
	int fd, ends[2];

	control_free(&fixture->control);
	memcpy(address.sun_path, fixture->path, strlen(fixture->path));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(
	    bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(pipe(ends), 0);
	assert_null(start(fixture, ends[0], error, sizeof(error)));
	assert_null(start(fixture, fd, error, sizeof(error)));
	assert_non_null(strstr(error, "not a listening Unix socket"));
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(listen(fd, 5), 0);
	fixture->control = start(fixture, fd, error, sizeof(error));
	assert_non_null(fixture->control);
	ask_for(fixture, "GET", "/v1/status", 200, &reply);
	forget(&reply);
	control_free(&fixture->control);
	assert_int_equal(lstat(fixture->path, &status), 0);
	assert_int_equal(unlink(fixture->path), 0);
}

/* The one who asks is another user: root can become one to see. */
static void
test_others_may_not_read_mail(void **state)
{
	static const struct {
		const char *method, *target, *needs;
	} cases[] = {
		{ "GET", "/v1/status", NULL },
		{ "GET", "/v1/accounts", NULL },
		{ "GET", "/v1/accounts/shop", NULL },
		{ "GET", "/v1/polls", NULL },
		{ "GET", "/v1/messages", "[control] read or admin" },
		{ "GET", "/v1/messages/100", "[control] read or admin" },
		{ "GET", "/v1/messages/100/raw", "[control] read or admin" },
		{ "POST", "/v1/accounts/shop/poll",
		    "[control] operate or admin" },
		{ "POST", "/v1/accounts/shop/pause",
		    "[control] operate or admin" },
		{ "POST", "/v1/accounts/shop/resume",
		    "[control] operate or admin" },
		{ "POST", "/v1/reload", "[control] admin" },
	};
	struct fixture *fixture = *state;
	struct reply reply;
	char number[] = "65533";
	char *items[] = { number };

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(fixture->folder, 0755), 0);
	assert_int_equal(chmod(fixture->path, 0666), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(seteuid(65533), 0);
		ask(fixture, cases[i].method, cases[i].target, &reply);
		assert_int_equal(seteuid(0), 0);
		if (reply.status != (cases[i].needs == NULL ? 200 : 403))
			fail_msg("%s %s: %s", cases[i].method, cases[i].target,
			    reply.bytes);
		if (reply.status == 403)
			assert_non_null(
			    strstr(error_text(&reply, "hint"), cases[i].needs));
		forget(&reply);
	}
	assert_string_equal(fixture->poller.asked, "");
	/* A reload makes that user an admin, and a second one no more. */
	fixture->config.control_admin = (struct config_strings){ items, 1 };
	control_reload(fixture->control, &fixture->config);
	assert_int_equal(seteuid(65533), 0);
	ask_for(fixture, "GET", "/v1/messages", 200, &reply);
	forget(&reply);
	assert_int_equal(seteuid(0), 0);
	fixture->config.control_admin.count = 0;
	control_reload(fixture->control, &fixture->config);
	assert_int_equal(seteuid(65533), 0);
	ask_for(fixture, "GET", "/v1/messages", 403, &reply);
	forget(&reply);
	assert_int_equal(seteuid(0), 0);
}

static void
test_what_is_done_is_recorded(void **state)
{
	static const struct {
		const char *method, *target;
		int status;
		const char *deed;
	} cases[] = {
		{ "GET", "/v1/status", 200, "" },
		{ "GET", "/v1/messages", 200, "" },
		{ "GET", "/v1/messages/100", 200, "read message 100\n" },
		/* The same reading. */
		{ "GET", "/v1/messages/100/raw", 200, "" },
		{ "GET", "/v1/messages/99/raw", 200, "read message 99\n" },
		{ "GET", "/v1/messages/4", 404, "" },
		{ "POST", "/v1/accounts/shop/poll", 202,
		    "poll account shop\n" },
		{ "POST", "/v1/accounts/shop/poll?mode=confirm", 202,
		    "confirm account shop\n" },
		{ "POST", "/v1/accounts/shop/poll?mode=confirm", 202,
		    "confirm account shop\n" },
		{ "POST", "/v1/accounts/nobody/pause", 404, "" },
		{ "POST", "/v1/accounts/shop/pause", 200,
		    "pause account shop\n" },
		{ "POST", "/v1/reload", 200, "reload configuration\n" },
	};
	struct fixture *fixture = *state;
	struct reply reply;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture->store.deeds[0] = '\0';
		ask_for(fixture, cases[i].method, cases[i].target,
		    cases[i].status, &reply);
		forget(&reply);
		assert_string_equal(fixture->store.deeds, cases[i].deed);
	}
	ask_for(fixture, "GET", "/v1/audit", 200, &reply);
	assert_non_null(strstr(reply.bytes, "asked to"));
	forget(&reply);
}

static void
test_an_operator_reads_no_mail(void **state)
{
	static const struct {
		const char *method, *target;
		int operate, read;
	} cases[] = {
		{ "GET", "/v1/messages/100", 403, 200 },
		{ "GET", "/v1/messages", 403, 200 },
		{ "POST", "/v1/accounts/shop/poll", 202, 403 },
		{ "POST", "/v1/accounts/shop/poll?mode=confirm", 403, 403 },
		{ "POST", "/v1/accounts/shop/poll?mode=baseline", 403, 403 },
		{ "GET", "/v1/quarantine", 200, 403 },
		{ "POST", "/v1/reload", 403, 403 },
	};
	struct fixture *fixture = *state;
	char number[] = "65533";
	char *items[] = { number };
	const struct config_strings one = { items, 1 }, none = { NULL, 0 };
	struct reply reply;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(fixture->folder, 0755), 0);
	assert_int_equal(chmod(fixture->path, 0666), 0);
	for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
		const bool reads = i % 2 != 0;
		const int status =
		    reads ? cases[i / 2].read : cases[i / 2].operate;

		fixture->config.control_operate = reads ? none : one;
		fixture->config.control_read = reads ? one : none;
		control_reload(fixture->control, &fixture->config);
		assert_int_equal(seteuid(65533), 0);
		ask(fixture, cases[i / 2].method, cases[i / 2].target, &reply);
		assert_int_equal(seteuid(0), 0);
		if (reply.status != status)
			fail_msg("%s %s: %s", cases[i / 2].method,
			    cases[i / 2].target, reply.bytes);
		forget(&reply);
	}
	fixture->config.control_read = none;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_status),
		LIVE(test_a_connection_is_kept),
		LIVE(test_messages_are_paged),
		LIVE(test_accounts_are_paged_by_name),
		LIVE(test_filters_reach_the_store),
		LIVE(test_errors),
		LIVE(test_a_store_in_trouble),
		LIVE(test_wishes),
		LIVE(test_reload),
		LIVE(test_a_raw_message_is_streamed),
		LIVE(test_raw_of_an_empty_message),
		LIVE(test_a_raw_stream_that_breaks_is_cut),
		LIVE(test_clients_that_go_away),
		LIVE(test_requests_that_come_early),
		LIVE(test_the_server_goes_away),
		LIVE(test_limits_of_a_request),
		LIVE(test_what_is_no_http),
		LIVE(test_a_body_that_is_not_there),
		LIVE(test_the_socket_file),
		LIVE(test_a_socket_of_systemds),
		LIVE(test_others_may_not_read_mail),
		LIVE(test_an_operator_reads_no_mail),
		LIVE(test_what_is_done_is_recorded),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

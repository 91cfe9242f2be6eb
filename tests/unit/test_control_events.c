/*
 * The feed of events at the socket: replay and live without gap or double, what
 * is lost, many readers, and readers that do not read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/limits.h"
#include "tests/unit/test_control_client.h"

/* Long enough for anything that happens at once. */
#define TURNS 2000

static void
tell(struct fixture *fixture, int64_t message)
{
	notify_publish(fixture->notify,
	    &(struct notify_event){ .kind = NOTIFY_MESSAGE_STORED,
		.account = "shop",
		.message = { message, 10 } });
}

/* Begin to read; `more` are header lines. */
static int
listen_to(struct fixture *fixture, const char *query, const char *more)
{
	char text[512];
	int fd = dial(fixture);

	snprintf(text, sizeof(text),
	    "GET /v1/events%s HTTP/1.1\r\nHost: x\r\n%s\r\n", query, more);
	say(fd, text);
	return fd;
}

/* Turn until the words are there. */
static void
hear_words(
    struct fixture *fixture, int fd, struct reply *reply, const char *words)
{
	for (int turns = 0; turns < TURNS; turns++) {
		turn(fixture);
		assert_true(read_some(fd, reply));
		if (reply->length > 0 && strstr(reply->bytes, words) != NULL)
			return;
	}
	fail_msg("not heard: %s\nbut: %s", words,
	    reply->length > 0 ? reply->bytes : "nothing");
}

/* How often the words are there. */
static unsigned
count(const struct reply *reply, const char *words)
{
	const char *at = reply->bytes;
	unsigned found = 0;

	while (at != NULL && (at = strstr(at, words)) != NULL) {
		found++;
		at++;
	}
	return found;
}

/* The id of the event before these words. */
static uint64_t
id_before(const struct reply *reply, const char *words)
{
	const char *at = strstr(reply->bytes, words);

	assert_non_null(at);
	while (strncmp(at, "\nid: ", 5) != 0)
		assert_ptr_not_equal(--at, reply->bytes);
	return strtoull(at + 5, NULL, 10);
}

static void
test_live(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply = { 0 };
	int fd = listen_to(fixture, "", "");

	tell(fixture, 1);
	hear_words(fixture, fd, &reply, "event: hello");
	assert_non_null(strstr(reply.bytes, "HTTP/1.1 200 OK\r\n"));
	assert_non_null(
	    strstr(reply.bytes, "Content-Type: text/event-stream\r\n"));
	tell(fixture, 2);
	tell(fixture, 3);
	hear_words(fixture, fd, &reply, "\"message_id\":3,");
	/* What came before is not told unless asked for. */
	assert_int_equal(count(&reply, "\"message_id\":1,"), 0);
	assert_int_equal(count(&reply, "\"message_id\":2,"), 1);
	assert_int_equal(id_before(&reply, "\"message_id\":3,"),
	    id_before(&reply, "\"message_id\":2,") + 1);
	assert_int_equal(id_before(&reply, "\"message_id\":2,"),
	    id_before(&reply, "event: hello") + 1);
	forget(&reply);
	close(fd);
}

static void
test_replay_goes_on_live(void **state)
{
	struct fixture *fixture = *state;
	struct reply all = { 0 }, some = { 0 };
	char query[64], header[64];
	int fd, other;

	for (int i = 1; i <= 300; i++)
		tell(fixture, i);
	fd = listen_to(fixture, "?since=0", "");
	hear_words(fixture, fd, &all, "\"message_id\":300,");
	tell(fixture, 301);
	hear_words(fixture, fd, &all, "\"message_id\":301,");
	assert_int_equal(count(&all, "event: message-stored"), 301);
	assert_int_equal(count(&all, "event: lost"), 0);

	snprintf(query, sizeof(query), "?since=%llu",
	    (unsigned long long)id_before(&all, "\"message_id\":298,"));
	other = listen_to(fixture, query, "");
	hear_words(fixture, other, &some, "\"message_id\":301,");
	assert_int_equal(count(&some, "event: message-stored"), 3);
	assert_int_equal(count(&some, "event: hello"), 1);
	forget(&some);
	close(other);

	/* The header of one who comes back is newer than the address. */
	memset(&some, 0, sizeof(some));
	snprintf(header, sizeof(header), "Last-Event-ID: %llu\r\n",
	    (unsigned long long)id_before(&all, "\"message_id\":300,"));
	other = listen_to(fixture, query, header);
	hear_words(fixture, other, &some, "\"message_id\":301,");
	assert_int_equal(count(&some, "event: message-stored"), 1);
	forget(&some);
	close(other);
	forget(&all);
	close(fd);
}

static void
test_what_is_lost_is_said(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply = { 0 };
	uint64_t first, id;
	char query[64];
	int fd;

	tell(fixture, 1);
	fd = listen_to(fixture, "?since=0", "");
	hear_words(fixture, fd, &reply, "\"message_id\":1,");
	first = id_before(&reply, "\"message_id\":1,");
	forget(&reply);
	close(fd);

	for (int i = 2; i <= LIMITS_EVENTS_KEPT + 5; i++)
		tell(fixture, i);
	memset(&reply, 0, sizeof(reply));
	snprintf(
	    query, sizeof(query), "?since=%llu", (unsigned long long)first + 1);
	fd = listen_to(fixture, query, "");
	hear_words(fixture, fd, &reply, "\"message_id\":10005,");
	assert_int_equal(count(&reply, "event: lost"), 1);
	assert_int_equal(count(&reply, "event: hello"), 0);
	assert_non_null(strstr(reply.bytes, "only the newest"));
	assert_int_equal(
	    count(&reply, "event: message-stored"), LIMITS_EVENTS_KEPT);
	/* The id of it is that before the oldest: nothing more is missing. */
	id = id_before(&reply, "event: lost");
	assert_int_equal(id_before(&reply, "\"message_id\":6,"), id + 1);
	forget(&reply);
	close(fd);

	/* An id of an earlier run, and one that never was. */
	for (int i = 0; i < 2; i++) {
		memset(&reply, 0, sizeof(reply));
		snprintf(query, sizeof(query), "?since=%llu",
		    (unsigned long long)(i == 0 ? first - 5 : first + 99999));
		fd = listen_to(fixture, query, "");
		hear_words(fixture, fd, &reply, "\"message_id\":10005,");
		assert_non_null(strstr(reply.bytes, "has started again"));
		forget(&reply);
		close(fd);
	}
}

static void
test_bad_ids(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	int fd;

	ask_for(fixture, "GET", "/v1/events?since=x", 400, &reply);
	assert_string_equal(error_text(&reply, "code"), "bad_parameter");
	forget(&reply);
	ask_for(fixture, "POST", "/v1/events", 405, &reply);
	forget(&reply);
	fd = listen_to(fixture, "", "Last-Event-ID: seven\r\n");
	assert_true(hear(fixture, fd, &reply));
	assert_int_equal(reply.status, 400);
	forget(&reply);
	close(fd);
}

static int64_t
readers(struct fixture *fixture)
{
	struct reply reply;
	int64_t found;

	ask_for(fixture, "GET", "/v1/status", 200, &reply);
	found = number_of(json_object_get(reply.json, "events"), "readers");
	forget(&reply);
	return found;
}

/* The fixture has places for three. */
static void
test_places(void **state)
{
	struct fixture *fixture = *state;
	struct reply reply;
	int fds[3], fd;

	for (int i = 0; i < 3; i++) {
		memset(&reply, 0, sizeof(reply));
		fds[i] = listen_to(fixture, "", "");
		hear_words(fixture, fds[i], &reply, "event: hello");
		forget(&reply);
	}
	assert_int_equal(readers(fixture), 3);
	fd = listen_to(fixture, "", "");
	assert_true(hear(fixture, fd, &reply));
	assert_int_equal(reply.status, 503);
	assert_string_equal(error_text(&reply, "code"), "too_many_readers");
	forget(&reply);
	close(fd);
	/* One goes, and its place is free. */
	close(fds[1]);
	for (int turns = 0; turns < TURNS && readers(fixture) == 3; turns++)
		turn(fixture);
	assert_int_equal(readers(fixture), 2);
	memset(&reply, 0, sizeof(reply));
	fds[1] = listen_to(fixture, "", "");
	hear_words(fixture, fds[1], &reply, "event: hello");
	forget(&reply);
	/* Those that read are told while one sleeps. */
	for (int i = 1; i <= 2000; i++)
		tell(fixture, i);
	memset(&reply, 0, sizeof(reply));
	hear_words(fixture, fds[2], &reply, "\"message_id\":2000,");
	assert_int_equal(count(&reply, "event: message-stored"), 2000);
	forget(&reply);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(test_live),
		LIVE(test_replay_goes_on_live),
		LIVE(test_what_is_lost_is_said),
		LIVE(test_bad_ids),
		LIVE(test_places),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

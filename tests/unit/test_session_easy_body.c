/*
 * Bodies of the blocking client: read in any pieces, left waiting, given up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/test_session_easy_run.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* More than sockets on both sides hold. */
#define LARGE ((size_t)32 << 20)

/* What an easy may have read beyond what was taken, with the replies. */
#define AHEAD 66000

static void
pause_ms(long ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* Lines of all lengths; one in some begins with a dot. */
static char *
make_body(size_t length)
{
	char *body = malloc(length);
	size_t at = 0, line, i;

	assert_non_null(body);
	for (line = 0; at < length; line++) {
		for (i = 0; i < line % 75 && at + 2 < length; i++, at++)
			body[at] = line % 7 == 0
				       ? '.'
				       : (char)('a' + (at + line) % 26);
		body[at++] = '\r';
		if (at < length)
			body[at++] = '\n';
	}
	body[length - 2] = '\r';
	body[length - 1] = '\n';
	return body;
}

static uint64_t
octets_in(const struct evpop_easy *easy)
{
	return evpop_client_octets_in(evpop_easy_client(easy));
}

/* Compare what comes with what should, in pieces of at most this size. */
static void
read_and_compare(
    struct evpop_easy *easy, const char *body, size_t total, size_t piece)
{
	char *buffer = malloc(piece);
	size_t at = 0, length;
	bool more = true;

	assert_non_null(buffer);
	do {
		if (at % 3 == 0) {
			assert_ok(evpop_easy_more(easy, &more));
			assert_int_equal(more, at < total);
		}
		assert_ok(evpop_easy_read(easy, buffer, piece, &length));
		assert_true(length <= piece && at + length <= total);
		assert_memory_equal(buffer, body + at, length);
		at += length;
	} while (length > 0);
	assert_int_equal(at, total);
	free(buffer);
}

static void
test_pieces(void **state)
{
	static const size_t pieces[] = { 1, 2, 7, 100, 1460, 8191, 8192, 65536,
		1048576 };
	char *body = make_body(150000);
	const struct net_message message = { body, 150000 };
	const struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	struct easy_server server;
	struct evpop_easy *easy;
	size_t i;

	(void)state;
	easy = easy_serve(&server, &options, NULL);
	for (i = 0; i < COUNT(pieces); i++) {
		assert_ok(evpop_easy_retr(easy, 1, NULL));
		read_and_compare(easy, body, message.length, pieces[i]);
	}
	assert_ok(evpop_easy_quit(easy, NULL));
	easy_end(easy, &server);
	free(body);
}

/* The server waits while nobody reads; deadlines do not run meanwhile. */
static void
test_backpressure(void **state)
{
	const struct evpop_client_config config = {
		.timeouts = { .body_ms = 2000, .command_ms = 2000 }
	};
	char *body = make_body(LARGE), *buffer = malloc(65536);
	const struct net_message message = { body, LARGE };
	const struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	struct easy_server server;
	struct evpop_easy *easy;
	size_t at = 0, length, turns = 0;
	uint64_t before;

	(void)state;
	assert_non_null(buffer);
	easy = easy_serve(&server, &options, &config);
	pause_ms(2500); /* the answer to CAPA is there, unread */
	before = octets_in(easy);
	assert_ok(evpop_easy_retr(easy, 1, NULL));
	pause_ms(2500);
	do {
		assert_true(octets_in(easy) - before < at + at / 30 + AHEAD);
		assert_ok(evpop_easy_read(
		    easy, buffer, turns++ % 2 == 0 ? 100 : 65536, &length));
		assert_memory_equal(buffer, body + at, length);
		at += length;
		if (turns == 4)
			pause_ms(2500);
	} while (length > 0);
	assert_int_equal(at, LARGE);
	easy_end(easy, &server);
	free(buffer);
	free(body);
}

static void
test_refused(void **state)
{
	const struct net_message message = { "x\r\n", 3 };
	const struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	uint64_t octets = 1;
	struct easy_server server;
	struct evpop_easy *easy;
	char text[8];
	size_t length = 1;

	(void)state;
	easy = easy_serve(&server, &options, NULL);
	assert_int_equal(
	    evpop_easy_retr(easy, 9, &octets), EVPOP_ERROR_REFUSED);
	assert_int_equal(octets, 0);
	assert_string_equal(evpop_easy_result(easy)->text, "no such message");
	assert_int_equal(evpop_easy_result(easy)->scope, EVPOP_SCOPE_MESSAGE);
	assert_int_equal(evpop_easy_read(easy, text, sizeof text, &length),
	    EVPOP_ERROR_USAGE);
	assert_int_equal(length, 0);
	octets = 1;
	assert_int_equal(
	    evpop_easy_list(easy, 9, &octets), EVPOP_ERROR_REFUSED);
	assert_int_equal(octets, 0);
	assert_int_equal(
	    evpop_easy_uidl(easy, 9, text, 8, &length), EVPOP_ERROR_REFUSED);
	assert_int_equal(
	    evpop_easy_top(easy, 9, 0, &octets), EVPOP_ERROR_REFUSED);
	assert_int_equal(
	    evpop_easy_uidl(easy, 1, text, 2, &length), EVPOP_ERROR_LIMIT);
	assert_int_equal(length, 4);
	assert_ok(evpop_easy_retr(easy, 1, &octets));
	read_and_compare(easy, message.octets, 3, 2);
	assert_ok(evpop_easy_quit(easy, NULL));
	easy_end(easy, &server);
}

static void
expect_over(struct evpop_easy *easy)
{
	enum evpop_quit quit = EVPOP_QUIT_UNKNOWN;
	size_t length;
	char text[8];

	assert_int_equal(
	    evpop_easy_stat(easy, NULL, NULL), EVPOP_ERROR_CANCELLED);
	assert_memory_equal(evpop_easy_result(easy)->text,
	    "the session is over: ", strlen("the session is over: "));
	assert_int_equal(evpop_easy_read(easy, text, sizeof text, &length),
	    EVPOP_ERROR_CANCELLED);
	assert_int_equal(evpop_easy_quit(easy, &quit), EVPOP_ERROR_CANCELLED);
	assert_int_equal(quit, EVPOP_QUIT_NONE);
}

/* What came is given, and then the end is told from the real one. */
static void
test_cut(void **state)
{
	static const struct net_rule rules[] = {
		{ "RETR 1", "+OK 100 octets\r\nhalf a li", NET_CLOSE },
	};
	const struct net_server_options options = { .rules = rules,
		.rule_count = 1 };
	struct easy_server server;
	struct evpop_easy *easy;
	char text[4];
	size_t length, total = 0;
	enum evpop_error error;

	(void)state;
	easy = easy_serve(&server, &options, NULL);
	assert_ok(evpop_easy_retr(easy, 1, NULL));
	do {
		error = evpop_easy_read(easy, text, sizeof text, &length);
		total += length;
	} while (error == EVPOP_ERROR_NONE && length > 0);
	assert_int_equal(total, strlen("half a li"));
	assert_int_equal(error, EVPOP_ERROR_IO);
	expect_over(easy);
	easy_end(easy, &server);
}

/* ---- given up ---- */

static void
test_abandon_small(void **state)
{
	char *body = make_body(EVPOP_EASY_DRAIN_OCTETS);
	const struct net_message message = { body, EVPOP_EASY_DRAIN_OCTETS };
	const struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	struct easy_server server;
	struct evpop_easy *easy;
	char text[1000];
	size_t length;
	int i;

	(void)state;
	easy = easy_serve(&server, &options, NULL);
	/* Before the first octet, behind some, at the end, behind it. */
	for (i = 0; i < 4; i++) {
		assert_ok(evpop_easy_retr(easy, 1, NULL));
		length = i == 0 ? 0 : 1;
		while (length > 0) {
			assert_ok(
			    evpop_easy_read(easy, text, sizeof text, &length));
			if (i == 1)
				break;
		}
		assert_ok(evpop_easy_abandon(easy));
		assert_int_equal(
		    evpop_easy_read(easy, text, 1, &length), EVPOP_ERROR_USAGE);
		if (i == 3)
			assert_ok(evpop_easy_abandon(easy));
		assert_ok(evpop_easy_noop(easy));
	}
	assert_ok(evpop_easy_quit(easy, NULL));
	easy_end(easy, &server);
	free(body);
}

static void
test_abandon_large(void **state)
{
	char *body = make_body(LARGE);
	const struct net_message message = { body, LARGE };
	const struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	struct easy_server server;
	struct evpop_easy *easy;
	char text[1000];
	size_t length;

	(void)state;
	easy = easy_serve(&server, &options, NULL);
	assert_ok(evpop_easy_retr(easy, 1, NULL));
	assert_ok(evpop_easy_read(easy, text, sizeof text, &length));
	assert_int_equal(evpop_easy_abandon(easy), EVPOP_ERROR_CANCELLED);
	assert_true(octets_in(easy) < 6 * EVPOP_EASY_DRAIN_OCTETS);
	expect_over(easy);
	easy_end(easy, &server);
	free(body);
}

#define DAY_MS (24 * 60 * 60 * 1000)

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
test_abandon_slow(void **state)
{
	static const struct net_rule rules[] = {
		{ "RETR 1", "+OK 100 octets\r\nhalf a li", NET_HALT },
	};
	const struct net_server_options options = { .rules = rules,
		.rule_count = 1 };
	/* No deadline of the session comes to help. */
	const struct evpop_client_config config = {
		.timeouts = { .body_ms = DAY_MS,
		    .command_ms = DAY_MS,
		    .quit_ms = DAY_MS,
		    .session_ms = DAY_MS }
	};
	struct easy_server server;
	struct evpop_easy *easy;
	int64_t begun_ms;

	(void)state;
	easy = easy_serve(&server, &options, &config);
	assert_ok(evpop_easy_retr(easy, 1, NULL));
	begun_ms = now_ms();
	assert_int_equal(evpop_easy_abandon(easy), EVPOP_ERROR_CANCELLED);
	assert_true(now_ms() - begun_ms >= EVPOP_EASY_DRAIN_MS - 100);
	expect_over(easy);
	easy_end(easy, &server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_backpressure),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_abandon_small),
		cmocka_unit_test(test_abandon_large),
		cmocka_unit_test(test_abandon_slow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

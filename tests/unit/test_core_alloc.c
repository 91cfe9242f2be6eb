/*
 * Every allocation of the core fails once: nothing crashes, nothing leaks (the
 * address sanitizer sees to that), and every command that was taken is
 * reported.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/failing_alloc.h"
#include "tests/unit/test_core_player.h"

/* An exchange that allocates more often than this does so without end. */
#define ALLOCATIONS_MAX 1000

/* The queue grows, the output moves, and lines are held, more than once. */
#define LONG_PASSWORD                                                \
	"0123456789012345678901234567890123456789012345678901234567" \
	"0123456789012345678901234567890123456789012345678901234567" \
	"0123456789012345678901234567890123456789012345678901234567"
#define LONG_LINE LONG_PASSWORD LONG_PASSWORD

static const struct exchange exchanges[] = {
	{ .name = "in one flight",
	    .commands = "USER joe|PASS " LONG_PASSWORD
			"|CAPA|STAT|UIDL|RETR 1|TOP 1 0|DELE 1|NOOP|QUIT",
	    .window_commands = 20,
	    .window_octets = 4096,
	    .replies = { LOGGED, OCTETS("+OK\r\nTOP\r\n.\r\n"),
		OCTETS("+OK 1 2\r\n"),
		OCTETS("+OK\r\n1 " LONG_LINE "\r\n.\r\n"),
		OCTETS("+OK\r\na\r\n.\r\n"), OCTETS("-ERR no\r\n"),
		OCTETS("+OK\r\n"), OCTETS("+OK " LONG_LINE "\r\n"),
		OCTETS("+OK\r\n") } },
	{ .name = "one by one, in TLS",
	    .commands = "CAPA|STLS|" LOGIN "|STAT|QUIT",
	    .replies = { OCTETS("+OK " LONG_LINE "\r\n"),
		OCTETS("+OK\r\nSTLS\r\n.\r\n"), OCTETS("+OK\r\n"),
		OCTETS("+OK\r\n"), OCTETS("+OK\r\n"), OCTETS("+OK 1 1\r\n"),
		OCTETS("+OK\r\n") } },
};

/* Whether the exchange came to know of the failure. */
static bool
shows(const struct play *play, size_t commands)
{
	return play->accepted < commands ||
	       strstr(play->events, "closed memory@") != NULL;
}

/* Play with one allocation failing; false once there are not so many. */
static bool
play_failing(const struct exchange *exchange, const struct delivery *delivery,
    size_t failing, size_t commands, struct play *play)
{
	bool begun;

	failing_alloc_arm(failing);
	begun = play_once(play, exchange, delivery);
	if (failing_alloc_disarm() < failing) {
		assert_true(begun);
		assert_int_equal(play->accepted, commands);
		assert_int_equal(play->done, commands);
		assert_null(strstr(play->events, "memory"));
		return false;
	}
	if (begun && !shows(play, commands))
		fail_msg("%s: failure %zu went unnoticed:\n%s", exchange->name,
		    failing, play->events);
	if (begun && play->accepted == commands)
		assert_int_equal(play->closed, 1);
	return true;
}

static void
fail_each(const struct exchange *exchange, bool octet_by_octet)
{
	struct delivery delivery = { .octet_by_octet = octet_by_octet,
		.memory_may_fail = true };
	struct play *play = calloc(1, sizeof *play);
	size_t failing, commands = 1, i;

	assert_non_null(play);
	for (i = 0; exchange->commands[i] != '\0'; i++)
		commands += exchange->commands[i] == '|';
	for (failing = 1; failing < ALLOCATIONS_MAX; failing++)
		if (!play_failing(exchange, &delivery, failing, commands, play))
			break;
	/* The session, its queue, its output; each USER and PASS. */
	assert_true(failing > 5 && failing < ALLOCATIONS_MAX);
	free(play);
}

static void
each_allocation_may_fail(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof exchanges / sizeof exchanges[0]; i++) {
		fail_each(&exchanges[i], false);
		fail_each(&exchanges[i], true);
	}
}

/* A refused request leaves no trace; a command that cannot be built does. */
static void
no_memory_for_a_command_ends_the_session(void **state)
{
	struct evpop_request request = { .command = EVPOP_COMMAND_CAPA };
	struct evpop_proto *proto = evpop_proto_new(NULL);
	struct evpop_event event;
	size_t used, length;

	(void)state;
	assert_non_null(proto);
	evpop_proto_next(proto, "+OK\r\n", 5, &used, &event);
	failing_alloc_arm(1);
	assert_int_equal(
	    evpop_proto_submit(proto, &request), EVPOP_ERROR_MEMORY);
	failing_alloc_disarm();
	assert_int_equal(evpop_proto_pending(proto), 0);
	assert_int_equal(evpop_proto_submit(proto, &request), EVPOP_ERROR_NONE);
	failing_alloc_arm(1);
	assert_null(evpop_proto_output(proto, &length));
	failing_alloc_disarm();
	assert_int_equal(length, 0);
	evpop_proto_next(proto, NULL, 0, &used, &event);
	assert_int_equal(event.type, EVPOP_EVENT_DONE);
	assert_int_equal(event.result->error, EVPOP_ERROR_MEMORY);
	evpop_proto_next(proto, NULL, 0, &used, &event);
	assert_int_equal(event.type, EVPOP_EVENT_CLOSED);
	assert_int_equal(event.result->error, EVPOP_ERROR_MEMORY);
	evpop_proto_free(proto);
}

/* USER without its PASS would be as good as a command of its own. */
static void
half_a_log_in_is_none(void **state)
{
	struct evpop_proto *proto = evpop_proto_new(NULL);
	size_t failing;

	(void)state;
	assert_non_null(proto);
	/* The queue itself, then each text. */
	for (failing = 1; failing <= 3; failing++) {
		failing_alloc_arm(failing);
		assert_int_equal(
		    evpop_proto_login(proto, "joe", "x"), EVPOP_ERROR_MEMORY);
		failing_alloc_disarm();
		assert_int_equal(evpop_proto_pending(proto), 0);
		evpop_proto_free(proto);
		proto = evpop_proto_new(NULL);
		assert_non_null(proto);
	}
	failing_alloc_arm(failing);
	assert_int_equal(
	    evpop_proto_login(proto, "joe", "x"), EVPOP_ERROR_NONE);
	failing_alloc_disarm();
	assert_int_equal(evpop_proto_pending(proto), 2);
	evpop_proto_free(proto);
}

/* Neither does it leave its texts. */
static void
a_refused_auth_leaves_nothing(void **state)
{
	const struct evpop_request auth = {
		.command = EVPOP_COMMAND_AUTH,
		.text = "PLAIN",
		.initial = "AGEAYg==",
		.final = true,
	};
	enum evpop_error error;
	struct evpop_proto *proto;
	struct evpop_event event;
	size_t failing, used;

	(void)state;
	/* The queue itself, then each text. */
	for (failing = 1; failing <= 4; failing++) {
		proto = evpop_proto_new(NULL);
		assert_non_null(proto);
		evpop_proto_next(proto, "+OK\r\n", 5, &used, &event);
		failing_alloc_arm(failing);
		error = evpop_proto_submit(proto, &auth);
		failing_alloc_disarm();
		assert_int_equal(error,
		    failing <= 3 ? EVPOP_ERROR_MEMORY : EVPOP_ERROR_NONE);
		assert_int_equal(evpop_proto_pending(proto), failing > 3);
		evpop_proto_free(proto);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_may_fail),
		cmocka_unit_test(no_memory_for_a_command_ends_the_session),
		cmocka_unit_test(half_a_log_in_is_none),
		cmocka_unit_test(a_refused_auth_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

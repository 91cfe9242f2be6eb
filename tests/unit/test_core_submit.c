/* What may be asked of a session and when it leaves: usage, window, trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/core/session.h"
#include "tests/unit/test_core_player.h"

static enum evpop_error
submit(struct evpop_proto *proto, const char *command)
{
	char storage[PLAY_LINE_SIZE];
	struct evpop_request request = play_parse_command(command, storage);

	return evpop_proto_submit(proto, &request);
}

/* Give the server's words to the session and drop the events. */
static void
hear(struct evpop_proto *proto, const char *words)
{
	struct evpop_event event;
	size_t left = strlen(words), used;

	do {
		evpop_proto_next(proto, words, left, &used, &event);
		words += used;
		left -= used;
	} while (event.type != EVPOP_EVENT_NONE);
	assert_int_equal(left, 0);
}

/* What the session wants to write must be this; it is taken as written. */
static void
expect_output(struct evpop_proto *proto, const char *expected)
{
	const unsigned char *bytes;
	size_t length;

	bytes = evpop_proto_output(proto, &length);
	if (length != strlen(expected) ||
	    (length > 0 && memcmp(bytes, expected, length) != 0))
		fail_msg("\"%.*s\" instead of \"%s\"", (int)length,
		    length > 0 ? (const char *)bytes : "", expected);
	assert_true((bytes == NULL) == (length == 0));
	evpop_proto_sent(proto, length);
}

static struct evpop_proto *
greeted(void)
{
	struct evpop_proto *proto = evpop_proto_new(NULL);

	assert_non_null(proto);
	assert_int_equal(evpop_proto_state(proto), EVPOP_STATE_GREETING);
	hear(proto, "+OK\r\n");
	assert_int_equal(evpop_proto_state(proto), EVPOP_STATE_AUTHORIZATION);
	return proto;
}

static struct evpop_proto *
logged_in(void)
{
	struct evpop_proto *proto = greeted();

	assert_int_equal(submit(proto, "USER joe"), EVPOP_ERROR_NONE);
	assert_int_equal(submit(proto, "PASS x"), EVPOP_ERROR_NONE);
	expect_output(proto, "USER joe\r\n");
	hear(proto, "+OK\r\n");
	expect_output(proto, "PASS x\r\n");
	hear(proto, "+OK\r\n");
	assert_int_equal(evpop_proto_state(proto), EVPOP_STATE_TRANSACTION);
	return proto;
}

static void
bad_requests_are_not_queued(void **state)
{
	static const struct evpop_request bad[] = {
		{ .command = EVPOP_COMMAND_NONE },
		{ .command = EVPOP_COMMAND_COUNT },
		{ .command = EVPOP_COMMAND_USER },
		{ .command = EVPOP_COMMAND_USER, .text = "" },
		{ .command = EVPOP_COMMAND_USER, .text = "a\r\nQUIT" },
		{ .command = EVPOP_COMMAND_PASS },
		{ .command = EVPOP_COMMAND_PASS, .text = "a\nb" },
		{ .command = EVPOP_COMMAND_RETR },
		{ .command = EVPOP_COMMAND_TOP, .lines = 5 },
		{ .command = EVPOP_COMMAND_DELE },
	};
	struct evpop_proto *proto = greeted();
	size_t i;

	(void)state;
	for (i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(
		    evpop_proto_submit(proto, &bad[i]), EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_proto_pending(proto), 0);
	expect_output(proto, "");
	evpop_proto_free(proto);
}

/* What one call queues is what submitting would. */
static void
asking_and_logging_in_are_submitting(void **state)
{
	struct evpop_proto *proto = evpop_proto_new(NULL);
	struct evpop_event event;
	size_t used;

	(void)state;
	assert_non_null(proto);
	assert_int_equal(
	    evpop_proto_login(proto, "joe", "x"), EVPOP_ERROR_NONE);
	assert_int_equal(
	    evpop_proto_ask(proto, EVPOP_COMMAND_STAT, 0), EVPOP_ERROR_NONE);
	assert_int_equal(
	    evpop_proto_ask(proto, EVPOP_COMMAND_DELE, 7), EVPOP_ERROR_NONE);
	assert_int_equal(
	    evpop_proto_ask(proto, EVPOP_COMMAND_DELE, 0), EVPOP_ERROR_USAGE);
	assert_int_equal(
	    evpop_proto_ask(proto, EVPOP_COMMAND_USER, 0), EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_proto_pending(proto), 4);
	hear(proto, "+OK\r\n");
	expect_output(proto, "USER joe\r\n");
	hear(proto, "+OK\r\n");
	expect_output(proto, "PASS x\r\n");
	hear(proto, "+OK\r\n");
	expect_output(proto, "STAT\r\n");
	/* The type of the event is returned, too. */
	assert_int_equal(
	    evpop_proto_next(proto, "+OK 1 2\r\n", 9, &used, &event),
	    EVPOP_EVENT_DONE);
	assert_int_equal(event.type, EVPOP_EVENT_DONE);
	assert_int_equal(event.command, EVPOP_COMMAND_STAT);
	assert_null(event.arg);
	assert_int_equal(
	    evpop_proto_next(proto, NULL, 0, &used, &event), EVPOP_EVENT_NONE);
	expect_output(proto, "DELE 7\r\n");
	evpop_proto_free(proto);
}

static void
a_log_in_is_queued_whole_or_not_at_all(void **state)
{
	struct evpop_proto *proto = greeted();

	(void)state;
	assert_int_equal(submit(proto, "CAPA"), EVPOP_ERROR_NONE);
	assert_int_equal(
	    evpop_proto_login(proto, NULL, "x"), EVPOP_ERROR_USAGE);
	assert_int_equal(
	    evpop_proto_login(proto, "joe", NULL), EVPOP_ERROR_USAGE);
	assert_int_equal(
	    evpop_proto_login(proto, "joe", "x\r\nDELE 1"), EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_proto_pending(proto), 1);
	expect_output(proto, "CAPA\r\n");
	hear(proto, "-ERR\r\n");
	expect_output(proto, "");
	assert_int_equal(submit(proto, "QUIT"), EVPOP_ERROR_NONE);
	assert_int_equal(
	    evpop_proto_login(proto, "joe", "x"), EVPOP_ERROR_USAGE);
	evpop_proto_free(proto);
}

static void
nothing_is_taken_behind_quit(void **state)
{
	struct evpop_proto *proto = logged_in();

	(void)state;
	assert_int_equal(submit(proto, "QUIT"), EVPOP_ERROR_NONE);
	assert_int_equal(submit(proto, "QUIT"), EVPOP_ERROR_USAGE);
	assert_int_equal(submit(proto, "NOOP"), EVPOP_ERROR_USAGE);
	assert_int_equal(evpop_proto_pending(proto), 1);
	expect_output(proto, "QUIT\r\n");
	assert_int_equal(submit(proto, "QUIT"), EVPOP_ERROR_USAGE);
	hear(proto, "+OK\r\n");
	assert_int_equal(evpop_proto_state(proto), EVPOP_STATE_CLOSED);
	assert_int_equal(submit(proto, "NOOP"), EVPOP_ERROR_USAGE);
	evpop_proto_free(proto);
}

/* Also in the moment between the failure and its report. */
static void
nothing_is_taken_behind_a_failure(void **state)
{
	struct evpop_proto *proto = logged_in();

	(void)state;
	assert_int_equal(submit(proto, "NOOP"), EVPOP_ERROR_NONE);
	assert_int_equal(submit(proto, "RSET"), EVPOP_ERROR_NONE);
	expect_output(proto, "NOOP\r\n");
	evpop_proto_set_window(proto, 9, 0);
	evpop_proto_eof(proto);
	assert_int_equal(submit(proto, "NOOP"), EVPOP_ERROR_USAGE);
	expect_output(proto, "");
	hear(proto, "");
	assert_int_equal(evpop_proto_state(proto), EVPOP_STATE_CLOSED);
	assert_int_equal(submit(proto, "NOOP"), EVPOP_ERROR_USAGE);
	evpop_proto_free(proto);
}

static void
nothing_leaves_before_the_greeting(void **state)
{
	struct evpop_proto *proto = evpop_proto_new(NULL);

	(void)state;
	assert_non_null(proto);
	assert_int_equal(submit(proto, "CAPA"), EVPOP_ERROR_NONE);
	expect_output(proto, "");
	hear(proto, "+OK hi");
	expect_output(proto, "");
	assert_int_equal(evpop_proto_outstanding(proto), 0);
	hear(proto, "\r\n");
	expect_output(proto, "CAPA\r\n");
	evpop_proto_free(proto);
}

static void
commands_are_counted_and_awaited(void **state)
{
	struct evpop_proto *proto = logged_in();

	(void)state;
	assert_int_equal(evpop_proto_awaited(proto), EVPOP_COMMAND_NONE);
	assert_int_equal(submit(proto, "STAT"), EVPOP_ERROR_NONE);
	assert_int_equal(submit(proto, "RETR 1"), EVPOP_ERROR_NONE);
	assert_int_equal(evpop_proto_pending(proto), 2);
	assert_int_equal(evpop_proto_outstanding(proto), 0);
	assert_int_equal(evpop_proto_awaited(proto), EVPOP_COMMAND_NONE);
	expect_output(proto, "STAT\r\n");
	assert_int_equal(evpop_proto_outstanding(proto), 1);
	assert_int_equal(evpop_proto_awaited(proto), EVPOP_COMMAND_STAT);
	hear(proto, "+OK 1 1\r\n");
	assert_int_equal(evpop_proto_pending(proto), 1);
	assert_int_equal(evpop_proto_outstanding(proto), 0);
	expect_output(proto, "RETR 1\r\n");
	hear(proto, "+OK\r\n");
	assert_int_equal(evpop_proto_awaited(proto), EVPOP_COMMAND_RETR);
	hear(proto, ".\r\n");
	assert_int_equal(evpop_proto_awaited(proto), EVPOP_COMMAND_NONE);
	assert_int_equal(evpop_proto_pending(proto), 0);
	evpop_proto_free(proto);
}

static void
the_window_bounds_commands_and_octets(void **state)
{
	static const struct {
		uint32_t commands;
		size_t octets;
		const char *first, *second; /* behind one reply */
	} cases[] = {
		{ 0, 0, "DELE 1\r\n", "DELE 2\r\n" },
		{ 1, 1000, "DELE 1\r\n", "DELE 2\r\n" },
		{ 2, 0, "DELE 1\r\nDELE 2\r\n", "DELE 3\r\n" },
		{ 9, 0, "DELE 1\r\nDELE 2\r\nDELE 3\r\nDELE 4\r\n", "" },
		{ 9, 1, "DELE 1\r\n", "DELE 2\r\n" },
		{ 9, 15, "DELE 1\r\n", "DELE 2\r\n" },
		{ 9, 16, "DELE 1\r\nDELE 2\r\n", "DELE 3\r\n" },
		{ 9, 24, "DELE 1\r\nDELE 2\r\nDELE 3\r\n", "DELE 4\r\n" },
	};
	struct evpop_proto *proto;
	char command[] = "DELE 1";
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		proto = logged_in();
		evpop_proto_set_window(
		    proto, cases[i].commands, cases[i].octets);
		for (command[5] = '1'; command[5] <= '4'; command[5]++)
			assert_int_equal(
			    submit(proto, command), EVPOP_ERROR_NONE);
		expect_output(proto, cases[i].first);
		expect_output(proto, "");
		hear(proto, "+OK\r\n");
		expect_output(proto, cases[i].second);
		evpop_proto_free(proto);
	}
}

/* What is written in part is offered again with what joins it. */
static void
output_goes_on_where_it_stopped(void **state)
{
	struct evpop_proto *proto = logged_in();
	size_t length;

	(void)state;
	evpop_proto_set_window(proto, 9, 0);
	assert_int_equal(submit(proto, "NOOP"), EVPOP_ERROR_NONE);
	assert_memory_equal(evpop_proto_output(proto, &length), "NOOP\r\n", 6);
	assert_int_equal(length, 6);
	evpop_proto_sent(proto, 0);
	evpop_proto_sent(proto, 4);
	assert_int_equal(submit(proto, "RSET"), EVPOP_ERROR_NONE);
	expect_output(proto, "\r\nRSET\r\n");
	evpop_proto_free(proto);
}

static void
nothing_is_sent_between_stls_and_the_handshake(void **state)
{
	struct evpop_proto *proto = greeted();

	(void)state;
	evpop_proto_set_window(proto, 9, 0);
	assert_int_equal(submit(proto, "CAPA"), EVPOP_ERROR_NONE);
	expect_output(proto, "CAPA\r\n");
	hear(proto, "+OK\r\nUIDL\r\nSASL PLAIN\r\nSTLS\r\n.\r\n");
	assert_true(evpop_proto_capabilities(proto)->known);
	assert_true(evpop_proto_capabilities(proto)->stls);
	assert_true(
	    evpop_capabilities_sasl(evpop_proto_capabilities(proto), "PLAIN"));
	assert_int_equal(submit(proto, "STLS"), EVPOP_ERROR_NONE);
	assert_int_equal(submit(proto, "USER joe"), EVPOP_ERROR_NONE);
	expect_output(proto, "STLS\r\n");
	expect_output(proto, "");
	hear(proto, "+OK\r\n");
	assert_int_equal(evpop_proto_state(proto), EVPOP_STATE_HANDSHAKE);
	expect_output(proto, "");
	hear(proto, "");
	assert_int_equal(evpop_proto_pending(proto), 1);
	evpop_proto_secured(proto);
	assert_int_equal(evpop_proto_state(proto), EVPOP_STATE_AUTHORIZATION);
	assert_false(evpop_proto_capabilities(proto)->known);
	assert_false(evpop_proto_capabilities(proto)->stls);
	assert_false(evpop_proto_capabilities(proto)->uidl);
	assert_string_equal(evpop_proto_capabilities(proto)->sasl, "");
	expect_output(proto, "USER joe\r\n");
	evpop_proto_free(proto);
}

static void
capabilities_are_replaced_by_the_next_answer(void **state)
{
	struct evpop_proto *proto = greeted();
	const struct evpop_capabilities *capabilities =
	    evpop_proto_capabilities(proto);

	(void)state;
	assert_int_equal(submit(proto, "CAPA"), EVPOP_ERROR_NONE);
	assert_int_equal(submit(proto, "CAPA"), EVPOP_ERROR_NONE);
	assert_int_equal(submit(proto, "CAPA"), EVPOP_ERROR_NONE);
	assert_false(capabilities->known);
	expect_output(proto, "CAPA\r\n");
	hear(proto, "+OK\r\nTOP\r\nSASL PLAIN\r\n.\r\n");
	expect_output(proto, "CAPA\r\n");
	hear(proto, "-ERR\r\n");
	assert_true(capabilities->known);
	assert_true(capabilities->top);
	expect_output(proto, "CAPA\r\n");
	hear(proto, "+OK\r\nUIDL\r\n.\r\n");
	assert_true(capabilities->uidl);
	assert_false(capabilities->top);
	assert_string_equal(capabilities->sasl, "");
	evpop_proto_free(proto);
}

static void
freeing_nothing_or_midway_is_harmless(void **state)
{
	struct evpop_proto *proto = logged_in();

	(void)state;
	evpop_proto_free(NULL);
	assert_int_equal(submit(proto, "PASS secret"), EVPOP_ERROR_NONE);
	assert_int_equal(submit(proto, "RETR 1"), EVPOP_ERROR_NONE);
	expect_output(proto, "PASS secret\r\n");
	hear(proto, "-ER");
	evpop_proto_free(proto);
}

/* PASS follows a USER that was sent anew in the same write. */
static void
a_second_log_in_leaves_in_one_flight(void **state)
{
	struct evpop_proto *proto = greeted();

	(void)state;
	evpop_proto_set_window(proto, 9, 0);
	assert_int_equal(submit(proto, "USER joe"), EVPOP_ERROR_NONE);
	expect_output(proto, "USER joe\r\n");
	hear(proto, "-ERR who\r\n");
	assert_int_equal(submit(proto, "USER jim"), EVPOP_ERROR_NONE);
	assert_int_equal(submit(proto, "PASS y"), EVPOP_ERROR_NONE);
	expect_output(proto, "USER jim\r\nPASS y\r\n");
	evpop_proto_free(proto);
}

static bool
output_holds(const struct evpop_proto *proto, const char *text)
{
	return proto->pipeline.output.bytes != NULL &&
	       memmem(proto->pipeline.output.bytes, proto->pipeline.output.room,
		   text, strlen(text)) != NULL;
}

/* In the queue until it is encoded, in the output until it is written. */
static void
a_password_is_held_no_longer_than_needed(void **state)
{
	struct evpop_proto *proto = evpop_proto_new(NULL);
	size_t length;

	(void)state;
	assert_non_null(proto);
	evpop_proto_set_window(proto, 9, 0);
	assert_int_equal(submit(proto, "PASS hunter2"), EVPOP_ERROR_NONE);
	assert_int_equal(submit(proto, "CAPA"), EVPOP_ERROR_NONE);
	assert_string_equal(
	    evpop_pipeline_first(&proto->pipeline)->text, "hunter2");
	/* Its turn has not come, so it is not left in the output either. */
	expect_output(proto, "");
	assert_false(output_holds(proto, "hunter2"));
	hear(proto, "+OK\r\n");
	assert_non_null(evpop_proto_output(proto, &length));
	assert_int_equal(length, 20);
	assert_null(evpop_pipeline_first(&proto->pipeline)->text);
	assert_true(output_holds(proto, "hunter2"));
	evpop_proto_sent(proto, 14);
	assert_false(output_holds(proto, "hunter2"));
	assert_true(output_holds(proto, "CAPA"));
	evpop_proto_free(proto);
}

/* ---- trace ---- */

#define TRACE_SIZE 4096

static void
note_trace(bool from_server, const char *line, void *arg)
{
	char *seen = arg;

	assert_true(strlen(seen) + strlen(line) + 4 < TRACE_SIZE);
	strcat(seen, from_server ? "S " : "C ");
	strcat(seen, line);
	strcat(seen, "\n");
}

static const struct exchange traced = {
	.name = "traced",
	.commands = "USER joe|PASS hunter2|CAPA|LIST|RETR 1|QUIT",
	.replies = { OCTETS("+OK hi\r\n"), OCTETS("+OK\r\n"),
	    OCTETS("+OK in \x1b[0m\r\n"), OCTETS("+OK\r\nTOP\r\n.\r\n"),
	    OCTETS("+OK\r\n1 5\r\n..x\r\n.\r\n"),
	    OCTETS("+OK 7\r\nprivate\r\n.\r\n"), OCTETS("+OK bye\r\n") },
};

static const char traced_lines[] = "S +OK hi\n"
				   "C USER joe\n"
				   "S +OK\n"
				   "C PASS ****\n"
				   "S +OK in ?[0m\n"
				   "C CAPA\n"
				   "S +OK\n"
				   "S TOP\n"
				   "S .\n"
				   "C LIST\n"
				   "S +OK\n"
				   "S 1 5\n"
				   "S ..x\n"
				   "S .\n"
				   "C RETR 1\n"
				   "S +OK 7\n"
				   "C QUIT\n"
				   "S +OK bye\n";

static void
the_trace_shows_lines_but_no_password_and_no_body(void **state)
{
	char seen[TRACE_SIZE];
	struct delivery delivery = { .trace = note_trace, .trace_arg = seen };
	struct play *play = calloc(1, sizeof *play);
	size_t total;

	(void)state;
	assert_non_null(play);
	seen[0] = '\0';
	assert_true(play_once(play, &traced, &delivery));
	assert_string_equal(seen, traced_lines);
	total = play->inbound_length;
	for (delivery.cuts[0] = 1; delivery.cuts[0] < total;
	     delivery.cuts[0]++) {
		seen[0] = '\0';
		assert_true(play_once(play, &traced, &delivery));
		assert_string_equal(seen, traced_lines);
	}
	delivery.octet_by_octet = delivery.output_by_octet = true;
	seen[0] = '\0';
	assert_true(play_once(play, &traced, &delivery));
	assert_string_equal(seen, traced_lines);
	assert_string_equal(play->wire, traced.commands);
	free(play);
}

/* Whatever becomes of another log-in meanwhile. */
static void
nothing_follows_a_log_in_with_more_to_say(void **state)
{
	static const struct evpop_request plain = {
		.command = EVPOP_COMMAND_AUTH,
		.text = "PLAIN",
		.initial = "AGEAYg==",
		.final = true,
	};
	static const struct evpop_request login = {
		.command = EVPOP_COMMAND_AUTH,
		.text = "LOGIN",
	};
	struct evpop_proto *proto = greeted();

	(void)state;
	evpop_proto_set_window(proto, 10, 512);
	assert_int_equal(evpop_proto_submit(proto, &plain), EVPOP_ERROR_NONE);
	assert_int_equal(evpop_proto_submit(proto, &login), EVPOP_ERROR_NONE);
	assert_int_equal(submit(proto, "CAPA"), EVPOP_ERROR_NONE);
	expect_output(proto, "AUTH PLAIN AGEAYg==\r\nAUTH LOGIN\r\n");
	hear(proto, "-ERR no\r\n");
	expect_output(proto, "");
	hear(proto, "+ VXNlcm5hbWU6\r\n");
	assert_int_equal(
	    evpop_proto_respond(proto, "YQ==", true), EVPOP_ERROR_NONE);
	expect_output(proto, "YQ==\r\n");
	hear(proto, "+OK\r\n");
	expect_output(proto, "CAPA\r\n");
	evpop_proto_free(proto);
}

/* While a challenge waits, any line would be taken for the answer. */
static void
nothing_overtakes_the_answer_to_a_challenge(void **state)
{
	static const struct evpop_request plain = {
		.command = EVPOP_COMMAND_AUTH,
		.text = "PLAIN",
		.initial = "AGEAYg==",
		.final = true,
	};
	struct evpop_proto *proto = greeted();

	(void)state;
	evpop_proto_set_window(proto, 10, 512);
	assert_int_equal(evpop_proto_submit(proto, &plain), EVPOP_ERROR_NONE);
	expect_output(proto, "AUTH PLAIN AGEAYg==\r\n");
	hear(proto, "+ \r\n");
	assert_int_equal(submit(proto, "CAPA"), EVPOP_ERROR_NONE);
	expect_output(proto, "");
	assert_int_equal(
	    evpop_proto_respond(proto, "YQ==", false), EVPOP_ERROR_NONE);
	expect_output(proto, "YQ==\r\n");
	hear(proto, "-ERR no\r\n");
	expect_output(proto, "CAPA\r\n");
	evpop_proto_free(proto);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_requests_are_not_queued),
		cmocka_unit_test(asking_and_logging_in_are_submitting),
		cmocka_unit_test(a_log_in_is_queued_whole_or_not_at_all),
		cmocka_unit_test(nothing_is_taken_behind_quit),
		cmocka_unit_test(nothing_is_taken_behind_a_failure),
		cmocka_unit_test(nothing_leaves_before_the_greeting),
		cmocka_unit_test(commands_are_counted_and_awaited),
		cmocka_unit_test(the_window_bounds_commands_and_octets),
		cmocka_unit_test(output_goes_on_where_it_stopped),
		cmocka_unit_test(
		    nothing_is_sent_between_stls_and_the_handshake),
		cmocka_unit_test(capabilities_are_replaced_by_the_next_answer),
		cmocka_unit_test(freeing_nothing_or_midway_is_harmless),
		cmocka_unit_test(a_second_log_in_leaves_in_one_flight),
		cmocka_unit_test(nothing_follows_a_log_in_with_more_to_say),
		cmocka_unit_test(nothing_overtakes_the_answer_to_a_challenge),
		cmocka_unit_test(a_password_is_held_no_longer_than_needed),
		cmocka_unit_test(
		    the_trace_shows_lines_but_no_password_and_no_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

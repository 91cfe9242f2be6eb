/*
 * Sessions that are stopped, cancelled or freed at any moment, and those that
 * have to wait for their sink.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "tests/unit/session_run.h"

/* ---- ends before the end ---- */

static void
test_stop(void **state)
{
	static const struct {
		const char *in, *commands;
	} cases[] = {
		{ "listing", "QUIT;" },
		{ "planned", "QUIT;" },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct session_run run = { .stop_in = cases[i].in };

		session_run_play(&run, *state, NULL, 0, &keep_none);
		assert_string_equal(
		    session_run_commands(&run), cases[i].commands);
		assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
		assert_int_equal(run.report.fetched, 0);
	}
}

/* With nothing marked it does not matter how the server takes leave. */
static void
test_stop_and_a_rude_farewell(void **state)
{
	static const struct net_rule rule = { "QUIT", NULL, NET_CLOSE };
	static const struct evpop_known known = {
		.unique_id = (const unsigned char *)"id-1",
		.unique_id_length = 4,
	};
	static const char *const names[] = { "listing", "matched", "planned" };
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct session_run run = {
			.stop_in = names[i], .known = &known, .known_count = 1
		};

		session_run_play(&run, *state, &rule, 1, &keep_none);
		assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
		assert_string_equal(session_run_commands(&run), "QUIT;");
	}
}

static void
test_stop_before_anything(void **state)
{
	struct session_run run = { 0 };

	session_run_begin(&run, *state, NULL, 0, &keep_none);
	evpop_sync_stop(run.sync);
	session_run_finish(&run);
	assert_string_equal(run.log, "done:ok ");
	assert_string_equal(session_run_commands(&run), "QUIT;");
}

/* What was handed over is finished and committed. */
static void
test_stop_in_a_body(void **state)
{
	struct session_run run = { .stop_in = "begin",
		.acknowledge = ACK_SOON };

	session_run_play(&run, *state, NULL, 0, &keep_none);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	assert_true(run.report.fetched > 0);
	assert_int_equal(run.report.deleted, run.report.fetched);
	assert_int_equal(run.report.quit, EVPOP_QUIT_COMMITTED);
}

static void
test_cancel(void **state)
{
	static const char *const names[] = { "listing", "planned", "begin",
		"end" };
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct session_run run = { .cancel_in = names[i],
			.acknowledge = ACK_SOON };

		session_run_play(&run, *state, NULL, 0, &keep_none);
		assert_int_equal(
		    run.report.result.error, EVPOP_ERROR_CANCELLED);
		assert_string_equal(run.report.result.text, "the test says so");
		assert_null(strstr(run.server.log, "QUIT"));
		assert_null(strstr(run.log, "deleted"));
	}
}

static void
test_cancel_before_anything(void **state)
{
	const struct evpop_result reason = { .error = EVPOP_ERROR_CANCELLED };
	struct session_run run = { 0 };

	session_run_begin(&run, *state, NULL, 0, &keep_none);
	evpop_sync_cancel(run.sync, &reason);
	assert_false(run.done);
	session_run_finish(&run);
	assert_string_equal(run.log, "done:cancelled ");
}

/* A flight that cannot land is not followed by a session, once stopped. */
static void
test_stop_in_a_flight(void **state)
{
	static const struct net_rule no_uidl = { "UIDL", "-ERR what?\r\n",
		NET_GO_ON };
	static const struct evpop_policy quiet = { .expect_nothing = true };
	struct session_run first = { 0 };
	int round;

	first.memory = evpop_memory_new();
	assert_non_null(first.memory);
	session_run_begin(&first, *state, NULL, 0, &quiet);
	first.port = first.server.port;
	session_run_finish(&first);
	for (round = 0; round < 2; round++) {
		struct session_run run = { .memory = first.memory,
			.port = first.port };

		session_run_begin(&run, *state, &no_uidl, 1, &quiet);
		if (round == 0)
			evpop_sync_stop(run.sync);
		session_run_finish(&run);
		assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
		assert_int_equal(run.server.accepted, 1 + round);
		assert_int_equal(run.report.listed, round == 1);
	}
	evpop_memory_free(first.memory);
}

static void
test_free_in_every_callback(void **state)
{
	static const char *const names[] = { "listing", "planned", "begin",
		"data", "end", "deleted", "done" };
	struct event_base *base = *state;
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		struct session_run run = { .free_in = names[i] };

		session_run_begin(&run, base, NULL, 0, &keep_none);
		assert_true(
		    session_run_turn(base, &run.freed, NET_PATIENCE_S * 1000));
		assert_false(session_run_turn(base, &(bool){ false }, 20));
		/* No callback runs any more. */
		assert_string_equal(
		    strchr(strstr(run.log, names[i]), ' '), " ");
		assert_int_equal(run.done, i == 6);
		session_run_finish(&run);
	}
}

static void
test_free_at_any_time(void **state)
{
	int turns, i;

	for (turns = 0; turns < 40; turns++) {
		struct session_run run = { .acknowledge = ACK_SOON };

		session_run_begin(&run, *state, NULL, 0, &keep_none);
		for (i = 0; i < turns && !run.done; i++)
			assert_int_equal(
			    event_base_loop(*state, EVLOOP_NONBLOCK), 0);
		run.freed = true;
		evpop_sync_free(run.sync);
		run.sync = NULL;
		session_run_finish(&run);
	}
}

/* The same inside an answer to `listing` that comes from elsewhere. */
static void
test_ends_in_a_late_answer(void **state)
{
	static const char *const callbacks[] = { "matched", "planned" };
	size_t i;

	for (i = 0; i < 6; i++) {
		const char *in = callbacks[i % 2];
		struct session_run run = { .answer_later = true,
			.free_in = i / 2 == 0 ? in : NULL,
			.stop_in = i / 2 == 1 ? in : NULL,
			.cancel_in = i / 2 == 2 ? in : NULL };

		session_run_begin(&run, *state, NULL, 0, &keep_none);
		session_run_until(*state, run.log, "listing:3 ");
		evpop_sync_known(run.sync, NULL, 0, 1000);
		assert_non_null(strstr(run.log, in));
		session_run_finish(&run);
		assert_null(strstr(run.server.log, "RETR"));
	}
}

/* ---- flow ---- */

static void
test_pause_and_resume(void **state)
{
	struct event_base *base = *state;
	int round;

	for (round = 0; round < 2; round++) {
		struct session_run run = { .pause_at_begin = round == 0,
			.pause_at_data = round == 1 };

		session_run_begin(&run, base, NULL, 0, &keep_forever);
		session_run_until(base, run.log, "begin:1 ");
		assert_false(session_run_turn(base, &run.done, 50));
		assert_string_equal(run.log, "listing:3 planned:3+0 begin:1 ");
		run.pause_at_begin = run.pause_at_data = false;
		evpop_sync_resume(run.sync);
		session_run_finish(&run);
		assert_int_equal(run.report.fetched, 3);
		assert_memory_equal(
		    run.body, BODY_1 BODY_2 BODY_3, run.body_length);
	}
}

/* More messages than may be ahead, on servers that pipeline and others. */
static void
test_many(void **state)
{
	enum {
		MANY = 1000
	};
	static struct net_message many[MANY];
	struct net_server_options options = { .messages = many,
		.message_count = MANY };
	int round, i;

	for (i = 0; i < MANY; i++)
		many[i] = session_run_messages[i % 3];
	for (round = 0; round < 2; round++) {
		struct session_run run = { .acknowledge = ACK_SOON };

		options.pipelining = round == 0;
		session_run_play_with(&run, *state, &options, &keep_none);
		assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
		assert_int_equal(run.report.fetched, MANY);
		assert_int_equal(run.report.deleted, MANY);
		assert_int_equal(run.owed_count, 0);
	}
}

static void
test_bad_credentials_are_not_sent(void **state)
{
	static const struct evpop_credentials cases[] = {
		{ .user = NULL, .password = "x" },
		{ .user = "anna" },
		{ .user = "anna\r\nDELE 1", .password = "x" },
		{ .user = "anna\n", .password = "x" },
		{ .user = "\ranna", .password = "x" },
		{ .user = "anna", .password = "x\r\nDELE 1" },
		{ .user = "anna", .password = "\n" },
		{ .user = "anna", .token = "x\ny" },
		{ .user = "anna", .password = "x", .token = "\r" },
		{ .user = NULL },
	};
	struct event_base *base = *state;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct net_server_options options = { .no_capa = true };
		struct evpop_client_config config = { .host = "127.0.0.1",
			.tls = EVPOP_TLS_NONE };
		struct session_run run = { .freed = false };

		net_server_start(&run.server, base, &options, NULL, 0);
		config.port = run.server.port;
		run.sync = evpop_sync_new(base, NULL, &config, &keep_none,
		    &session_run_callbacks, &run);
		assert_non_null(run.sync);
		assert_int_equal(
		    evpop_sync_start(run.sync, &cases[i]), EVPOP_ERROR_USAGE);
		/* Nothing is told of it, nor begun. */
		assert_false(session_run_turn(base, &run.done, 10));
		assert_int_equal(run.server.accepted, 0);
		assert_null(evpop_sync_client(run.sync));
		assert_null(evpop_sync_plan(run.sync));
		evpop_sync_stop(run.sync);
		evpop_sync_resume(run.sync);
		evpop_sync_free(run.sync);
		assert_string_equal(run.log, "");
		net_server_stop(&run.server);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_and_a_rude_farewell),
		cmocka_unit_test(test_stop_before_anything),
		cmocka_unit_test(test_stop_in_a_body),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_before_anything),
		cmocka_unit_test(test_stop_in_a_flight),
		cmocka_unit_test(test_free_in_every_callback),
		cmocka_unit_test(test_free_at_any_time),
		cmocka_unit_test(test_ends_in_a_late_answer),
		cmocka_unit_test(test_pause_and_resume),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_bad_credentials_are_not_sent),
	};

	return cmocka_run_group_tests(
	    tests, session_run_set_up, session_run_tear_down);
}

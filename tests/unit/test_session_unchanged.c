/*
 * Sessions whose listing is that of an earlier one: they end where others would
 * look up what is known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "tests/unit/session_run.h"

static const struct evpop_policy quiet = { .expect_nothing = true };

static const struct evpop_result reason = { .error = EVPOP_ERROR_CANCELLED,
	.text = "the test says so" };

/* A server that is known to take a flight from now on; it goes on serving. */
static void
acquaint(struct event_base *base, struct session_run *run)
{
	struct session_run first = { .memory = evpop_memory_new() };

	assert_non_null(first.memory);
	session_run_play(&first, base, NULL, 0, &quiet);
	run->memory = first.memory;
	run->port = first.server.port;
}

/* A flight to that server, up to its listing. */
static void
fly(struct session_run *run, struct event_base *base,
    const struct session_run *known)
{
	run->memory = known->memory;
	run->port = known->port;
	session_run_begin(run, base, NULL, 0, &quiet);
	session_run_until(base, run->log, "listing:3 ");
}

static void
expect_nothing_done(const struct session_run *run)
{
	assert_string_equal(run->log, "listing:3 done:ok ");
	assert_int_equal(run->report.result.error, EVPOP_ERROR_NONE);
	assert_true(run->report.listed);
	assert_int_equal(run->report.messages, 3);
	assert_int_equal(run->report.sessions, 1);
	assert_int_equal(run->report.fetched + run->report.deleted, 0);
	assert_true(run->report.octets_in > 0);
}

/* Nothing is fetched, though nothing is known and all would be deleted. */
static void
test_plain_session(void **state)
{
	struct event_base *base = *state;
	unsigned round;

	for (round = 0; round < 2; round++) {
		struct session_run run = { .unchanged = true,
			.answer_later = round == 1 };

		session_run_begin(&run, base, NULL, 0, &keep_none);
		if (round == 1) {
			session_run_until(base, run.log, "listing:3 ");
			evpop_sync_unchanged(run.sync);
		}
		session_run_until(base, run.log, "done:");
		assert_null(evpop_sync_plan(run.sync));
		session_run_finish(&run);
		expect_nothing_done(&run);
		assert_string_equal(session_run_commands(&run), "QUIT;");
		assert_int_equal(run.report.quit, EVPOP_QUIT_COMMITTED);
	}
}

/* Only the first answer counts. */
static void
test_answered_twice(void **state)
{
	struct event_base *base = *state;
	struct session_run run = { .unchanged = true };

	session_run_begin(&run, base, NULL, 0, &keep_none);
	session_run_until(base, run.log, "listing:3 ");
	evpop_sync_unchanged(run.sync);
	evpop_sync_known(run.sync, NULL, 0, 1000);
	session_run_finish(&run);
	expect_nothing_done(&run);
	run = (struct session_run){ 0 };
	session_run_begin(&run, base, NULL, 0, &keep_forever);
	/* Nobody has asked. */
	evpop_sync_unchanged(run.sync);
	session_run_until(base, run.log, "planned:3+0 ");
	evpop_sync_unchanged(run.sync);
	session_run_finish(&run);
	assert_int_equal(run.report.fetched, 3);
}

/* QUIT went out with all the rest, answered before the listing is or after. */
static void
test_flight(void **state)
{
	struct event_base *base = *state;
	struct session_run known = { 0 };
	unsigned round;

	acquaint(base, &known);
	for (round = 0; round < 2; round++) {
		struct session_run run = { .unchanged = true,
			.answer_later = round == 1 };

		fly(&run, base, &known);
		if (round == 1) {
			assert_false(session_run_turn(base, &run.done, 50));
			evpop_sync_unchanged(run.sync);
		}
		session_run_finish(&run);
		expect_nothing_done(&run);
		assert_int_equal(run.server.accepted, 1);
		assert_string_equal(session_run_commands(&run), "QUIT;");
	}
	evpop_memory_free(known.memory);
}

/* A farewell without words is not worth an error. */
static void
test_rude_farewell(void **state)
{
	static const struct net_rule rude = { "QUIT", NULL, NET_CLOSE };
	struct session_run run = { .unchanged = true };

	session_run_play(&run, *state, &rude, 1, &keep_none);
	expect_nothing_done(&run);
}

/* Ended in one way or another while the caller compares. */
static void
test_ended_before_the_answer(void **state)
{
	unsigned round;

	for (round = 0; round < 3; round++) {
		struct session_run run = { .answer_later = true };

		session_run_begin(&run, *state, NULL, 0, &keep_none);
		session_run_until(*state, run.log, "listing:3 ");
		if (round == 0) {
			evpop_sync_stop(run.sync);
			evpop_sync_unchanged(run.sync);
		} else {
			evpop_sync_cancel(run.sync, &reason);
			if (round == 1)
				evpop_sync_unchanged(run.sync);
		}
		session_run_finish(&run);
		assert_int_equal(run.report.result.error,
		    round == 0 ? EVPOP_ERROR_NONE : EVPOP_ERROR_CANCELLED);
		assert_int_equal(run.report.fetched + run.report.deleted, 0);
	}
}

static void
test_freed_around_it(void **state)
{
	struct event_base *base = *state;
	unsigned round;

	for (round = 0; round < 3; round++) {
		struct session_run run = { .unchanged = true,
			.answer_later = round == 1,
			.free_in = round == 0   ? "listing"
				   : round == 2 ? "done"
						: NULL };

		session_run_begin(&run, base, NULL, 0, &keep_none);
		session_run_until(base, run.log, "listing:3 ");
		if (round == 1) {
			evpop_sync_unchanged(run.sync);
			evpop_sync_free(run.sync);
			run.sync = NULL;
			run.freed = true;
		}
		assert_true(
		    session_run_turn(base, &run.freed, NET_PATIENCE_S * 1000));
		session_run_finish(&run);
		assert_int_equal(run.done, round == 2);
	}
}

/*
 * In a flight the session is over before the caller has its answer: cancelled
 * then, or before that, it must not wait for an answer that may never come.
 */
static void
test_flight_cancelled_unanswered(void **state)
{
	struct event_base *base = *state;
	struct session_run known = { 0 };
	unsigned round;

	acquaint(base, &known);
	for (round = 0; round < 2; round++) {
		struct session_run run = { .answer_later = true,
			.cancel_in = round == 0 ? "listing" : NULL };

		fly(&run, base, &known);
		if (round == 1) {
			assert_false(session_run_turn(base, &run.done, 50));
			evpop_sync_cancel(run.sync, &reason);
		}
		session_run_until(base, run.log, "done:");
		/* What comes too late is not listened to. */
		evpop_sync_known(run.sync, NULL, 0, 1000);
		session_run_finish(&run);
		assert_string_equal(run.log, "listing:3 done:cancelled ");
		assert_string_equal(run.report.result.text, reason.text);
		assert_int_equal(run.server.accepted, 1);
	}
	evpop_memory_free(known.memory);
}

/* The same while it compares: nothing else is told after that. */
static void
test_flight_cancelled_in_the_answer(void **state)
{
	static const struct {
		const char *callback, *log;
	} cases[] = {
		{ "matched", "listing:3 matched done:cancelled " },
		{ "planned", "listing:3 planned:0+0 done:cancelled " },
	};
	struct event_base *base = *state;
	struct session_run known = { 0 };
	unsigned round;

	acquaint(base, &known);
	for (round = 0; round < 2; round++) {
		struct session_run run = { .answer_later = true,
			.cancel_in = cases[round].callback };

		fly(&run, base, &known);
		assert_false(session_run_turn(base, &run.done, 50));
		evpop_sync_known(
		    run.sync, run.learned, run.learned_count, 1000);
		session_run_finish(&run);
		assert_string_equal(run.log, cases[round].log);
	}
	evpop_memory_free(known.memory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_session),
		cmocka_unit_test(test_answered_twice),
		cmocka_unit_test(test_flight),
		cmocka_unit_test(test_rude_farewell),
		cmocka_unit_test(test_ended_before_the_answer),
		cmocka_unit_test(test_freed_around_it),
		cmocka_unit_test(test_flight_cancelled_unanswered),
		cmocka_unit_test(test_flight_cancelled_in_the_answer),
	};

	return cmocka_run_group_tests(
	    tests, session_run_set_up, session_run_tear_down);
}

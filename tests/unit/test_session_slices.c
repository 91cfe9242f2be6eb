/*
 * Deletions in slices: sessions that mark so many messages, QUIT, and are
 * followed by others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "tests/unit/session_run.h"

#define MANY 10

static struct net_message many[MANY];
static struct evpop_known all_stored[MANY];
static char ids[MANY][8];

static const struct net_server_options deleting = {
	.pipelining = true,
	.messages = many,
	.message_count = MANY,
	.deletes = true,
};

/* How often it stands in the text. */
static size_t
count_of(const char *text, const char *part)
{
	size_t count = 0;

	for (; (text = strstr(text, part)) != NULL; text++)
		count++;
	return count;
}

static size_t
left_on(const struct net_server *server)
{
	size_t i, left = 0;

	for (i = 0; i < MANY; i++)
		left += !server->deleted[i];
	return left;
}

/* ---- all of it, slice by slice ---- */

static void
test_fetch_and_delete(void **state)
{
	static const struct {
		uint32_t most, sessions;
		enum acknowledge acknowledge;
	} cases[] = {
		{ 1, 10, ACK_AT_ONCE },
		{ 3, 4, ACK_AT_ONCE },
		{ 3, 4, ACK_SOON },
		{ 5, 2, ACK_SOON },
		{ 9, 2, ACK_AT_ONCE },
		{ 10, 1, ACK_AT_ONCE },
		{ 100, 1, ACK_SOON },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct session_run run = { .acknowledge =
					       cases[i].acknowledge };
		const struct evpop_policy policy = { .keep = EVPOP_KEEP_NONE,
			.max_session_deletes = cases[i].most };

		session_run_play_with(&run, *state, &deleting, &policy);
		assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
		assert_int_equal(run.report.quit, EVPOP_QUIT_COMMITTED);
		assert_int_equal(run.report.sessions, cases[i].sessions);
		assert_int_equal(run.report.messages, MANY);
		assert_int_equal(run.report.fetched, MANY);
		assert_int_equal(run.report.deleted, MANY);
		assert_int_equal(count_of(run.log, "deleted:"), MANY);
		assert_int_equal(
		    count_of(run.server.log, "QUIT;"), cases[i].sessions);
		assert_int_equal(count_of(run.server.log, "PASS secret;"),
		    cases[i].sessions);
		assert_int_equal(left_on(&run.server), 0);
	}
}

static void
test_stored_before(void **state)
{
	static const struct evpop_policy policy = { .keep = EVPOP_KEEP_NONE,
		.max_session_deletes = 4 };
	struct session_run run = { .known = all_stored, .known_count = MANY };

	session_run_play_with(&run, *state, &deleting, &policy);
	assert_int_equal(run.report.sessions, 3);
	assert_int_equal(run.report.deleted, MANY);
	assert_int_equal(run.report.fetched, 0);
	assert_null(strstr(run.server.log, "RETR"));
	assert_int_equal(left_on(&run.server), 0);
	/* Each slice has numbers of its own. */
	assert_string_equal(session_run_commands(&run),
	    "DELE 1;DELE 2;DELE 3;DELE 4;QUIT;"
	    "USER anna;PASS secret;NOOP;CAPA;UIDL;"
	    "DELE 1;DELE 2;DELE 3;DELE 4;QUIT;USER anna;PASS secret;CAPA;UIDL;"
	    "DELE 1;DELE 2;QUIT;");
}

/* A limit on messages holds for all slices together. */
static void
test_limit_over_all(void **state)
{
	static const struct evpop_policy policy = { .keep = EVPOP_KEEP_NONE,
		.max_session_deletes = 2,
		.max_messages = 5 };
	struct session_run run = { 0 };

	session_run_play_with(&run, *state, &deleting, &policy);
	assert_int_equal(run.report.sessions, 3);
	assert_int_equal(run.report.fetched, 5);
	assert_int_equal(run.report.deleted, 5);
	assert_int_equal(run.report.later, 5);
	assert_int_equal(left_on(&run.server), 5);
}

/* What only has to be fetched does not count, and is not fetched again. */
static void
test_fetches_that_stay(void **state)
{
	static const struct evpop_policy policy = {
		.keep = EVPOP_KEEP_AGE, .keep_ms = 1, .max_session_deletes = 2
	};
	struct session_run run = {
		.known = all_stored, .known_count = 6, .acknowledge = ACK_LATER
	};

	session_run_begin_with(&run, *state, &deleting, &policy);
	/* The slice waits for the store. */
	assert_false(session_run_turn(*state, &run.done, 50));
	assert_int_equal(run.owed_count, 4);
	assert_null(strstr(run.server.log, "QUIT"));
	run.known = all_stored;
	run.known_count = MANY;
	session_run_acknowledge(&run, true);
	session_run_finish(&run);
	assert_int_equal(run.report.fetched, 4);
	assert_int_equal(count_of(run.server.log, "RETR"), 4);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
}

/* ---- slices that are not followed by another ---- */

static void
test_quit_that_fails(void **state)
{
	static const struct {
		struct net_rule rule;
		enum evpop_quit quit;
	} cases[] = {
		{ { "QUIT", "-ERR not all are deleted\r\n", NET_CLOSE },
		    EVPOP_QUIT_REFUSED },
		{ { "QUIT", NULL, NET_CLOSE }, EVPOP_QUIT_UNKNOWN },
		{ { "QUIT", "+O", NET_RESET }, EVPOP_QUIT_UNKNOWN },
	};
	static const struct evpop_policy policy = { .keep = EVPOP_KEEP_NONE,
		.max_session_deletes = 3 };
	struct net_server_options options = deleting;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct session_run run = { 0 };

		options.rules = &cases[i].rule;
		options.rule_count = 1;
		session_run_play_with(&run, *state, &options, &policy);
		assert_int_equal(run.report.quit, cases[i].quit);
		assert_int_not_equal(run.report.result.error, EVPOP_ERROR_NONE);
		assert_int_equal(run.report.sessions, 1);
		assert_int_equal(run.server.accepted, 1);
		assert_null(strstr(run.log, "deleted"));
	}
}

/* Without an end to what there is to do, there is one to the doing. */
static void
test_server_that_does_not_delete(void **state)
{
	static const struct evpop_policy policy = { .keep = EVPOP_KEEP_NONE,
		.max_session_deletes = 1 };
	struct net_server_options options = deleting;
	struct session_run run = { 0 };

	options.deletes = false;
	session_run_play_with(&run, *state, &options, &policy);
	assert_int_equal(run.report.sessions, 2);
	assert_int_equal(run.report.fetched, 2);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
}

static void
test_nothing_was_marked(void **state)
{
	static const struct evpop_policy policy = { .keep = EVPOP_KEEP_NONE,
		.max_session_deletes = 3 };
	struct session_run run = { .acknowledge = ACK_REFUSED };

	session_run_play_with(&run, *state, &deleting, &policy);
	assert_int_equal(run.report.sessions, 1);
	assert_int_equal(run.report.failed, 3);
	assert_int_equal(left_on(&run.server), MANY);
}

/* The second session cannot log in: the first one's work is done. */
static void
test_second_log_in_refused(void **state)
{
	static const struct evpop_policy policy = { .keep = EVPOP_KEEP_NONE,
		.max_session_deletes = 3 };
	struct session_run run = { .answer_later = true };

	session_run_begin_with(&run, *state, &deleting, &policy);
	assert_true(
	    session_run_turn(*state, &run.listed, NET_PATIENCE_S * 1000));
	run.server.options.rules = &(const struct net_rule){ "PASS secret",
		"-ERR [IN-USE] locked\r\n", NET_GO_ON };
	run.server.options.rule_count = 1;
	run.answer_later = false;
	evpop_sync_known(run.sync, NULL, 0, 1000);
	session_run_finish(&run);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_REFUSED);
	assert_int_equal(run.report.result.code, EVPOP_CODE_IN_USE);
	assert_int_equal(run.report.deleted, 3);
	assert_int_equal(count_of(run.log, "deleted:"), 3);
	assert_int_equal(left_on(&run.server), MANY - 3);
}

/* ---- stopped, cancelled, freed ---- */

static const char *const callbacks[] = { "listing", "matched", "planned",
	"begin", "end", "deleted" };
#define CALLBACKS (sizeof callbacks / sizeof callbacks[0])

static const struct evpop_policy by_threes = { .keep = EVPOP_KEEP_NONE,
	.max_session_deletes = 3 };

static void
test_stop(void **state)
{
	size_t i;

	for (i = 0; i < CALLBACKS; i++) {
		struct session_run run = { .stop_in = callbacks[i] };

		session_run_play_with(&run, *state, &deleting, &by_threes);
		assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
		assert_int_equal(run.report.sessions, 1);
		assert_int_equal(run.server.accepted, 1);
		assert_int_equal(run.report.deleted, run.report.fetched);
		assert_int_equal(
		    left_on(&run.server), MANY - run.report.deleted);
		assert_int_equal(
		    count_of(run.log, "deleted:"), run.report.deleted);
	}
}

/* Stopped, it deletes nothing more of what is due, whenever that is. */
static void
test_stop_deletes_nothing(void **state)
{
	static const char *const names[] = { "listing", "matched", "planned" };
	/* With sizes, the plan comes later. */
	struct evpop_known sized[MANY];
	size_t i;

	memcpy(sized, all_stored, sizeof sized);
	for (i = 0; i < MANY; i++)
		sized[i].octets = many[i].length;
	for (i = 0; i < 6; i++) {
		struct session_run run = { .stop_in = names[i % 3],
			.known = i < 3 ? sized : all_stored,
			.known_count = MANY };

		session_run_play_with(&run, *state, &deleting, &keep_none);
		assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
		assert_null(strstr(run.server.log, "DELE"));
		assert_int_equal(count_of(run.server.log, "QUIT;"), 1);
	}
}

/* Those that were not handed over yet stay. */
static void
test_stop_amid_deletions(void **state)
{
	static struct net_message messages[NET_DELETES_MAX];
	static struct evpop_known known[NET_DELETES_MAX];
	static char names[NET_DELETES_MAX][12];
	const struct net_server_options options = { .messages = messages,
		.message_count = NET_DELETES_MAX,
		.deletes = true };
	struct session_run run = { .known = known,
		.known_count = NET_DELETES_MAX - 1,
		.stop_in = "end" };
	size_t i;

	for (i = 0; i < NET_DELETES_MAX; i++) {
		messages[i] = session_run_messages[0];
		snprintf(names[i], sizeof names[i], "id-%zu", i + 1);
		known[i].unique_id = (const unsigned char *)names[i];
		known[i].unique_id_length = strlen(names[i]);
	}
	session_run_play_with(&run, *state, &options, &keep_none);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	assert_int_equal(run.report.fetched, 1);
	assert_true(run.server.deleted[NET_DELETES_MAX - 1]);
	assert_true(run.report.deleted < NET_DELETES_MAX);
	assert_int_equal(count_of(run.log, "deleted:"), run.report.deleted);
}

static void
test_cancel(void **state)
{
	size_t i;

	for (i = 0; i < CALLBACKS; i++) {
		struct session_run run = { .cancel_in = callbacks[i] };

		session_run_play_with(&run, *state, &deleting, &by_threes);
		assert_int_equal(
		    run.report.result.error, EVPOP_ERROR_CANCELLED);
		assert_int_equal(run.server.accepted, 1);
		assert_int_equal(
		    left_on(&run.server), MANY - count_of(run.log, "deleted:"));
	}
}

static void
test_free_in_every_callback(void **state)
{
	struct event_base *base = *state;
	size_t i;

	for (i = 0; i < CALLBACKS; i++) {
		struct session_run run = { .free_in = callbacks[i] };

		session_run_begin_with(&run, base, &deleting, &by_threes);
		assert_true(
		    session_run_turn(base, &run.freed, NET_PATIENCE_S * 1000));
		assert_false(session_run_turn(base, &(bool){ false }, 20));
		assert_string_equal(
		    strchr(strstr(run.log, callbacks[i]), ' '), " ");
		assert_int_equal(run.server.accepted, 1);
		session_run_finish(&run);
	}
}

static void
test_free_at_any_time(void **state)
{
	int turns, i;

	for (turns = 0; turns < 120; turns++) {
		struct session_run run = { .acknowledge = ACK_SOON };

		session_run_begin_with(&run, *state, &deleting, &by_threes);
		for (i = 0; i < turns && !run.done; i++)
			assert_int_equal(
			    event_base_loop(*state, EVLOOP_NONBLOCK), 0);
		run.freed = true;
		evpop_sync_free(run.sync);
		run.sync = NULL;
		session_run_finish(&run);
	}
}

static int
group_setup(void **state)
{
	size_t i;

	for (i = 0; i < MANY; i++) {
		many[i] = session_run_messages[i % 3];
		snprintf(ids[i], sizeof ids[i], "id-%zu", i + 1);
		all_stored[i].unique_id = (const unsigned char *)ids[i];
		all_stored[i].unique_id_length = strlen(ids[i]);
	}
	return session_run_set_up(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fetch_and_delete),
		cmocka_unit_test(test_stored_before),
		cmocka_unit_test(test_limit_over_all),
		cmocka_unit_test(test_fetches_that_stay),
		cmocka_unit_test(test_quit_that_fails),
		cmocka_unit_test(test_server_that_does_not_delete),
		cmocka_unit_test(test_nothing_was_marked),
		cmocka_unit_test(test_second_log_in_refused),
		cmocka_unit_test(test_stop),
		cmocka_unit_test(test_stop_deletes_nothing),
		cmocka_unit_test(test_stop_amid_deletions),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_free_in_every_callback),
		cmocka_unit_test(test_free_at_any_time),
	};

	return cmocka_run_group_tests(
	    tests, group_setup, session_run_tear_down);
}

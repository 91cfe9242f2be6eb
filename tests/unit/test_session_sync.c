/*
 * The sync driver's sessions: what it sends, in which order, and that nothing
 * is deleted before it is durable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "tests/unit/session_run.h"

/* ---- sessions that go well ---- */

static const struct evpop_known knows_1_and_2[] = {
	{ .unique_id = (const unsigned char *)"id-1", .unique_id_length = 4 },
	{ .unique_id = (const unsigned char *)"id-2",
	    .unique_id_length = 4,
	    .state = EVPOP_KNOWN_DELETE },
};

static void
test_keep_forever(void **state)
{
	struct session_run run = { 0 };

	session_run_play(&run, *state, NULL, 0, &keep_forever);
	assert_string_equal(run.log,
	    "listing:3 planned:3+0 begin:1 end:1 begin:2 end:2 begin:3 end:3 "
	    "done:ok ");
	assert_string_equal(
	    session_run_commands(&run), "RETR 1;RETR 2;RETR 3;QUIT;");
	assert_int_equal(run.body_length, sizeof(BODY_1 BODY_2 BODY_3) - 1);
	assert_memory_equal(run.body, BODY_1 BODY_2 BODY_3, run.body_length);
	assert_true(run.report.listed);
	assert_int_equal(run.report.messages, 3);
	assert_int_equal(run.report.fetched, 3);
	assert_int_equal(run.report.failed, 0);
	assert_int_equal(run.report.deleted, 0);
	assert_int_equal(run.report.body_octets, run.body_length);
	assert_true(run.report.octets_in > run.body_length);
	assert_true(run.report.octets_out > 0);
	assert_int_equal(run.report.quit, EVPOP_QUIT_COMMITTED);
}

static void
test_delete_what_is_stored(void **state)
{
	struct session_run run = { 0 };

	session_run_play(&run, *state, NULL, 0, &keep_none);
	assert_string_equal(run.log,
	    "listing:3 planned:3+0 begin:1 end:1 begin:2 end:2 begin:3 end:3 "
	    "deleted:1 deleted:2 deleted:3 done:ok ");
	assert_int_equal(run.report.deleted, 3);
	assert_non_null(strstr(session_run_commands(&run), "DELE 1;"));
	assert_non_null(strstr(session_run_commands(&run), "DELE 3;QUIT;"));
}

static void
test_known_messages(void **state)
{
	struct session_run run = { .known = knows_1_and_2, .known_count = 2 };

	session_run_play(&run, *state, NULL, 0, &keep_none);
	assert_string_equal(run.log,
	    "listing:3 planned:1+2 begin:3 end:3 deleted:1 deleted:2 "
	    "deleted:3 done:ok ");
	assert_string_equal(session_run_commands(&run),
	    "LIST;DELE 1;DELE 2;RETR 3;DELE 3;QUIT;");
}

static void
test_nothing_to_do(void **state)
{
	static const struct net_rule rules[] = {
		{ "UIDL", "+OK\r\n.\r\n", NET_GO_ON },
		{ "LIST", "+OK\r\n.\r\n", NET_GO_ON },
	};
	struct session_run run = { 0 };

	session_run_play(&run, *state, rules, 2, &keep_none);
	assert_string_equal(run.log, "listing:0 planned:0+0 done:ok ");
	assert_string_equal(session_run_commands(&run), "QUIT;");
}

static void
test_known_is_told_later(void **state)
{
	struct event_base *base = *state;
	struct session_run run = {
		.known = knows_1_and_2, .known_count = 2, .answer_later = true
	};

	session_run_begin(&run, base, NULL, 0, &keep_forever);
	assert_true(session_run_turn(base, &run.listed, NET_PATIENCE_S * 1000));
	assert_false(session_run_turn(base, &run.done, 50));
	assert_string_equal(run.log, "listing:3 ");
	evpop_sync_known(run.sync, run.known, run.known_count, 1000);
	session_run_finish(&run);
	assert_string_equal(
	    run.log, "listing:3 planned:1+0 begin:3 end:3 done:ok ");
}

/* ---- durability ---- */

static void
test_no_delete_before_it_is_durable(void **state)
{
	struct event_base *base = *state;
	struct session_run run = { .acknowledge = ACK_LATER };
	struct evpop_sync_report progress;

	session_run_begin(&run, base, NULL, 0, &keep_none);
	evpop_sync_progress(run.sync, &progress);
	assert_false(progress.listed);
	assert_int_equal(progress.octets_in, 0);
	session_run_until(base, run.log, "end:3 ");
	assert_false(session_run_turn(base, &run.done, 100));
	evpop_sync_progress(run.sync, &progress);
	assert_true(progress.listed);
	assert_int_equal(progress.fetched, 0);
	assert_int_equal(
	    progress.body_octets, sizeof(BODY_1 BODY_2 BODY_3) - 1);
	assert_true(progress.octets_in > progress.body_octets);
	assert_int_equal(run.owed_count, 3);
	assert_string_equal(
	    session_run_commands(&run), "LIST;RETR 1;RETR 2;RETR 3;");
	session_run_acknowledge(&run, true);
	session_run_finish(&run);
	assert_string_equal(session_run_commands(&run),
	    "LIST;RETR 1;RETR 2;RETR 3;DELE 1;DELE 2;DELE 3;QUIT;");
	assert_int_equal(run.report.fetched, 3);
	assert_int_equal(run.report.deleted, 3);
}

/* Without deletions QUIT need not wait, but `done` does. */
static void
test_done_waits_for_the_store(void **state)
{
	struct event_base *base = *state;
	struct session_run run = { .acknowledge = ACK_LATER };

	session_run_begin(&run, base, NULL, 0, &keep_forever);
	session_run_until(base, run.server.log, "QUIT;");
	assert_false(session_run_turn(base, &run.done, 100));
	assert_string_equal(
	    session_run_commands(&run), "RETR 1;RETR 2;RETR 3;QUIT;");
	session_run_acknowledge(&run, true);
	assert_false(run.done);
	session_run_finish(&run);
	assert_int_equal(run.report.fetched, 3);
}

static void
test_what_is_not_durable_stays(void **state)
{
	struct session_run run = { .acknowledge = ACK_REFUSED };

	session_run_play(&run, *state, NULL, 0, &keep_none);
	assert_string_equal(
	    session_run_commands(&run), "LIST;RETR 1;RETR 2;RETR 3;QUIT;");
	assert_int_equal(run.report.fetched, 0);
	assert_int_equal(run.report.failed, 3);
	assert_int_equal(run.report.deleted, 0);
}

static void
test_connection_lost_in_a_body(void **state)
{
	static const struct net_rule rules[] = {
		{ "RETR 2", "+OK\r\nSubject: tw", NET_CLOSE },
	};
	struct event_base *base = *state;
	struct session_run run = { .acknowledge = ACK_LATER };

	session_run_begin(&run, base, rules, 1, &keep_none);
	session_run_until(base, run.log, "failed:io ");
	assert_false(session_run_turn(base, &run.done, 100));
	assert_string_equal(
	    run.log, "listing:3 planned:3+0 begin:1 end:1 begin:2 failed:io ");
	/* It is over, and still has to be told of what is durable. */
	session_run_acknowledge(&run, true);
	session_run_finish(&run);
	assert_string_equal(strstr(run.log, "failed"), "failed:io done:io ");
	assert_int_equal(run.report.fetched, 1);
	assert_int_equal(run.report.failed, 1);
	assert_int_equal(run.report.deleted, 0);
	assert_null(strstr(run.server.log, "DELE"));
	assert_null(strstr(run.server.log, "QUIT"));
}

/* In the last one nothing but the end of the session is left to come. */
static void
test_connection_lost_in_the_last_body(void **state)
{
	static const struct net_rule rules[] = {
		{ "RETR 3", "+OK\r\nSubject: th", NET_RESET },
		{ "DELE 3", NULL, NET_CLOSE },
	};
	static const struct evpop_policy *const policies[] = { &keep_forever,
		&keep_none };
	size_t i;

	for (i = 0; i < 2; i++) {
		struct session_run run = { 0 };

		session_run_play(&run, *state, &rules[i], 1, policies[i]);
		assert_int_equal(run.report.result.error, EVPOP_ERROR_IO);
		assert_int_equal(run.report.fetched, 2 + i);
		assert_null(strstr(run.log, "deleted"));
		assert_null(strstr(run.server.log, "QUIT"));
	}
}

static void
test_quit_outcomes(void **state)
{
	static const struct {
		struct net_rule rule;
		enum evpop_quit quit;
		enum evpop_error error;
	} cases[] = {
		{ { "QUIT", "-ERR some deleted messages not removed\r\n",
		      NET_CLOSE },
		    EVPOP_QUIT_REFUSED, EVPOP_ERROR_REFUSED },
		{ { "QUIT", NULL, NET_CLOSE }, EVPOP_QUIT_UNKNOWN,
		    EVPOP_ERROR_IO },
		{ { "QUIT", "+OK", NET_RESET }, EVPOP_QUIT_UNKNOWN,
		    EVPOP_ERROR_IO },
	};
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct session_run run = { 0 };

		session_run_play(&run, *state, &cases[i].rule, 1, &keep_none);
		assert_int_equal(run.report.quit, cases[i].quit);
		assert_int_equal(run.report.result.error, cases[i].error);
		assert_int_equal(run.report.fetched, 3);
		/* Marked, but nobody may take them for deleted. */
		assert_int_equal(run.report.deleted, 3);
		assert_null(strstr(run.log, "deleted"));
	}
}

/* How a server takes leave does not matter where nothing was deleted. */
static void
test_rude_farewell(void **state)
{
	static const struct net_rule rule = { "QUIT", NULL, NET_CLOSE };
	struct session_run run = { 0 };

	session_run_play(&run, *state, &rule, 1, &keep_forever);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	assert_int_equal(run.report.fetched, 3);
}

/* ---- servers that refuse ---- */

static void
test_refused_log_in(void **state)
{
	static const struct net_rule rules[] = {
		{ "PASS secret", "-ERR [AUTH] no\r\n", NET_GO_ON },
	};
	struct session_run run = { 0 };

	session_run_play(&run, *state, rules, 1, &keep_none);
	assert_string_equal(run.log, "done:auth ");
	assert_false(run.report.listed);
	assert_int_equal(run.report.result.code, EVPOP_CODE_AUTH);
	assert_non_null(strstr(run.server.log, "QUIT;"));
}

static void
test_refused_messages(void **state)
{
	static const struct net_rule rules[] = {
		{ "RETR 2", "-ERR it is damaged\r\n", NET_GO_ON },
		{ "DELE 3", "-ERR no\r\n", NET_GO_ON },
	};
	struct session_run run = { 0 };

	session_run_play(&run, *state, rules, 2, &keep_none);
	assert_string_equal(run.log,
	    "listing:3 planned:3+0 begin:1 end:1 refused:2 begin:3 end:3 "
	    "deleted:1 done:ok ");
	assert_int_equal(run.report.fetched, 2);
	assert_int_equal(run.report.failed, 1);
	assert_int_equal(run.report.deleted, 1);
}

/* SHA-256 of the headers of the test's messages, and their octets. */
static const char *const top_names[] = {
	" top-"
	"e2bbc5cd835b8c5f7892985d2fe2a1a9cf69a92a769ff556357aec64922ada7d"
	"-34",
	" top-"
	"11558bf9ba9902af4fac518cb50d32b8e846a4083a4e6ffa24da46e72b0a603b"
	"-22",
	" top-"
	"d4183203c8b0d33383e3c21a5fe9effc637353968d4a10185545bba86b3cb150"
	"-18",
};

static const struct net_rule no_uidl[] = {
	{ "UIDL", "-ERR what?\r\n", NET_GO_ON },
	{ "TOP 1 0", "-ERR what?\r\n", NET_GO_ON },
	{ "TOP 2 0", "-ERR what?\r\n", NET_GO_ON },
	{ "TOP 3 0", "-ERR what?\r\n", NET_GO_ON },
};

/* Mail that stays is known by its header and size, and fetched once. */
static void
test_without_uidl(void **state)
{
	struct session_run run = { 0 }, again = { 0 };
	size_t i;

	session_run_play(&run, *state, no_uidl, 1, &keep_forever);
	assert_string_equal(run.log,
	    "listing:3 planned:3+0 begin:1 end:1 begin:2 end:2 begin:3 end:3 "
	    "done:ok ");
	assert_string_equal(session_run_commands(&run),
	    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;RETR 1;RETR 2;RETR 3;QUIT;");
	assert_int_equal(run.report.unidentified, 0);
	assert_int_equal(run.learned_count, 3);
	for (i = 0; i < 3; i++) {
		assert_int_equal(
		    run.learned[i].unique_id_length, strlen(top_names[i]));
		assert_memory_equal(run.learned[i].unique_id, top_names[i],
		    strlen(top_names[i]));
	}
	again.known = run.learned;
	again.known_count = 3;
	session_run_play(&again, *state, no_uidl, 1, &keep_forever);
	assert_string_equal(again.log, "listing:3 planned:0+0 done:ok ");
	assert_string_equal(
	    session_run_commands(&again), "LIST;TOP 1 0;TOP 2 0;TOP 3 0;QUIT;");
}

/* What is deleted at once needs no name. */
static void
test_without_uidl_and_deleted(void **state)
{
	struct session_run run = { 0 };

	session_run_play(&run, *state, no_uidl, 1, &keep_none);
	assert_int_equal(run.report.fetched, 3);
	assert_int_equal(run.report.deleted, 3);
	assert_null(strstr(run.server.log, "TOP"));
	assert_int_equal(run.learned_count, 0);
}

/* Then only the caller can recognise them, by their bytes. */
static void
test_without_uidl_and_top(void **state)
{
	static const struct evpop_policy fetch_them = { .fetch_unidentified =
							    true };
	struct event_base *base = *state;
	struct net_server_options options = { .no_capa = true,
		.rules = no_uidl,
		.rule_count = 4,
		.messages = session_run_messages,
		.message_count = 3 };
	struct session_run run = { 0 }, again = { 0 }, said = { 0 };

	session_run_play_with(&run, base, &options, &keep_forever);
	assert_string_equal(run.log, "listing:3 planned:0+0 done:ok ");
	assert_string_equal(session_run_commands(&run), "LIST;TOP 1 0;QUIT;");
	assert_int_equal(run.report.unidentified, 3);
	session_run_play_with(&again, base, &options, &fetch_them);
	assert_string_equal(session_run_commands(&again),
	    "LIST;TOP 1 0;RETR 1;RETR 2;RETR 3;QUIT;");
	assert_int_equal(again.report.fetched, 3);
	assert_int_equal(again.report.deleted, 0);
	/* Where it is said to be there, one refusal proves nothing. */
	options.no_capa = false;
	session_run_play_with(&said, base, &options, &keep_forever);
	assert_string_equal(
	    session_run_commands(&said), "LIST;TOP 1 0;TOP 2 0;TOP 3 0;QUIT;");
	assert_int_equal(said.report.unidentified, 3);
}

/*
 * A server that says it has TOP and always refuses it: what is known by its
 * bytes is fetched all the same, each time, and deleted as the policy wants.
 */
static void
test_without_uidl_and_top_refused(void **state)
{
	static const struct {
		struct evpop_policy policy;
		size_t rules; /* of those that refuse */
		uint32_t fetched, deleted, unidentified;
		const char *commands;
	} cases[] = {
		{ { .fetch_unidentified = true }, 4, 3, 0, 0,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;RETR 1;RETR 2;RETR 3;QUIT;" },
		{ { .fetch_unidentified = true,
		      .keep = EVPOP_KEEP_AGE,
		      .keep_ms = 1 },
		    4, 3, 0, 0,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;RETR 1;RETR 2;RETR 3;QUIT;" },
		{ { .fetch_unidentified = true, .keep = EVPOP_KEEP_NONE }, 4, 3,
		    3, 0, NULL },
		{ { .keep = EVPOP_KEEP_NONE }, 4, 3, 3, 0, NULL },
		{ { .keep = EVPOP_KEEP_AGE, .keep_ms = 1 }, 4, 0, 0, 3,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;QUIT;" },
		{ { .fetch_unidentified = true, .max_messages = 2 }, 4, 2, 0, 0,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;RETR 1;RETR 2;QUIT;" },
		{ { .fetch_unidentified = true, .max_message_octets = 30 }, 4,
		    2, 0, 0,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;RETR 2;RETR 3;QUIT;" },
		{ { .fetch_unidentified = true, .baseline = true }, 4, 0, 0, 3,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;QUIT;" },
		{ { .fetch_unidentified = true, .dry_run = true }, 4, 0, 0, 0,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;QUIT;" },
		{ { .fetch_unidentified = true, .order = EVPOP_ORDER_NEWEST },
		    4, 3, 0, 0,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;RETR 3;RETR 2;RETR 1;QUIT;" },
		{ { .fetch_unidentified = true }, 3, 3, 0, 0,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;RETR 1;RETR 2;RETR 3;QUIT;" },
	};
	static const struct evpop_known named = {
		.unique_id = (const unsigned char *)" top-x",
		.unique_id_length = 6,
	};
	static const struct evpop_policy any = { .fetch_unidentified = true };
	struct session_run before = { .known = &named, .known_count = 1 };
	size_t i;

	/* It has given names before: others now would double all. */
	session_run_play(&before, *state, no_uidl, 4, &any);
	assert_int_equal(before.report.unidentified, 3);
	assert_int_equal(before.report.fetched, 0);
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct session_run run = { 0 };

		session_run_play(
		    &run, *state, no_uidl, cases[i].rules, &cases[i].policy);
		assert_int_equal(run.report.fetched, cases[i].fetched);
		assert_int_equal(run.report.deleted, cases[i].deleted);
		assert_int_equal(
		    run.report.unidentified, cases[i].unidentified);
		if (cases[i].commands != NULL)
			assert_string_equal(
			    session_run_commands(&run), cases[i].commands);
	}
}

/* Lines nothing can be made of are counted, and the first one is told. */
static void
test_unreadable_lines(void **state)
{
	static const struct {
		const char *uidl, *list;
		uint32_t ignored;
		const char *line; /* is in it; NULL: there is none */
	} cases[] = {
		{ "1 a\r\n2 b\r\n", "1 5\r\n2 6\r\n", 0, NULL },
		{ "1 a\r\nfoo\r\n2 b\r\n", "", 1, "foo" },
		{ "foo\r\nbar\r\nbaz\r\n", "", 3, "foo" },
		{ "1 a\r\n0 b\r\n", "", 1, "0 b" },
		{ "1 a\r\n-2 b\r\n", "", 1, "-2 b" },
		{ "1 a\r\n4294967296 b\r\n", "", 1, "4294967296 b" },
		{ "1 a\r\n2 b\xff\x1b[2J c\r\n", "", 0, NULL },
		{ "1 a\r\n\x1b[2Jx\r\n", "", 1, "?[2Jx" },
		{ "1 a\r\n1 b\r\n", "", 1, "message 1" },
		{ "1 a\r\n", "1 5\r\n2 6\r\n", 1, "message 2" },
		{ "1 a\r\n", "1 5\r\nsix\r\n", 1, "six" },
		{ "1 a\r\nfoo\r\n", "1 5\r\nsix\r\n", 2, "foo" },
		{ "1 a\r\n\r\n", "", 1, "" },
	};
	static const struct evpop_policy sized = { .dry_run = true,
		.max_message_octets = 1000 };
	char uidl[256], list[256];
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const struct net_rule rules[] = {
			{ "UIDL", uidl, NET_GO_ON },
			{ "LIST", list, NET_GO_ON },
		};
		struct session_run run = { 0 };

		print_message("%s", cases[i].uidl);
		snprintf(uidl, sizeof uidl, "+OK\r\n%s.\r\n", cases[i].uidl);
		snprintf(list, sizeof list, "+OK\r\n%s.\r\n", cases[i].list);
		session_run_play(&run, *state, rules, 2, &sized);
		assert_int_equal(run.report.ignored, cases[i].ignored);
		if (cases[i].line == NULL)
			assert_string_equal(run.report.ignored_line, "");
		else
			assert_non_null(
			    strstr(run.report.ignored_line, cases[i].line));
	}
}

/* One that cannot be looked at keeps none of the others from being fetched. */
static void
test_top_refused_for_one(void **state)
{
	struct session_run run = { 0 };

	session_run_play(&run, *state, no_uidl, 2, &keep_forever);
	assert_string_equal(session_run_commands(&run),
	    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;RETR 2;RETR 3;QUIT;");
	assert_int_equal(run.report.unidentified, 1);
	assert_int_equal(run.report.fetched, 2);
}

static void
test_without_list(void **state)
{
	static const struct net_rule rules[] = {
		{ "LIST", "-ERR what?\r\n", NET_GO_ON },
		{ "UIDL", "-ERR what?\r\n", NET_GO_ON },
	};
	struct session_run run = { 0 }, again = { 0 };

	session_run_play(&run, *state, rules, 1, &keep_forever);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	assert_int_equal(run.report.fetched, 3);
	session_run_play(&again, *state, rules, 2, &keep_forever);
	assert_string_equal(again.log, "done:refused ");
	assert_false(again.report.listed);
	assert_non_null(strstr(again.server.log, "QUIT;"));
}

static void
test_closed_early(void **state)
{
	static const struct net_rule rules[] = {
		{ "", NULL, NET_CLOSE },
		{ "UIDL", "+OK\r\n1 id-1\r\n", NET_CLOSE },
		{ "UIDL", "+OK\r\n1 id-1\r\n2", NET_RESET },
	};
	size_t i;

	for (i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		struct session_run run = { 0 };

		session_run_play(&run, *state, &rules[i], 1, &keep_none);
		assert_string_equal(run.log, "done:io ");
		assert_false(run.report.listed);
		assert_true(run.report.result.text[0] != '\0');
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keep_forever),
		cmocka_unit_test(test_delete_what_is_stored),
		cmocka_unit_test(test_known_messages),
		cmocka_unit_test(test_nothing_to_do),
		cmocka_unit_test(test_known_is_told_later),
		cmocka_unit_test(test_no_delete_before_it_is_durable),
		cmocka_unit_test(test_done_waits_for_the_store),
		cmocka_unit_test(test_what_is_not_durable_stays),
		cmocka_unit_test(test_connection_lost_in_a_body),
		cmocka_unit_test(test_connection_lost_in_the_last_body),
		cmocka_unit_test(test_quit_outcomes),
		cmocka_unit_test(test_rude_farewell),
		cmocka_unit_test(test_refused_log_in),
		cmocka_unit_test(test_refused_messages),
		cmocka_unit_test(test_without_uidl),
		cmocka_unit_test(test_without_uidl_and_deleted),
		cmocka_unit_test(test_without_uidl_and_top),
		cmocka_unit_test(test_without_uidl_and_top_refused),
		cmocka_unit_test(test_unreadable_lines),
		cmocka_unit_test(test_top_refused_for_one),
		cmocka_unit_test(test_without_list),
		cmocka_unit_test(test_closed_early),
	};

	return cmocka_run_group_tests(
	    tests, session_run_set_up, session_run_tear_down);
}

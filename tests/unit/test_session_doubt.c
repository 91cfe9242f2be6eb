/*
 * Servers that are not well: a body that is empty, or much shorter than its
 * message is, is not believed, and nothing of the maildrop is deleted.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "tests/unit/session_run.h"

#define RULE(command, reply)              \
	{                                 \
		command, reply, NET_GO_ON \
	}
#define UIDL_1       RULE("UIDL", "+OK\r\n1 id-1\r\n.\r\n")
#define LIST_1(size) RULE("LIST", "+OK\r\n1 " size "\r\n.\r\n")
#define ONE_1(size)  RULE("LIST 1", "+OK 1 " size "\r\n")
#define RETR_1(text) RULE("RETR 1", "+OK" text)
#define TOP_1(text)  RULE("TOP 1 0", "+OK\r\n" text ".\r\n")
#define BODY         "\r\nSubject: a\r\n\r\nbody\r\n.\r\n" /* 20 octets */
#define EMPTY        "\r\n.\r\n"
#define BLANK        "\r\n\r\n.\r\n"
#define LINES_4      "\r\n\r\n\r\n\r\n\r\n.\r\n"

#define BELIEVED "begin:1 end:1 deleted:1 done:ok "
#define KEPT     "begin:1 end:1 done:ok "
#define DOUBTED  "begin:1 failed:incomplete done:incomplete "

static const struct evpop_policy above = { .delete_above_octets = 10 };

struct doubt_case {
	const char *name;
	const struct evpop_policy *policy;
	struct net_rule rules[5];
	const char *log;      /* behind the plan */
	const char *commands; /* NULL: whatever they are */
	const char *says;     /* in the result */
};

static const struct doubt_case cases[] = {
	{ "empty, and listed with more", &keep_none,
	    { UIDL_1, LIST_1("504"), RETR_1(EMPTY) }, DOUBTED,
	    "LIST;RETR 1;NOOP;QUIT;",
	    "message 1 came empty, but the server says that it has 504: the "
	    "server is not well, and nothing was deleted there" },
	{ "empty, and RETR says so, too", &keep_none,
	    { UIDL_1, LIST_1("504"), RETR_1(" 0 octets" EMPTY) }, DOUBTED, NULL,
	    "came empty" },
	{ "nothing but a line end", &keep_none,
	    { UIDL_1, LIST_1("504"), RETR_1(BLANK) }, DOUBTED, NULL,
	    "came empty" },
	{ "nothing but line ends", &keep_none,
	    { UIDL_1, LIST_1("9"), RETR_1(LINES_4) }, DOUBTED, NULL,
	    "came empty" },
	{ "line ends, all of them", &keep_none,
	    { UIDL_1, LIST_1("8"), RETR_1(LINES_4) }, BELIEVED,
	    "LIST;RETR 1;DELE 1;QUIT;", "" },
	{ "less than half", &keep_none, { UIDL_1, LIST_1("41"), RETR_1(BODY) },
	    DOUBTED, NULL,
	    "came with 20 bytes, but the server says that it has 41" },
	{ "half, by a server that counts in its own way", &keep_none,
	    { UIDL_1, LIST_1("40"), RETR_1(BODY) }, BELIEVED, NULL, "" },
	{ "half, where a line end is one octet", &keep_none,
	    { UIDL_1, LIST_1("17"), RETR_1(BODY) }, BELIEVED, NULL, "" },
	{ "all are listed with 0", &keep_none,
	    { UIDL_1, LIST_1("0"), RETR_1(BODY) }, BELIEVED,
	    "LIST;RETR 1;DELE 1;QUIT;", "" },
	{ "all are listed with 1", &keep_none,
	    { UIDL_1, LIST_1("1"), RETR_1(BODY) }, BELIEVED, NULL, "" },
	{ "listed with 0, and there is a header", &keep_none,
	    { UIDL_1, LIST_1("0"), RETR_1(EMPTY), TOP_1("Subject: a\r\n\r\n"),
		ONE_1("0") },
	    DOUBTED, "LIST;RETR 1;LIST 1;TOP 1 0;QUIT;", "shows its header" },
	{ "listed with 1, and there is a header", &keep_none,
	    { UIDL_1, LIST_1("1"), RETR_1(EMPTY), TOP_1("Subject: a\r\n\r\n") },
	    DOUBTED, NULL, "shows its header" },
	{ "listed with 0, and there is no header", &keep_none,
	    { UIDL_1, LIST_1("0"), RETR_1(EMPTY), TOP_1(""), ONE_1("0") },
	    BELIEVED, "LIST;RETR 1;LIST 1;TOP 1 0;DELE 1;QUIT;", "" },
	{ "nothing, where LIST and TOP have a line end", &keep_none,
	    { UIDL_1, LIST_1("2"), RETR_1(EMPTY), TOP_1("\r\n") }, DOUBTED,
	    NULL, "has an empty line" },
	{ "nothing, where only TOP has a line end", &keep_none,
	    { UIDL_1, LIST_1("0"), RETR_1(EMPTY), TOP_1("\r\n"), ONE_1("0") },
	    BELIEVED, NULL, "" },
	{ "nothing, where only LIST has a line end", &keep_none,
	    { UIDL_1, LIST_1("2"), RETR_1(EMPTY), TOP_1("") }, BELIEVED, NULL,
	    "" },
	{ "a line end, and LIST has it, too", &keep_none,
	    { UIDL_1, LIST_1("2"), RETR_1(BLANK), TOP_1("\r\n") }, BELIEVED,
	    NULL, "" },
	{ "listed with 0, and there is no TOP", &keep_none,
	    { UIDL_1, LIST_1("0"), RETR_1(EMPTY),
		RULE("TOP 1 0", "-ERR what?\r\n"), ONE_1("0") },
	    BELIEVED, NULL, "" },
	{ "LIST is refused, and RETR says more", &keep_none,
	    { UIDL_1, RULE("LIST", "-ERR what?\r\n"),
		RETR_1(" 504 octets" EMPTY), RULE("LIST 1", "-ERR what?\r\n") },
	    DOUBTED, NULL, "that it has 504" },
	{ "it stays, and is empty", &keep_forever,
	    { UIDL_1, RETR_1(EMPTY), ONE_1("504") }, DOUBTED,
	    "RETR 1;LIST 1;QUIT;", "came empty" },
	{ "it stays, and RETR says more", &keep_forever,
	    { UIDL_1, RETR_1(" 504 octets" BODY), ONE_1("504") }, DOUBTED,
	    "RETR 1;NOOP;LIST 1;QUIT;", "that it has 504" },
	{ "it stays, and RETR says too much", &keep_forever,
	    { UIDL_1, RETR_1(" 504 octets" BODY), ONE_1("20") }, KEPT,
	    "RETR 1;NOOP;LIST 1;QUIT;", "" },
	{ "it stays, and is empty indeed", &keep_forever,
	    { UIDL_1, RETR_1(EMPTY), ONE_1("0"), TOP_1("") }, KEPT,
	    "RETR 1;LIST 1;TOP 1 0;QUIT;", "" },
	{ "it stays, and nothing is odd", &keep_forever,
	    { UIDL_1, RETR_1(BODY) }, KEPT, "RETR 1;QUIT;", "" },
	{ "large ones are deleted", &above,
	    { UIDL_1, LIST_1("504"), RETR_1(BODY) }, DOUBTED, NULL,
	    "that it has 504" },
};

static void
check_case(struct event_base *base, const struct doubt_case *one)
{
	struct session_run run = { .acknowledge = ACK_AT_ONCE };
	size_t count = 0;

	while (count < 5 && one->rules[count].command != NULL)
		count++;
	session_run_play(&run, base, one->rules, count, one->policy);
	assert_string_equal(strstr(run.log, "begin:"), one->log);
	if (one->commands != NULL)
		assert_string_equal(session_run_commands(&run), one->commands);
	assert_non_null(strstr(run.report.result.text, one->says));
	assert_int_equal(run.server.accepted, 1);
	if (run.report.result.error == EVPOP_ERROR_NONE)
		return;
	assert_int_equal(run.report.result.scope, EVPOP_SCOPE_SESSION);
	assert_true(run.report.result.retry);
	assert_int_equal(run.report.failed, 1);
	assert_int_equal(run.report.deleted, 0);
}

static void
test_cases(void **state)
{
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].name);
		check_case(*state, &cases[i]);
	}
}

/* ---- the others of the maildrop ---- */

static const struct net_rule second_is_empty = RULE("RETR 2", "+OK" EMPTY);

static void
test_what_was_marked_is_unmarked(void **state)
{
	struct session_run run = { .acknowledge = ACK_AT_ONCE };

	session_run_play(&run, *state, &second_is_empty, 1, &keep_none);
	assert_string_equal(strstr(run.log, "begin:"),
	    "begin:1 end:1 begin:2 failed:incomplete begin:3 end:3 "
	    "done:incomplete ");
	assert_null(strstr(session_run_commands(&run), "DELE 2;"));
	assert_null(strstr(session_run_commands(&run), "DELE 3;"));
	assert_int_equal(run.report.fetched, 2);
	assert_int_equal(run.report.failed, 1);
	assert_int_equal(run.report.deleted, 0);
}

static const struct evpop_known owed = {
	.unique_id = (const unsigned char *)"id-1",
	.unique_id_length = 4,
	.state = EVPOP_KNOWN_DELETE,
};

/* What earlier sessions have stored is not deleted either. */
static void
test_deletions_that_are_owed_wait(void **state)
{
	struct session_run run = { .known = &owed, .known_count = 1 };

	session_run_play(&run, *state, &second_is_empty, 1, &keep_none);
	assert_non_null(strstr(session_run_commands(&run), "DELE 1;"));
	assert_non_null(strstr(session_run_commands(&run), "RSET;QUIT;"));
	assert_null(strstr(run.log, "deleted"));
	assert_int_equal(run.report.deleted, 0);
	assert_int_equal(run.report.fetched, 1);
}

static void
test_no_quit_where_marks_stay(void **state)
{
	static const struct net_rule rules[] = {
		RULE("RETR 2", "+OK" EMPTY),
		RULE("RSET", "-ERR what?\r\n"),
	};
	struct session_run run = { .known = &owed, .known_count = 1 };

	session_run_play(&run, *state, rules, 2, &keep_none);
	assert_non_null(strstr(session_run_commands(&run), "RSET;"));
	assert_null(strstr(session_run_commands(&run), "QUIT;"));
	assert_null(strstr(run.log, "deleted"));
	assert_non_null(strstr(run.log, "done:incomplete "));
	assert_int_equal(run.report.quit, EVPOP_QUIT_NONE);
}

/* No further session goes on with what is left. */
static void
test_no_slice_follows(void **state)
{
	static const struct evpop_policy slices = { .keep = EVPOP_KEEP_NONE,
		.max_session_deletes = 2 };
	struct session_run run = { .acknowledge = ACK_AT_ONCE };

	session_run_play(&run, *state, &second_is_empty, 1, &slices);
	assert_int_equal(run.server.accepted, 1);
	assert_null(strstr(run.log, "deleted"));
	assert_int_equal(run.report.result.error, EVPOP_ERROR_INCOMPLETE);
}

/* A body waits for an answer that does not come: no message is to blame. */
static void
test_end_before_the_answer(void **state)
{
	static const struct net_rule rules[] = {
		UIDL_1,
		RETR_1(EMPTY),
		{ "LIST 1", NULL, NET_CLOSE },
	};
	struct session_run run = { .acknowledge = ACK_AT_ONCE };

	session_run_play(&run, *state, rules, 3, &keep_forever);
	assert_string_equal(
	    strstr(run.log, "begin:"), "begin:1 failed:cancelled done:io ");
}

static void
test_freed_in_the_verdict(void **state)
{
	static const struct net_rule rules[] = {
		UIDL_1,
		RETR_1(EMPTY),
		ONE_1("504"),
	};
	struct session_run run = { .free_in = "failed" };

	session_run_begin(&run, *state, rules, 3, &keep_forever);
	assert_true(
	    session_run_turn(*state, &run.freed, NET_PATIENCE_S * 1000));
	session_run_finish(&run);
}

/* ---- what was stored before ---- */

static void
test_stored_with_less_than_half(void **state)
{
	static const struct evpop_known known = {
		.unique_id = (const unsigned char *)"id-1",
		.unique_id_length = 4,
		.octets = 20,
		.listed_octets = 504,
	};
	static const struct net_rule rules[] = {
		UIDL_1,
		LIST_1("504"),
		RETR_1(BODY),
	};
	struct session_run run = { .known = &known, .known_count = 1 };

	session_run_play(&run, *state, rules, 3, &keep_none);
	assert_string_equal(strstr(run.log, "begin:"), DOUBTED);
	assert_null(strstr(session_run_commands(&run), "DELE"));
}

/* Its deletion is owed, and as much comes as was stored. */
static void
test_owed_with_less_than_half(void **state)
{
	static const struct evpop_known known = {
		.unique_id = (const unsigned char *)"id-1",
		.unique_id_length = 4,
		.state = EVPOP_KNOWN_DELETE,
		.octets = 20,
		.listed_octets = 504,
	};
	static const struct evpop_policy verified = { .keep = EVPOP_KEEP_NONE,
		.verify_deletes = true };
	static const struct net_rule rules[] = {
		UIDL_1,
		LIST_1("504"),
		RETR_1(BODY),
	};
	struct session_run run = { .known = &known, .known_count = 1 };

	session_run_play(&run, *state, rules, 3, &verified);
	assert_string_equal(strstr(run.log, "begin:"), BELIEVED);
}

/* ---- servers that list more than there is ---- */

/* The sizes of one that is known: as stored, and as listed then. */
struct sizes {
	uint64_t octets, listed_octets;
};

#define HABIT_KNOWN 80

static void
check_habit(struct event_base *base, size_t short_count, size_t other_count,
    struct sizes other, const char *expected)
{
	static const struct net_rule rules[] = {
		UIDL_1,
		LIST_1("504"),
		RETR_1(BODY),
	};
	static const struct sizes is_short = { 100, 1000 };
	struct evpop_known known[HABIT_KNOWN];
	unsigned char ids[HABIT_KNOWN];
	struct session_run run = { .known = known,
		.known_count = short_count + other_count };
	struct sizes sizes;
	size_t i;

	assert_true(run.known_count <= HABIT_KNOWN);
	for (i = 0; i < run.known_count; i++) {
		ids[i] = (unsigned char)('!' + i);
		sizes = i < short_count ? is_short : other;
		known[i] = (struct evpop_known){
			.unique_id = &ids[i],
			.unique_id_length = 1,
			.state = EVPOP_KNOWN_DELETED,
			.octets = sizes.octets,
			.listed_octets = sizes.listed_octets,
		};
	}
	session_run_play(&run, base, rules, 3, &keep_none);
	assert_string_equal(strstr(run.log, "begin:"), expected);
}

/* Three, and one of twenty that have both sizes. */
static void
test_habit(void **state)
{
	static const struct {
		size_t short_count, other_count;
		struct sizes other;
		const char *expected;
	} habits[] = {
		{ 2, 0, { 0, 0 }, DOUBTED },
		{ 3, 0, { 0, 0 }, BELIEVED },
		{ 3, 76, { 100, 100 }, BELIEVED },
		{ 3, 77, { 100, 100 }, DOUBTED },
		{ 3, 77, { 100, 0 }, BELIEVED },
		{ 3, 77, { 0, 100 }, BELIEVED },
		{ 2, 1, { 0, 1000 }, DOUBTED },
	};
	size_t i;

	for (i = 0; i < sizeof habits / sizeof habits[0]; i++)
		check_habit(*state, habits[i].short_count,
		    habits[i].other_count, habits[i].other, habits[i].expected);
}

/* That one is empty is no habit. */
static void
test_habit_does_not_excuse_an_empty_one(void **state)
{
	static const struct net_rule rules[] = {
		UIDL_1,
		LIST_1("504"),
		RETR_1(EMPTY),
	};
	struct evpop_known known[3];
	struct session_run run = { .known = known, .known_count = 3 };
	size_t i;

	for (i = 0; i < 3; i++)
		known[i] = (struct evpop_known){
			.unique_id = (const unsigned char *)"abc" + i,
			.unique_id_length = 1,
			.octets = 100,
			.listed_octets = 1000,
		};
	session_run_play(&run, *state, rules, 3, &keep_none);
	assert_string_equal(strstr(run.log, "begin:"), DOUBTED);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_what_was_marked_is_unmarked),
		cmocka_unit_test(test_deletions_that_are_owed_wait),
		cmocka_unit_test(test_no_quit_where_marks_stay),
		cmocka_unit_test(test_no_slice_follows),
		cmocka_unit_test(test_end_before_the_answer),
		cmocka_unit_test(test_freed_in_the_verdict),
		cmocka_unit_test(test_stored_with_less_than_half),
		cmocka_unit_test(test_owed_with_less_than_half),
		cmocka_unit_test(test_habit),
		cmocka_unit_test(test_habit_does_not_excuse_an_empty_one),
	};

	return cmocka_run_group_tests(
	    tests, session_run_set_up, session_run_tear_down);
}

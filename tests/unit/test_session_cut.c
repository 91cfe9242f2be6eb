/*
 * Bodies that are shorter than listed: whole, by a server that counts in a way
 * of its own, or cut by a line that is a dot and was not stuffed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "tests/unit/session_run.h"

#define UIDL_1                                              \
	{                                                   \
		"UIDL", "+OK\r\n1 id-1\r\n.\r\n", NET_GO_ON \
	}
#define LIST_1(octets)                                            \
	{                                                         \
		"LIST", "+OK\r\n1 " octets "\r\n.\r\n", NET_GO_ON \
	}
#define RETR_1(text)                            \
	{                                       \
		"RETR 1", "+OK" text, NET_GO_ON \
	}
#define BODY "\r\nSubject: a\r\n\r\nbody\r\n.\r\n" /* 20 octets */

/* LIST is asked where the policy looks at sizes. */
static const struct evpop_policy keep = { .max_message_octets = 100000 };
static const struct evpop_policy delete = { .keep = EVPOP_KEEP_NONE,
	.max_message_octets = 100000 };
static const struct evpop_policy unsized = { .keep = EVPOP_KEEP_NONE };

struct cut_case {
	const char *name;
	const struct evpop_policy *policy;
	struct net_rule rules[4];
	const char *commands;
	const char *log;  /* behind the plan */
	const char *says; /* in the result; NULL: it goes well */
};

static const struct cut_case cases[] = {
	{ "as listed", &delete, { UIDL_1, LIST_1("20"), RETR_1(BODY) },
	    "LIST;RETR 1;DELE 1;QUIT;", "begin:1 end:1 deleted:1 done:ok ",
	    NULL },
	{ "more than listed", &delete, { UIDL_1, LIST_1("17"), RETR_1(BODY) },
	    "LIST;RETR 1;DELE 1;QUIT;", "begin:1 end:1 deleted:1 done:ok ",
	    NULL },
	{ "not listed", &unsized,
	    { UIDL_1, { "LIST", "-ERR what?\r\n", NET_GO_ON }, RETR_1(BODY) },
	    "LIST;RETR 1;DELE 1;QUIT;", "begin:1 end:1 deleted:1 done:ok ",
	    NULL },
	{ "less, and another reply comes", &delete,
	    { UIDL_1, LIST_1("30"), RETR_1(BODY) },
	    "LIST;RETR 1;NOOP;DELE 1;QUIT;", "begin:1 end:1 deleted:1 done:ok ",
	    NULL },
	{ "less, and another reply refuses", &delete,
	    { UIDL_1, LIST_1("30"), RETR_1(BODY),
		{ "NOOP", "-ERR what?\r\n", NET_GO_ON } },
	    "LIST;RETR 1;NOOP;DELE 1;QUIT;", "begin:1 end:1 deleted:1 done:ok ",
	    NULL },
	{ "less, and it stays: QUIT is reply enough", &keep,
	    { UIDL_1, LIST_1("30"), RETR_1(BODY) }, "LIST;RETR 1;QUIT;",
	    "begin:1 end:1 done:ok ", NULL },
	{ "cut, and to be deleted", &delete,
	    { UIDL_1, LIST_1("504"), RETR_1(BODY "and more\r\n.\r\n") }, NULL,
	    "begin:1 failed:protocol done:protocol ",
	    "504 octets were listed and 20 came" },
	{ "cut, and to stay", &keep,
	    { UIDL_1, LIST_1("504"), RETR_1(BODY "and more\r\n.\r\n") }, NULL,
	    "begin:1 failed:protocol done:protocol ",
	    "504 octets were listed and 20 came" },
	{ "cut near its end", &delete,
	    { UIDL_1, LIST_1("26"), RETR_1(BODY "x\r\n.\r\n") }, NULL,
	    "begin:1 failed:protocol done:protocol ",
	    "26 octets were listed and 20 came" },
	{ "cut, by what RETR says itself", &unsized,
	    { UIDL_1, RETR_1(" 504 octets" BODY "and more\r\n.\r\n") }, NULL,
	    "begin:1 failed:protocol done:protocol ",
	    "504 octets were listed and 20 came" },
	{ "cut before its header ends", &delete,
	    { UIDL_1, LIST_1("504"),
		RETR_1("\r\nA: b\r\n.\r\nC: d\r\n\r\nbody\r\n.\r\n") },
	    NULL, "begin:1 failed:protocol done:protocol ",
	    "504 octets were listed and 6 came" },
	{ "cut, and the rest comes late", &delete,
	    { UIDL_1, LIST_1("30"), RETR_1(BODY),
		{ "NOOP", "and more\r\n.\r\n", NET_GO_ON } },
	    "LIST;RETR 1;NOOP;", "begin:1 failed:protocol done:protocol ",
	    "30 octets were listed and 20 came, and what followed was no "
	    "reply" },
	{ "less, and the connection is lost", &delete,
	    { UIDL_1, LIST_1("30"), RETR_1(BODY), { "NOOP", NULL, NET_CLOSE } },
	    "LIST;RETR 1;NOOP;", "begin:1 end:1 done:io ", "" },
};

static void
check_case(struct event_base *base, const struct cut_case *one)
{
	struct session_run run = { .acknowledge = ACK_AT_ONCE };
	size_t count = 0;

	while (count < 4 && one->rules[count].command != NULL)
		count++;
	session_run_play(&run, base, one->rules, count, one->policy);
	assert_string_equal(strstr(run.log, "begin:"), one->log);
	if (one->commands != NULL)
		assert_string_equal(session_run_commands(&run), one->commands);
	/* A cut message is not mended by asking again. */
	assert_int_equal(run.server.accepted, 1);
	if (one->says == NULL)
		assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	else
		assert_non_null(strstr(run.report.result.text, one->says));
	assert_null(strstr(run.log, "refused"));
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

/* Of several under way, the one that was cut is to blame, and no other. */
static void
test_others_are_not_to_blame(void **state)
{
	static const struct net_rule rules[] = {
		{ "RETR 2", "+OK 504 octets" BODY "and more\r\n.\r\n",
		    NET_GO_ON },
	};
	struct session_run run = { .acknowledge = ACK_AT_ONCE };

	session_run_play(&run, *state, rules, 1, &keep_none);
	assert_string_equal(strstr(run.log, "begin:"),
	    "begin:1 end:1 begin:2 failed:protocol done:protocol ");
	assert_int_equal(run.report.fetched, 1);
	assert_int_equal(run.report.failed, 1);
	assert_non_null(strstr(run.report.result.text, "message 2 was cut"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_others_are_not_to_blame),
	};

	return cmocka_run_group_tests(
	    tests, session_run_set_up, session_run_tear_down);
}

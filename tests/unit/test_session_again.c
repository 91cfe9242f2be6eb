/*
 * Sessions that fail and are followed by another, at once: one command after
 * the other, or by another mechanism; and those that are not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "tests/unit/session_run.h"

static const struct evpop_known stored[] = {
	{ .unique_id = (const unsigned char *)"id-1",
	    .unique_id_length = 4,
	    .state = EVPOP_KNOWN_DELETE },
	{ .unique_id = (const unsigned char *)"id-2",
	    .unique_id_length = 4,
	    .state = EVPOP_KNOWN_DELETE },
	{ .unique_id = (const unsigned char *)"id-3",
	    .unique_id_length = 4,
	    .state = EVPOP_KNOWN_DELETE },
};

static const struct evpop_policy small = { .max_message_octets = 1000 };
static const struct evpop_policy two_messages = { .max_messages = 2 };

struct again_case {
	const char *name;
	struct net_rule rules[2];
	size_t rule_count;
	const struct evpop_policy *policy;
	size_t stored;    /* when it fails, and told as known from then on */
	bool goes_on;     /* the server breaks the rules for good */
	size_t sessions;  /* connections */
	uint32_t fetched; /* over all */
	enum evpop_error error;
	const char *commands; /* behind the last UIDL */
};

static const struct again_case cases[] = {
	{ "the first RETR", { { "RETR 1", "what?\r\n", NET_GO_ON } }, 1,
	    &keep_forever, 0, false, 2, 3, EVPOP_ERROR_NONE,
	    "RETR 1;RETR 2;RETR 3;QUIT;" },
	{ "the second", { { "RETR 2", "what?\r\n", NET_GO_ON } }, 1,
	    &keep_forever, 1, false, 2, 3, EVPOP_ERROR_NONE,
	    "RETR 2;RETR 3;QUIT;" },
	{ "the last", { { "RETR 3", "what?\r\n", NET_GO_ON } }, 1,
	    &keep_forever, 2, false, 2, 3, EVPOP_ERROR_NONE, "RETR 3;QUIT;" },
	{ "the second, and what is stored is deleted",
	    { { "RETR 2", "what?\r\n", NET_GO_ON } }, 1, &keep_none, 1, false,
	    2, 3, EVPOP_ERROR_NONE,
	    "LIST;DELE 1;RETR 2;RETR 3;DELE 2;DELE 3;QUIT;" },
	{ "a deletion", { { "DELE 1", "what?\r\n", NET_GO_ON } }, 1, &keep_none,
	    3, false, 2, 3, EVPOP_ERROR_NONE, "DELE 1;DELE 2;DELE 3;QUIT;" },
	{ "the limit on messages is that of all",
	    { { "RETR 2", "what?\r\n", NET_GO_ON } }, 1, &two_messages, 1,
	    false, 2, 2, EVPOP_ERROR_NONE, "RETR 2;QUIT;" },
	{ "the second, twice", { { "RETR 2", "what?\r\n", NET_GO_ON } }, 1,
	    &keep_forever, 1, true, 2, 1, EVPOP_ERROR_PROTOCOL, "RETR 2;" },
	{ "a connection that is lost",
	    { { "RETR 2", "+OK\r\nSubj", NET_CLOSE } }, 1, &keep_forever, 1,
	    true, 1, 1, EVPOP_ERROR_IO, NULL },
	{ "the first message, which closes the connection",
	    { { "RETR 1", NULL, NET_CLOSE } }, 1, &keep_forever, 0, true, 2, 2,
	    EVPOP_ERROR_IO, NULL },
	{ "each message closes the connection",
	    { { "RETR 1", NULL, NET_CLOSE }, { "RETR 3", NULL, NET_CLOSE } }, 2,
	    &keep_forever, 0, true, 2, 0, EVPOP_ERROR_IO, NULL },
	{ "a message that is refused",
	    { { "RETR 2", "-ERR damaged\r\n", NET_GO_ON } }, 1, &keep_forever,
	    0, true, 1, 2, EVPOP_ERROR_NONE, "RETR 1;RETR 2;RETR 3;QUIT;" },
	{ "QUIT, after all is done", { { "QUIT", "what?\r\n", NET_GO_ON } }, 1,
	    &keep_forever, 0, true, 1, 3, EVPOP_ERROR_NONE,
	    "RETR 1;RETR 2;RETR 3;QUIT;" },
	{ "QUIT, and deletions are at stake",
	    { { "QUIT", "what?\r\n", NET_GO_ON } }, 1, &keep_none, 0, true, 1,
	    3, EVPOP_ERROR_PROTOCOL, NULL },
	{ "sizes by LIST", { { "LIST", "what?\r\n", NET_GO_ON } }, 1, &small, 0,
	    false, 2, 3, EVPOP_ERROR_NONE, "LIST;RETR 1;RETR 2;RETR 3;QUIT;" },
	{ "sizes by LIST, twice", { { "LIST", "what?\r\n", NET_GO_ON } }, 1,
	    &small, 0, true, 2, 0, EVPOP_ERROR_PROTOCOL, "LIST;" },
};

static const char *
last_commands(const struct net_server *server)
{
	const char *at = server->log, *next;

	while ((next = strstr(at, "UIDL;")) != NULL)
		at = next + 5;
	return at;
}

static void
check_case(struct event_base *base, const struct again_case *one)
{
	struct session_run run = { .acknowledge = ACK_AT_ONCE };

	session_run_begin(&run, base, one->rules, one->rule_count, one->policy);
	if (one->sessions > 1) {
		/* It is told why the first has failed before all is over. */
		while (run.server.accepted < 2)
			assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
		assert_false(run.done);
		if (!one->goes_on)
			run.server.options.rule_count = 0;
		run.known = stored;
		run.known_count = one->stored;
	}
	session_run_finish(&run);
	assert_int_equal(run.server.accepted, one->sessions);
	assert_int_equal(run.report.result.error, one->error);
	assert_int_equal(run.report.fetched, one->fetched);
	if (one->commands != NULL)
		assert_string_equal(last_commands(&run.server), one->commands);
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

/* What was stored must be known before the next session asks. */
static void
test_waits_for_the_store(void **state)
{
	static const struct net_rule rule = { "RETR 3", "what?\r\n",
		NET_GO_ON };
	struct event_base *base = *state;
	struct session_run run = { .acknowledge = ACK_LATER };

	session_run_begin(&run, base, &rule, 1, &keep_forever);
	session_run_until(base, run.log, "end:2 ");
	assert_false(session_run_turn(base, &run.done, 50));
	/* None is to blame for what is tried again. */
	assert_null(strstr(run.log, "refused"));
	assert_int_equal(run.server.accepted, 1);
	assert_int_equal(run.owed_count, 2);
	run.server.options.rule_count = 0;
	run.known = stored;
	run.known_count = 2;
	session_run_acknowledge(&run, true);
	run.acknowledge = ACK_AT_ONCE;
	session_run_finish(&run);
	assert_int_equal(run.server.accepted, 2);
	assert_int_equal(run.report.fetched, 3);
	assert_int_equal(run.report.failed, 0);
	assert_string_equal(last_commands(&run.server), "RETR 3;QUIT;");
}

/* Nobody wants another session any more; the first one's failure stays. */
static void
test_ended_while_it_waits(void **state)
{
	static const struct net_rule rule = { "RETR 3", "what?\r\n",
		NET_GO_ON };
	const struct evpop_result reason = { .error = EVPOP_ERROR_CANCELLED };
	struct event_base *base = *state;
	unsigned round;

	for (round = 0; round < 3; round++) {
		struct session_run run = { .acknowledge = ACK_LATER };

		session_run_begin(&run, base, &rule, 1, &keep_forever);
		session_run_until(base, run.log, "end:2 ");
		assert_false(session_run_turn(base, &run.done, 30));
		if (round == 0)
			evpop_sync_stop(run.sync);
		else if (round == 1)
			evpop_sync_cancel(run.sync, &reason);
		assert_false(session_run_turn(base, &run.done, 30));
		if (round < 2)
			session_run_acknowledge(&run, true);
		else {
			evpop_sync_free(run.sync);
			run.sync = NULL;
			run.freed = true;
		}
		session_run_finish(&run);
		assert_int_equal(run.server.accepted, 1);
		if (round < 2) {
			assert_int_equal(run.report.fetched, 2);
			assert_int_equal(run.report.result.error,
			    round == 0 ? EVPOP_ERROR_PROTOCOL
				       : EVPOP_ERROR_CANCELLED);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_waits_for_the_store),
		cmocka_unit_test(test_ended_while_it_waits),
	};

	return cmocka_run_group_tests(
	    tests, session_run_set_up, session_run_tear_down);
}

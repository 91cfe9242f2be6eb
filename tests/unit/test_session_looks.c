/*
 * Sessions that look at sizes and headers before they plan: what is verified
 * before it is deleted, and what is known though its id has changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>
#include <openssl/evp.h>

#include "tests/unit/session_run.h"

/* The messages of the server, stored under these ids. */
static struct evpop_known old_ids[3], same_ids[3];
static unsigned char digests[3][EVPOP_HEADER_DIGEST_SIZE];

static const struct evpop_policy dry = { .keep = EVPOP_KEEP_NONE,
	.dry_run = true };

/* ---- before a deletion ---- */

static void
test_verified_by_size(void **state)
{
	struct evpop_known known[3];
	struct session_run run = { .known = known, .known_count = 3 };

	memcpy(known, same_ids, sizeof known);
	known[1].octets++;
	session_run_play(&run, *state, NULL, 0, &keep_none);
	/* The header is the same, but it does not account for the size. */
	assert_string_equal(session_run_commands(&run),
	    "LIST;TOP 2 0;DELE 1;DELE 3;RETR 2;DELE 2;QUIT;");
	assert_string_equal(run.log,
	    "listing:3 planned:1+2 begin:2 end:2 deleted:1 deleted:3 "
	    "deleted:2 done:ok ");
}

/* Then the bytes must tell. */
static void
test_sizes_cannot_be_had(void **state)
{
	static const struct net_rule rules[] = {
		{ "LIST", "-ERR no\r\n", NET_GO_ON },
		{ "LIST", "+OK\r\n1 no\r\nfoo\r\n.\r\n", NET_GO_ON },
	};
	size_t i;

	for (i = 0; i < 2; i++) {
		struct session_run run = { .known = same_ids,
			.known_count = 3 };

		session_run_play(&run, *state, &rules[i], 1, &keep_none);
		assert_int_equal(run.report.fetched, 3);
		assert_int_equal(run.report.deleted, 3);
		assert_non_null(strstr(run.log, "planned:3+0 "));
	}
}

static void
test_verified_by_header(void **state)
{
	static const struct evpop_policy strict = { .keep = EVPOP_KEEP_NONE,
		.verify_deletes = true };
	static const struct net_rule rules[] = {
		{ "TOP 2 0", "-ERR damaged\r\n", NET_GO_ON },
		{ "TOP 2 0", "+OK\r\nSubject: another\r\n\r\n.\r\n",
		    NET_GO_ON },
		{ "NOOP", NULL, NET_GO_ON },
	};
	static const struct {
		bool no_digest, other_size;
		size_t rule;
		const char *commands;
	} cases[] = {
		{ false, false, 2,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;DELE 1;DELE 2;DELE 3;"
		    "QUIT;" },
		/* Whatever cannot be compared comes again first. */
		{ false, false, 0,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;DELE 1;DELE 3;RETR 2;DELE 2;"
		    "QUIT;" },
		{ false, false, 1,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;DELE 1;DELE 3;RETR 2;DELE 2;"
		    "QUIT;" },
		{ true, false, 2,
		    "LIST;TOP 1 0;TOP 3 0;DELE 1;DELE 3;RETR 2;DELE 2;QUIT;" },
		{ false, true, 2,
		    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;DELE 1;DELE 3;RETR 2;DELE 2;"
		    "QUIT;" },
	};
	struct evpop_known known[3];
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct session_run run = { .known = known, .known_count = 3 };

		memcpy(known, same_ids, sizeof known);
		known[0].state = EVPOP_KNOWN_DELETE;
		if (cases[i].no_digest)
			known[1].header_digest = NULL;
		known[1].octets += cases[i].other_size;
		session_run_play(
		    &run, *state, &rules[cases[i].rule], 1, &strict);
		assert_string_equal(
		    session_run_commands(&run), cases[i].commands);
		assert_int_equal(run.report.deleted, 3);
	}
}

static void
test_connection_lost_while_looking(void **state)
{
	static const struct net_rule rules[] = {
		{ "LIST", "+OK\r\n1 34\r\n2", NET_CLOSE },
		{ "TOP 1 0", "+OK\r\nSubject: ", NET_CLOSE },
		{ "TOP 1 0", NULL, NET_RESET },
		{ "TOP 3 0", NULL, NET_CLOSE },
	};
	size_t i;

	for (i = 0; i < sizeof rules / sizeof rules[0]; i++) {
		struct session_run run = { .known = old_ids, .known_count = 3 };

		session_run_play(&run, *state, &rules[i], 1, &keep_none);
		/* No message is to blame for it, and none was fetched. */
		assert_string_equal(run.log, "listing:3 done:io ");
		assert_int_equal(run.report.failed, 0);
	}
}

/* ---- ids that have changed ---- */

static void
test_all_ids_changed(void **state)
{
	struct session_run run = { .known = old_ids, .known_count = 3 };

	session_run_play(&run, *state, NULL, 0, &keep_forever);
	assert_string_equal(
	    session_run_commands(&run), "LIST;TOP 1 0;TOP 2 0;TOP 3 0;QUIT;");
	assert_string_equal(run.log, "listing:3 planned:0+0 done:ok ");
	assert_int_equal(run.report.adopted, 3);
	assert_int_equal(run.report.adopted_octets,
	    session_run_messages[0].length + session_run_messages[1].length +
		session_run_messages[2].length);
}

/* Not even where it is due is a message deleted by a likeness. */
static void
test_adopted_is_not_deleted(void **state)
{
	struct evpop_known known[3];
	struct session_run run = { .known = known, .known_count = 3 };

	memcpy(known, old_ids, sizeof known);
	known[1].state = EVPOP_KNOWN_GONE;
	/* Deleted, or never stored: these are no candidates. */
	known[2].state = EVPOP_KNOWN_DELETED;
	session_run_play(&run, *state, NULL, 0, &keep_none);
	assert_int_equal(run.report.adopted, 2);
	assert_string_equal(session_run_commands(&run),
	    "LIST;TOP 1 0;TOP 2 0;RETR 3;DELE 3;QUIT;");
}

static void
test_header_differs(void **state)
{
	struct evpop_known known[3];
	struct session_run run = { .known = known, .known_count = 3 };

	memcpy(known, old_ids, sizeof known);
	known[0].header_digest = digests[1];
	known[1].header_digest = NULL;
	session_run_play(&run, *state, NULL, 0, &keep_forever);
	assert_string_equal(session_run_commands(&run),
	    "LIST;TOP 1 0;TOP 3 0;RETR 1;RETR 2;QUIT;");
	assert_int_equal(run.report.adopted, 1);
}

/* A refusal costs a fetch. */
static void
test_top_refused_while_looking(void **state)
{
	static const struct net_rule rules[] = {
		{ "TOP 2 0", "-ERR damaged\r\n", NET_GO_ON },
	};
	struct session_run run = { .known = old_ids, .known_count = 3 };

	session_run_play(&run, *state, rules, 1, &keep_forever);
	assert_string_equal(session_run_commands(&run),
	    "LIST;TOP 1 0;TOP 2 0;TOP 3 0;RETR 2;QUIT;");
	assert_int_equal(run.report.adopted, 2);
}

/* ---- only looked at ---- */

static void
test_dry_run(void **state)
{
	struct session_run run = { .known = same_ids, .known_count = 2 };

	session_run_play(&run, *state, NULL, 0, &dry);
	assert_string_equal(session_run_commands(&run), "LIST;QUIT;");
	assert_string_equal(run.log, "listing:3 planned:1+2 done:ok ");
	assert_int_equal(run.report.fetched, 0);
	assert_int_equal(run.report.deleted, 0);
}

static void
test_held(void **state)
{
	static const struct evpop_policy guarded = { .keep = EVPOP_KEEP_NONE,
		.max_deletes = 1 };
	struct session_run run = { .known = same_ids, .known_count = 2 };

	session_run_play(&run, *state, NULL, 0, &guarded);
	assert_string_equal(
	    session_run_commands(&run), "LIST;RETR 3;DELE 3;QUIT;");
	assert_int_equal(run.report.held, 2);
	assert_int_equal(run.report.deleted, 1);
}

static void
test_baseline(void **state)
{
	static const struct evpop_policy first = { .baseline = true };
	struct session_run run = { .known = NULL };

	session_run_play(&run, *state, NULL, 0, &first);
	assert_string_equal(session_run_commands(&run), "QUIT;");
	assert_int_equal(run.report.seen, 3);
	assert_int_equal(run.report.fetched, 0);
}

/* ---- ends before the end ---- */

/*
 * Each is a session that runs all callbacks: with sizes, with headers looked
 * at, and on a server without unique-ids.
 */
static const struct net_rule damaged[] = {
	{ "RETR 2", "-ERR damaged\r\n", NET_GO_ON },
	{ "UIDL", "-ERR what?\r\n", NET_GO_ON },
};
static struct evpop_known partly_old[1];
static const struct evpop_policy by_age = {
	.keep = EVPOP_KEEP_AGE, .keep_ms = 1, .delete_above_octets = 1
};

static const struct {
	size_t rules;
	const struct evpop_known *known;
	size_t known_count;
	const struct evpop_policy *policy;
} sessions[] = {
	{ 1, same_ids, 1, &keep_none },
	{ 1, partly_old, 1, &keep_none },
	{ 2, NULL, 0, &by_age },
};
#define SESSIONS (sizeof sessions / sizeof sessions[0])

static const char *const callbacks[] = { "listing", "matched", "planned",
	"begin", "end", "refused", "deleted" };
#define CALLBACKS (sizeof callbacks / sizeof callbacks[0])

static void
begin(struct session_run *run, struct event_base *base, size_t session)
{
	run->known = sessions[session].known;
	run->known_count = sessions[session].known_count;
	session_run_begin(run, base, damaged, sessions[session].rules,
	    sessions[session].policy);
}

static void
test_free_in_every_callback(void **state)
{
	struct event_base *base = *state;
	size_t i, s;

	for (s = 0; s < SESSIONS; s++)
		for (i = 0; i < CALLBACKS; i++) {
			struct session_run run = { .free_in = callbacks[i] };

			begin(&run, base, s);
			assert_true(session_run_turn(
			    base, &run.freed, NET_PATIENCE_S * 1000));
			assert_false(
			    session_run_turn(base, &(bool){ false }, 20));
			assert_string_equal(
			    strchr(strstr(run.log, callbacks[i]), ' '), " ");
			session_run_finish(&run);
		}
}

static void
test_stop_in_every_callback(void **state)
{
	size_t i, s;

	for (s = 0; s < SESSIONS; s++)
		for (i = 0; i < CALLBACKS; i++) {
			struct session_run run = { .stop_in = callbacks[i],
				.acknowledge = ACK_SOON };

			begin(&run, *state, s);
			session_run_finish(&run);
			assert_int_equal(
			    run.report.result.error, EVPOP_ERROR_NONE);
			assert_int_equal(run.report.quit, EVPOP_QUIT_COMMITTED);
			if (i < 3)
				assert_null(strstr(run.server.log, "RETR"));
			if (i < 2)
				assert_null(strstr(run.log, "planned"));
		}
}

static void
test_cancel_in_every_callback(void **state)
{
	size_t i, s;

	for (s = 0; s < SESSIONS; s++)
		/* Once deletions are told of, all is over. */
		for (i = 0; i < CALLBACKS - 1; i++) {
			struct session_run run = { .cancel_in = callbacks[i],
				.acknowledge = ACK_SOON };

			begin(&run, *state, s);
			session_run_finish(&run);
			assert_int_equal(
			    run.report.result.error, EVPOP_ERROR_CANCELLED);
			assert_null(strstr(run.server.log, "QUIT"));
			assert_null(strstr(run.log, "deleted"));
		}
}

static void
test_free_at_any_time(void **state)
{
	int turns, i;
	size_t s;

	for (s = 0; s < SESSIONS; s++)
		for (turns = 0; turns < 50; turns++) {
			struct session_run run = { .acknowledge = ACK_SOON };

			begin(&run, *state, s);
			for (i = 0; i < turns && !run.done; i++)
				assert_int_equal(
				    event_base_loop(*state, EVLOOP_NONBLOCK),
				    0);
			run.freed = true;
			evpop_sync_free(run.sync);
			run.sync = NULL;
			session_run_finish(&run);
		}
}

/* ---- who is to blame ---- */

static void
test_blame(void **state)
{
	static const struct {
		struct net_rule rules[2];
		size_t known;
		const char *told; /* of messages that failed */
	} cases[] = {
		/* On the second of three that were asked for at once. */
		{ { { "RETR 2", NULL, NET_CLOSE } }, 0,
		    "begin:1 end:1 refused:2 " },
		{ { { "RETR 2", NULL, NET_RESET } }, 0, "refused:" },
		{ { { "RETR 2", "+OK\r\nx", NET_CLOSE } }, 0,
		    "begin:1 end:1 begin:2 failed:io " },
		{ { { "RETR 2", "-ERR damaged\r\n", NET_GO_ON },
		      { "RETR 3", NULL, NET_CLOSE } },
		    0, "begin:1 end:1 refused:2 refused:3 " },
		{ { { "RETR 2", "-ERR [SYS/TEMP] later\r\n", NET_GO_ON } }, 0,
		    "begin:1 end:1 refused:2 begin:3 end:3 " },
		{ { { "RETR 2", "nonsense\r\n", NET_GO_ON } }, 0,
		    "begin:1 end:1 refused:2 " },
		/* On a deletion: none of the messages behind it is. */
		{ { { "DELE 1", NULL, NET_CLOSE } }, 1, "" },
		{ { { "DELE 1", "nonsense\r\n", NET_GO_ON } }, 1, "" },
	};
	const char *told;
	size_t i;

	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct session_run run = { .known = same_ids,
			.known_count = cases[i].known,
			.acknowledge = ACK_SOON };
		struct evpop_known known = same_ids[0];
		const char *again;

		/* Not to be verified. */
		known.octets = 0;
		run.known = &known;
		session_run_play(&run, *state, cases[i].rules,
		    1 + (cases[i].rules[1].command != NULL), &keep_none);
		/*
		 * What comes amiss is asked for once more, by itself, and told
		 * then.
		 */
		told = strstr(run.log, "planned:");
		again = strstr(told + 1, "planned:");
		if (strcmp(cases[i].told, "refused:") == 0) {
			/* Whether any other came first is the network's. */
			assert_non_null(strstr(told, "refused:"));
			continue;
		}
		assert_int_equal(again != NULL,
		    run.report.result.error == EVPOP_ERROR_PROTOCOL);
		if (again != NULL) {
			assert_null(memmem(
			    run.log, (size_t)(again - run.log), "refused", 7));
			told = again;
		}
		told = strchr(told, ' ') + 1;
		assert_int_equal(
		    strncmp(told, cases[i].told, strlen(cases[i].told)), 0);
		told += strlen(cases[i].told);
		assert_null(strstr(told, "refused"));
	}
}

static int
group_setup(void **state)
{
	static const char *const olds[] = { "old-1", "old-2", "old-3" };
	static const char *const sames[] = { "id-1", "id-2", "id-3" };
	static const char *const headers[] = { "Subject: one\r\n",
		"Subject: two\r\n", "Subject: three\r\n" };
	size_t i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(EVP_Digest(headers[i], strlen(headers[i]),
				     digests[i], NULL, EVP_sha256(), NULL),
		    1);
		old_ids[i] = (struct evpop_known){
			.unique_id = (const unsigned char *)olds[i],
			.unique_id_length = strlen(olds[i]),
			.octets = session_run_messages[i].length,
			.header_digest = digests[i],
		};
		same_ids[i] = old_ids[i];
		same_ids[i].unique_id = (const unsigned char *)sames[i];
		same_ids[i].unique_id_length = strlen(sames[i]);
	}
	partly_old[0] = old_ids[0];
	return session_run_set_up(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verified_by_size),
		cmocka_unit_test(test_sizes_cannot_be_had),
		cmocka_unit_test(test_verified_by_header),
		cmocka_unit_test(test_connection_lost_while_looking),
		cmocka_unit_test(test_all_ids_changed),
		cmocka_unit_test(test_adopted_is_not_deleted),
		cmocka_unit_test(test_header_differs),
		cmocka_unit_test(test_top_refused_while_looking),
		cmocka_unit_test(test_dry_run),
		cmocka_unit_test(test_held),
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_free_in_every_callback),
		cmocka_unit_test(test_stop_in_every_callback),
		cmocka_unit_test(test_cancel_in_every_callback),
		cmocka_unit_test(test_free_at_any_time),
		cmocka_unit_test(test_blame),
	};

	return cmocka_run_group_tests(
	    tests, group_setup, session_run_tear_down);
}

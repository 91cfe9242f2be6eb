/*
 * Every allocation of the library fails once in a session: nothing crashes,
 * nothing leaks (the address sanitizer sees to that), `done` runs once, and
 * nothing is deleted that was not durable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>
#include <openssl/evp.h>

#include "tests/unit/failing_alloc.h"
#include "tests/unit/session_run.h"

/* A session that allocates more often than this does so without end. */
#define ALLOCATIONS_MAX 2000

/* No session has to wait for this. */
#define SESSION_MS 100000

/* One is due, one has another id now, one is new. */
static unsigned char digest[EVPOP_HEADER_DIGEST_SIZE];
static struct evpop_known known[2];

static const struct net_rule no_uidl = { "UIDL", "-ERR what?\r\n", NET_GO_ON };

static const struct net_rule second_is_empty = { "RETR 2", "+OK\r\n.\r\n",
	NET_GO_ON };

static const struct evpop_policy by_ones = { .keep = EVPOP_KEEP_NONE,
	.max_session_deletes = 1 };

static const struct {
	const char *name;
	const struct net_rule *rule;
	size_t known;
	const struct evpop_policy *policy;
} sessions[] = {
	{ "in slices", NULL, 0, &by_ones },
	{ "with sizes and headers looked at", NULL, 2, &keep_none },
	{ "without unique-ids", &no_uidl, 0, &keep_forever },
	{ "with a body that is empty", &second_is_empty, 0, &keep_forever },
	{ "with one, and deletions", &second_is_empty, 0, &keep_none },
};

/* False where it did not even begin. */
static bool
begin(struct session_run *run, struct event_base *base, size_t session,
    size_t failing)
{
	const struct net_server_options options = { .pipelining = true,
		.rules = sessions[session].rule,
		.rule_count = sessions[session].rule != NULL,
		.messages = session_run_messages,
		.message_count = 3,
		.deletes = true };
	/* Without memory for a command, this is what ends the session. */
	struct evpop_client_config config = { .host = "127.0.0.1",
		.tls = EVPOP_TLS_NONE,
		.timeouts.session_ms = SESSION_MS };

	net_server_start(&run->server, base, &options, NULL, 0);
	config.port = run->server.port;
	run->base = base;
	run->known = known;
	run->known_count = sessions[session].known;
	run->soon = event_new(base, -1, 0, session_run_acknowledge_soon, run);
	assert_non_null(run->soon);
	failing_alloc_arm(failing);
	run->sync = evpop_sync_new(base, NULL, &config,
	    sessions[session].policy, &session_run_callbacks, run);
	if (run->sync == NULL)
		return false;
	return evpop_sync_start(
		   run->sync, &(struct evpop_credentials){ .user = "anna",
				  .password = "secret" }) == EVPOP_ERROR_NONE;
}

static size_t
deleted_on(const struct net_server *server)
{
	return (size_t)server->deleted[0] + server->deleted[1] +
	       server->deleted[2];
}

/* Whether there were so many allocations. */
static bool
run_failing(struct event_base *base, size_t session, size_t failing)
{
	struct session_run run = { .acknowledge = ACK_SOON };
	bool so_many;

	/* What did not begin has told nothing. */
	if (!begin(&run, base, session, failing)) {
		/* Nor does it, though some of its commands were taken. */
		assert_false(session_run_turn(base, &run.done, 3));
		run.freed = true;
	}
	session_run_finish(&run);
	so_many = failing_alloc_disarm() >= failing;
	if (run.freed) {
		assert_string_equal(run.log, "");
		assert_true(so_many);
		return true;
	}
	assert_true(run.done);
	assert_true(deleted_on(&run.server) <= run.report.deleted);
	assert_true(
	    run.report.deleted <= run.report.fetched + sessions[session].known);
	if (run.report.result.error == EVPOP_ERROR_NONE)
		assert_int_equal(run.report.fetched + run.report.adopted +
				     run.report.later + run.report.failed,
		    3 - (sessions[session].known > 0));
	return so_many;
}

static void
test_every_allocation(void **state)
{
	struct event_base *base = *state;
	size_t session, failing;

	for (session = 0; session < sizeof sessions / sizeof sessions[0];
	     session++) {
		for (failing = 1; run_failing(base, session, failing);
		     failing++)
			assert_true(failing < ALLOCATIONS_MAX);
		print_message(
		    "%s: %zu allocations\n", sessions[session].name, failing);
		assert_true(failing > 20);
	}
}

static int
group_setup(void **state)
{
	static const char header[] = "Subject: two\r\n";

	assert_int_equal(EVP_Digest(header, sizeof header - 1, digest, NULL,
			     EVP_sha256(), NULL),
	    1);
	known[0] = (struct evpop_known){
		.unique_id = (const unsigned char *)"id-1",
		.unique_id_length = 4,
		.octets = session_run_messages[0].length,
	};
	known[1] = (struct evpop_known){
		.unique_id = (const unsigned char *)"old-2",
		.unique_id_length = 5,
		.octets = session_run_messages[1].length,
		.header_digest = digest,
	};
	return session_run_set_up(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation),
	};

	return cmocka_run_group_tests(
	    tests, group_setup, session_run_tear_down);
}

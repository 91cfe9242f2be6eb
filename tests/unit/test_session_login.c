/*
 * Log-ins that a server makes hard: a sync tries again in the way that the
 * server takes, and remembers it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/session_run.h"

/* base64 of NUL anna NUL secret */
#define PLAIN_LINE "AUTH PLAIN AGFubmEAc2VjcmV0"

#define CAPABILITIES(sasl) \
	"+OK\r\nUSER\r\nUIDL\r\nPIPELINING\r\nSASL " sasl "\r\n.\r\n"

static void
poll_once(struct session_run *run, const struct net_server *server,
    struct evpop_memory *memory, unsigned int mechanisms, bool expect_nothing)
{
	const struct evpop_client_config config = { .host = "127.0.0.1",
		.port = server->port,
		.tls = EVPOP_TLS_NONE,
		.memory = memory,
		.timeouts = { .login_ms = 20000, .command_ms = 20000 } };
	const struct evpop_credentials credentials = {
		.user = "anna", .password = "secret", .mechanisms = mechanisms
	};
	const struct evpop_policy policy = { .expect_nothing = expect_nothing };
	struct evpop_sync *sync;

	memset(run, 0, sizeof *run);
	sync = evpop_sync_new(
	    server->base, NULL, &config, &policy, &session_run_callbacks, run);
	assert_non_null(sync);
	assert_int_equal(
	    evpop_sync_start(sync, &credentials), EVPOP_ERROR_NONE);
	while (!run->done)
		assert_int_equal(event_base_loop(server->base, EVLOOP_ONCE), 0);
	evpop_sync_free(sync);
}

static void
serve(struct event_base *base, struct net_server *server,
    const struct net_rule *rules, size_t count)
{
	const struct net_server_options options = { .pipelining = true,
		.rules = rules,
		.rule_count = count,
		.messages = session_run_messages,
		.message_count = 3 };

	net_server_start(server, base, &options, "127.0.0.1", 0);
}

/* A server that is known to take a whole session behind AUTH PLAIN. */
static struct evpop_memory *
remember_flight(const struct net_server *server)
{
	const struct evpop_memory_entry entry = { .host = "127.0.0.1",
		.port = server->port,
		.tls = EVPOP_TLS_NONE,
		.facts = "version=1;before=PIPELINING|UIDL|SASL PLAIN|;"
			 "after=PIPELINING|UIDL|;flights=PLAIN" };
	struct evpop_memory *memory = evpop_memory_new();

	assert_non_null(memory);
	assert_true(evpop_memory_restore(memory, &entry));
	return memory;
}

/*
 * It challenges although all was said, and takes the next command for the
 * answer: no reason to believe the password wrong.
 */
static void
test_swallowed_command(void **state)
{
	static const struct net_rule rules[] = {
		{ "CAPA", CAPABILITIES("PLAIN"), NET_GO_ON },
		{ PLAIN_LINE, "+ \r\n-ERR what?\r\n", NET_GO_ON },
	};
	struct event_base *base = *state;
	struct evpop_memory *memory;
	struct net_server server;
	struct session_run run;

	serve(base, &server, rules, 2);
	memory = remember_flight(&server);
	poll_once(&run, &server, memory, 0, false);
	/* Once more, one thing after the other, before it is told. */
	assert_int_equal(server.accepted, 2);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_PROTOCOL);
	/* Remembered: not a third time in a flight. */
	poll_once(&run, &server, memory, 0, false);
	assert_int_equal(server.accepted, 3);
	net_server_stop(&server);
	evpop_memory_free(memory);
}

/* Whatever comes behind a log-in is lost on it. */
static void
test_flight_lost(void **state)
{
	static const struct net_rule deaf[] = {
		{ "CAPA", CAPABILITIES("PLAIN"), NET_GO_ON },
		{ PLAIN_LINE, NULL, NET_CLOSE },
	};
	struct event_base *base = *state;
	struct evpop_memory *memory;
	struct net_server server;
	struct session_run run;

	serve(base, &server, deaf, 2);
	memory = remember_flight(&server);
	poll_once(&run, &server, memory, 0, false);
	/* Tried once more, one thing after the other; then by USER and PASS. */
	assert_int_equal(server.accepted, 3);
	assert_non_null(strstr(server.log, "PASS secret;"));
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	net_server_stop(&server);
	evpop_memory_free(memory);
}

/* It hangs up on what it refuses; the account names another mechanism. */
static void
test_next_mechanism_on_a_new_connection(void **state)
{
	static const struct net_rule rules[] = {
		{ "CAPA", CAPABILITIES("CRAM-MD5 PLAIN"), NET_GO_ON },
		{ "AUTH CRAM-MD5", "-ERR no\r\n", NET_CLOSE },
		{ PLAIN_LINE, "-ERR not by this\r\n", NET_CLOSE },
	};
	struct event_base *base = *state;
	const unsigned int named =
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_CRAM_MD5) |
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER);
	struct net_server server;
	struct session_run run;

	serve(base, &server, rules, 3);
	poll_once(&run, &server, NULL, named, false);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	assert_int_equal(run.report.fetched, 3);
	assert_int_equal(server.accepted, 2);
	net_server_stop(&server);
}

/* Without names, a refusal and a hang-up are the end of it. */
static void
test_no_other_mechanism_unasked(void **state)
{
	static const struct net_rule rules[] = {
		{ "CAPA", CAPABILITIES("CRAM-MD5"), NET_GO_ON },
		{ "AUTH CRAM-MD5", "-ERR no\r\n", NET_CLOSE },
	};
	struct event_base *base = *state;
	struct net_server server;
	struct session_run run;

	serve(base, &server, rules, 2);
	poll_once(&run, &server, NULL, 0, false);
	assert_int_not_equal(run.report.result.error, EVPOP_ERROR_NONE);
	assert_int_equal(server.accepted, 1);
	net_server_stop(&server);
}

/* [AUTH] says that it is the credentials: no second try. */
static void
test_auth_code_ends_it(void **state)
{
	static const struct net_rule rules[] = {
		{ "CAPA", CAPABILITIES("CRAM-MD5 PLAIN"), NET_GO_ON },
		{ "AUTH CRAM-MD5", "-ERR [AUTH] no\r\n", NET_GO_ON },
	};
	struct event_base *base = *state;
	struct net_server server;
	struct session_run run;

	serve(base, &server, rules, 2);
	poll_once(&run, &server, NULL, 0, false);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_AUTH);
	assert_int_equal(run.report.result.code, EVPOP_CODE_AUTH);
	assert_null(strstr(server.log, "PLAIN"));
	assert_non_null(strstr(server.log, "QUIT;"));
	net_server_stop(&server);
}

/*
 * Known to take a flight, and expected to have nothing: UIDL and QUIT go out
 * with the log-in; since there is mail, a second session fetches it.
 */
static void
test_flight_and_second_session(void **state)
{
	struct event_base *base = *state;
	struct evpop_memory *memory = evpop_memory_new();
	struct net_server server;
	struct session_run run;

	serve(base, &server, NULL, 0);
	poll_once(&run, &server, memory, 0, true);
	/* Unknown until now: an ordinary session. */
	assert_int_equal(server.accepted, 1);
	assert_non_null(strstr(run.log, "listing:3 planned:"));
	assert_int_equal(run.report.fetched, 3);
	/* It finds out whether the server takes one. */
	poll_once(&run, &server, memory, 0, true);
	assert_int_equal(server.accepted, 2);
	assert_non_null(strstr(server.log, "NOOP;"));
	poll_once(&run, &server, memory, 0, true);
	assert_int_equal(server.accepted, 4);
	assert_non_null(strstr(run.log, "listing:3 listing:3 planned:"));
	assert_int_equal(run.report.fetched, 3);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	net_server_stop(&server);
	evpop_memory_free(memory);
}

/* Who wants log-ins to be rare gets one session, in which all is done. */
static void
test_no_second_session_with_login_delay(void **state)
{
	static const struct net_rule rules[] = {
		{ "CAPA",
		    "+OK\r\nUSER\r\nUIDL\r\nPIPELINING\r\n"
		    "LOGIN-DELAY 300\r\n.\r\n",
		    NET_GO_ON },
	};
	struct event_base *base = *state;
	struct evpop_memory *memory = evpop_memory_new();
	struct net_server server;
	struct session_run run;
	size_t polls;

	serve(base, &server, rules, 1);
	for (polls = 1; polls <= 3; polls++) {
		poll_once(&run, &server, memory, 0, true);
		assert_int_equal(server.accepted, polls);
		assert_int_equal(run.report.fetched, 3);
	}
	net_server_stop(&server);
	evpop_memory_free(memory);
}

/* By the defaults: a user and a password, nothing known, no policy. */
static void
test_open(void **state)
{
	const struct evpop_sync_callbacks least = {
		.begin = session_run_callbacks.begin,
		.end = session_run_callbacks.end,
		.done = session_run_callbacks.done
	};
	struct event_base *base = *state;
	struct evpop_client_config config = { .host = "127.0.0.1",
		.tls = EVPOP_TLS_NONE };
	struct session_run run = { .done = false };
	struct net_server server;
	struct evpop_sync *sync;

	serve(base, &server, NULL, 0);
	config.port = server.port;
	sync = evpop_sync_new(base, NULL, &config, NULL, &least, &run);
	assert_non_null(sync);
	assert_int_equal(
	    evpop_sync_open(sync, "anna", "secret"), EVPOP_ERROR_NONE);
	while (!run.done)
		assert_int_equal(event_base_loop(base, EVLOOP_ONCE), 0);
	evpop_sync_free(sync);
	assert_int_equal(run.report.result.error, EVPOP_ERROR_NONE);
	assert_int_equal(run.report.fetched, 3);
	assert_int_equal(run.report.deleted, 0);
	sync = evpop_sync_new(base, NULL, &config, NULL, &least, &run);
	assert_non_null(sync);
	assert_int_equal(
	    evpop_sync_open(sync, "anna", NULL), EVPOP_ERROR_USAGE);
	evpop_sync_free(sync);
	net_server_stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_swallowed_command),
		cmocka_unit_test(test_flight_lost),
		cmocka_unit_test(test_next_mechanism_on_a_new_connection),
		cmocka_unit_test(test_no_other_mechanism_unasked),
		cmocka_unit_test(test_auth_code_ends_it),
		cmocka_unit_test(test_flight_and_second_session),
		cmocka_unit_test(test_no_second_session_with_login_delay),
		cmocka_unit_test(test_open),
	};

	return cmocka_run_group_tests(
	    tests, session_run_set_up, session_run_tear_down);
}

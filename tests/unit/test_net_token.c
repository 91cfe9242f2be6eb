/* A token that is asked for when the server is there, and told now or later. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <event2/event.h>

#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

#define TOKEN    "t0k.en"
#define RESPONSE "dXNlcj1hbm5hAWF1dGg9QmVhcmVyIHQway5lbgEB"

static const struct net_rule rules[] = {
	{ "CAPA", "+OK\r\nSASL XOAUTH2\r\n.\r\n", NET_GO_ON },
	{ "AUTH XOAUTH2 " RESPONSE, "+OK\r\n", NET_GO_ON },
};

/* What the callback is to do. */
enum told {
	TOLD_AT_ONCE = 0,
	TOLD_LATER,
	TOLD_NONE,
	TOLD_FREE,
	TOLD_CANCEL
};

struct wish {
	struct net_run run;
	struct net_server server;
	enum told told;
	unsigned asked;
	bool answered;
};

static void
wanted(struct evpop_client *client, void *arg)
{
	struct wish *wish = arg;

	wish->asked++;
	assert_ptr_equal(client, wish->run.client);
	/* Nothing of the log-in was said before. */
	assert_null(strstr(wish->server.log, "AUTH"));
	switch (wish->told) {
	case TOLD_AT_ONCE:
		assert_int_equal(
		    evpop_client_token(client, "a\r\nb"), EVPOP_ERROR_USAGE);
		assert_int_equal(
		    evpop_client_token(client, TOKEN), EVPOP_ERROR_NONE);
		assert_int_equal(
		    evpop_client_token(client, TOKEN), EVPOP_ERROR_USAGE);
		break;
	case TOLD_NONE:
		assert_int_equal(
		    evpop_client_token(client, NULL), EVPOP_ERROR_NONE);
		break;
	case TOLD_FREE:
		evpop_client_free(client);
		wish->run.client = NULL;
		break;
	case TOLD_CANCEL:
		evpop_client_cancel(client);
		break;
	default:
		break;
	}
}

static void
logged_in(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct wish *wish = arg;

	(void)client;
	assert_false(wish->answered);
	wish->answered = true;
	wish->run.login = reply->result;
}

static void
begin(struct wish *wish, struct event_base *base, enum told told)
{
	const struct net_server_options options = { .rules = rules,
		.rule_count = sizeof rules / sizeof rules[0] };
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE };
	const struct evpop_credentials credentials = {
		.user = "anna", .want_token = wanted, .want_token_arg = wish
	};

	memset(wish, 0, sizeof *wish);
	wish->told = told;
	net_server_start(&wish->server, base, &options, NULL, 0);
	config.port = wish->server.port;
	net_run_start(&wish->run, base, NULL, &config);
	net_run_connect(&wish->run);
	assert_int_equal(
	    evpop_client_login(wish->run.client, &credentials, logged_in, wish),
	    EVPOP_ERROR_NONE);
	/* Not before it is asked for. */
	assert_int_equal(
	    evpop_client_token(wish->run.client, TOKEN), EVPOP_ERROR_USAGE);
	net_run_stat(&wish->run);
	net_run_quit(&wish->run);
}

static void
finish(struct wish *wish)
{
	net_run_finish(&wish->run);
	net_server_stop(&wish->server);
}

static void
test_at_once(void **state)
{
	struct wish wish;

	begin(&wish, *state, TOLD_AT_ONCE);
	net_run_until(&wish.run, &wish.run.closed);
	assert_int_equal(wish.asked, 1);
	assert_int_equal(wish.run.login.error, EVPOP_ERROR_NONE);
	assert_string_equal(
	    wish.server.log, "CAPA;AUTH XOAUTH2 " RESPONSE ";CAPA;STAT;QUIT;");
	finish(&wish);
}

static void
test_later(void **state)
{
	struct wish wish;

	begin(&wish, *state, TOLD_LATER);
	net_run_for(&wish.run, 50);
	assert_int_equal(wish.asked, 1);
	assert_false(wish.answered);
	assert_string_equal(wish.server.log, "CAPA;");
	assert_int_equal(
	    evpop_client_token(wish.run.client, TOKEN), EVPOP_ERROR_NONE);
	net_run_until(&wish.run, &wish.run.closed);
	assert_int_equal(wish.asked, 1);
	assert_int_equal(wish.run.login.error, EVPOP_ERROR_NONE);
	finish(&wish);
}

static void
test_none(void **state)
{
	struct wish wish;

	begin(&wish, *state, TOLD_NONE);
	net_run_until(&wish.run, &wish.answered);
	assert_int_equal(wish.run.login.error, EVPOP_ERROR_AUTH);
	assert_null(strstr(wish.server.log, "AUTH"));
	finish(&wish);
}

static void
test_free_and_cancel(void **state)
{
	struct wish wish;

	begin(&wish, *state, TOLD_FREE);
	while (wish.asked == 0)
		assert_int_equal(event_base_loop(*state, EVLOOP_ONCE), 0);
	net_server_stop(&wish.server);
	assert_false(wish.answered);
	begin(&wish, *state, TOLD_CANCEL);
	net_run_until(&wish.run, &wish.run.closed);
	assert_int_equal(wish.run.login.error, EVPOP_ERROR_CANCELLED);
	assert_int_equal(
	    evpop_client_token(wish.run.client, TOKEN), EVPOP_ERROR_USAGE);
	finish(&wish);
}

/* Whoever waits too long finds nobody there. */
static void
test_server_that_leaves(void **state)
{
	struct wish wish;

	begin(&wish, *state, TOLD_LATER);
	while (wish.asked == 0)
		assert_int_equal(event_base_loop(*state, EVLOOP_ONCE), 0);
	net_server_stop(&wish.server);
	net_run_until(&wish.run, &wish.run.closed);
	assert_true(wish.answered);
	assert_int_not_equal(wish.run.login.error, EVPOP_ERROR_NONE);
	assert_int_equal(
	    evpop_client_token(wish.run.client, TOKEN), EVPOP_ERROR_USAGE);
	net_run_finish(&wish.run);
}

static int
set_up(void **state)
{
	*state = event_base_new();
	return *state == NULL;
}

static int
tear_down(void **state)
{
	event_base_free(*state);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_later),
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_free_and_cancel),
		cmocka_unit_test(test_server_that_leaves),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

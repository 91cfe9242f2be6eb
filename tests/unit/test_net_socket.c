/* The socket's buffers: how much a server may send ahead, and one that reads
 * nothing. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"
#include "tests/unit/net_socket.h"

/* As in test_net_failure.c: longer than a busy machine keeps anybody. */
#define SHORT_MS     1900
#define SHORT_SILENT "nothing of what was to be sent for 1900 ms"

static struct event_base *base;
static char *long_word;

static int
group_setup(void **state)
{
	(void)state;
	base = event_base_new();
	long_word = net_socket_long_word();
	return base == NULL;
}

static int
group_teardown(void **state)
{
	(void)state;
	free(long_word);
	event_base_free(base);
	return 0;
}

static void
test_receive_buffer(void **state)
{
	static const struct {
		size_t asked;
		int as;
	} cases[] = { { 0, 0 }, { 1, 1 }, { 1460, 1460 }, { 20000, 20000 },
		{ INT_MAX, INT_MAX }, { SIZE_MAX, INT_MAX } };
	struct net_server server;
	struct net_run run;
	size_t i;

	(void)state;
	/* Else there is nothing to be seen here. */
	assert_int_not_equal(net_socket_made_of(0), net_socket_made_of(20000));
	assert_int_not_equal(
	    net_socket_made_of(1460), net_socket_made_of(20000));
	net_server_start(&server, base, NULL, NULL, 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct evpop_client_config config = {
			.tls = EVPOP_TLS_NONE,
			.port = server.port,
			.receive_buffer = cases[i].asked,
		};

		net_run_start(&run, base, NULL, &config);
		net_run_connect(&run);
		net_run_quit(&run);
		net_run_until(&run, &run.closed);
		assert_string_equal(run.log, "connect:ok quit:ok closed:ok ");
		assert_int_equal(net_socket_connected_with(),
		    net_socket_made_of(cases[i].as));
		net_run_finish(&run);
	}
	net_server_stop(&server);
}

/* Messages come whole, however little of them may be ahead. */
static void
test_least_buffer(void **state)
{
	const struct net_message message = { long_word, 200000 };
	const struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.receive_buffer = 1 };
	struct net_server server;
	struct net_run run;

	(void)state;
	net_server_start(&server, base, &options, NULL, 0);
	config.port = server.port;
	net_run_start(&run, base, NULL, &config);
	net_run_connect(&run);
	net_run_login(&run);
	net_run_retr(&run, 1);
	net_run_quit(&run);
	net_run_until(&run, &run.closed);
	assert_string_equal(
	    run.log, "connect:ok login:ok begin end:ok quit:ok closed:ok ");
	assert_int_equal(run.body_length, message.length + 2);
	net_run_finish(&run);
	net_server_stop(&server);
}

/* A client that has far more to say than this server has read. */
static void
begin_deaf(struct net_run *run, struct net_server *server,
    const struct net_server_options *options, size_t window)
{
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.window_octets = window,
		.timeouts = { .send_ms = SHORT_MS } };

	net_server_start(server, base, options, NULL, 0);
	config.port = server->port;
	net_run_start(run, base, NULL, &config);
	net_run_connect(run);
}

static void
end_deaf(struct net_run *run, struct net_server *server, enum evpop_phase phase)
{
	net_run_until(run, &run->closed);
	assert_int_equal(run->closed_result.error, EVPOP_ERROR_TIMEOUT);
	assert_int_equal(run->closed_result.phase, phase);
	assert_true(run->closed_result.retry);
	assert_non_null(strstr(run->closed_result.text, SHORT_SILENT));
	net_run_finish(run);
	net_server_stop(server);
}

static void
on_skip(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	net_server_skip(arg, 65536);
}

/* One that reads slowly is waited for; one that reads nothing is not. */
static void
test_deaf(void **state)
{
	static const struct net_rule rule = { "CAPA", "-ERR\r\n", NET_DEAF };
	const struct net_server_options options = { .rules = &rule,
		.rule_count = 1 };
	const struct timeval often = { 0, 20000 };
	struct net_server server;
	struct event *timer;
	struct net_run run;

	(void)state;
	begin_deaf(&run, &server, &options, 0);
	assert_int_equal(
	    evpop_client_lang(run.client, long_word, NULL, NULL, NULL), 0);
	timer = event_new(base, -1, EV_PERSIST, on_skip, &server);
	assert_non_null(timer);
	assert_int_equal(event_add(timer, &often), 0);
	net_run_for(&run, SHORT_MS / 2 * 3);
	assert_string_equal(run.log, "connect:ok ");
	event_free(timer);
	end_deaf(&run, &server, EVPOP_PHASE_COMMAND);
}

/*
 * A server that waits for us to read cannot be blamed for not reading, until
 * we do.
 */
static void
test_deaf_while_paused(void **state)
{
	static const struct net_rule rule = { "RETR 1", "+OK\r\nhalf",
		NET_DEAF };
	const struct net_server_options options = {
		.pipelining = true, .rules = &rule, .rule_count = 1
	};
	struct net_server server;
	struct net_run run;

	(void)state;
	begin_deaf(&run, &server, &options, SIZE_MAX / 2);
	run.pause_at_begin = true;
	net_run_login(&run);
	net_run_retr(&run, 1);
	assert_int_equal(
	    evpop_client_lang(run.client, long_word, NULL, NULL, NULL), 0);
	net_run_until(&run, &run.paused);
	net_run_for(&run, SHORT_MS / 2 * 3);
	assert_false(run.closed);
	run.paused = false;
	evpop_client_resume(run.client);
	end_deaf(&run, &server, EVPOP_PHASE_BODY);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_receive_buffer),
		cmocka_unit_test(test_least_buffer),
		cmocka_unit_test(test_deaf),
		cmocka_unit_test(test_deaf_while_paused),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

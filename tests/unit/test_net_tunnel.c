/* Whole sessions through proxies, and proxies that will not. */
#include <netinet/in.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/net/tunnel.h"
#include "tests/unit/net_ends.h"
#include "tests/unit/net_proxy.h"
#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

#define GOOD   "connect:ok login:ok quit:ok closed:ok "
#define FAILED "connect:io login:cancelled quit:cancelled closed:io "

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static const char *
proxy_url(const struct net_proxy *proxy, const char *login)
{
	static char url[128];

	snprintf(url, sizeof(url), "%s://%s127.0.0.1:%u",
	    proxy->options.kind == EVPOP_PROXY_SOCKS5 ? "socks5" : "http",
	    login, (unsigned int)proxy->port);
	return url;
}

static void
run_session(struct net_run *run, const struct evpop_client_config *config)
{
	net_run_start(run, net_ends.base, NULL, config);
	net_run_connect(run);
	net_run_login(run);
	net_run_quit(run);
	net_run_until(run, &run->closed);
}

/*
 * Each kind of proxy and of answer, each protection: the greeting, or the first
 * record of TLS, is never lost, however it follows on the proxy's answer.
 */
static void
test_sessions(void **state)
{
	static const enum evpop_tls protections[] = { EVPOP_TLS_NONE,
		EVPOP_TLS_STLS, EVPOP_TLS_IMPLICIT };
	struct net_proxy_options options;
	struct evpop_client_config config;
	struct net_server_options server_options;
	struct net_server server;
	struct net_proxy proxy;
	struct net_run run;
	unsigned int bits;

	(void)state;
	for (bits = 0; bits < 2 * 3 * 4; bits++) {
		memset(&options, 0, sizeof(options));
		memset(&config, 0, sizeof(config));
		memset(&server_options, 0, sizeof(server_options));
		options.kind =
		    bits % 2 == 0 ? EVPOP_PROXY_SOCKS5 : EVPOP_PROXY_HTTP;
		options.trickle = bits / 2 % 2 == 1;
		config.tls = protections[bits / 8];
		/* A server of implicit TLS has nothing to say at first. */
		options.together =
		    bits / 4 % 2 == 1 && config.tls != EVPOP_TLS_IMPLICIT;
		if (config.tls != EVPOP_TLS_NONE)
			server_options.tls = net_ends.server_tls;
		server_options.stls = config.tls == EVPOP_TLS_STLS;
		net_server_start(
		    &server, net_ends.base, &server_options, NULL, 0);
		net_proxy_start(&proxy, net_ends.base, &options, server.port);
		config.host = "pop.invalid";
		config.port = 4711;
		config.tls_context = net_ends.client_tls;
		config.allow_cleartext = true;
		config.proxy = proxy_url(&proxy, "");
		run_session(&run, &config);
		if (strcmp(run.log, GOOD) != 0)
			fail_msg("%u: %s: %s", bits, run.log,
			    run.closed_result.text);
		assert_string_equal(proxy.asked,
		    options.kind == EVPOP_PROXY_SOCKS5 ? "name pop.invalid 4711"
						       : "pop.invalid:4711");
		net_run_finish(&run);
		net_proxy_stop(&proxy);
		net_server_stop(&server);
	}
}

static void
test_targets(void **state)
{
	static const struct {
		enum evpop_proxy_kind kind;
		const char *host, *asked;
	} cases[] = {
		{ EVPOP_PROXY_SOCKS5, "127.0.0.1", "4 127.0.0.1 110" },
		{ EVPOP_PROXY_SOCKS5, "2001:db8::1", "6 2001:db8::1 110" },
		{ EVPOP_PROXY_SOCKS5, "b\xc3\xbc\x63her.example",
		    "name xn--bcher-kva.example 110" },
		{ EVPOP_PROXY_HTTP, "127.0.0.1", "127.0.0.1:110" },
		{ EVPOP_PROXY_HTTP, "2001:db8::1", "[2001:db8::1]:110" },
		{ EVPOP_PROXY_HTTP, "b\xc3\xbc\x63her.example",
		    "xn--bcher-kva.example:110" },
	};
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.allow_cleartext = true };
	struct net_proxy_options options = { .kind = 0 };
	struct net_server server;
	struct net_proxy proxy;
	struct net_run run;
	size_t i;

	(void)state;
	net_server_start(&server, net_ends.base, NULL, NULL, 0);
	for (i = 0; i < COUNT(cases); i++) {
		options.kind = cases[i].kind;
		net_proxy_start(&proxy, net_ends.base, &options, server.port);
		config.host = cases[i].host;
		config.proxy = proxy_url(&proxy, "");
		run_session(&run, &config);
		assert_string_equal(run.log, GOOD);
		assert_string_equal(proxy.asked, cases[i].asked);
		net_run_finish(&run);
		net_proxy_stop(&proxy);
	}
	net_server_stop(&server);
}

/* Log-ins at the proxy: right, wrong, missing, and offered in vain. */
static void
test_logins(void **state)
{
	static const struct {
		enum evpop_proxy_kind kind;
		const char *user, *login;
		const char *reason; /* or it succeeds */
	} cases[] = {
		{ EVPOP_PROXY_SOCKS5, "me", "me:s3cr%3At@", NULL },
		{ EVPOP_PROXY_SOCKS5, NULL, "me:s3cr%3At@", NULL },
		{ EVPOP_PROXY_SOCKS5, "me", "me:other@",
		    "SOCKS proxy refused the user and password" },
		{ EVPOP_PROXY_SOCKS5, "me", "",
		    "no user and password are given" },
		{ EVPOP_PROXY_HTTP, "me", "me:s3cr%3At@", NULL },
		{ EVPOP_PROXY_HTTP, "me", "me:other@",
		    "HTTP proxy refused the user and password (407)" },
		{ EVPOP_PROXY_HTTP, "me", "",
		    "asks for a user and password (407)" },
	};
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.allow_cleartext = true,
		.host = "pop.invalid" };
	struct net_proxy_options options = { .password = "s3cr:t" };
	struct net_server server;
	struct net_proxy proxy;
	struct net_run run;
	size_t i;

	(void)state;
	net_server_start(&server, net_ends.base, NULL, NULL, 0);
	for (i = 0; i < COUNT(cases); i++) {
		options.kind = cases[i].kind;
		options.user = cases[i].user;
		net_proxy_start(&proxy, net_ends.base, &options, server.port);
		config.proxy = proxy_url(&proxy, cases[i].login);
		run_session(&run, &config);
		if (cases[i].reason == NULL) {
			assert_string_equal(run.log, GOOD);
		} else {
			assert_string_equal(run.log, FAILED);
			assert_int_equal(
			    run.closed_result.phase, EVPOP_PHASE_CONNECT);
			if (strstr(run.closed_result.text, cases[i].reason) ==
			    NULL)
				fail_msg("%s", run.closed_result.text);
		}
		net_run_finish(&run);
		net_proxy_stop(&proxy);
	}
	net_server_stop(&server);
}

static void
test_refusals(void **state)
{
	static const struct {
		struct net_proxy_options options;
		const char *reason;
	} cases[] = {
		{ { .kind = EVPOP_PROXY_SOCKS5, .refuse = 2 },
		    "rules do not allow it (2) [127.0.0.1:" },
		{ { .kind = EVPOP_PROXY_SOCKS5, .refuse = 5, .trickle = true },
		    "connection refused (5) [127.0.0.1:" },
		{ { .kind = EVPOP_PROXY_HTTP, .refuse = 403 },
		    "403 Not Today [127.0.0.1:" },
		{ { .kind = EVPOP_PROXY_HTTP, .refuse = 502, .trickle = true },
		    "502 Not Today [127.0.0.1:" },
		{ { .kind = EVPOP_PROXY_SOCKS5, .hang_up = true },
		    "closed the connection instead of answering the request" },
		{ { .kind = EVPOP_PROXY_HTTP, .hang_up = true },
		    "closed the connection instead of answering the request" },
	};
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.host = "pop.invalid" };
	struct net_proxy proxy;
	struct net_run run;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		net_proxy_start(&proxy, net_ends.base, &cases[i].options, 1);
		config.proxy = proxy_url(&proxy, "");
		run_session(&run, &config);
		assert_string_equal(run.log, FAILED);
		assert_true(run.closed_result.retry);
		assert_int_equal(run.closed_result.phase, EVPOP_PHASE_CONNECT);
		if (strstr(run.closed_result.text, cases[i].reason) == NULL)
			fail_msg("%s", run.closed_result.text);
		net_run_finish(&run);
		net_proxy_stop(&proxy);
	}
	/* Nobody there; then what is no proxy's URL. */
	run_session(&run, &config);
	assert_string_equal(run.log, FAILED);
	assert_non_null(strstr(run.closed_result.text, "Connection refused"));
	assert_int_equal(
	    strncmp(run.closed_result.text,
		"HTTP proxy: connection failed: 127.0.0.1:",
		strlen("HTTP proxy: connection failed: 127.0.0.1:")),
	    0);
	net_run_finish(&run);
	config.proxy = "socks4://me:s3cr%3At@h";
	run_session(&run, &config);
	assert_string_equal(run.log,
	    "connect:usage login:cancelled quit:cancelled closed:usage ");
	assert_null(strstr(run.closed_result.text, "s3cr"));
	net_run_finish(&run);
}

/* A proxy that says nothing is given up, and told what it did not answer. */
static void
test_silence(void **state)
{
	static const struct net_proxy_options options[] = {
		{ .kind = EVPOP_PROXY_SOCKS5, .mute = true },
		{ .kind = EVPOP_PROXY_HTTP, .mute = true }
	};
	static const char *const said[] = { "did not answer the greeting",
		"did not answer the request" };
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.host = "pop.invalid" };
	struct net_proxy proxy;
	struct net_run run;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(options); i++) {
		net_proxy_start(&proxy, net_ends.base, &options[i], 1);
		config.proxy = proxy_url(&proxy, "");
		config.timeouts.connect_ms = 1500;
		run_session(&run, &config);
		assert_int_equal(run.closed_result.error, EVPOP_ERROR_TIMEOUT);
		assert_int_equal(run.closed_result.phase, EVPOP_PHASE_CONNECT);
		if (strstr(run.closed_result.text, said[i]) == NULL)
			fail_msg("%s", run.closed_result.text);
		net_run_finish(&run);
		/* Freed amid it, all is closed. */
		config.timeouts.connect_ms = 0;
		net_run_start(&run, net_ends.base, NULL, &config);
		net_run_connect(&run);
		while (proxy.accepted < 2)
			assert_int_equal(
			    event_base_loop(net_ends.base, EVLOOP_ONCE), 0);
		net_run_for(&run, 50);
		assert_int_equal(proxy.open, 1);
		net_run_finish(&run);
		while (proxy.open > 0)
			assert_int_equal(
			    event_base_loop(net_ends.base, EVLOOP_ONCE), 0);
		net_proxy_stop(&proxy);
	}
}

/* Behind a proxy there is no loopback, even if both ends are one. */
static void
test_cleartext(void **state)
{
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.host = "127.0.0.1" };
	const struct net_proxy_options options = { .kind = EVPOP_PROXY_SOCKS5 };
	struct net_server server;
	struct net_proxy proxy;
	struct net_run run;

	(void)state;
	net_server_start(&server, net_ends.base, NULL, NULL, 0);
	net_proxy_start(&proxy, net_ends.base, &options, server.port);
	config.proxy = proxy_url(&proxy, "");
	run_session(&run, &config);
	assert_int_equal(run.login.error, EVPOP_ERROR_AUTH);
	assert_null(strstr(server.log, "USER"));
	assert_null(strstr(server.log, "PASS"));
	assert_null(strstr(server.log, "AUTH "));
	net_run_finish(&run);
	net_proxy_stop(&proxy);
	net_server_stop(&server);
}

/* ---- The tunnel by itself ---- */

struct tunnelled {
	evutil_socket_t fd;
	struct evpop_result result;
	size_t calls;
	struct evpop_tunnel *tunnel;
};

static void
on_tunnelled(evutil_socket_t fd, const struct evpop_result *failure, void *arg)
{
	struct tunnelled *tunnelled = arg;

	tunnelled->calls++;
	tunnelled->fd = fd;
	if (failure != NULL)
		tunnelled->result = *failure;
	evpop_tunnel_free(&tunnelled->tunnel);
	assert_int_equal(event_base_loopbreak(net_ends.base), 0);
}

static void
tunnel_start(struct tunnelled *tunnelled, evutil_socket_t pair[2],
    const char *url, const char *host)
{
	struct evpop_proxy_config config;
	struct evpop_result result;

	memset(tunnelled, 0, sizeof(*tunnelled));
	tunnelled->fd = -1;
	assert_int_equal(
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	assert_true(evpop_proxy_parse(&config, url, &result));
	tunnelled->tunnel = evpop_tunnel_new(net_ends.base, pair[0], &config,
	    host, 995, on_tunnelled, tunnelled, &tunnelled->result);
	evpop_proxy_config_clear(&config);
}

/* What the server says behind the proxy's answer is still in the socket. */
static void
test_exactly(void **state)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\n\r\n+OK hello\r\n";
	struct tunnelled tunnelled;
	evutil_socket_t pair[2];
	char octets[64];

	(void)state;
	tunnel_start(&tunnelled, pair, "http://h", "pop.test");
	assert_non_null(tunnelled.tunnel);
	assert_string_equal(
	    evpop_tunnel_standing(tunnelled.tunnel), "the request");
	assert_int_equal(event_base_loop(net_ends.base, EVLOOP_ONCE), 0);
	assert_true(recv(pair[1], octets, sizeof(octets), 0) > 0);
	assert_int_equal(
	    send(pair[1], answer, strlen(answer), 0), strlen(answer));
	assert_int_equal(event_base_dispatch(net_ends.base), 0);
	assert_int_equal(tunnelled.fd, pair[0]);
	assert_int_equal(tunnelled.calls, 1);
	assert_int_equal(
	    recv(pair[0], octets, sizeof(octets), 0), strlen("+OK hello\r\n"));
	assert_memory_equal(octets, "+OK hello\r\n", strlen("+OK hello\r\n"));
	close(pair[0]);
	close(pair[1]);
}

static void
test_tunnel_failures(void **state)
{
	struct tunnelled tunnelled;
	evutil_socket_t pair[2];
	char octet;

	(void)state;
	/* It cannot be begun: the descriptor is the caller's. */
	tunnel_start(&tunnelled, pair, "http://h", "no host");
	assert_null(tunnelled.tunnel);
	assert_int_equal(tunnelled.result.error, EVPOP_ERROR_USAGE);
	assert_int_equal(send(pair[0], "x", 1, 0), 1);
	close(pair[0]);
	close(pair[1]);
	/* The proxy is gone before it is spoken to, or before it answers. */
	tunnel_start(&tunnelled, pair, "socks5://h", "pop.test");
	close(pair[1]);
	assert_int_equal(event_base_dispatch(net_ends.base), 0);
	assert_int_equal(tunnelled.fd, -1);
	assert_int_equal(tunnelled.calls, 1);
	assert_int_equal(tunnelled.result.error, EVPOP_ERROR_IO);
	assert_non_null(strstr(tunnelled.result.text, "write to the proxy: "));
	tunnel_start(&tunnelled, pair, "socks5://h", "pop.test");
	assert_int_equal(event_base_loop(net_ends.base, EVLOOP_ONCE), 0);
	assert_int_equal(recv(pair[1], &octet, 1, 0), 1);
	close(pair[1]);
	assert_int_equal(event_base_dispatch(net_ends.base), 0);
	assert_int_equal(tunnelled.calls, 1);
	assert_non_null(strstr(tunnelled.result.text, "read from the proxy: "));
	/* Freed at once. */
	tunnel_start(&tunnelled, pair, "socks5://h", "pop.test");
	evpop_tunnel_free(&tunnelled.tunnel);
	assert_null(tunnelled.tunnel);
	evpop_tunnel_free(&tunnelled.tunnel);
	assert_int_equal(recv(pair[1], &octet, 1, 0), 0);
	close(pair[1]);
	assert_int_equal(tunnelled.calls, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sessions),
		cmocka_unit_test(test_targets),
		cmocka_unit_test(test_logins),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_cleartext),
		cmocka_unit_test(test_exactly),
		cmocka_unit_test(test_tunnel_failures),
	};

	return cmocka_run_group_tests(
	    tests, net_ends_set_up, net_ends_tear_down);
}

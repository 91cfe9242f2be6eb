/* Names, addresses, and attempts over several of them. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>

#include "lib/net/connect.h"
#include "tests/unit/net_ends.h"
#include "tests/unit/net_run.h"
#include "tests/unit/net_server.h"

/* A name server on loopback. */
struct names {
	struct evdns_server_port *port;
	evutil_socket_t fd;
	bool silent;
	size_t asked;
};

static void
add_addresses(struct evdns_server_request *request, const char *name)
{
	struct in_addr addresses[2];

	assert_int_equal(inet_pton(AF_INET, "127.0.0.3", &addresses[0]), 1);
	assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &addresses[1]), 1);
	if (evutil_ascii_strcasecmp(name, "one.test") == 0)
		assert_int_equal(evdns_server_request_add_a_reply(
				     request, name, 1, &addresses[1], 60),
		    0);
	if (evutil_ascii_strcasecmp(name, "two.test") == 0)
		assert_int_equal(evdns_server_request_add_a_reply(
				     request, name, 2, addresses, 60),
		    0);
}

static void
on_question(struct evdns_server_request *request, void *arg)
{
	struct names *names = arg;
	int i, error = DNS_ERR_NOTEXIST;

	names->asked++;
	if (names->silent) {
		evdns_server_request_drop(request);
		return;
	}
	for (i = 0; i < request->nquestions; i++) {
		const struct evdns_server_question *question =
		    request->questions[i];

		if (evutil_ascii_strcasecmp(question->name, "one.test") != 0 &&
		    evutil_ascii_strcasecmp(question->name, "two.test") != 0)
			continue;
		error = DNS_ERR_NONE;
		if (question->type == EVDNS_TYPE_A)
			add_addresses(request, question->name);
	}
	evdns_server_request_respond(request, error);
}

/* The name server, and a resolver that asks it alone. */
static struct evdns_base *
names_start(struct names *names)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t length = sizeof(sin);
	struct evdns_base *dns;

	memset(names, 0, sizeof(*names));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	names->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(names->fd >= 0);
	assert_int_equal(
	    bind(names->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(
	    getsockname(names->fd, (struct sockaddr *)&sin, &length), 0);
	names->port = evdns_add_server_port_with_base(
	    net_ends.base, names->fd, 0, on_question, names);
	assert_non_null(names->port);
	dns = evdns_base_new(net_ends.base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	assert_non_null(dns);
	assert_int_equal(evdns_base_nameserver_sockaddr_add(
			     dns, (struct sockaddr *)&sin, length, 0),
	    0);
	return dns;
}

static void
names_stop(struct names *names, struct evdns_base *dns)
{
	/* Cancelled requests are reported, and freed, by the loop. */
	assert_true(event_base_loop(net_ends.base, EVLOOP_NONBLOCK) >= 0);
	evdns_base_free(dns, 1);
	evdns_close_server_port(names->port);
	close(names->fd);
}

static void
run_session(struct net_run *run, struct evdns_base *dns,
    const struct evpop_client_config *config)
{
	net_run_start(run, net_ends.base, dns, config);
	net_run_connect(run);
	net_run_login(run);
	net_run_quit(run);
	net_run_until(run, &run->closed);
}

#define GOOD   "connect:ok login:ok quit:ok closed:ok "
#define FAILED "connect:io login:cancelled quit:cancelled closed:io "

static void
test_name(void **state)
{
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.host = "one.test" };
	struct net_server server;
	struct evdns_base *dns;
	struct names names;
	struct net_run run;

	(void)state;
	dns = names_start(&names);
	net_server_start(&server, net_ends.base, NULL, NULL, 0);
	config.port = server.port;
	run_session(&run, dns, &config);
	assert_string_equal(run.log, GOOD);
	assert_true(names.asked > 0);
	assert_int_equal(strncmp(evpop_client_peer(run.client),
			     "127.0.0.1:", strlen("127.0.0.1:")),
	    0);
	net_run_finish(&run);

	config.host = "none.test";
	run_session(&run, dns, &config);
	assert_string_equal(run.log, FAILED);
	assert_int_equal(run.closed_result.phase, EVPOP_PHASE_RESOLVE);
	assert_non_null(strstr(run.closed_result.text, "none.test"));
	net_run_finish(&run);
	net_server_stop(&server);
	names_stop(&names, dns);
}

static void
test_name_without_resolver(void **state)
{
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.host = "one.test" };
	struct net_run run;

	(void)state;
	run_session(&run, NULL, &config);
	assert_string_equal(run.log,
	    "connect:usage login:cancelled quit:cancelled closed:usage ");
	assert_non_null(strstr(run.closed_result.text, "without a resolver"));
	net_run_finish(&run);
}

/* Silent name servers: the deadline ends it, or the caller frees meanwhile. */
static void
test_resolve_deadline(void **state)
{
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.host = "one.test" };
	struct evdns_base *dns;
	struct names names;
	struct net_run run;

	(void)state;
	dns = names_start(&names);
	names.silent = true;
	config.timeouts.resolve_ms = 100;
	run_session(&run, dns, &config);
	assert_int_equal(run.closed_result.error, EVPOP_ERROR_TIMEOUT);
	assert_int_equal(run.closed_result.phase, EVPOP_PHASE_RESOLVE);
	net_run_finish(&run);

	config.timeouts.resolve_ms = 0;
	net_run_start(&run, net_ends.base, dns, &config);
	net_run_connect(&run);
	net_run_for(&run, 50);
	assert_string_equal(run.log, "");
	net_run_finish(&run);
	names_stop(&names, dns);
}

/* Nobody listens: each address, and what became of it, is named. */
static void
test_refused(void **state)
{
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.host = "two.test" };
	struct net_server server;
	struct evdns_base *dns;
	struct names names;
	struct net_run run;

	(void)state;
	dns = names_start(&names);
	/* A port that was free a moment ago. */
	net_server_start(&server, net_ends.base, NULL, NULL, 0);
	config.port = server.port;
	net_server_stop(&server);
	run_session(&run, dns, &config);
	assert_string_equal(run.log, FAILED);
	assert_int_equal(run.closed_result.phase, EVPOP_PHASE_CONNECT);
	assert_true(run.closed_result.retry);
	assert_non_null(strstr(run.closed_result.text, "127.0.0.3:"));
	assert_non_null(strstr(run.closed_result.text, "; 127.0.0.1:"));
	assert_non_null(strstr(run.closed_result.text, "Connection refused"));
	net_run_finish(&run);
	names_stop(&names, dns);
}

/* The first address refuses: the second is tried at once. */
static void
test_fall_back_on_refusal(void **state)
{
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.host = "two.test" };
	struct net_server server;
	struct evdns_base *dns;
	struct names names;
	struct net_run run;

	(void)state;
	dns = names_start(&names);
	net_server_start(&server, net_ends.base, NULL, "127.0.0.1", 0);
	config.port = server.port;
	run_session(&run, dns, &config);
	assert_string_equal(run.log, GOOD);
	net_run_finish(&run);
	net_server_stop(&server);
	names_stop(&names, dns);
}

/*
 * A socket that answers no SYN: its queue of one is full and nobody accepts.
 * Fills the queue with the connections given.
 */
static evutil_socket_t
dead_listen(const char *address, uint16_t port, evutil_socket_t filling[4])
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	evutil_socket_t fd = socket(AF_INET, SOCK_STREAM, 0);
	struct pollfd queue = { .events = POLLIN };
	int i, on = 1;

	assert_true(fd >= 0);
	sin.sin_port = htons(port);
	assert_int_equal(inet_pton(AF_INET, address, &sin.sin_addr), 1);
	assert_int_equal(
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (i = 0; i < 4; i++) {
		filling[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_true(filling[i] >= 0);
		(void)connect(filling[i], (struct sockaddr *)&sin, sizeof(sin));
	}
	/* With one to accept it is full. */
	queue.fd = fd;
	assert_int_equal(poll(&queue, 1, NET_PATIENCE_S * 1000), 1);
	return fd;
}

static void
dead_close(evutil_socket_t fd, evutil_socket_t filling[4])
{
	int i;

	for (i = 0; i < 4; i++)
		close(filling[i]);
	close(fd);
}

static void
test_fall_back_on_silence(void **state)
{
	struct evpop_client_config config = { .tls = EVPOP_TLS_NONE,
		.host = "two.test" };
	evutil_socket_t dead, filling[4];
	struct net_server server;
	struct evdns_base *dns;
	struct names names;
	struct net_run run;

	(void)state;
	dns = names_start(&names);
	net_server_start(&server, net_ends.base, NULL, "127.0.0.1", 0);
	dead = dead_listen("127.0.0.3", server.port, filling);
	config.port = server.port;
	run_session(&run, dns, &config);
	assert_string_equal(run.log, GOOD);
	assert_int_equal(strncmp(evpop_client_peer(run.client),
			     "127.0.0.1:", strlen("127.0.0.1:")),
	    0);
	net_run_finish(&run);
	net_server_stop(&server);

	/* And where that is all there is, the deadline ends it. */
	config.host = "127.0.0.3";
	config.timeouts.connect_ms = 150;
	run_session(&run, NULL, &config);
	assert_int_equal(run.closed_result.error, EVPOP_ERROR_TIMEOUT);
	assert_int_equal(run.closed_result.phase, EVPOP_PHASE_CONNECT);
	assert_non_null(strstr(run.closed_result.text, "127.0.0.3:"));
	net_run_finish(&run);
	dead_close(dead, filling);
	names_stop(&names, dns);
}

static void
on_won(evutil_socket_t fd, const struct evpop_address *address,
    const struct evpop_result *failure, void *arg)
{
	(void)address;
	assert_null(failure);
	*(evutil_socket_t *)arg = fd;
}

/* The socket is as promised, and nothing else waits for its turn. */
static void
test_won(void **state)
{
	/* So late that it never has its turn. */
	const struct evpop_connect_options options = { .delay_ms = 100000 };
	struct sockaddr_in sin = { .sin_family = AF_INET };
	evutil_socket_t listener, won = -1;
	socklen_t length = sizeof(sin);
	struct evpop_address addresses[2];
	struct evpop_connect *race;
	struct evpop_result result;
	int before, no_delay = 0;

	(void)state;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(listener >= 0);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&sin, &length), 0);
	assert_true(evpop_address_parse(
	    &addresses[0], "127.0.0.1", ntohs(sin.sin_port)));
	addresses[1] = addresses[0];
	before =
	    event_base_get_num_events(net_ends.base, EVENT_BASE_COUNT_ADDED);
	race = evpop_connect_new(
	    net_ends.base, addresses, 2, &options, on_won, &won, &result);
	assert_non_null(race);
	while (won == -1)
		assert_int_equal(
		    event_base_loop(net_ends.base, EVLOOP_ONCE), 0);
	assert_int_equal(
	    event_base_get_num_events(net_ends.base, EVENT_BASE_COUNT_ADDED),
	    before);
	assert_true((fcntl(won, F_GETFL) & O_NONBLOCK) != 0);
	length = sizeof(no_delay);
	assert_int_equal(
	    getsockopt(won, IPPROTO_TCP, TCP_NODELAY, &no_delay, &length), 0);
	assert_true(no_delay != 0);
	evpop_connect_free(&race);
	close(won);
	close(listener);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),
		cmocka_unit_test(test_name_without_resolver),
		cmocka_unit_test(test_resolve_deadline),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_fall_back_on_refusal),
		cmocka_unit_test(test_fall_back_on_silence),
		cmocka_unit_test(test_won),
	};

	return cmocka_run_group_tests(
	    tests, net_ends_set_up_loop, net_ends_tear_down);
}

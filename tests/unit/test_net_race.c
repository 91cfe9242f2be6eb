/* From names to connections: who is asked, who is tried, and who wins. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/dns.h>
#include <event2/dns_struct.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "lib/base/clock.h"
#include "lib/net/connect.h"
#include "lib/net/dial.h"
#include "lib/net/loop.h"
#include "lib/net/resolve.h"

/* Nothing in these tests takes so long, on however slow a machine. */
#define NEVER_MS 100000

static struct event_base *base;

/*
 * Times are measured here by the precise clock, so that the loop must go by it
 * too: by its usual one, timers expire up to a tick of the kernel early.
 */
static int
group_setup(void **state)
{
	struct event_config *config = event_config_new();

	(void)state;
	if (config == NULL)
		return 1;
	if (event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER) == 0)
		base = event_base_new_with_config(config);
	event_config_free(config);
	return base == NULL;
}

static int
group_teardown(void **state)
{
	(void)state;
	event_base_free(base);
	return 0;
}

static bool
parse(struct evpop_address *address, const char *text, uint16_t port)
{
	return evpop_address_parse(address, text, port);
}

/* ---- Servers that take connections and note from where ---- */

struct server {
	struct evconnlistener *listener;
	uint16_t port;
	size_t accepted;
	char from[EVPOP_ADDRESS_TEXT];
};

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *sockaddr, int length, void *arg)
{
	struct server *server = arg;
	struct evpop_address address;

	(void)listener;
	memset(&address, 0, sizeof(address));
	memcpy(&address.storage, sockaddr, (size_t)length);
	evpop_address_bare(&address, server->from);
	server->accepted++;
	close(fd);
}

/* False where this machine has no such address. */
static bool
server_start(struct server *server, const char *host, uint16_t port)
{
	struct evpop_address address;
	socklen_t length = sizeof(address.storage);

	memset(server, 0, sizeof(*server));
	assert_true(parse(&address, host, port));
	server->listener = evconnlistener_new_bind(base, on_accept, server,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1,
	    (struct sockaddr *)&address.storage, (int)address.length);
	if (server->listener == NULL)
		return false;
	assert_int_equal(getsockname(evconnlistener_get_fd(server->listener),
			     (struct sockaddr *)&address.storage, &length),
	    0);
	server->port =
	    ntohs(((struct sockaddr_in *)&address.storage)->sin_port);
	return true;
}

static void
server_stop(struct server *server)
{
	evconnlistener_free(server->listener);
}

/*
 * A socket that answers no SYN: its queue of one is full and nobody accepts.
 */
struct black_hole {
	evutil_socket_t fd, filling[4];
};

static void
black_hole_open(struct black_hole *hole, const char *host, uint16_t port)
{
	struct evpop_address address;
	struct pollfd queue = { .events = POLLIN };
	int i, on = 1;

	assert_true(parse(&address, host, port));
	hole->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(hole->fd >= 0);
	assert_int_equal(
	    setsockopt(hole->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0);
	assert_int_equal(
	    bind(hole->fd, (struct sockaddr *)&address.storage, address.length),
	    0);
	assert_int_equal(listen(hole->fd, 0), 0);
	for (i = 0; i < 4; i++) {
		hole->filling[i] =
		    socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_true(hole->filling[i] >= 0);
		(void)connect(hole->filling[i],
		    (struct sockaddr *)&address.storage, address.length);
	}
	/* With one to accept it is full. */
	queue.fd = hole->fd;
	assert_int_equal(poll(&queue, 1, NEVER_MS), 1);
}

static void
black_hole_close(struct black_hole *hole)
{
	int i;

	for (i = 0; i < 4; i++)
		close(hole->filling[i]);
	close(hole->fd);
}

/* ---- A name server on loopback ---- */

struct name {
	const char *name;
	const char *ipv4, *ipv6;          /* NULL: the name has none */
	int ipv4_delay_ms, ipv6_delay_ms; /* -1: never answered */
};

struct names {
	struct evdns_server_port *port;
	struct evdns_base *dns;
	evutil_socket_t fd;
	const struct name *names;
	size_t count, asked, late;
	bool holding; /* answers for IPv6 */
	struct answer *held;
};

struct answer {
	struct names *names;
	struct evdns_server_request *request;
	int error;
};

static void
respond(evutil_socket_t fd, short what, void *arg)
{
	struct answer *answer = arg;

	(void)fd;
	(void)what;
	(void)evdns_server_request_respond(answer->request, answer->error);
	answer->names->late--;
	free(answer);
}

static void
add_address(struct evdns_server_request *request, const char *name,
    const char *ipv4, const char *ipv6)
{
	unsigned char octets[16];

	if (ipv4 != NULL) {
		assert_int_equal(inet_pton(AF_INET, ipv4, octets), 1);
		assert_int_equal(evdns_server_request_add_a_reply(
				     request, name, 1, octets, 60),
		    0);
	} else {
		assert_int_equal(inet_pton(AF_INET6, ipv6, octets), 1);
		assert_int_equal(evdns_server_request_add_aaaa_reply(
				     request, name, 1, octets, 60),
		    0);
	}
}

static void
on_question(struct evdns_server_request *request, void *arg)
{
	const struct evdns_server_question *question = request->questions[0];
	bool ipv6 = question->type == EVDNS_TYPE_AAAA;
	struct answer *answer = calloc(1, sizeof(*answer));
	struct names *names = arg;
	const struct name *name;
	struct timeval delay;
	int delay_ms = 0;
	size_t i;

	assert_non_null(answer);
	names->asked++;
	answer->names = names;
	answer->request = request;
	answer->error = DNS_ERR_NOTEXIST;
	for (i = 0; i < names->count; i++) {
		name = &names->names[i];
		if (evutil_ascii_strcasecmp(question->name, name->name) != 0)
			continue;
		answer->error = DNS_ERR_NONE;
		delay_ms = ipv6 ? name->ipv6_delay_ms : name->ipv4_delay_ms;
		if (ipv6 && name->ipv6 != NULL)
			add_address(request, name->name, NULL, name->ipv6);
		if (!ipv6 && name->ipv4 != NULL)
			add_address(request, name->name, name->ipv4, NULL);
	}
	if (delay_ms < 0) {
		evdns_server_request_drop(request);
		free(answer);
		return;
	}
	names->late++;
	if (ipv6 && names->holding) {
		names->held = answer;
		return;
	}
	delay.tv_sec = delay_ms / 1000;
	delay.tv_usec = delay_ms % 1000 * 1000;
	assert_int_equal(
	    event_base_once(base, -1, EV_TIMEOUT, respond, answer, &delay), 0);
}

static void
names_start(struct names *names, const struct name *list, size_t count)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t length = sizeof(sin);

	memset(names, 0, sizeof(*names));
	names->names = list;
	names->count = count;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	names->fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	assert_true(names->fd >= 0);
	assert_int_equal(
	    bind(names->fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
	assert_int_equal(
	    getsockname(names->fd, (struct sockaddr *)&sin, &length), 0);
	names->port = evdns_add_server_port_with_base(
	    base, names->fd, 0, on_question, names);
	assert_non_null(names->port);
	names->dns = evdns_base_new(base, EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	assert_non_null(names->dns);
	assert_int_equal(evdns_base_nameserver_sockaddr_add(
			     names->dns, (struct sockaddr *)&sin, length, 0),
	    0);
	/* However slow the machine, nothing is asked twice. */
	assert_int_equal(
	    evdns_base_set_option(names->dns, "timeout:", "100"), 0);
}

static void
break_loop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
	assert_int_equal(event_base_loopbreak(base), 0);
}

/* Until something breaks the loop, or the time is over: then false. */
static bool
turn(int milliseconds)
{
	const struct timeval span = { milliseconds / 1000,
		milliseconds % 1000 * 1000 };
	struct event *timer;
	bool over = false;

	timer = evtimer_new(base, break_loop, &over);
	assert_non_null(timer);
	assert_int_equal(evtimer_add(timer, &span), 0);
	assert_int_equal(event_base_dispatch(base), 0);
	event_free(timer);
	return !over;
}

static void
turn_for(int milliseconds)
{
	assert_false(turn(milliseconds));
}

static void
names_stop(struct names *names)
{
	/* Cancelled requests are reported, and freed, by the loop. */
	do
		turn_for(10);
	while (names->late > 0);
	evdns_base_free(names->dns, 1);
	evdns_close_server_port(names->port);
	close(names->fd);
}

/* ---- One dial, and what came of it ---- */

struct trial {
	struct evpop_dial *dial;
	struct evpop_dialed dialed;
	struct evpop_result result;
	size_t connecting, connected, failed;
	int64_t begun_ms, took_ms;
	char peer[EVPOP_ADDRESS_TEXT];
	bool break_when_connecting;
	/* Free it in that handler. */
	bool free_when_connecting, free_when_over;
};

static void
on_connecting(void *arg)
{
	struct trial *trial = arg;

	trial->connecting++;
	if (trial->free_when_connecting)
		evpop_dial_free(&trial->dial);
	if (trial->free_when_connecting || trial->break_when_connecting)
		assert_int_equal(event_base_loopbreak(base), 0);
}

static void
over(struct trial *trial)
{
	trial->took_ms = evpop_clock_monotonic_ms() - trial->begun_ms;
	if (trial->free_when_over)
		evpop_dial_free(&trial->dial);
	assert_int_equal(event_base_loopbreak(base), 0);
}

static void
on_connected(const struct evpop_dialed *dialed, void *arg)
{
	struct trial *trial = arg;

	trial->connected++;
	trial->dialed = *dialed;
	evpop_address_bare(&dialed->address, trial->peer);
	close(dialed->fd);
	over(trial);
}

static void
on_failed(const struct evpop_result *result, void *arg)
{
	struct trial *trial = arg;

	trial->failed++;
	trial->result = *result;
	over(trial);
}

static const struct evpop_dial_handler handler = { on_connecting, on_connected,
	on_failed };

static void
trial_start(struct trial *trial, struct names *names,
    const struct evpop_dial_options *options)
{
	trial->begun_ms = evpop_clock_monotonic_ms();
	trial->dial = evpop_dial_new(
	    base, names == NULL ? NULL : names->dns, options, &handler, trial);
	assert_non_null(trial->dial);
}

static void
turn_until_over(void)
{
	assert_true(turn(NEVER_MS));
}

static void
try_it(struct trial *trial, struct names *names,
    const struct evpop_dial_options *options)
{
	trial_start(trial, names, options);
	turn_until_over();
	assert_int_equal(trial->connected + trial->failed, 1);
	evpop_dial_free(&trial->dial);
}

static int
lowest_free(void)
{
	int fd = dup(STDIN_FILENO);

	assert_true(fd >= 0);
	close(fd);
	return fd;
}

/* ---- Names ---- */

/* Both families serve the same port; or there is no IPv6 here. */
struct pair {
	struct server ipv4, ipv6;
};

static bool
pair_start(struct pair *pair)
{
	assert_true(server_start(&pair->ipv4, "127.0.0.1", 0));
	if (server_start(&pair->ipv6, "::1", pair->ipv4.port))
		return true;
	server_stop(&pair->ipv4);
	return false;
}

static void
pair_stop(struct pair *pair)
{
	server_stop(&pair->ipv4);
	server_stop(&pair->ipv6);
}

struct name_case {
	struct name name;
	int resolution_delay_ms;
	const char *peer;
	int64_t least_ms;
};

static void
test_families(void **state)
{
	static const struct name_case cases[] = {
		/* Both at once, one alone, one that is not there. */
		{ { "n.test", "127.0.0.1", "::1", 0, 0 }, NEVER_MS, "::1", 0 },
		{ { "n.test", "127.0.0.1", NULL, 0, 0 }, NEVER_MS, "127.0.0.1",
		    0 },
		{ { "n.test", NULL, "::1", 0, 0 }, NEVER_MS, "::1", 0 },
		/* IPv6 does not wait for IPv4. */
		{ { "n.test", "127.0.0.1", "::1", -1, 0 }, NEVER_MS, "::1", 0 },
		/* IPv4 waits a little for IPv6: in vain, or not. */
		{ { "n.test", "127.0.0.1", "::1", 0, 60 }, NEVER_MS, "::1",
		    60 },
		{ { "n.test", "127.0.0.1", NULL, 0, 60 }, NEVER_MS, "127.0.0.1",
		    60 },
		{ { "n.test", "127.0.0.1", "::1", 0, -1 }, 40, "127.0.0.1",
		    40 },
		{ { "n.test", "127.0.0.1", "::1", 0, -1 }, 0, "127.0.0.1", 50 },
		/* What fails does not keep what comes later from winning. */
		{ { "n.test", "127.0.0.9", "::1", 0, 150 }, 1, "::1", 150 },
		{ { "n.test", "127.0.0.1", "::ffff:127.0.0.8", 150, 0 }, 1,
		    "127.0.0.1", 150 },
	};
	struct evpop_dial_options options = { .host = "n.test" };
	struct names names;
	struct trial trial;
	struct pair pair;
	size_t i;

	(void)state;
	if (!pair_start(&pair))
		skip();
	options.port = pair.ipv4.port;
	options.attempt_delay_ms = NEVER_MS;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&trial, 0, sizeof(trial));
		options.resolution_delay_ms = cases[i].resolution_delay_ms;
		names_start(&names, &cases[i].name, 1);
		try_it(&trial, &names, &options);
		if (trial.failed > 0)
			fail_msg("%zu: %s", i, trial.result.text);
		if (strcmp(trial.peer, cases[i].peer) != 0)
			fail_msg("%zu: %s", i, trial.peer);
		assert_true(trial.dialed.loopback);
		assert_int_equal(trial.connecting, 1);
		assert_int_equal(names.asked, 2);
		if (trial.took_ms < cases[i].least_ms)
			fail_msg("%zu: took %d ms", i, (int)trial.took_ms);
		names_stop(&names);
	}
	pair_stop(&pair);
}

static void
test_names_that_fail(void **state)
{
	static const struct name list[] = { { "none.test", NULL, NULL, 0, 0 },
		{ "late.test", NULL, NULL, 20, 0 } };
	static const struct {
		const char *host;
		enum evpop_error error;
		bool names;
		const char *reason;
	} cases[] = {
		{ "none.test", EVPOP_ERROR_IO, true,
		    "cannot resolve none.test: the name has no address" },
		{ "late.test", EVPOP_ERROR_IO, true,
		    "cannot resolve late.test: the name has no address" },
		{ "missing.test", EVPOP_ERROR_IO, true,
		    "cannot resolve missing.test: there is no such" },
		{ "missing.test", EVPOP_ERROR_USAGE, false,
		    "without a resolver" },
	};
	struct evpop_dial_options options = { .port = 1 };
	struct names names;
	struct trial trial;
	size_t i;

	(void)state;
	names_start(&names, list, 2);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&trial, 0, sizeof(trial));
		options.host = cases[i].host;
		try_it(&trial, cases[i].names ? &names : NULL, &options);
		assert_int_equal(trial.failed, 1);
		assert_int_equal(trial.connecting, 0);
		assert_int_equal(trial.result.error, cases[i].error);
		assert_int_equal(trial.result.phase, EVPOP_PHASE_RESOLVE);
		if (strstr(trial.result.text, cases[i].reason) == NULL)
			fail_msg("%s", trial.result.text);
	}
	names_stop(&names);
}

/* What the hosts file says is all: no answer of a name server is waited for. */
static void
test_hosts_file(void **state)
{
	static const struct name list[] = { { "here.test", NULL, NULL, -1, -1 },
		{ "six.test", NULL, NULL, -1, -1 } };
	struct evpop_dial_options options = { .host = "here.test",
		.resolution_delay_ms = NEVER_MS };
	char path[] = "/tmp/evpop-hosts-XXXXXX";
	struct names names;
	struct trial trial;
	struct pair pair;
	int fd;

	(void)state;
	fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_true(dprintf(fd, "127.0.0.1 here.test\n::1 six.test\n") > 0);
	close(fd);
	names_start(&names, list, 2);
	assert_int_equal(evdns_base_load_hosts(names.dns, path), 0);
	/* Nor does it help to give up on one. */
	assert_int_equal(
	    evdns_base_set_option(names.dns, "timeout:", "200"), 0);
	assert_int_equal(unlink(path), 0);
	if (!pair_start(&pair)) {
		names_stop(&names);
		skip();
	}
	options.port = pair.ipv4.port;
	memset(&trial, 0, sizeof(trial));
	try_it(&trial, &names, &options);
	assert_string_equal(trial.peer, "127.0.0.1");
	memset(&trial, 0, sizeof(trial));
	options.host = "six.test";
	try_it(&trial, &names, &options);
	assert_string_equal(trial.peer, "::1");
	pair_stop(&pair);
	names_stop(&names);
}

/* Each family as it comes. */
static void
note_addresses(const struct evpop_address *addresses, size_t count,
    const struct evpop_result *failure, void *arg)
{
	char text[EVPOP_ADDRESS_TEXT];
	char *said = arg;
	size_t i;

	assert_null(failure);
	for (i = 0; i < count; i++) {
		evpop_address_text(&addresses[i], text);
		strcat(strcat(said, text), " ");
	}
	strcat(said, ". ");
	assert_int_equal(event_base_loopbreak(base), 0);
}

static void
test_resolve_by_family(void **state)
{
	static const struct name list[] = { { "n.test", "192.0.2.1",
	    "2001:db8::1", 0, 0 } };
	struct evpop_resolve *resolve;
	char said[256] = "";
	struct names names;

	(void)state;
	names_start(&names, list, 1);
	names.holding = true;
	evpop_resolve_start(
	    &resolve, names.dns, "n.test", 995, note_addresses, said);
	turn_until_over();
	assert_non_null(resolve);
	assert_string_equal(said, "192.0.2.1:995 . ");
	while (names.held == NULL)
		turn_for(1);
	respond(-1, 0, names.held);
	turn_until_over();
	assert_null(resolve);
	assert_string_equal(said, "192.0.2.1:995 . [2001:db8::1]:995 . ");
	names_stop(&names);
}

/* ---- Attempts ---- */

struct race {
	struct evpop_connect *connect;
	struct evpop_result result;
	char peer[EVPOP_ADDRESS_TEXT];
	int64_t begun_ms, took_ms;
};

static void
on_raced(evutil_socket_t fd, const struct evpop_address *address,
    const struct evpop_result *failure, void *arg)
{
	struct race *race = arg;

	race->took_ms = evpop_clock_monotonic_ms() - race->begun_ms;
	if (fd == -1) {
		race->result = *failure;
	} else {
		evpop_address_bare(address, race->peer);
		close(fd);
	}
	assert_int_equal(event_base_loopbreak(base), 0);
}

static void
race_start(struct race *race, const char *const *hosts, size_t count,
    uint16_t port, const struct evpop_connect_options *options)
{
	struct evpop_address addresses[EVPOP_CONNECT_ADDRESSES];
	struct evpop_result result;
	size_t i;

	memset(race, 0, sizeof(*race));
	for (i = 0; i < count; i++)
		assert_true(parse(&addresses[i], hosts[i], port));
	race->begun_ms = evpop_clock_monotonic_ms();
	race->connect = evpop_connect_new(
	    base, addresses, count, options, on_raced, race, &result);
	assert_non_null(race->connect);
}

static void
test_black_hole(void **state)
{
	static const char *const hosts[] = { "127.0.0.3", "127.0.0.1" };
	static const struct {
		int delay_ms;
		int64_t least_ms;
	} cases[] = { { 40, 40 }, { 0, 250 } };
	struct evpop_connect_options options = { 0 };
	struct black_hole hole;
	struct server server;
	struct race race;
	int lowest;
	size_t i;

	(void)state;
	assert_true(server_start(&server, "127.0.0.1", 0));
	black_hole_open(&hole, "127.0.0.3", server.port);
	lowest = lowest_free();
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		options.delay_ms = cases[i].delay_ms;
		race_start(&race, hosts, 2, server.port, &options);
		turn_until_over();
		assert_string_equal(race.peer, "127.0.0.1");
		assert_true(race.took_ms >= cases[i].least_ms);
		/* Winner and loser are closed. */
		assert_int_equal(lowest_free(), lowest);
		evpop_connect_free(&race.connect);
	}
	/* Alone, it is silent; but freed, it is gone. */
	race_start(&race, hosts, 1, server.port, &options);
	turn_for(20);
	evpop_connect_describe(
	    race.connect, race.result.text, sizeof(race.result.text));
	assert_non_null(strstr(race.result.text, ": no answer"));
	evpop_connect_free(&race.connect);
	assert_int_equal(lowest_free(), lowest);
	black_hole_close(&hole);
	server_stop(&server);
}

/* Refused, unreachable: the next one has its turn at once. */
static void
test_next_at_once(void **state)
{
	static const char *const hosts[] = { "127.0.0.8", "::ffff:127.0.0.8",
		"127.0.0.9", "127.0.0.1" };
	const struct evpop_connect_options options = { .delay_ms = NEVER_MS };
	struct server server;
	struct race race;

	(void)state;
	assert_true(server_start(&server, "127.0.0.1", 0));
	race_start(&race, hosts, 4, server.port, &options);
	turn_until_over();
	assert_string_equal(race.peer, "127.0.0.1");
	evpop_connect_free(&race.connect);
	server_stop(&server);
}

static void
test_all_fail(void **state)
{
	static const char *const hosts[] = { "127.0.0.2", "127.0.0.3",
		"127.0.0.4", "127.0.0.5", "127.0.0.6", "127.0.0.7", "127.0.0.8",
		"127.0.0.9", "127.0.0.10", "127.0.0.11", "127.0.0.12",
		"127.0.0.13" };
	const struct evpop_connect_options options = { .delay_ms = NEVER_MS };
	struct server server;
	struct race race;
	char text[60];

	(void)state;
	/* A port that was free a moment ago. */
	assert_true(server_start(&server, "127.0.0.1", 0));
	server_stop(&server);
	race_start(&race, hosts, 3, server.port, &options);
	turn_until_over();
	assert_int_equal(race.result.error, EVPOP_ERROR_IO);
	assert_int_equal(race.result.phase, EVPOP_PHASE_CONNECT);
	assert_true(race.result.retry);
	assert_non_null(strstr(race.result.text, "127.0.0.2:"));
	assert_non_null(strstr(race.result.text, "; 127.0.0.3:"));
	assert_non_null(strstr(race.result.text, "; 127.0.0.4:"));
	assert_null(strstr(race.result.text, "more"));
	evpop_connect_free(&race.connect);

	race_start(&race, hosts, 12, server.port, &options);
	turn_until_over();
	assert_non_null(strstr(race.result.text, "; 127.0.0.5:"));
	assert_non_null(strstr(race.result.text, "refused; and "));
	assert_string_equal(
	    race.result.text + strlen(race.result.text) - 5, " more");
	/* Cut in an orderly manner wherever there is little room. */
	evpop_connect_describe(race.connect, text, sizeof(text));
	assert_non_null(strstr(text, ": Connection refused; and 11 more"));
	evpop_connect_describe(race.connect, text, 10);
	assert_string_equal(text, "127.0.0.2");
	evpop_connect_free(&race.connect);

	/* No address at all is a failure too, told from the loop. */
	race_start(&race, hosts, 0, server.port, &options);
	turn_until_over();
	assert_int_equal(race.result.error, EVPOP_ERROR_IO);
	evpop_connect_free(&race.connect);
}

/* Those that come later take turns with those that wait. */
static void
test_added(void **state)
{
	static const char *const hosts[] = { "127.0.0.2", "127.0.0.3",
		"127.0.0.4" };
	const struct evpop_connect_options options = { .first_delay_ms =
							   NEVER_MS };
	struct evpop_address late[EVPOP_CONNECT_ADDRESSES + 2];
	struct server server;
	struct race race;
	char *at[5];
	size_t i;

	(void)state;
	assert_true(server_start(&server, "127.0.0.1", 0));
	server_stop(&server);
	assert_true(parse(&late[0], "::ffff:127.0.0.8", server.port));
	assert_true(parse(&late[1], "::ffff:127.0.0.9", server.port));
	race_start(&race, hosts, 3, server.port, &options);
	evpop_connect_expect(race.connect, true);
	turn_for(30);
	assert_string_equal(race.result.text, "");
	assert_true(evpop_connect_add(race.connect, late, 2));
	turn_for(30);
	/* All have failed, and more may come. */
	assert_string_equal(race.result.text, "");
	evpop_connect_expect(race.connect, false);
	turn_until_over();
	at[0] = strstr(race.result.text, "[::ffff:127.0.0.8]:");
	at[1] = strstr(race.result.text, "127.0.0.2:");
	at[2] = strstr(race.result.text, "[::ffff:127.0.0.9]:");
	at[3] = strstr(race.result.text, "127.0.0.3:");
	at[4] = strstr(race.result.text, "127.0.0.4:");
	for (i = 0; i < 5; i++)
		assert_non_null(at[i]);
	for (i = 1; i < 5; i++)
		assert_true(at[i - 1] < at[i]);
	evpop_connect_free(&race.connect);

	/* There is a bound. */
	race_start(&race, hosts, 3, server.port, &options);
	for (i = 0; i < sizeof(late) / sizeof(late[0]); i++)
		assert_true(parse(&late[i], "127.0.0.5", server.port));
	assert_true(evpop_connect_add(
	    race.connect, late, sizeof(late) / sizeof(late[0])));
	turn_until_over();
	assert_non_null(strstr(race.result.text, "more"));
	evpop_connect_free(&race.connect);
}

/* ---- Source addresses ---- */

static void
test_source(void **state)
{
	static const struct name list[] = { { "both.test", "127.0.0.1", "::1",
	    0, 0 } };
	static const struct {
		const char *host, *source, *from;
		const char *reason; /* or it succeeds */
		enum evpop_error error;
	} cases[] = {
		{ "127.0.0.1", NULL, "127.0.0.1", NULL, 0 },
		{ "127.0.0.1", "127.0.0.2", "127.0.0.2", NULL, 0 },
		{ "::1", "::1", "::1", NULL, 0 },
		{ "both.test", "127.0.0.2", "127.0.0.2", NULL, 0 },
		{ "both.test", "::1", "::1", NULL, 0 },
		{ "127.0.0.1", "::1", NULL,
		    "no address of the server can be reached from the source "
		    "address ::1, which is IPv6",
		    EVPOP_ERROR_IO },
		{ "::1", "127.0.0.2", NULL,
		    "source address 127.0.0.2, which is IPv4", EVPOP_ERROR_IO },
		{ "127.0.0.1", "192.0.2.77", NULL,
		    " from 192.0.2.77: ", EVPOP_ERROR_IO },
		{ "127.0.0.1", "localhost", NULL,
		    "source address localhost is not an address",
		    EVPOP_ERROR_USAGE },
	};
	struct evpop_dial_options options = { 0 };
	struct names names;
	struct trial trial;
	struct pair pair;
	const char *from;
	size_t i;

	(void)state;
	if (!pair_start(&pair))
		skip();
	names_start(&names, list, 1);
	options.port = pair.ipv4.port;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&trial, 0, sizeof(trial));
		pair.ipv4.from[0] = pair.ipv6.from[0] = '\0';
		options.host = cases[i].host;
		options.source_address = cases[i].source;
		try_it(&trial, &names, &options);
		if (cases[i].reason != NULL) {
			assert_int_equal(trial.failed, 1);
			assert_int_equal(trial.result.error, cases[i].error);
			if (strstr(trial.result.text, cases[i].reason) == NULL)
				fail_msg("%s", trial.result.text);
			continue;
		}
		if (trial.failed > 0)
			fail_msg("%s", trial.result.text);
		from = strchr(trial.peer, ':') == NULL ? pair.ipv4.from
						       : pair.ipv6.from;
		while (from[0] == '\0')
			turn_for(1);
		assert_string_equal(from, cases[i].from);
	}
	names_stop(&names);
	pair_stop(&pair);
}

/* ---- Freed wherever that can be ---- */

static void
test_freed(void **state)
{
	static const struct name list[] = { { "n.test", "127.0.0.1", NULL, 0,
						0 },
		{ "slow.test", NULL, NULL, -1, -1 },
		{ "half.test", "127.0.0.1", NULL, 0, -1 } };
	struct evpop_dial_options options = { .host = "n.test",
		.resolution_delay_ms = 100 };
	struct evpop_result result;
	struct server server;
	struct names names;
	struct trial trial;
	int lowest;

	(void)state;
	assert_true(server_start(&server, "127.0.0.1", 0));
	names_start(&names, list, 3);
	lowest = lowest_free();
	options.port = server.port;
	/* At once; while it resolves; while it waits for the other family. */
	memset(&trial, 0, sizeof(trial));
	trial_start(&trial, &names, &options);
	evpop_dial_free(&trial.dial);
	assert_null(trial.dial);
	evpop_dial_free(&trial.dial);
	options.host = "slow.test";
	trial_start(&trial, &names, &options);
	turn_for(30);
	evpop_dial_describe_overdue(
	    trial.dial, EVPOP_PHASE_RESOLVE, "30 ms", &result);
	assert_int_equal(result.error, EVPOP_ERROR_TIMEOUT);
	assert_string_equal(result.text,
	    "slow.test was not resolved within 30 ms; do the name servers "
	    "(/etc/resolv.conf) answer?");
	evpop_dial_free(&trial.dial);
	options.host = "half.test";
	trial.break_when_connecting = true;
	trial_start(&trial, &names, &options);
	turn_until_over();
	assert_int_equal(trial.connecting, 1);
	evpop_dial_free(&trial.dial);
	turn_for(150);
	assert_int_equal(trial.connected + trial.failed, 0);
	/* In its handlers. */
	memset(&trial, 0, sizeof(trial));
	trial.free_when_connecting = true;
	trial_start(&trial, &names, &options);
	turn_until_over();
	assert_null(trial.dial);
	assert_int_equal(trial.connected + trial.failed, 0);
	memset(&trial, 0, sizeof(trial));
	trial.free_when_over = true;
	try_it(&trial, &names, &options);
	assert_int_equal(trial.connected, 1);
	memset(&trial, 0, sizeof(trial));
	trial.free_when_over = true;
	options.host = "missing.test";
	try_it(&trial, &names, &options);
	assert_int_equal(trial.failed, 1);
	memset(&trial, 0, sizeof(trial));
	trial.free_when_over = true;
	options.host = "127.0.0.9";
	try_it(&trial, NULL, &options);
	assert_int_equal(trial.failed, 1);
	turn_for(20);
	assert_int_equal(lowest_free(), lowest);
	names_stop(&names);
	server_stop(&server);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_names_that_fail),
		cmocka_unit_test(test_hosts_file),
		cmocka_unit_test(test_resolve_by_family),
		cmocka_unit_test(test_black_hole),
		cmocka_unit_test(test_next_at_once),
		cmocka_unit_test(test_all_fail),
		cmocka_unit_test(test_added),
		cmocka_unit_test(test_source),
		cmocka_unit_test(test_freed),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}

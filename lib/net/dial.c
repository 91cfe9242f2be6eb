#include <sys/socket.h>
#include <sys/un.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "lib/net/connect.h"
#include "lib/net/dial.h"
#include "lib/net/resolve.h"
#include "lib/net/tunnel.h"

struct evpop_dial {
	struct event_base *base;
	struct evdns_base *dns;
	struct evpop_dial_options options;
	const struct evpop_dial_handler *handler;
	void *arg;
	struct event begin;
	struct evpop_resolve *resolve;
	struct evpop_connect *connect;
	struct evpop_tunnel *tunnel;
	struct evpop_address peer;
};

static const char *
dial_first_host(const struct evpop_dial *dial)
{
	return dial->options.proxy != NULL ? dial->options.proxy->host
					   : dial->options.host;
}

static uint16_t
dial_first_port(const struct evpop_dial *dial)
{
	return dial->options.proxy != NULL ? dial->options.proxy->port
					   : dial->options.port;
}

static void
dial_stop(struct evpop_dial *dial)
{
	event_del(&dial->begin);
	evpop_resolve_cancel(&dial->resolve);
	evpop_connect_free(&dial->connect);
	evpop_tunnel_free(&dial->tunnel);
}

static void
dial_fail(struct evpop_dial *dial, const struct evpop_result *result)
{
	dial_stop(dial);
	dial->handler->failed(result, dial->arg);
}

/* The same, where it was the way to the proxy, if there is one. */
static void
dial_fail_first(struct evpop_dial *dial, const struct evpop_result *failure)
{
	struct evpop_result result = *failure;

	if (dial->options.proxy != NULL)
		snprintf(result.text, sizeof(result.text), "%s proxy: %.*s",
		    evpop_proxy_kind_name(dial->options.proxy->kind),
		    (int)sizeof(result.text) - EVPOP_CONNECT_PREFIX,
		    failure->text);
	dial_fail(dial, &result);
}

static void
dial_fail_memory(struct evpop_dial *dial)
{
	struct evpop_result result;

	evpop_result_set(&result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_CONNECT,
	    "no memory to connect");
	dial_fail(dial, &result);
}

static void
dial_succeed(struct evpop_dial *dial, evutil_socket_t fd)
{
	struct evpop_dialed dialed = { .fd = fd, .address = dial->peer };

	dialed.loopback = dial->options.proxy == NULL &&
			  evpop_address_is_loopback(&dial->peer);
	dial_stop(dial);
	dial->handler->connected(&dialed, dial->arg);
}

static void
dial_tunnelled(
    evutil_socket_t fd, const struct evpop_result *failure, void *arg)
{
	struct evpop_dial *dial = arg;
	char address[EVPOP_ADDRESS_TEXT];
	struct evpop_result result;

	if (fd != -1) {
		dial_succeed(dial, fd);
		return;
	}
	/* The name may stand for several proxies. */
	evpop_address_text(&dial->peer, address);
	evpop_result_set(&result, failure->error, failure->phase, "%.*s [%s]",
	    (int)(sizeof(result.text) - sizeof(address) - 4), failure->text,
	    address);
	result.retry = failure->retry;
	result.scope = failure->scope;
	dial_fail(dial, &result);
}

static void
dial_connected(evutil_socket_t fd, const struct evpop_address *address,
    const struct evpop_result *failure, void *arg)
{
	struct evpop_dial *dial = arg;
	struct evpop_result result;

	if (fd == -1) {
		dial_fail_first(dial, failure);
		return;
	}
	dial->peer = *address;
	if (dial->options.proxy == NULL) {
		dial_succeed(dial, fd);
		return;
	}
	evpop_resolve_cancel(&dial->resolve);
	evpop_connect_free(&dial->connect);
	dial->tunnel = evpop_tunnel_new(dial->base, fd, dial->options.proxy,
	    dial->options.host, dial->options.port, dial_tunnelled, dial,
	    &result);
	if (dial->tunnel == NULL) {
		evutil_closesocket(fd);
		dial_fail(dial, &result);
	}
}

/* Try what is known; IPv6 is worth a moment of waiting for it. */
static void
dial_race(struct evpop_dial *dial, const struct evpop_address *addresses,
    size_t count)
{
	struct evpop_connect_options options = {
		.source_address = dial->options.source_address,
		.receive_buffer = dial->options.receive_buffer,
		.delay_ms = dial->options.attempt_delay_ms,
	};
	struct evpop_result result;

	if (dial->resolve != NULL && addresses[0].storage.ss_family == AF_INET)
		options.first_delay_ms = dial->options.resolution_delay_ms > 0
					     ? dial->options.resolution_delay_ms
					     : EVPOP_DIAL_RESOLUTION_DELAY_MS;
	dial->connect = evpop_connect_new(dial->base, addresses, count,
	    &options, dial_connected, dial, &result);
	if (dial->connect == NULL) {
		dial_fail(dial, &result);
		return;
	}
	evpop_connect_expect(dial->connect, dial->resolve != NULL);
	dial->handler->connecting(dial->arg);
}

static void
dial_resolved(const struct evpop_address *addresses, size_t count,
    const struct evpop_result *failure, void *arg)
{
	struct evpop_dial *dial = arg;

	if (failure != NULL) {
		dial_fail_first(dial, failure);
	} else if (dial->connect == NULL) {
		dial_race(dial, addresses, count);
	} else if (!evpop_connect_add(dial->connect, addresses, count)) {
		dial_fail_memory(dial);
	} else {
		evpop_connect_expect(dial->connect, dial->resolve != NULL);
	}
}

/* A connected descriptor; or -1 and errno. */
static evutil_socket_t
dial_open_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	evutil_socket_t fd;
	int error;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (const struct sockaddr *)&address,
			    sizeof(address)) == 0)
		return fd;
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

/* A socket of this machine answers at once: there is nothing to wait for. */
static void
dial_socket(struct evpop_dial *dial)
{
	const char *path = dial->options.socket;
	struct evpop_dialed dialed = { .loopback = true };
	struct evpop_result result;
	int error;

	dialed.fd = dial_open_socket(path);
	if (dialed.fd != -1) {
		dial->handler->connected(&dialed, dial->arg);
		return;
	}
	error = errno;
	/* EAGAIN: more are waiting there already than it takes. */
	evpop_result_set(&result, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT,
	    "connection failed: %.108s: %s", path,
	    error == EAGAIN ? "the server is too busy to accept it"
			    : strerror(error));
	dial_fail(dial, &result);
}

static void
dial_begin(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_dial *dial = arg;

	(void)fd;
	(void)what;
	if (dial->options.socket != NULL) {
		dial_socket(dial);
		return;
	}
	evpop_resolve_start(&dial->resolve, dial->dns, dial_first_host(dial),
	    dial_first_port(dial), dial_resolved, dial);
}

struct evpop_dial *
evpop_dial_new(struct event_base *base, struct evdns_base *dns,
    const struct evpop_dial_options *options,
    const struct evpop_dial_handler *handler, void *arg)
{
	struct evpop_dial *dial;

	dial = calloc(1, sizeof(*dial));
	if (dial == NULL)
		return NULL;
	dial->base = base;
	dial->dns = dns;
	dial->options = *options;
	dial->handler = handler;
	dial->arg = arg;
	if (event_assign(&dial->begin, base, -1, 0, dial_begin, dial) == -1) {
		free(dial);
		return NULL;
	}
	event_active(&dial->begin, EV_TIMEOUT, 0);
	return dial;
}

void
evpop_dial_describe_overdue(const struct evpop_dial *dial,
    enum evpop_phase phase, const char *limit, struct evpop_result *result)
{
	char address[EVPOP_ADDRESS_TEXT], tried[160];

	if (phase == EVPOP_PHASE_RESOLVE) {
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "%.100s was not resolved within %s; do the name servers "
		    "(/etc/resolv.conf) answer?",
		    dial_first_host(dial), limit);
		return;
	}
	if (dial->tunnel != NULL) {
		evpop_address_text(&dial->peer, address);
		snprintf(tried, sizeof(tried),
		    "the %s proxy %s did not answer %s",
		    evpop_proxy_kind_name(dial->options.proxy->kind), address,
		    evpop_tunnel_standing(dial->tunnel));
	} else {
		evpop_connect_describe(dial->connect, tried, sizeof(tried));
	}
	evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
	    "no connection within %s: %s", limit, tried);
}

void
evpop_dial_free(struct evpop_dial **dial_r)
{
	struct evpop_dial *dial = *dial_r;

	if (dial == NULL)
		return;
	*dial_r = NULL;
	dial_stop(dial);
	free(dial);
}

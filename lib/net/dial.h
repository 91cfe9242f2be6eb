/*
 * From a host to a connected descriptor, whatever lies between: names and
 * attempts as RFC 8305 says, a source address, a proxy.  It puts together
 * resolve.h, connect.h and tunnel.h.
 *
 * Attempts begin when the first addresses are known, not all: at once where
 * these are IPv6, and a "resolution delay" later where they are not.  Addresses
 * that come still later join the race.
 */
#ifndef EVPOP_LIB_NET_DIAL_H
#define EVPOP_LIB_NET_DIAL_H

#include <event2/util.h>

#include <evpop/error.h>

#include "lib/net/address.h"
#include "lib/net/proxy.h"

struct event_base;
struct evdns_base;
struct evpop_dial;

/* RFC 8305 section 3, "Resolution Delay". */
#define EVPOP_DIAL_RESOLUTION_DELAY_MS 50

/* Strings and proxy are borrowed until the dial is freed. */
struct evpop_dial_options {
	const char *host; /* in ASCII */
	uint16_t port;
	/*
	 * The path of a socket of this machine (unix(7)) instead of host and
	 * port, proxy and source address; or NULL.  The host is then only what
	 * a certificate has to name.
	 */
	const char *socket;
	const struct evpop_proxy_config *proxy; /* or NULL: none */
	const char *source_address; /* or NULL: the system's choice */
	size_t receive_buffer;      /* octets, or 0: likewise */
	int attempt_delay_ms, resolution_delay_ms; /* 0: as RFC 8305 says */
};

/* A connection. */
struct evpop_dialed {
	evutil_socket_t fd; /* non-blocking, TCP_NODELAY */
	/* Of the server, or of the proxy; of no length for a socket's path. */
	struct evpop_address address;
	/*
	 * Whether the server is on this machine, so that nothing leaves it:
	 * never so behind a proxy, wherever that is.
	 */
	bool loopback;
};

struct evpop_dial_handler {
	/* Addresses are known; now it is a matter of connecting.  Once. */
	void (*connecting)(void *arg);
	/* Connected; the descriptor is the callee's.  Or: why not. */
	void (*connected)(const struct evpop_dialed *, void *arg);
	void (*failed)(const struct evpop_result *, void *arg);
};

/*
 * Begin; NULL without memory.  `dns` may be NULL where the host to connect to,
 * the proxy's or the server's, is an address.  The handlers run from the loop;
 * `connected` or `failed` once, unless freed before, and each may free.
 */
struct evpop_dial *evpop_dial_new(struct event_base *, struct evdns_base *dns,
    const struct evpop_dial_options *, const struct evpop_dial_handler *,
    void *arg) EVPOP_MUST_USE;

/* It was not over within the limit, as "20 s": resolving, or connecting. */
void evpop_dial_describe_overdue(const struct evpop_dial *, enum evpop_phase,
    const char *limit, struct evpop_result *result_r);

/*
 * Closes what is unfinished and sets the pointer to NULL.  As for
 * evpop_resolve_cancel(), the loop turns before the evdns_base may go.
 */
void evpop_dial_free(struct evpop_dial **);

#endif

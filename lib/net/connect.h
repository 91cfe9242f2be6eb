/*
 * Connection attempts as RFC 8305 section 5 says: one address after another,
 * the next one as soon as one fails or has been silent for a while; the first
 * to succeed wins and the others are closed.
 */
#ifndef EVPOP_LIB_NET_CONNECT_H
#define EVPOP_LIB_NET_CONNECT_H

#include <event2/util.h>

#include <evpop/error.h>

#include "lib/net/address.h"

struct event_base;
struct evpop_connect;

/* RFC 8305 section 5, "Connection Attempt Delay". */
#define EVPOP_CONNECT_DELAY_MS 250

/* Addresses of one race; what is added beyond is dropped. */
#define EVPOP_CONNECT_ADDRESSES ((size_t)32)

/* Room in a result for what stands before a list of attempts. */
#define EVPOP_CONNECT_PREFIX 40

struct evpop_connect_options {
	/*
	 * An IPv4 or IPv6 address of this machine to connect from, or NULL.
	 * Addresses of the other family are not tried then.
	 */
	const char *source_address;
	size_t receive_buffer; /* octets; 0: the system's default */
	int delay_ms;          /* between attempts; 0: EVPOP_CONNECT_DELAY_MS */
	/*
	 * Before the first one; it ends early where addresses are added, or
	 * will not be.
	 */
	int first_delay_ms;
};

/*
 * The connected descriptor (non-blocking, TCP_NODELAY), now the callee's, and
 * whose it is; or -1 and the reason.
 */
typedef void (*evpop_connect_cb)(evutil_socket_t, const struct evpop_address *,
    const struct evpop_result *, void *arg);

/*
 * Attempts over the addresses in their order; or NULL with the reason, which is
 * lack of memory or a source address that is none.  The callback runs once from
 * the loop, unless freed before, and may free.
 */
struct evpop_connect *evpop_connect_new(struct event_base *,
    const struct evpop_address *, size_t count,
    const struct evpop_connect_options *, evpop_connect_cb, void *arg,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/*
 * Further addresses may come: where all attempts fail, wait for them.  With
 * false, there will be none.
 */
void evpop_connect_expect(struct evpop_connect *, bool more);
/*
 * Here they are; the families take turns among all that were not tried yet.
 * False without memory: some are missing then.
 */
bool evpop_connect_add(struct evpop_connect *, const struct evpop_address *,
    size_t count) EVPOP_MUST_USE;

/*
 * Say which addresses have been tried and what came of it, and how many of them
 * the text has no room for.
 */
void evpop_connect_describe(
    const struct evpop_connect *, char *text, size_t text_size);

/* Closes what is unfinished and sets the pointer to NULL. */
void evpop_connect_free(struct evpop_connect **);

#endif

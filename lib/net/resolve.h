/*
 * From a host to the addresses to try.  Names go through libevent's evdns,
 * which never blocks; an address is taken as it is and needs no resolver.
 *
 * AAAA and A are asked for at the same time, each in a question of its own
 * (RFC 8305 section 3): evdns by itself hands over nothing until both are
 * answered, or one has been late for seconds.
 */
#ifndef EVPOP_LIB_NET_RESOLVE_H
#define EVPOP_LIB_NET_RESOLVE_H

#include <evpop/error.h>

#include "lib/net/address.h"

struct evdns_base;
struct evpop_resolve;

/*
 * The most addresses of one name that are tried, half of them of one family:
 * answers may be endless.
 */
#define EVPOP_RESOLVE_ADDRESSES ((size_t)16)

/*
 * Addresses in the order to try them, borrowed; or count 0 and the reason why
 * there are none at all; or count 0 and no reason, where those of the call
 * before were all.
 */
typedef void (*evpop_resolve_cb)(const struct evpop_address *, size_t count,
    const struct evpop_result *, void *arg);

/*
 * Resolve `host`.  The callback runs for each family that has addresses, as
 * soon as they are known, and may run inside this call.  While *resolve_r is
 * set more may come; in the last call it is NULL.  It belongs to the resolver.
 * `dns` may be NULL, which fails for a name.
 */
void evpop_resolve_start(struct evpop_resolve **resolve_r, struct evdns_base *,
    const char *host, uint16_t port, evpop_resolve_cb, void *arg);

/*
 * No callback will run; the pointer is set to NULL.  evdns reports a cancelled
 * request from the loop and looks at its evdns_base then: who wants to free
 * that lets the loop turn once before.
 */
void evpop_resolve_cancel(struct evpop_resolve **);

#endif

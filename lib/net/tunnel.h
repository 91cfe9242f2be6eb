/*
 * The dialog with a proxy on a connected descriptor: it borrows the descriptor,
 * asks the proxy, and gives it back when the server is at the other end.  Not
 * one octet of the server's is read here.
 */
#ifndef EVPOP_LIB_NET_TUNNEL_H
#define EVPOP_LIB_NET_TUNNEL_H

#include <event2/util.h>

#include "lib/net/proxy.h"

struct event_base;
struct evpop_tunnel;

/* The descriptor, now the callee's; or -1 and the reason. */
typedef void (*evpop_tunnel_cb)(
    evutil_socket_t, const struct evpop_result *, void *arg);

/*
 * Ask the proxy at the other end of a non-blocking descriptor for a connection
 * to the host.  NULL with the reason where that cannot be begun, and the
 * descriptor stays the caller's.  The callback runs once from the loop, unless
 * freed before, and may free.  The config is not needed afterwards.
 */
struct evpop_tunnel *evpop_tunnel_new(struct event_base *, evutil_socket_t,
    const struct evpop_proxy_config *, const char *host, uint16_t port,
    evpop_tunnel_cb, void *arg, struct evpop_result *result_r) EVPOP_MUST_USE;

/* The message that the proxy has not answered: "the request". */
const char *evpop_tunnel_standing(const struct evpop_tunnel *);

/* Closes the descriptor unless given back; sets the pointer to NULL. */
void evpop_tunnel_free(struct evpop_tunnel **);

#endif

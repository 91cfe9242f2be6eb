/* What the layer above needs of a client besides <evpop/client.h>. */
#ifndef EVPOP_LIB_NET_CLIENT_H
#define EVPOP_LIB_NET_CLIENT_H

#include <evpop/client.h>

/*
 * evpop_client_free(), and then this, once none of the client's callbacks runs
 * any more: at once, unless it is called from one.
 */
void evpop_client_free_then(
    struct evpop_client *, void (*then)(void *), void *arg);

#endif

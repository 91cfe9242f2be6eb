/* What the requests of <evpop/client.h> hand to the client. */
#ifndef EVPOP_LIB_NET_CLIENT_H
#define EVPOP_LIB_NET_CLIENT_H

#include "lib/net/request.h"

/*
 * Copy a request to the end of the client's queue and see to it from the loop.
 * What it owns is the client's then.  EVPOP_ERROR_USAGE where none is accepted
 * any more, or not yet; EVPOP_ERROR_MEMORY.
 */
enum evpop_error evpop_client_ask(
    struct evpop_client *, const struct evpop_client_request *) EVPOP_MUST_USE;

#endif

/* The name that the header has in NetX, where NetX Duo's begins with nxd. */
#ifndef EVPOP_NETX_NX_POP3_CLIENT_H
#define EVPOP_NETX_NX_POP3_CLIENT_H

#include <evpop-netx/nxd_pop3_client.h>

#endif

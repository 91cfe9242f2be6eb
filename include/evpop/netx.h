/*
 * The NetX and NetX Duo POP3 client's calls, so that programs written for them
 * compile on Linux unchanged; with them what such programs use of ThreadX and
 * NetX.  In the library evpop-netx, and by the vendor's names: for that reason
 * <evpop/evpop.h> does not include this.  Programs may as well include
 * tx_api.h, nx_api.h and nxd_pop3_client.h, which pkg-config's evpop-netx has a
 * folder for.  Options that a program defines, it defines before.
 */
#ifndef EVPOP_NETX_H
#define EVPOP_NETX_H

#include <evpop-netx/nx_api.h>
#include <evpop-netx/nxd_pop3_client.h>
#include <evpop-netx/tx_api.h>

#endif

/* Whether the NetX facade's program created the IP instance that it names. */
#ifndef EVPOP_LIB_NETX_SYSTEM_H
#define EVPOP_LIB_NETX_SYSTEM_H

#include <stdbool.h>

#include <evpop-netx/nx_api.h>

bool evpop_netx_ip_is_one(const NX_IP *);

#endif

/*
 * Packets of the NetX facade: taken from pools whose memory is the program's
 * own, and waited for where a pool has none left.
 */
#ifndef EVPOP_LIB_NETX_POOL_H
#define EVPOP_LIB_NETX_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <evpop-netx/nx_api.h>

/* Whether it was created, and not deleted since. */
bool evpop_netx_pool_is_one(const NX_PACKET_POOL *);

/*
 * A packet without octets, or NULL where none was given back for so long, or
 * the pool was deleted meanwhile.
 */
NX_PACKET *evpop_netx_pool_take(NX_PACKET_POOL *, int64_t wait_ms);

/*
 * A packet that says it belongs to the pool but takes nothing of it, for what
 * holds no octets; giving it back does nothing, and so does keeping it.
 */
void evpop_netx_packet_empty(NX_PACKET *, NX_PACKET_POOL *);

#endif

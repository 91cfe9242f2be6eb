/* The IP instance, which on a system with a network has nothing to do. */
#include <evpop-netx/nx_api.h>

#include "lib/netx/pool.h"
#include "lib/netx/system.h"

#define IP_ID 0x49502020UL /* in a block that is one: "IP" */

bool
evpop_netx_ip_is_one(const NX_IP *ip)
{
	return ip != NULL && ip->nx_ip_id == IP_ID;
}

VOID
nx_system_initialize(VOID)
{
}

UINT
nx_ip_create(NX_IP *ip, CHAR *name, ULONG ip_address, ULONG network_mask,
    NX_PACKET_POOL *default_pool, VOID (*ip_network_driver)(NX_IP_DRIVER *),
    VOID *memory, ULONG memory_size, UINT priority)
{
	(void)ip_network_driver;
	if (ip == NULL || default_pool == NULL || memory == NULL)
		return NX_PTR_ERROR;
	if (!evpop_netx_pool_is_one(default_pool))
		return NX_POOL_ERROR;
	if (memory_size == 0)
		return NX_SIZE_ERROR;
	if (priority >= TX_MAX_PRIORITIES)
		return NX_OPTION_ERROR;
	ip->nx_ip_name = name;
	ip->nx_ip_address = ip_address;
	ip->nx_ip_network_mask = network_mask;
	ip->nx_ip_default_packet_pool = default_pool;
	ip->nx_ip_id = IP_ID;
	return NX_SUCCESS;
}

UINT
nx_ip_delete(NX_IP *ip)
{
	if (!evpop_netx_ip_is_one(ip))
		return NX_PTR_ERROR;
	ip->nx_ip_id = 0;
	return NX_SUCCESS;
}

static UINT
enable(const NX_IP *ip)
{
	return evpop_netx_ip_is_one(ip) ? NX_SUCCESS : NX_PTR_ERROR;
}

UINT
nx_arp_enable(NX_IP *ip, VOID *arp_cache_memory, ULONG arp_cache_size)
{
	if (arp_cache_memory == NULL)
		return NX_PTR_ERROR;
	if (arp_cache_size == 0)
		return NX_SIZE_ERROR;
	return enable(ip);
}

UINT
nx_tcp_enable(NX_IP *ip)
{
	return enable(ip);
}

UINT
nx_icmp_enable(NX_IP *ip)
{
	return enable(ip);
}

UINT
nxd_icmp_enable(NX_IP *ip)
{
	return enable(ip);
}

UINT
nxd_ipv6_enable(NX_IP *ip)
{
	return enable(ip);
}

VOID
_nx_ram_network_driver(struct NX_IP_DRIVER_STRUCT *request)
{
	(void)request;
}

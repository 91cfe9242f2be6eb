/*
 * What a program for the NetX POP3 client uses of NetX and NetX Duo, on Linux.
 * Packets and packet pools are real: a pool bounds the memory that messages
 * take.  The IP instance is a name only, since the system has a network of its
 * own: what creates and enables it checks its parameters and does no more.
 */
#ifndef EVPOP_NETX_NX_API_H
#define EVPOP_NETX_NX_API_H

#include <pthread.h>

#include <evpop-netx/tx_api.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NX_NULL  0
#define NX_FALSE 0
#define NX_TRUE  1

#define NX_NO_WAIT      0UL
#define NX_WAIT_FOREVER 0xFFFFFFFFUL

#define NX_SUCCESS       0x00
#define NX_NO_PACKET     0x01
#define NX_POOL_ERROR    0x06
#define NX_PTR_ERROR     0x07
#define NX_SIZE_ERROR    0x09
#define NX_OPTION_ERROR  0x0A
#define NX_NOT_CONNECTED 0x38
#define NX_NOT_SUPPORTED 0x4B

/* Ticks in a second, of all times below. */
#ifndef NX_IP_PERIODIC_RATE
#define NX_IP_PERIODIC_RATE TX_TIMER_TICKS_PER_SECOND
#endif

#define NX_PARAMETER_NOT_USED(p) ((void)(p))

/* An IPv4 address in host order. */
#define IP_ADDRESS(a, b, c, d)                                               \
	((((ULONG)(a)) << 24) | (((ULONG)(b)) << 16) | (((ULONG)(c)) << 8) | \
	    ((ULONG)(d)))

#define NX_IP_VERSION_V4 4
#define NX_IP_VERSION_V6 6

/* An address of either kind; words in host order, the first one first. */
typedef struct NXD_ADDRESS_STRUCT {
	ULONG nxd_ip_version;
	union {
		ULONG v4;
		ULONG v6[4];
	} nxd_ip_address;
} NXD_ADDRESS;

struct NX_PACKET_POOL_STRUCT;

/*
 * A packet.  Its octets are from nx_packet_prepend_ptr up to
 * nx_packet_append_ptr, nx_packet_length of them; behind the last there is a
 * NUL, for programs that print them.  nx_packet_next is NX_NULL.
 */
typedef struct NX_PACKET_STRUCT {
	struct NX_PACKET_POOL_STRUCT *nx_packet_pool_owner;
	struct NX_PACKET_STRUCT *nx_packet_next;
	struct NX_PACKET_STRUCT *nx_packet_last;
	struct NX_PACKET_STRUCT *nx_packet_free_next;
	ULONG nx_packet_state;
	ULONG nx_packet_length;
	UCHAR *nx_packet_data_start;
	UCHAR *nx_packet_data_end;
	UCHAR *nx_packet_prepend_ptr;
	UCHAR *nx_packet_append_ptr;
	/* Where the payload begins; it goes on behind the struct. */
	UCHAR nx_packet_data[8];
} NX_PACKET;

/* A packet pool; the program may read name, total, available, payload size. */
typedef struct NX_PACKET_POOL_STRUCT {
	ULONG nx_packet_pool_id;
	CHAR *nx_packet_pool_name;
	ULONG nx_packet_pool_total;
	ULONG nx_packet_pool_available;
	ULONG nx_packet_pool_payload_size;
	NX_PACKET *nx_packet_pool_free;
	ULONG nx_packet_pool_waiting;
	pthread_mutex_t nx_packet_pool_mutex;
	pthread_cond_t nx_packet_pool_changed;
} NX_PACKET_POOL;

/* An IP instance. */
typedef struct NX_IP_STRUCT {
	ULONG nx_ip_id;
	CHAR *nx_ip_name;
	ULONG nx_ip_address;
	ULONG nx_ip_network_mask;
	NX_PACKET_POOL *nx_ip_default_packet_pool;
} NX_IP;

/* What a network driver is asked; here nothing ever is. */
typedef struct NX_IP_DRIVER_STRUCT {
	UINT nx_ip_driver_command;
	UINT nx_ip_driver_status;
	NX_IP *nx_ip_driver_ptr;
	NX_PACKET *nx_ip_driver_packet;
} NX_IP_DRIVER;

/* Nothing is to be done; there for programs that call it. */
EVPOP_NETX_API VOID nx_system_initialize(VOID);

/*
 * A pool of as many packets with this payload as the memory holds, each taking
 * sizeof(NX_PACKET) besides.  NX_PTR_ERROR without pool or memory;
 * NX_SIZE_ERROR without payload, or where not one packet fits.
 */
EVPOP_NETX_API UINT nx_packet_pool_create(NX_PACKET_POOL *pool_ptr, CHAR *name,
    ULONG payload_size, VOID *pool_start, ULONG pool_size);

/*
 * The pool's end: who waits for a packet of it is told NX_NO_PACKET.  Packets
 * that are still held are the program's to forget.  NX_PTR_ERROR where it is no
 * pool.
 */
EVPOP_NETX_API UINT nx_packet_pool_delete(NX_PACKET_POOL *pool_ptr);

/*
 * Give a packet back, and all that nx_packet_next links to it.  NX_PTR_ERROR
 * where it is none, or was given back already.
 */
EVPOP_NETX_API UINT nx_packet_release(NX_PACKET *packet_ptr);

/*
 * An IP instance.  Address, mask, driver and memory are checked and not used.
 * NX_PTR_ERROR without instance, pool or memory; NX_POOL_ERROR where the pool
 * was not created; NX_SIZE_ERROR without memory size; NX_OPTION_ERROR where the
 * priority is none.
 */
EVPOP_NETX_API UINT nx_ip_create(NX_IP *ip_ptr, CHAR *name, ULONG ip_address,
    ULONG network_mask, NX_PACKET_POOL *default_pool,
    VOID (*ip_network_driver)(NX_IP_DRIVER *), VOID *memory_ptr,
    ULONG memory_size, UINT priority);

/* The instance's end.  NX_PTR_ERROR where it is none. */
EVPOP_NETX_API UINT nx_ip_delete(NX_IP *ip_ptr);

/* NX_PTR_ERROR where the instance is none or the cache NULL; NX_SIZE_ERROR. */
EVPOP_NETX_API UINT nx_arp_enable(
    NX_IP *ip_ptr, VOID *arp_cache_memory, ULONG arp_cache_size);

/* NX_PTR_ERROR where the instance is none. */
EVPOP_NETX_API UINT nx_tcp_enable(NX_IP *ip_ptr);
EVPOP_NETX_API UINT nx_icmp_enable(NX_IP *ip_ptr);
EVPOP_NETX_API UINT nxd_icmp_enable(NX_IP *ip_ptr);
EVPOP_NETX_API UINT nxd_ipv6_enable(NX_IP *ip_ptr);

/* The driver that programs name where they have none of their own. */
EVPOP_NETX_API VOID _nx_ram_network_driver(
    struct NX_IP_DRIVER_STRUCT *driver_req);

#ifdef __cplusplus
}
#endif

#endif

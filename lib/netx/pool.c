/*
 * Packets, taken from pools whose memory is the program's own, and waited for
 * where a pool has none left.
 */
#include "lib/netx/netx.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

/* Marks of a live pool and of packets: the letters of "POOL" and so on. */
#define POOL_ID      0x504F4F4CUL
#define PACKET_FREE  0x46524545UL
#define PACKET_TAKEN 0x54414B45UL
#define PACKET_APART 0x41504152UL /* of evpop_netx_packet_empty() */

/* Packets hold pointers, and lie one behind the other. */
#define ALIGNMENT sizeof(void *)

/* The payload begins inside the struct, so that a NUL fits behind it. */
#define PAYLOAD_OFFSET offsetof(NX_PACKET, nx_packet_data)

bool
evpop_netx_pool_is_one(const NX_PACKET_POOL *pool)
{
	return pool != NULL && pool->nx_packet_pool_id == POOL_ID;
}

static void
packet_set_empty(NX_PACKET *packet)
{
	packet->nx_packet_next = NULL;
	packet->nx_packet_last = NULL;
	packet->nx_packet_free_next = NULL;
	packet->nx_packet_length = 0;
	packet->nx_packet_prepend_ptr = packet->nx_packet_data_start;
	packet->nx_packet_append_ptr = packet->nx_packet_data_start;
	packet->nx_packet_data_start[0] = '\0';
}

/* Carves the pool's memory into packets. */
static void
pool_carve(NX_PACKET_POOL *pool, unsigned char *memory, size_t stride)
{
	size_t i;

	for (i = 0; i < pool->nx_packet_pool_total; i++) {
		NX_PACKET *packet = (NX_PACKET *)(void *)(memory + i * stride);

		packet->nx_packet_pool_owner = pool;
		packet->nx_packet_state = PACKET_FREE;
		packet->nx_packet_data_start =
		    (unsigned char *)packet + PAYLOAD_OFFSET;
		packet->nx_packet_data_end = packet->nx_packet_data_start +
					     pool->nx_packet_pool_payload_size;
		packet_set_empty(packet);
		packet->nx_packet_free_next = pool->nx_packet_pool_free;
		pool->nx_packet_pool_free = packet;
	}
}

/* The condition is waited for by a clock that nobody sets. */
static bool
pool_init_locks(NX_PACKET_POOL *pool)
{
	pthread_condattr_t attributes;
	bool made;

	if (pthread_mutex_init(&pool->nx_packet_pool_mutex, NULL) != 0)
		return false;
	if (pthread_condattr_init(&attributes) != 0) {
		pthread_mutex_destroy(&pool->nx_packet_pool_mutex);
		return false;
	}
	made =
	    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
	    pthread_cond_init(&pool->nx_packet_pool_changed, &attributes) == 0;
	pthread_condattr_destroy(&attributes);
	if (!made)
		pthread_mutex_destroy(&pool->nx_packet_pool_mutex);
	return made;
}

UINT
nx_packet_pool_create(NX_PACKET_POOL *pool, CHAR *name, ULONG payload_size,
    VOID *pool_start, ULONG pool_size)
{
	size_t stride, skip, room;

	if (pool == NULL || pool_start == NULL)
		return NX_PTR_ERROR;
	skip = (ALIGNMENT - (uintptr_t)pool_start % ALIGNMENT) % ALIGNMENT;
	room = pool_size < skip ? 0 : pool_size - skip;
	/* A payload has a NUL behind it. */
	if (payload_size == 0 || payload_size > room ||
	    room - payload_size < PAYLOAD_OFFSET + 1)
		return NX_SIZE_ERROR;
	stride = PAYLOAD_OFFSET + payload_size + 1;
	stride += (ALIGNMENT - stride % ALIGNMENT) % ALIGNMENT;
	if (room < stride)
		return NX_SIZE_ERROR;
	memset(pool, 0, sizeof(*pool));
	if (!pool_init_locks(pool))
		return NX_POOL_ERROR;
	pool->nx_packet_pool_name = name;
	pool->nx_packet_pool_payload_size = payload_size;
	pool->nx_packet_pool_total = room / stride;
	pool->nx_packet_pool_available = pool->nx_packet_pool_total;
	pool_carve(pool, (unsigned char *)pool_start + skip, stride);
	pool->nx_packet_pool_id = POOL_ID;
	return NX_SUCCESS;
}

UINT
nx_packet_pool_delete(NX_PACKET_POOL *pool)
{
	if (!evpop_netx_pool_is_one(pool))
		return NX_PTR_ERROR;
	pthread_mutex_lock(&pool->nx_packet_pool_mutex);
	pool->nx_packet_pool_id = 0;
	pthread_cond_broadcast(&pool->nx_packet_pool_changed);
	while (pool->nx_packet_pool_waiting > 0)
		pthread_cond_wait(
		    &pool->nx_packet_pool_changed, &pool->nx_packet_pool_mutex);
	pthread_mutex_unlock(&pool->nx_packet_pool_mutex);
	pthread_cond_destroy(&pool->nx_packet_pool_changed);
	pthread_mutex_destroy(&pool->nx_packet_pool_mutex);
	return NX_SUCCESS;
}

static struct timespec
pool_deadline(int64_t wait_ms)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	at.tv_sec += (time_t)(wait_ms / 1000);
	at.tv_nsec += (long)(wait_ms % 1000) * 1000000;
	if (at.tv_nsec >= 1000000000) {
		at.tv_sec++;
		at.tv_nsec -= 1000000000;
	}
	return at;
}

/* Wait, with the lock held, for a packet or the end of the wait. */
static void
pool_await_packet(NX_PACKET_POOL *pool, int64_t wait_ms)
{
	struct timespec at = pool_deadline(wait_ms);

	pool->nx_packet_pool_waiting++;
	while (pool->nx_packet_pool_free == NULL &&
	       pool->nx_packet_pool_id == POOL_ID)
		if (pthread_cond_timedwait(&pool->nx_packet_pool_changed,
			&pool->nx_packet_pool_mutex, &at) == ETIMEDOUT)
			break;
	pool->nx_packet_pool_waiting--;
	if (pool->nx_packet_pool_id != POOL_ID)
		pthread_cond_broadcast(&pool->nx_packet_pool_changed);
}

NX_PACKET *
evpop_netx_pool_take(NX_PACKET_POOL *pool, int64_t wait_ms)
{
	NX_PACKET *packet = NULL;

	if (!evpop_netx_pool_is_one(pool))
		return NULL;
	pthread_mutex_lock(&pool->nx_packet_pool_mutex);
	if (pool->nx_packet_pool_free == NULL)
		pool_await_packet(pool, wait_ms);
	if (pool->nx_packet_pool_id == POOL_ID)
		packet = pool->nx_packet_pool_free;
	if (packet != NULL) {
		pool->nx_packet_pool_free = packet->nx_packet_free_next;
		pool->nx_packet_pool_available--;
		packet->nx_packet_state = PACKET_TAKEN;
		packet_set_empty(packet);
	}
	pthread_mutex_unlock(&pool->nx_packet_pool_mutex);
	return packet;
}

void
evpop_netx_packet_empty(NX_PACKET *packet, NX_PACKET_POOL *pool)
{
	packet->nx_packet_pool_owner = pool;
	packet->nx_packet_state = PACKET_APART;
	packet->nx_packet_data_start = packet->nx_packet_data;
	packet->nx_packet_data_end = packet->nx_packet_data;
	packet_set_empty(packet);
}

/* Release one packet, which leaves its chain. */
static UINT
packet_release(NX_PACKET *packet)
{
	NX_PACKET_POOL *pool = packet->nx_packet_pool_owner;
	UINT status = NX_PTR_ERROR;

	if (packet->nx_packet_state == PACKET_APART)
		return NX_SUCCESS;
	if (!evpop_netx_pool_is_one(pool))
		return NX_PTR_ERROR;
	pthread_mutex_lock(&pool->nx_packet_pool_mutex);
	if (packet->nx_packet_state == PACKET_TAKEN) {
		packet->nx_packet_state = PACKET_FREE;
		packet->nx_packet_free_next = pool->nx_packet_pool_free;
		pool->nx_packet_pool_free = packet;
		pool->nx_packet_pool_available++;
		pthread_cond_signal(&pool->nx_packet_pool_changed);
		status = NX_SUCCESS;
	}
	pthread_mutex_unlock(&pool->nx_packet_pool_mutex);
	return status;
}

UINT
nx_packet_release(NX_PACKET *packet)
{
	UINT status = NX_SUCCESS;
	NX_PACKET *next;

	if (packet == NULL)
		return NX_PTR_ERROR;
	for (; packet != NULL && status == NX_SUCCESS; packet = next) {
		next = packet->nx_packet_next;
		status = packet_release(packet);
	}
	return status;
}

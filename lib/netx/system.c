/*
 * What programs for the NetX POP3 client use of ThreadX and of NetX besides
 * packets: threads, and an IP instance, which has nothing to do on a system
 * with a network.  ThreadX's calls name no kernel, so that there is one for the
 * whole process.
 */
#include "lib/netx/netx.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/queue.h>
#include <time.h>

#include <evpop-netx/tx_api.h>

#define IP_ID 0x49502020UL /* marks a live instance: "IP" */

/* ---- threads ---- */

/*
 * What tx_application_define() is given.  On a device that is all memory that
 * is left; here it is address space until somebody writes there.
 */
#define MEMORY_SIZE ((size_t)64 << 20)

/* The longest sleep that the clock can hold. */
#define SLEEP_SECONDS_MAX INT_MAX

struct evpop_netx_thread {
	TAILQ_ENTRY(evpop_netx_thread) entry;
	pthread_t thread;
	const TX_THREAD *block; /* the program may drop it */
	VOID (*function)(ULONG);
	ULONG input;
};

TAILQ_HEAD(thread_queue, evpop_netx_thread);

enum kernel_state {
	KERNEL_OFF,
	KERNEL_DEFINING,
	KERNEL_RUNNING
};

static struct {
	pthread_mutex_t mutex;
	pthread_cond_t started;
	enum kernel_state state;
	struct thread_queue threads; /* to be joined */
} kernel = { .mutex = PTHREAD_MUTEX_INITIALIZER,
	.started = PTHREAD_COND_INITIALIZER,
	.threads = TAILQ_HEAD_INITIALIZER(kernel.threads) };

static void *
kernel_run_thread(void *arg)
{
	const struct evpop_netx_thread *thread = arg;

	pthread_mutex_lock(&kernel.mutex);
	while (kernel.state != KERNEL_RUNNING)
		pthread_cond_wait(&kernel.started, &kernel.mutex);
	pthread_mutex_unlock(&kernel.mutex);
	thread->function(thread->input);
	return NULL;
}

static bool
kernel_begin(void)
{
	bool begun;

	pthread_mutex_lock(&kernel.mutex);
	begun = kernel.state == KERNEL_OFF;
	if (begun)
		kernel.state = KERNEL_DEFINING;
	pthread_mutex_unlock(&kernel.mutex);
	return begun;
}

/*
 * Join all threads.  Each is in the queue before the one that created it ends.
 */
static void
kernel_join_all(void)
{
	struct evpop_netx_thread *thread;

	pthread_mutex_lock(&kernel.mutex);
	kernel.state = KERNEL_RUNNING;
	pthread_cond_broadcast(&kernel.started);
	while ((thread = TAILQ_FIRST(&kernel.threads)) != NULL) {
		pthread_mutex_unlock(&kernel.mutex);
		pthread_join(thread->thread, NULL);
		pthread_mutex_lock(&kernel.mutex);
		TAILQ_REMOVE(&kernel.threads, thread, entry);
		free(thread);
	}
	kernel.state = KERNEL_OFF;
	pthread_mutex_unlock(&kernel.mutex);
}

VOID
evpop_netx_kernel_enter(VOID (*define)(VOID *first_unused_memory))
{
	void *memory;

	if (!kernel_begin())
		return;
	memory = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		memory = NULL; /* what is created there reports it */
	define(memory);
	kernel_join_all();
	if (memory != NULL)
		munmap(memory, MEMORY_SIZE);
}

/* With the lock held. */
static UINT
kernel_start_thread(TX_THREAD *block, VOID (*function)(ULONG), ULONG input)
{
	struct evpop_netx_thread *thread;

	if (kernel.state == KERNEL_OFF)
		return TX_CALLER_ERROR;
	TAILQ_FOREACH(thread, &kernel.threads, entry)
		if (thread->block == block)
			return TX_THREAD_ERROR;
	thread = calloc(1, sizeof(*thread));
	if (thread == NULL)
		return TX_START_ERROR;
	thread->block = block;
	thread->function = function;
	thread->input = input;
	if (pthread_create(&thread->thread, NULL, kernel_run_thread, thread) !=
	    0) {
		free(thread);
		return TX_START_ERROR;
	}
	TAILQ_INSERT_TAIL(&kernel.threads, thread, entry);
	return TX_SUCCESS;
}

UINT
tx_thread_create(TX_THREAD *block, CHAR *name, VOID (*function)(ULONG),
    ULONG input, VOID *stack, ULONG stack_size, UINT priority,
    UINT preempt_threshold, ULONG time_slice, UINT auto_start)
{
	UINT status;

	(void)time_slice;
	if (block == NULL)
		return TX_THREAD_ERROR;
	if (function == NULL || stack == NULL)
		return TX_PTR_ERROR;
	if (stack_size < TX_MINIMUM_STACK)
		return TX_SIZE_ERROR;
	if (priority >= TX_MAX_PRIORITIES)
		return TX_PRIORITY_ERROR;
	if (preempt_threshold > priority)
		return TX_THRESH_ERROR;
	if (auto_start != TX_AUTO_START)
		return TX_START_ERROR;
	pthread_mutex_lock(&kernel.mutex);
	status = kernel_start_thread(block, function, input);
	if (status == TX_SUCCESS) {
		block->tx_thread_name = name;
		block->tx_thread_entry = function;
		block->tx_thread_entry_parameter = input;
	}
	pthread_mutex_unlock(&kernel.mutex);
	return status;
}

UINT
evpop_netx_thread_sleep(ULONG ticks, ULONG ticks_per_second)
{
	struct timespec left;
	ULONG seconds;

	if (ticks_per_second == 0)
		return TX_SUCCESS;
	seconds = ticks / ticks_per_second;
	left.tv_sec =
	    seconds > SLEEP_SECONDS_MAX ? SLEEP_SECONDS_MAX : (time_t)seconds;
	left.tv_nsec = (long)((double)(ticks % ticks_per_second) * 1e9 /
			      (double)ticks_per_second);
	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
		continue;
	return TX_SUCCESS;
}

/* ---- the IP instance ---- */

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
ip_enable(const NX_IP *ip)
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
	return ip_enable(ip);
}

UINT
nx_tcp_enable(NX_IP *ip)
{
	return ip_enable(ip);
}

UINT
nx_icmp_enable(NX_IP *ip)
{
	return ip_enable(ip);
}

UINT
nxd_icmp_enable(NX_IP *ip)
{
	return ip_enable(ip);
}

UINT
nxd_ipv6_enable(NX_IP *ip)
{
	return ip_enable(ip);
}

VOID
_nx_ram_network_driver(struct NX_IP_DRIVER_STRUCT *request)
{
	(void)request;
}

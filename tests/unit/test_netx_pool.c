/* Packets and their pools: what they check, and that they bound memory. */
#include "tests/unit/test_netx_run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "lib/netx/netx.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- pools by themselves ---- */

static void
test_pool_parameters(void **state)
{
	static unsigned char memory[4096];
	static const struct {
		bool pool, memory;
		ULONG payload, size;
		UINT status;
	} rows[] = {
		{ true, true, 64, sizeof(memory), NX_SUCCESS },
		{ true, true, 1, sizeof(NX_PACKET) + 1, NX_SUCCESS },
		{ true, true, 1000, sizeof(NX_PACKET) + 1000, NX_SUCCESS },
		{ false, true, 64, sizeof(memory), NX_PTR_ERROR },
		{ true, false, 64, sizeof(memory), NX_PTR_ERROR },
		{ true, true, 0, sizeof(memory), NX_SIZE_ERROR },
		{ true, true, 64, 0, NX_SIZE_ERROR },
		{ true, true, 1000, sizeof(NX_PACKET) + 900, NX_SIZE_ERROR },
		{ true, true, sizeof(memory), sizeof(memory), NX_SIZE_ERROR },
		{ true, true, (ULONG)-1, sizeof(memory), NX_SIZE_ERROR },
		{ true, true, (ULONG)-64, (ULONG)-1, NX_SIZE_ERROR },
	};
	NX_PACKET_POOL pool;
	UINT status;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(rows); i++) {
		memset(&pool, 0xA5, sizeof(pool));
		status = nx_packet_pool_create(rows[i].pool ? &pool : NULL,
		    (CHAR *)"p", rows[i].payload,
		    rows[i].memory ? memory : NULL, rows[i].size);
		if (status != rows[i].status)
			fail_msg("row %zu: 0x%02X", i, status);
		if (status == NX_SUCCESS)
			assert_int_equal(
			    nx_packet_pool_delete(&pool), NX_SUCCESS);
		assert_int_equal(nx_packet_pool_delete(&pool), NX_PTR_ERROR);
	}
	assert_int_equal(nx_packet_pool_delete(NULL), NX_PTR_ERROR);
}

/* Every payload, in memory that begins anywhere: nothing overlaps or leaves. */
static void
test_pool_memory(void **state)
{
	const size_t size = 4000;
	NX_PACKET_POOL pool;
	NX_PACKET *packets[256], *packet;
	size_t payload, skip, count, i;
	unsigned char *memory;

	(void)state;
	for (payload = 1; payload < 200; payload++) {
		skip = payload % sizeof(void *);
		memory = malloc(skip + size);
		assert_non_null(memory);
		assert_int_equal(nx_packet_pool_create(&pool, (CHAR *)"p",
				     payload, memory + skip, size),
		    NX_SUCCESS);
		/* As many as by the vendor's rule, but for the alignment. */
		assert_true(
		    pool.nx_packet_pool_total >=
		    (size - sizeof(void *)) / (sizeof(NX_PACKET) + payload));
		for (count = 0;
		     (packet = evpop_netx_pool_take(&pool, 0)) != NULL;
		     count++) {
			assert_in_range((uintptr_t)packet,
			    (uintptr_t)memory + skip,
			    (uintptr_t)memory + skip + size);
			assert_int_equal((size_t)(packet->nx_packet_data_end -
						  packet->nx_packet_data_start),
			    payload);
			/* With the NUL behind. */
			memset(packet->nx_packet_data_start, (int)count + 1,
			    payload);
			packet->nx_packet_data_start[payload] = '\0';
			packets[count] = packet;
		}
		assert_int_equal(count, pool.nx_packet_pool_total);
		assert_int_equal(pool.nx_packet_pool_available, 0);
		for (i = 0; i < count; i++) {
			assert_int_equal(packets[i]->nx_packet_data_start[0],
			    (unsigned char)(i + 1));
			assert_int_equal(
			    packets[i]->nx_packet_data_start[payload - 1],
			    (unsigned char)(i + 1));
			assert_int_equal(
			    nx_packet_release(packets[i]), NX_SUCCESS);
		}
		assert_int_equal(pool.nx_packet_pool_available, count);
		assert_int_equal(nx_packet_pool_delete(&pool), NX_SUCCESS);
		free(memory);
	}
}

static void
test_release(void **state)
{
	static void *memory[512];
	NX_PACKET_POOL pool;
	NX_PACKET *first, *second, apart;

	(void)state;
	assert_int_equal(nx_packet_release(NULL), NX_PTR_ERROR);
	assert_int_equal(nx_packet_pool_create(
			     &pool, (CHAR *)"p", 64, memory, sizeof(memory)),
	    NX_SUCCESS);
	first = evpop_netx_pool_take(&pool, 0);
	second = evpop_netx_pool_take(&pool, 0);
	assert_non_null(first);
	assert_non_null(second);
	/* Twice is once. */
	assert_int_equal(nx_packet_release(first), NX_SUCCESS);
	assert_int_equal(nx_packet_release(first), NX_PTR_ERROR);
	assert_int_equal(
	    pool.nx_packet_pool_available, pool.nx_packet_pool_total - 1);
	/* A chain is released as a whole. */
	first = evpop_netx_pool_take(&pool, 0);
	assert_non_null(first);
	second->nx_packet_next = first;
	assert_int_equal(nx_packet_release(second), NX_SUCCESS);
	assert_int_equal(
	    pool.nx_packet_pool_available, pool.nx_packet_pool_total);
	/* One that is of no pool costs none, however often. */
	evpop_netx_packet_empty(&apart, &pool);
	assert_ptr_equal(
	    apart.nx_packet_prepend_ptr, apart.nx_packet_append_ptr);
	assert_int_equal(nx_packet_release(&apart), NX_SUCCESS);
	assert_int_equal(nx_packet_release(&apart), NX_SUCCESS);
	assert_int_equal(
	    pool.nx_packet_pool_available, pool.nx_packet_pool_total);
	first = evpop_netx_pool_take(&pool, 0);
	assert_int_equal(nx_packet_pool_delete(&pool), NX_SUCCESS);
	assert_int_equal(nx_packet_release(first), NX_PTR_ERROR);
}

static void
test_instance(void **state)
{
	static void *memory[512];
	NX_PACKET_POOL pool, none = { .nx_packet_pool_id = 0 };
	NX_IP ip, no_ip;
	CHAR *name = (CHAR *)"ip";

	(void)state;
	memset(&no_ip, 0, sizeof(no_ip));
	assert_int_equal(nx_packet_pool_create(
			     &pool, (CHAR *)"p", 64, memory, sizeof(memory)),
	    NX_SUCCESS);
	const struct {
		UINT said, status;
	} rows[] = {
		{ nx_ip_create(NULL, name, 1, 2, &pool, NULL, memory, 9, 1),
		    NX_PTR_ERROR },
		{ nx_ip_create(&ip, name, 1, 2, NULL, NULL, memory, 9, 1),
		    NX_PTR_ERROR },
		{ nx_ip_create(&ip, name, 1, 2, &pool, NULL, NULL, 9, 1),
		    NX_PTR_ERROR },
		{ nx_ip_create(&ip, name, 1, 2, &none, NULL, memory, 9, 1),
		    NX_POOL_ERROR },
		{ nx_ip_create(&ip, name, 1, 2, &pool, NULL, memory, 0, 1),
		    NX_SIZE_ERROR },
		{ nx_ip_create(&ip, name, 1, 2, &pool, NULL, memory, 9, 32),
		    NX_OPTION_ERROR },
		{ nx_ip_create(&ip, name, 1, 2, &pool, NULL, memory, 9, 31),
		    NX_SUCCESS },
		{ nx_arp_enable(&ip, memory, 64), NX_SUCCESS },
		{ nx_arp_enable(&ip, NULL, 64), NX_PTR_ERROR },
		{ nx_arp_enable(&ip, memory, 0), NX_SIZE_ERROR },
		{ nx_arp_enable(&no_ip, memory, 64), NX_PTR_ERROR },
		{ nx_tcp_enable(&ip), NX_SUCCESS },
		{ nx_tcp_enable(&no_ip), NX_PTR_ERROR },
		{ nx_tcp_enable(NULL), NX_PTR_ERROR },
		{ nx_icmp_enable(&ip), NX_SUCCESS },
		{ nx_icmp_enable(NULL), NX_PTR_ERROR },
		{ nxd_icmp_enable(&ip), NX_SUCCESS },
		{ nxd_icmp_enable(NULL), NX_PTR_ERROR },
		{ nxd_ipv6_enable(&ip), NX_SUCCESS },
		{ nxd_ipv6_enable(&no_ip), NX_PTR_ERROR },
		{ nx_ip_delete(&ip), NX_SUCCESS },
		{ nx_ip_delete(&ip), NX_PTR_ERROR },
		{ nx_ip_delete(NULL), NX_PTR_ERROR },
		{ nx_packet_pool_delete(&pool), NX_SUCCESS },
	};
	for (size_t i = 0; i < COUNT(rows); i++)
		if (rows[i].said != rows[i].status)
			fail_msg("row %zu: 0x%02X", i, rows[i].said);
	nx_system_initialize();
}

/* ---- waiting ---- */

struct other {
	NX_PACKET_POOL *pool;
	NX_PACKET *packet;
};

/* Gives a packet back, once somebody waits for it. */
static void *
give_back(void *arg)
{
	struct other *other = arg;
	ULONG waiting = 0;

	while (waiting == 0) {
		pthread_mutex_lock(&other->pool->nx_packet_pool_mutex);
		waiting = other->pool->nx_packet_pool_waiting;
		pthread_mutex_unlock(&other->pool->nx_packet_pool_mutex);
	}
	if (other->packet != NULL)
		assert_int_equal(nx_packet_release(other->packet), NX_SUCCESS);
	else
		assert_int_equal(
		    nx_packet_pool_delete(other->pool), NX_SUCCESS);
	return NULL;
}

static void
test_wait(void **state)
{
	static void *memory[(sizeof(NX_PACKET) + 64) / sizeof(void *)];
	NX_PACKET_POOL pool;
	NX_PACKET *packet;
	struct other other = { .pool = &pool };
	pthread_t thread;
	int64_t begun_ms;

	(void)state;
	assert_int_equal(nx_packet_pool_create(
			     &pool, (CHAR *)"p", 64, memory, sizeof(memory)),
	    NX_SUCCESS);
	assert_int_equal(pool.nx_packet_pool_total, 1);
	packet = evpop_netx_pool_take(&pool, 0);
	assert_non_null(packet);
	begun_ms = now_ms();
	assert_null(evpop_netx_pool_take(&pool, 0));
	assert_null(evpop_netx_pool_take(&pool, 50));
	assert_true(now_ms() - begun_ms >= 50);
	/* Another thread gives it back. */
	other.packet = packet;
	assert_int_equal(pthread_create(&thread, NULL, give_back, &other), 0);
	assert_ptr_equal(evpop_netx_pool_take(&pool, 100000), packet);
	assert_int_equal(pthread_join(thread, NULL), 0);
	/* Another thread deletes the pool. */
	other.packet = NULL;
	assert_int_equal(pthread_create(&thread, NULL, give_back, &other), 0);
	assert_null(evpop_netx_pool_take(&pool, 100000));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_null(evpop_netx_pool_take(&pool, 100000));
}

/* ---- the pool and a server ---- */

#define LARGE 8000000

/* While the pool is empty the server waits, and nothing is lost. */
static void
test_exhausted(void **state)
{
	char *large = malloc(LARGE), *got = malloc(LARGE);
	const struct net_message message = { large, LARGE };
	const struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	NX_PACKET *held[NETX_PACKETS], *packet;
	struct netx_run run;
	ULONG size, length, at = 0;
	UINT final = NX_FALSE;
	size_t i;

	(void)state;
	assert_non_null(large);
	assert_non_null(got);
	for (i = 0; i < LARGE; i++)
		large[i] = (char)('a' + i * 7 % 25);
	memcpy(large + LARGE - 2, "\r\n", 2);
	netx_start(&run, &options);
	netx_open(&run);
	assert_int_equal(
	    nx_pop3_client_mail_item_get(&run.client, 1, &size), NX_SUCCESS);
	assert_int_equal(size, LARGE);
	for (i = 0; i < NETX_PACKETS; i++) {
		assert_int_equal(nx_pop3_client_mail_item_message_get(
				     &run.client, &held[i], &length, &final),
		    NX_SUCCESS);
		memcpy(got + at, held[i]->nx_packet_prepend_ptr, length);
		at += length;
	}
	for (i = 0; i < 5; i++) {
		assert_int_equal(nx_pop3_client_mail_item_message_get(
				     &run.client, &packet, &length, &final),
		    NX_NO_PACKET);
		assert_null(packet);
		assert_int_equal(length, 0);
		assert_int_equal(final, NX_FALSE);
	}
	/* One read of the library's, and the rest is the server's to keep. */
	assert_true(run.received < 2 * 65536);
	for (i = 0; i < NETX_PACKETS; i++)
		assert_int_equal(nx_packet_release(held[i]), NX_SUCCESS);
	while (!final) {
		assert_int_equal(nx_pop3_client_mail_item_message_get(
				     &run.client, &packet, &length, &final),
		    NX_SUCCESS);
		assert_true(at + length <= LARGE);
		memcpy(got + at, packet->nx_packet_prepend_ptr, length);
		at += length;
		assert_int_equal(nx_packet_release(packet), NX_SUCCESS);
	}
	assert_int_equal(at, LARGE);
	assert_memory_equal(got, large, LARGE);
	assert_int_equal(
	    nx_pop3_client_mail_item_delete(&run.client, 1), NX_SUCCESS);
	assert_int_equal(nx_pop3_client_quit(&run.client), NX_SUCCESS);
	netx_finish(&run);
	free(large);
	free(got);
}

/* An empty message is a packet too, which need not be released. */
static void
test_empty_message(void **state)
{
	const struct net_message message = { "", 0 };
	const struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	struct netx_run run;
	NX_PACKET *packet;
	ULONG size, length;
	UINT final, round;

	(void)state;
	netx_start(&run, &options);
	netx_open(&run);
	for (round = 0; round < 2 * NETX_PACKETS; round++) {
		assert_int_equal(
		    nx_pop3_client_mail_item_get(&run.client, 1, &size),
		    NX_SUCCESS);
		assert_int_equal(size, 0);
		assert_int_equal(nx_pop3_client_mail_item_message_get(
				     &run.client, &packet, &length, &final),
		    NX_SUCCESS);
		assert_int_equal(final, NX_TRUE);
		assert_int_equal(length, 0);
		assert_int_equal(packet->nx_packet_length, 0);
		assert_string_equal(
		    (const char *)packet->nx_packet_prepend_ptr, "");
		if (round % 2)
			assert_int_equal(nx_packet_release(packet), NX_SUCCESS);
	}
	netx_finish(&run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pool_parameters),
		cmocka_unit_test(test_pool_memory),
		cmocka_unit_test(test_release),
		cmocka_unit_test(test_instance),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_empty_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

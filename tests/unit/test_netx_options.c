/* Options that a program defines reach the library, which was compiled before.
 */
#define NX_IP_PERIODIC_RATE               1000
#define NX_POP3_CLIENT_PACKET_TIMEOUT     250
#define NX_POP3_SERVER_REPLY_TIMEOUT      reply_timeout
#define NX_POP3_CLIENT_CONNECTION_TIMEOUT connection_timeout
#define NX_POP3_CLIENT_DISCONNECT_TIMEOUT 200
#define NX_POP3_TCP_SOCKET_SEND_WAIT      send_wait
#define NX_POP3_MAX_USERNAME              max_username
#define NX_POP3_MAX_PASSWORD              30
#define NX_POP3_CLIENT_TCP_WINDOW_SIZE    window_size

/*
 * Patient, but where a test waits for the end of it: what waits by the wrong
 * one does not come back.
 */
#define PATIENT_MS 1000000000
static unsigned long reply_timeout = PATIENT_MS;
static unsigned long connection_timeout = PATIENT_MS;
static unsigned long send_wait = PATIENT_MS;
static unsigned long max_username = 6;
static unsigned long window_size = 20000;

#include "tests/unit/net_socket.h"
#include "tests/unit/test_netx_run.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int64_t
now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static UINT
create(struct netx_run *run, const char *name, const char *password)
{
	return nx_pop3_client_create(&run->client, NX_FALSE, &run->ip,
	    &run->pool, IP_ADDRESS(127, 0, 0, 1), run->server.server.port,
	    (CHAR *)name, (CHAR *)password);
}

static void
test_lengths(void **state)
{
	struct netx_run run;

	(void)state;
	netx_start(&run, NULL);
	assert_int_equal(
	    create(&run, "1234567", "secret"), NX_POP3_PARAM_ERROR);
	assert_int_equal(
	    create(&run, "123456", "1234567890123456789012345678901"),
	    NX_POP3_PARAM_ERROR);
	assert_int_equal(
	    create(&run, "123456", "123456789012345678901234567890"),
	    NX_SUCCESS);
	assert_int_equal(nx_pop3_client_quit(&run.client), NX_SUCCESS);
	netx_finish(&run);
}

/* Every reply that does not come, and the message that stops. */
static void
test_reply_timeout(void **state)
{
	static const struct net_message message = { "0123456789\r\n", 12 };
	static const struct net_rule silent[] = {
		{ "", NULL, NET_HALT },
		{ "USER anna", NULL, NET_HALT },
		{ "PASS secret", "+O", NET_HALT },
		{ "STAT", NULL, NET_HALT },
		{ "LIST 1", "+OK 1", NET_HALT },
		{ "RETR 1", NULL, NET_HALT },
		{ "RETR 1", "+OK 12 octets\r\n0123456789", NET_HALT },
		{ "DELE 1", NULL, NET_HALT },
		{ "QUIT", NULL, NET_HALT },
	};
	struct netx_run run;
	int64_t begun_ms, took_ms;
	UINT status, items;
	ULONG size;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(silent); i++) {
		const struct net_server_options options = {
			.messages = &message,
			.message_count = 1,
			.rules = &silent[i],
			.rule_count = 1,
		};

		netx_start(&run, &options);
		reply_timeout = 400;
		begun_ms = now_ms();
		status = create(&run, "anna", "secret");
		if (status == NX_SUCCESS)
			status = netx_take_first(&run);
		if (status == NX_SUCCESS)
			status = nx_pop3_client_quit(&run.client);
		took_ms = now_ms() - begun_ms;
		if (status != NX_NO_PACKET)
			fail_msg("row %zu: 0x%02X", i, status);
		assert_true(took_ms >= (int64_t)reply_timeout);
		reply_timeout = PATIENT_MS;
		/* The session is over, and says so. */
		assert_int_equal(
		    nx_pop3_client_mail_items_get(&run.client, &items, &size),
		    NX_NOT_CONNECTED);
		assert_int_equal(
		    run.pool.nx_packet_pool_available, NETX_PACKETS);
		netx_finish(&run);
	}
}

/* A queue that is full takes no more connections. */
static void
test_connection_timeout(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0), queued[4];
	struct netx_run run;
	int64_t begun_ms;
	size_t i;

	(void)state;
	netx_start(&run, NULL);
	assert_int_not_equal(listener, -1);
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(
	    bind(listener, (struct sockaddr *)&address, length), 0);
	assert_int_equal(listen(listener, 0), 0);
	assert_int_equal(
	    getsockname(listener, (struct sockaddr *)&address, &length), 0);
	for (i = 0; i < COUNT(queued); i++) {
		queued[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
		assert_int_not_equal(queued[i], -1);
		/* In progress, or for ever so. */
		(void)connect(queued[i], (struct sockaddr *)&address, length);
	}
	connection_timeout = 300;
	begun_ms = now_ms();
	assert_int_equal(
	    nx_pop3_client_create(&run.client, NX_FALSE, &run.ip, &run.pool,
		IP_ADDRESS(127, 0, 0, 1), ntohs(address.sin_port),
		(CHAR *)"anna", (CHAR *)"secret"),
	    NX_NOT_CONNECTED);
	assert_true(now_ms() - begun_ms >= (int64_t)connection_timeout);
	connection_timeout = PATIENT_MS;
	for (i = 0; i < COUNT(queued); i++)
		close(queued[i]);
	close(listener);
	netx_finish(&run);
}

static void
test_packet_timeout(void **state)
{
	static char text[8 * NETX_PACKETS * NETX_PAYLOAD];
	const struct net_message message = { text, sizeof(text) };
	const struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	NX_PACKET *held[NETX_PACKETS], *packet;
	struct netx_run run;
	int64_t begun_ms;
	ULONG size;
	UINT final;
	size_t i;

	(void)state;
	memset(text, 'x', sizeof(text));
	netx_start(&run, &options);
	assert_int_equal(create(&run, "anna", "secret"), NX_SUCCESS);
	assert_int_equal(
	    nx_pop3_client_mail_item_get(&run.client, 1, &size), NX_SUCCESS);
	for (i = 0; i < NETX_PACKETS; i++)
		assert_int_equal(nx_pop3_client_mail_item_message_get(
				     &run.client, &held[i], &size, &final),
		    NX_SUCCESS);
	begun_ms = now_ms();
	assert_int_equal(nx_pop3_client_mail_item_message_get(
			     &run.client, &packet, &size, &final),
	    NX_NO_PACKET);
	assert_true(now_ms() - begun_ms >= NX_POP3_CLIENT_PACKET_TIMEOUT);
	for (i = 0; i < NETX_PACKETS; i++)
		assert_int_equal(nx_packet_release(held[i]), NX_SUCCESS);
	assert_int_equal(netx_read(&run), NX_SUCCESS);
	assert_int_equal(
	    run.length, sizeof(text) + 2 - NETX_PACKETS * NETX_PAYLOAD);
	netx_finish(&run);
}

/* A server that does not read; commands are short, but for this one. */
static void
test_send_wait(void **state)
{
	static const struct net_rule rule = { "", "+OK\r\n", NET_DEAF };
	const struct net_server_options options = { .rules = &rule,
		.rule_count = 1 };
	char *name = net_socket_long_word();
	struct netx_run run;
	int64_t begun_ms;

	(void)state;
	netx_start(&run, &options);
	max_username = NET_SOCKET_OVERFLOW;
	send_wait = 400;
	begun_ms = now_ms();
	assert_int_equal(create(&run, name, "secret"), NX_NO_PACKET);
	assert_true(now_ms() - begun_ms >= (int64_t)send_wait);
	max_username = 6;
	send_wait = PATIENT_MS;
	assert_int_equal(nx_pop3_client_quit(&run.client), NX_NOT_CONNECTED);
	netx_finish(&run);
	free(name);
}

/* The window is the receive buffer, which is no less than a segment. */
static void
test_window_size(void **state)
{
	static const struct {
		unsigned long window;
		int buffer;
	} rows[] = { { 1, 65536 }, { 1460, 65536 }, { 65535, 65536 },
		{ 65536, 65536 }, { 100000, 100000 }, { 0, 0 } };
	struct netx_run run;
	size_t i;

	(void)state;
	netx_start(&run, NULL);
	for (i = 0; i < COUNT(rows); i++) {
		window_size = rows[i].window;
		assert_int_equal(create(&run, "anna", "secret"), NX_SUCCESS);
		assert_int_equal(net_socket_connected_with(),
		    net_socket_made_of(rows[i].buffer));
		assert_int_equal(nx_pop3_client_quit(&run.client), NX_SUCCESS);
	}
	window_size = 20000;
	netx_finish(&run);
}

/* What is left of a message is read over for no longer than this. */
static void
test_disconnect_timeout(void **state)
{
	static char text[4000000];
	const struct net_message message = { text, sizeof(text) };
	const struct net_server_options options = { .messages = &message,
		.message_count = 1 };
	struct netx_run run;
	int64_t begun_ms;
	ULONG size;

	(void)state;
	memset(text, 'x', sizeof(text));
	netx_start(&run, &options);
	/* Some octets at a time, so that it takes longer. */
	run.piece = 2;
	assert_int_equal(create(&run, "anna", "secret"), NX_SUCCESS);
	assert_int_equal(
	    nx_pop3_client_mail_item_get(&run.client, 1, &size), NX_SUCCESS);
	begun_ms = now_ms();
	assert_int_equal(nx_pop3_client_quit(&run.client), NX_NO_PACKET);
	assert_true(now_ms() - begun_ms >= NX_POP3_CLIENT_DISCONNECT_TIMEOUT);
	assert_int_equal(nx_pop3_client_quit(&run.client), NX_NOT_CONNECTED);
	easy_server_stop(&run.server);
	run.server.base = NULL;
	assert_null(strstr(run.server.server.log, "QUIT"));
	netx_finish(&run);
}

/* tx_thread_sleep() counts in the same ticks. */
static void
test_ticks(void **state)
{
	int64_t begun_ms = now_ms();

	(void)state;
	assert_int_equal(tx_thread_sleep(30), TX_SUCCESS);
	assert_true(now_ms() - begun_ms >= 30);
	assert_int_equal(tx_thread_sleep(0), TX_SUCCESS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_reply_timeout),
		cmocka_unit_test(test_connection_timeout),
		cmocka_unit_test(test_packet_timeout),
		cmocka_unit_test(test_send_wait),
		cmocka_unit_test(test_window_size),
		cmocka_unit_test(test_disconnect_timeout),
		cmocka_unit_test(test_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

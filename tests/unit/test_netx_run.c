/* Nothing in these tests takes so long, on however slow a machine. */
#define NX_POP3_SERVER_REPLY_TIMEOUT      (100 * NX_IP_PERIODIC_RATE)
#define NX_POP3_CLIENT_CONNECTION_TIMEOUT (100 * NX_IP_PERIODIC_RATE)
#define NX_POP3_CLIENT_PACKET_TIMEOUT     2

#include "tests/unit/test_netx_run.h"

#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct net_message netx_messages[2] = {
	{ "Subject: one\r\n\r\nbody\r\n", 22 },
	{ "Subject: two\r\n\r\nanother\r\n", 25 },
};

/* Whose receiving is cut; one client runs at a time. */
static struct netx_run *running;

ssize_t __real_recv(int fd, void *buffer, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *buffer, size_t size, int flags);

ssize_t
__wrap_recv(int fd, void *buffer, size_t size, int flags)
{
	struct netx_run *run = running;
	ssize_t length;

	if (run == NULL)
		return __real_recv(fd, buffer, size, flags);
	if (run->piece > 0 && size > run->piece)
		size = run->piece;
	if (run->cut > run->received && size > run->cut - run->received)
		size = run->cut - run->received;
	length = __real_recv(fd, buffer, size, flags);
	if (length > 0)
		run->received += (size_t)length;
	return length;
}

struct net_server_options
netx_with_rules(const struct net_rule *rules, size_t count)
{
	const struct net_server_options options = { .messages = netx_messages,
		.message_count = COUNT(netx_messages),
		.rules = rules,
		.rule_count = count };

	return options;
}

void
netx_start(struct netx_run *run, const struct net_server_options *options)
{
	memset(run, 0, sizeof(*run));
	easy_server_start(&run->server, options);
	assert_int_equal(nx_packet_pool_create(&run->pool, (CHAR *)"pool",
			     NETX_PAYLOAD, run->memory, sizeof(run->memory)),
	    NX_SUCCESS);
	assert_int_equal(run->pool.nx_packet_pool_total, NETX_PACKETS);
	assert_int_equal(nx_ip_create(&run->ip, (CHAR *)"ip",
			     IP_ADDRESS(192, 0, 2, 1), 0xFFFFFF00UL, &run->pool,
			     _nx_ram_network_driver, run->memory, 64, 1),
	    NX_SUCCESS);
	running = run;
}

void
netx_finish(struct netx_run *run)
{
	assert_int_equal(nx_pop3_client_delete(&run->client), NX_SUCCESS);
	running = NULL;
	assert_int_equal(run->pool.nx_packet_pool_available, NETX_PACKETS);
	assert_int_equal(nx_ip_delete(&run->ip), NX_SUCCESS);
	assert_int_equal(nx_packet_pool_delete(&run->pool), NX_SUCCESS);
	if (run->server.base != NULL)
		easy_server_stop(&run->server);
}

UINT
netx_create(struct netx_run *run, UINT apop)
{
	return nx_pop3_client_create(&run->client, apop, &run->ip, &run->pool,
	    IP_ADDRESS(127, 0, 0, 1), run->server.server.port, (CHAR *)"anna",
	    (CHAR *)"secret");
}

void
netx_open(struct netx_run *run)
{
	assert_int_equal(netx_create(run, NX_FALSE), NX_SUCCESS);
}

UINT
netx_read(struct netx_run *run)
{
	UINT status = NX_SUCCESS, final = NX_FALSE;
	NX_PACKET *packet;
	ULONG length;

	run->length = 0;
	while (status == NX_SUCCESS && !final) {
		status = nx_pop3_client_mail_item_message_get(
		    &run->client, &packet, &length, &final);
		if (status != NX_SUCCESS)
			break;
		assert_int_equal(length, packet->nx_packet_length);
		assert_ptr_equal(packet->nx_packet_append_ptr,
		    packet->nx_packet_prepend_ptr + length);
		assert_null(packet->nx_packet_next);
		/* As programs print it. */
		assert_int_equal(*packet->nx_packet_append_ptr, '\0');
		/* All but the last are full, however the octets came. */
		assert_true(final || length == NETX_PAYLOAD);
		assert_true(run->length + length < sizeof(run->body));
		memcpy(run->body + run->length, packet->nx_packet_prepend_ptr,
		    length);
		run->length += length;
		assert_int_equal(nx_packet_release(packet), NX_SUCCESS);
	}
	return status;
}

UINT
netx_take_first(struct netx_run *run)
{
	UINT items, status;
	ULONG size;

	status = nx_pop3_client_mail_items_get(&run->client, &items, &size);
	if (status == NX_SUCCESS)
		status =
		    nx_pop3_client_mail_item_size_get(&run->client, 1, &size);
	if (status == NX_SUCCESS)
		status = nx_pop3_client_mail_item_get(&run->client, 1, &size);
	if (status == NX_SUCCESS)
		status = netx_read(run);
	if (status == NX_SUCCESS)
		status = nx_pop3_client_mail_item_delete(&run->client, 1);
	return status;
}

void
netx_check_body(const struct netx_run *run, const char *text)
{
	assert_int_equal(run->length, strlen(text));
	assert_memory_equal(run->body, text, run->length);
}

void
netx_check_log(struct netx_run *run, const char *log)
{
	easy_server_stop(&run->server);
	run->server.base = NULL;
	assert_string_equal(run->server.server.log, log);
}

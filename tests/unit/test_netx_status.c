/* What the NetX facade's calls answer, in every state and to every reply. */
#include "tests/unit/test_netx_run.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* The last part of what the server was told: what a program asked for. */
static void
check_log_ends(struct netx_run *run, const char *end)
{
	const char *log = run->server.server.log;

	easy_server_stop(&run->server);
	run->server.base = NULL;
	if (strlen(log) < strlen(end) ||
	    strcmp(log + strlen(log) - strlen(end), end) != 0)
		fail_msg("the server was told \"%s\", not \"...%s\"", log, end);
}

/* Codes as documented, and whether any call returns them. */
static const struct {
	UINT code, value;
	bool returned;
} statuses[] = {
	{ NX_SUCCESS, 0x00, true },
	{ NX_NO_PACKET, 0x01, true },
	{ NX_PTR_ERROR, 0x07, true },
	{ NX_NOT_CONNECTED, 0x38, true },
	{ NX_NOT_SUPPORTED, 0x4B, false },
	{ NX_POP3_PARAM_ERROR, 0xB1, true },
	{ NX_POP3_INVALID_MAIL_ITEM, 0xB2, true },
	{ NX_POP3_APOP_FAILED_MD5_DIGEST, 0xB3, false },
	{ NX_POP3_SERVER_ERROR_STATUS, 0xB4, true },
	{ NX_POP3_MAIL_BUFFER_OVERFLOW, 0xB5, false },
	{ NX_POP3_INSUFFICIENT_PACKET_PAYLOAD, 0xB6, false },
	{ NX_POP3_CLIENT_INVALID_STATE, 0xB7, true },
	{ NX_POP3_CLIENT_INVALID_INDEX, 0xB8, true },
};

/* Of a pool that has no packet left. */
static UINT
read_without_packets(struct netx_run *run)
{
	NX_PACKET *held[NETX_PACKETS + 1];
	UINT status, final;
	size_t count = 0;
	ULONG size;

	status = nx_pop3_client_mail_item_get(&run->client, 2, &size);
	while (status == NX_SUCCESS && count <= NETX_PACKETS)
		status = nx_pop3_client_mail_item_message_get(
		    &run->client, &held[count++], &size, &final);
	assert_int_equal(count, NETX_PACKETS + 1);
	while (--count > 0)
		assert_int_equal(nx_packet_release(held[count - 1]), 0);
	return status;
}

/* What a call says that is to say this, in a session that refuses DELE 1. */
static UINT
provoke(struct netx_run *run, UINT code)
{
	NX_PACKET *packet;
	UINT final;
	ULONG size;

	switch (code) {
	case NX_NO_PACKET:
		return read_without_packets(run);
	case NX_PTR_ERROR:
		return nx_pop3_client_mail_item_size_get(&run->client, 1, NULL);
	case NX_NOT_CONNECTED:
		assert_int_equal(nx_pop3_client_quit(&run->client), 0);
		return nx_pop3_client_quit(&run->client);
	case NX_POP3_PARAM_ERROR:
		assert_int_equal(nx_pop3_client_delete(&run->client), 0);
		return nx_pop3_client_create(&run->client, NX_FALSE, &run->ip,
		    &run->pool, 0, 110, (CHAR *)"anna", (CHAR *)"secret");
	case NX_POP3_INVALID_MAIL_ITEM:
		return nx_pop3_client_mail_item_delete(&run->client, 3);
	case NX_POP3_SERVER_ERROR_STATUS:
		return nx_pop3_client_mail_item_delete(&run->client, 1);
	case NX_POP3_CLIENT_INVALID_STATE:
		return nx_pop3_client_mail_item_message_get(
		    &run->client, &packet, &size, &final);
	case NX_POP3_CLIENT_INVALID_INDEX:
		return nx_pop3_client_mail_item_delete(&run->client, 0);
	default:
		return nx_pop3_client_mail_item_size_get(
		    &run->client, 1, &size);
	}
}

static void
test_statuses(void **state)
{
	static const struct net_rule rules[] = {
		{ "DELE 1", "-ERR no\r\n", NET_GO_ON },
		{ "DELE 3", "-ERR no\r\n", NET_GO_ON },
	};
	static char text[2 * NETX_PACKETS * NETX_PAYLOAD];
	const struct net_message two[] = { netx_messages[0],
		{ text, sizeof(text) } };
	struct net_server_options options =
	    netx_with_rules(rules, COUNT(rules));
	struct netx_run run;
	UINT status;
	size_t i;

	(void)state;
	memset(text, 'x', sizeof(text));
	options.messages = two;
	for (i = 0; i < COUNT(statuses); i++) {
		assert_int_equal(statuses[i].code, statuses[i].value);
		if (!statuses[i].returned)
			continue;
		netx_start(&run, &options);
		netx_open(&run);
		status = provoke(&run, statuses[i].code);
		if (status != statuses[i].value)
			fail_msg("0x%02X instead of 0x%02X", status,
			    statuses[i].value);
		netx_finish(&run);
	}
	assert_int_equal(IP_ADDRESS(192, 0, 2, 255), 0xC00002FF);
}

/* Of options, which nobody has defined here. */
static void
test_defaults(void **state)
{
	static const ULONG defaults[][2] = { { NX_IP_PERIODIC_RATE, 100 },
		{ NX_POP3_CLIENT_PACKET_TIMEOUT, 100 },
		{ NX_POP3_TCP_SOCKET_SEND_WAIT, 1000 },
		{ NX_POP3_CLIENT_CONNECTION_TIMEOUT, 3000 },
		{ NX_POP3_CLIENT_DISCONNECT_TIMEOUT, 1000 },
		{ NX_POP3_SERVER_REPLY_TIMEOUT, 1000 },
		{ NX_POP3_MAX_USERNAME, 40 }, { NX_POP3_MAX_PASSWORD, 20 },
		{ NX_POP3_CLIENT_TCP_WINDOW_SIZE, 1460 } };
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(defaults); i++)
		assert_int_equal(defaults[i][0], defaults[i][1]);
}

/* ---- indices and states ---- */

static void
test_indices(void **state)
{
	struct netx_run run;
	ULONG size = 1, octets;
	UINT items, counted;

	(void)state;
	for (counted = 0; counted < 2; counted++) {
		netx_start(&run,
		    &(struct net_server_options){ .messages = netx_messages,
			.message_count = COUNT(netx_messages) });
		netx_open(&run);
		if (counted)
			assert_int_equal(nx_pop3_client_mail_items_get(
					     &run.client, &items, &octets),
			    NX_SUCCESS);
		assert_int_equal(
		    nx_pop3_client_mail_item_size_get(&run.client, 0, &size),
		    NX_POP3_CLIENT_INVALID_INDEX);
		assert_int_equal(size, 0);
		assert_int_equal(
		    nx_pop3_client_mail_item_get(&run.client, 0, &size),
		    NX_POP3_CLIENT_INVALID_INDEX);
		assert_int_equal(
		    nx_pop3_client_mail_item_delete(&run.client, 0),
		    NX_POP3_CLIENT_INVALID_INDEX);
		size = 1;
		assert_int_equal(
		    nx_pop3_client_mail_item_size_get(&run.client, 3, &size),
		    NX_POP3_INVALID_MAIL_ITEM);
		assert_int_equal(size, 0);
		assert_int_equal(
		    nx_pop3_client_mail_item_get(&run.client, 3, &size),
		    NX_POP3_INVALID_MAIL_ITEM);
		assert_int_equal(nx_pop3_client_mail_item_get(
				     &run.client, 4294967295U, &size),
		    NX_POP3_INVALID_MAIL_ITEM);
		assert_int_equal(
		    nx_pop3_client_mail_item_delete(&run.client, 3),
		    NX_POP3_INVALID_MAIL_ITEM);
		/* The client knows, or asks once. */
		check_log_ends(
		    &run, counted ? "PASS secret;STAT;" : "LIST 3;STAT;");
		netx_finish(&run);
	}
}

static void
test_states(void **state)
{
	struct netx_run run;
	NX_PACKET *packet = (NX_PACKET *)&run;
	ULONG size = 1;
	UINT number = 1;

	(void)state;
	netx_start(
	    &run, &(struct net_server_options){ .messages = netx_messages,
		      .message_count = COUNT(netx_messages) });
	/* Nothing created. */
	assert_int_equal(
	    nx_pop3_client_mail_items_get(&run.client, &number, &size),
	    NX_NOT_CONNECTED);
	assert_int_equal(
	    nx_pop3_client_mail_item_delete(&run.client, 1), NX_NOT_CONNECTED);
	assert_int_equal(nx_pop3_client_quit(&run.client), NX_NOT_CONNECTED);
	assert_int_equal(nx_pop3_client_delete(&run.client), NX_SUCCESS);
	/* No body before RETR, nor after its end. */
	netx_open(&run);
	number = 1;
	size = 1;
	assert_int_equal(nx_pop3_client_mail_item_message_get(
			     &run.client, &packet, &size, &number),
	    NX_POP3_CLIENT_INVALID_STATE);
	assert_null(packet);
	assert_int_equal(size, 0);
	assert_int_equal(number, NX_FALSE);
	assert_int_equal(
	    nx_pop3_client_mail_item_get(&run.client, 1, &size), NX_SUCCESS);
	assert_int_equal(netx_read(&run), NX_SUCCESS);
	assert_int_equal(netx_read(&run), NX_POP3_CLIENT_INVALID_STATE);
	/* Nothing after QUIT. */
	assert_int_equal(nx_pop3_client_quit(&run.client), NX_SUCCESS);
	assert_int_equal(nx_pop3_client_mail_item_get(&run.client, 1, &size),
	    NX_NOT_CONNECTED);
	netx_finish(&run);
}

/* No QUIT without being asked for: what was marked stays. */
static void
test_delete_does_not_quit(void **state)
{
	struct netx_run run;

	(void)state;
	netx_start(
	    &run, &(struct net_server_options){ .messages = netx_messages,
		      .message_count = COUNT(netx_messages) });
	netx_open(&run);
	assert_int_equal(
	    nx_pop3_client_mail_item_delete(&run.client, 2), NX_SUCCESS);
	assert_int_equal(nx_pop3_client_delete(&run.client), NX_SUCCESS);
	assert_int_equal(nx_pop3_client_delete(&run.client), NX_SUCCESS);
	check_log_ends(&run, "DELE 2;");
	netx_finish(&run);
}

/* ---- replies ---- */

/* What each call says of this answer to its command. */
static UINT
call(struct netx_run *run, const char *command)
{
	UINT number, status;
	ULONG size;

	if (strcmp(command, "STAT") == 0)
		return nx_pop3_client_mail_items_get(
		    &run->client, &number, &size);
	if (strcmp(command, "LIST 1") == 0)
		return nx_pop3_client_mail_item_size_get(
		    &run->client, 1, &size);
	if (strcmp(command, "DELE 1") == 0)
		return nx_pop3_client_mail_item_delete(&run->client, 1);
	if (strcmp(command, "QUIT") == 0)
		return nx_pop3_client_quit(&run->client);
	status = nx_pop3_client_mail_item_get(&run->client, 1, &size);
	return status == NX_SUCCESS ? netx_read(run) : status;
}

static const struct {
	struct net_rule rule;
	UINT status, next; /* of the call, and of STAT after it */
} replies[] = {
	{ { "STAT", "-ERR\r\n", NET_GO_ON }, 0xB4, 0xB4 },
	{ { "STAT", "+OK\r\n", NET_GO_ON }, 0xB4, 0xB4 },
	{ { "STAT", "+OK two\r\n", NET_GO_ON }, 0xB4, 0xB4 },
	{ { "STAT", "+OK 2\r\n", NET_GO_ON }, 0xB4, 0xB4 },
	{ { "STAT", "hello\r\n", NET_GO_ON }, 0xB4, 0x38 },
	{ { "STAT", NULL, NET_CLOSE }, 0x38, 0x38 },
	{ { "STAT", NULL, NET_RESET }, 0x38, 0x38 },
	{ { "LIST 1", "-ERR no\r\n", NET_GO_ON }, 0xB4, 0x00 },
	{ { "LIST 1", "+OK\r\n", NET_GO_ON }, 0xB4, 0x00 },
	{ { "LIST 1", "+OK 1\r\n", NET_GO_ON }, 0xB4, 0x00 },
	{ { "LIST 1", "\r\n", NET_GO_ON }, 0xB4, 0x38 },
	{ { "LIST 1", "+OK 1", NET_CLOSE }, 0x38, 0x38 },
	{ { "DELE 1", "-ERR no\r\n", NET_GO_ON }, 0xB4, 0x00 },
	{ { "DELE 1", "+ok? \r\n", NET_GO_ON }, 0xB4, 0x38 },
	{ { "DELE 1", "OK\r\n", NET_GO_ON }, 0xB4, 0x38 },
	{ { "RETR 1", "-ERR no\r\n", NET_GO_ON }, 0xB4, 0x00 },
	{ { "RETR 1", "* 1 FETCH\r\n", NET_GO_ON }, 0xB4, 0x38 },
	{ { "RETR 1", "+OK\r\nhalf a mess", NET_CLOSE }, 0x38, 0x38 },
	{ { "RETR 1", "+OK\r\n0123456789abcdef\r\n.", NET_RESET }, 0x38, 0x38 },
	{ { "QUIT", "-ERR no\r\n", NET_CLOSE }, 0xB4, 0x38 },
	{ { "QUIT", NULL, NET_CLOSE }, 0x38, 0x38 },
	{ { "QUIT", "bye\r\n", NET_CLOSE }, 0xB4, 0x38 },
};

static void
test_replies(void **state)
{
	struct netx_run run;
	UINT status, number;
	ULONG size;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(replies); i++) {
		const struct net_server_options options =
		    netx_with_rules(&replies[i].rule, 1);

		netx_start(&run, &options);
		netx_open(&run);
		status = call(&run, replies[i].rule.command);
		if (status != replies[i].status)
			fail_msg("row %zu: 0x%02X", i, status);
		number = 9;
		status =
		    nx_pop3_client_mail_items_get(&run.client, &number, &size);
		if (status != replies[i].next)
			fail_msg("row %zu, next: 0x%02X", i, status);
		assert_int_equal(number, status == NX_SUCCESS ? 2 : 0);
		netx_finish(&run);
	}
}

/* ---- sizes ---- */

static const struct {
	const char *first, *second, *list; /* two replies to RETR, to LIST */
	ULONG sizes[2];
	const char *log;
} sizes[] = {
	{ "+OK 120 octets\r\n", "+OK 130 octets\r\n", "+OK 1 999\r\n",
	    { 120, 130 }, "RETR 1;RETR 1;" },
	{ "+OK 120\r\n", "+OK message follows\r\n", "+OK 1 130\r\n",
	    { 120, 130 }, "RETR 1;RETR 1;LIST 1;RETR 1;" },
	{ "+OK message follows\r\n", "+OK\r\n", "+OK 1 77\r\n", { 77, 77 },
	    "LIST 1;RETR 1;LIST 1;RETR 1;" },
	{ "+OK follows\r\n", "+OK 5 octets\r\n", "-ERR no LIST\r\n", { 0, 5 },
	    "LIST 1;RETR 1;LIST 1;RETR 1;" },
};

static void
test_sizes(void **state)
{
	struct netx_run run;
	ULONG size;
	size_t i, which;
	char body[2][64];

	(void)state;
	for (i = 0; i < COUNT(sizes); i++) {
		struct net_rule rules[] = {
			{ "RETR 1", body[0], NET_GO_ON },
			{ "LIST 1", sizes[i].list, NET_GO_ON },
		};
		const struct net_server_options options =
		    netx_with_rules(rules, COUNT(rules));

		snprintf(body[0], sizeof(body[0]), "%shello\r\n.\r\n",
		    sizes[i].first);
		snprintf(body[1], sizeof(body[1]), "%shello\r\n.\r\n",
		    sizes[i].second);
		netx_start(&run, &options);
		netx_open(&run);
		for (which = 0; which < 2; which++) {
			rules[0].reply = body[which];
			assert_int_equal(
			    nx_pop3_client_mail_item_get(&run.client, 1, &size),
			    NX_SUCCESS);
			assert_int_equal(size, sizes[i].sizes[which]);
			assert_int_equal(netx_read(&run), NX_SUCCESS);
			netx_check_body(&run, "hello\r\n");
		}
		check_log_ends(&run, sizes[i].log);
		netx_finish(&run);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_indices),
		cmocka_unit_test(test_states),
		cmocka_unit_test(test_delete_does_not_quit),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What the vendor's client is known to get wrong, in the order of the manual's
 * CAVEATS and one test for each.
 */
#include "tests/unit/test_netx_run.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define MESSAGE(text)                   \
	{                               \
		text, sizeof(text) - 1, \
	}

static const struct net_message messages[] = {
	MESSAGE("Subject: one\r\n\r\nThis is the full stop.\r\nmore\r\n"),
	MESSAGE(".\r\n..\r\n.a\r\n...b\r\nc.\r\n"),
	MESSAGE("three\r\n\r\n.\r\n\r\n"),
};

static const struct net_server_options plain = {
	.messages = messages,
	.message_count = COUNT(messages),
};

/* ---- 1: -ERR to PASS is no success ---- */

static void
test_refused_password(void **state)
{
	static const struct net_rule rules[] = {
		{ "", "+OK <1.2@host.example>\r\n", NET_GO_ON },
		{ "PASS secret", "-ERR no\r\n", NET_GO_ON },
		{ "APOP anna 96020e6b5ee216209904988dc261a357", "-ERR no\r\n",
		    NET_GO_ON },
	};
	struct netx_run run;
	UINT apop, items = 7;
	ULONG total = 7;

	(void)state;
	for (apop = NX_FALSE; apop <= NX_TRUE; apop++) {
		netx_start(&run, &(struct net_server_options){ .rules = rules,
				     .rule_count = COUNT(rules) });
		assert_int_equal(
		    netx_create(&run, apop), NX_POP3_SERVER_ERROR_STATUS);
		assert_int_equal(
		    nx_pop3_client_mail_items_get(&run.client, &items, &total),
		    NX_NOT_CONNECTED);
		assert_int_equal(items, 0);
		assert_int_equal(total, 0);
		netx_finish(&run);
	}
}

/* ---- 2, 3 and 4: segments mean nothing, and lines are unstuffed ---- */

/* All that a program does, in the documented order. */
static void
play(struct netx_run *run)
{
	UINT items, i;
	ULONG total, size;

	netx_open(run);
	assert_int_equal(
	    nx_pop3_client_mail_items_get(&run->client, &items, &total),
	    NX_SUCCESS);
	assert_int_equal(items, COUNT(messages));
	for (i = 1; i <= items; i++) {
		assert_int_equal(
		    nx_pop3_client_mail_item_size_get(&run->client, i, &size),
		    NX_SUCCESS);
		assert_int_equal(size, messages[i - 1].length);
		assert_int_equal(
		    nx_pop3_client_mail_item_get(&run->client, i, &size),
		    NX_SUCCESS);
		assert_int_equal(size, messages[i - 1].length);
		assert_int_equal(netx_read(run), NX_SUCCESS);
		netx_check_body(run, messages[i - 1].octets);
		assert_int_equal(
		    nx_pop3_client_mail_item_delete(&run->client, i),
		    NX_SUCCESS);
	}
	assert_int_equal(nx_pop3_client_quit(&run->client), NX_SUCCESS);
	assert_int_equal(nx_pop3_client_delete(&run->client), NX_SUCCESS);
}

static void
test_cut_everywhere(void **state)
{
	struct netx_run run;
	size_t cut, whole;

	(void)state;
	netx_start(&run, &plain);
	play(&run);
	whole = run.received;
	for (cut = 1; cut < whole; cut++) {
		run.cut = cut;
		run.received = 0;
		play(&run);
		assert_int_equal(run.received, whole);
	}
	netx_finish(&run);
}

static void
test_in_pieces(void **state)
{
	struct netx_run run;
	size_t piece;

	(void)state;
	netx_start(&run, &plain);
	for (piece = 1; piece < 20; piece++) {
		run.piece = piece;
		play(&run);
	}
	netx_finish(&run);
}

/* Not a word that the message's end is. */
static void
test_false_ends(void **state)
{
	static const struct net_rule rules[] = {
		{ "RETR 1",
		    "+OK 24 octets\r\nstop.\r\nstop\r\n..\r\nstop\r\n.\r\n",
		    NET_GO_ON },
		{ "RETR 2", "+OK\r\n.\r\n", NET_GO_ON },
	};
	const struct net_server_options options = { .rules = rules,
		.rule_count = COUNT(rules) };
	struct netx_run run;
	ULONG size;

	(void)state;
	netx_start(&run, &options);
	for (run.piece = 1; run.piece < 8; run.piece++) {
		netx_open(&run);
		assert_int_equal(
		    nx_pop3_client_mail_item_get(&run.client, 1, &size),
		    NX_SUCCESS);
		assert_int_equal(netx_read(&run), NX_SUCCESS);
		netx_check_body(&run, "stop.\r\nstop\r\n.\r\nstop\r\n");
		assert_int_equal(
		    nx_pop3_client_mail_item_get(&run.client, 2, &size),
		    NX_SUCCESS);
		assert_int_equal(netx_read(&run), NX_SUCCESS);
		netx_check_body(&run, "");
		assert_int_equal(nx_pop3_client_quit(&run.client), NX_SUCCESS);
	}
	netx_finish(&run);
}

/* ---- 5: +OKAY is not +OK ---- */

static void
test_okay(void **state)
{
	static const char *const to[] = { "", "USER anna", "PASS secret",
		"STAT", "LIST 1", "RETR 1", "DELE 1", "QUIT" };
	struct net_rule rule = { NULL, "+OKAY 1 2\r\n", NET_GO_ON };
	struct net_server_options options = plain;
	struct netx_run run;
	UINT status;
	size_t i;

	(void)state;
	options.rules = &rule;
	options.rule_count = 1;
	for (i = 0; i < COUNT(to); i++) {
		rule.command = to[i];
		netx_start(&run, &options);
		status = netx_create(&run, NX_FALSE);
		if (status == NX_SUCCESS)
			status = netx_take_first(&run);
		if (status == NX_SUCCESS) {
			assert_string_equal(to[i], "QUIT");
			status = nx_pop3_client_quit(&run.client);
		}
		assert_int_equal(status, NX_POP3_SERVER_ERROR_STATUS);
		netx_finish(&run);
	}
}

/* ---- 6: STAT after DELE does not renumber ---- */

/* What STAT says before two of three messages are marked, if asked, and after.
 */
static const struct {
	const char *before, *after;
} counts[] = {
	{ "+OK 3 90\r\n", "+OK 1 30\r\n" },
	{ NULL, "+OK 1 30\r\n" },
	/* A server that counts what is marked. */
	{ "+OK 3 90\r\n", "+OK 3 90\r\n" },
};

static void
count(struct netx_run *run, struct net_rule *rule, const char *reply)
{
	UINT items;
	ULONG size;

	rule->reply = reply;
	assert_int_equal(
	    nx_pop3_client_mail_items_get(&run->client, &items, &size),
	    NX_SUCCESS);
	assert_int_equal(items, (UINT)(reply[4] - '0'));
}

static void
test_last_stays_reachable(void **state)
{
	struct net_rule rule = { "STAT", NULL, NET_GO_ON };
	struct net_server_options options = plain;
	struct netx_run run;
	ULONG size;
	UINT i;
	size_t row;

	(void)state;
	options.rules = &rule;
	options.rule_count = 1;
	for (row = 0; row < COUNT(counts); row++) {
		netx_start(&run, &options);
		netx_open(&run);
		if (counts[row].before != NULL)
			count(&run, &rule, counts[row].before);
		for (i = 1; i <= 2; i++)
			assert_int_equal(
			    nx_pop3_client_mail_item_delete(&run.client, i),
			    NX_SUCCESS);
		count(&run, &rule, counts[row].after);
		assert_int_equal(
		    nx_pop3_client_mail_item_size_get(&run.client, 3, &size),
		    NX_SUCCESS);
		assert_int_equal(
		    nx_pop3_client_mail_item_get(&run.client, 3, &size),
		    NX_SUCCESS);
		assert_int_equal(netx_read(&run), NX_SUCCESS);
		netx_check_body(&run, messages[2].octets);
		for (i = 4; i <= 6; i++)
			assert_int_equal(
			    nx_pop3_client_mail_item_get(&run.client, i, &size),
			    NX_POP3_INVALID_MAIL_ITEM);
		assert_int_equal(
		    nx_pop3_client_mail_item_delete(&run.client, 3),
		    NX_SUCCESS);
		/* The client knew, and had no need to ask. */
		assert_int_equal(nx_pop3_client_quit(&run.client), NX_SUCCESS);
		easy_server_stop(&run.server);
		run.server.base = NULL;
		assert_non_null(
		    strstr(run.server.server.log, "RETR 3;DELE 3;QUIT;"));
		netx_finish(&run);
	}
}

/* ---- 7: a command amid a message does not eat it ---- */

static void
test_command_amid_a_message(void **state)
{
	struct netx_run run;
	UINT items, final;
	ULONG size, length;
	NX_PACKET *packet;

	(void)state;
	netx_start(&run, &plain);
	netx_open(&run);
	assert_int_equal(
	    nx_pop3_client_mail_item_get(&run.client, 1, &size), NX_SUCCESS);
	/* As well before the first packet as after it. */
	assert_int_equal(nx_pop3_client_mail_item_delete(&run.client, 1),
	    NX_POP3_CLIENT_INVALID_STATE);
	assert_int_equal(nx_pop3_client_mail_item_message_get(
			     &run.client, &packet, &length, &final),
	    NX_SUCCESS);
	assert_memory_equal(
	    packet->nx_packet_prepend_ptr, messages[0].octets, NETX_PAYLOAD);
	assert_int_equal(nx_packet_release(packet), NX_SUCCESS);
	assert_int_equal(nx_pop3_client_mail_item_delete(&run.client, 1),
	    NX_POP3_CLIENT_INVALID_STATE);
	assert_int_equal(
	    nx_pop3_client_mail_items_get(&run.client, &items, &size),
	    NX_POP3_CLIENT_INVALID_STATE);
	assert_int_equal(
	    nx_pop3_client_mail_item_size_get(&run.client, 1, &size),
	    NX_POP3_CLIENT_INVALID_STATE);
	assert_int_equal(netx_read(&run), NX_SUCCESS);
	netx_check_body(&run, messages[0].octets + NETX_PAYLOAD);
	assert_int_equal(
	    nx_pop3_client_mail_item_delete(&run.client, 1), NX_SUCCESS);
	assert_int_equal(nx_pop3_client_quit(&run.client), NX_SUCCESS);
	easy_server_stop(&run.server);
	run.server.base = NULL;
	assert_non_null(strstr(run.server.server.log, "RETR 1;DELE 1;QUIT;"));
	netx_finish(&run);
}

/* ---- 8: no second command in a name or password ---- */

static void
test_line_ends_in_credentials(void **state)
{
	static const char *const bad[] = { "a\rb", "a\nb", "a\r\nDELE 1", "\n",
		"a\r" };
	struct netx_run run;
	UINT apop;
	size_t i;

	(void)state;
	netx_start(&run, &plain);
	for (i = 0; i < 2 * COUNT(bad); i++) {
		const char *name = i % 2 ? bad[i / 2] : "anna";
		const char *password = i % 2 ? "secret" : bad[i / 2];

		for (apop = NX_FALSE; apop <= NX_TRUE; apop++)
			assert_int_equal(
			    nx_pop3_client_create(&run.client, apop, &run.ip,
				&run.pool, IP_ADDRESS(127, 0, 0, 1),
				run.server.server.port, (CHAR *)name,
				(CHAR *)password),
			    NX_POP3_PARAM_ERROR);
	}
	netx_check_log(&run, "");
	assert_int_equal(run.server.server.accepted, 0);
	netx_finish(&run);
}

/* ---- 9: an abandoned message keeps no packet ---- */

static void
test_abandoned(void **state)
{
	static char large[200000];
	const struct net_message large_one = { large, sizeof(large) };
	const struct net_server_options options = { .messages = &large_one,
		.message_count = 1 };
	struct netx_run run;
	UINT round, final;
	ULONG size, length;
	NX_PACKET *packet;

	(void)state;
	memset(large, 'x', sizeof(large));
	netx_start(&run, &options);
	for (round = 0; round < 3 * NETX_PACKETS; round++) {
		if (round % 3 == 0)
			netx_open(&run);
		assert_int_equal(
		    nx_pop3_client_mail_item_get(&run.client, 1, &size),
		    NX_SUCCESS);
		assert_int_equal(size, sizeof(large));
		assert_int_equal(nx_pop3_client_mail_item_message_get(
				     &run.client, &packet, &length, &final),
		    NX_SUCCESS);
		assert_int_equal(
		    run.pool.nx_packet_pool_available, NETX_PACKETS - 1);
		assert_int_equal(nx_packet_release(packet), NX_SUCCESS);
		/* By another message, by QUIT, and by the client's end. */
		if (round % 6 == 2)
			assert_int_equal(
			    nx_pop3_client_quit(&run.client), NX_SUCCESS);
		if (round % 3 == 2)
			assert_int_equal(
			    nx_pop3_client_delete(&run.client), NX_SUCCESS);
		assert_int_equal(
		    run.pool.nx_packet_pool_available, NETX_PACKETS);
	}
	netx_finish(&run);
}

/* ---- 10: a refused QUIT is reported ---- */

static void
test_refused_quit(void **state)
{
	static const struct net_rule rules[] = {
		{ "QUIT", "-ERR some deleted messages not removed\r\n",
		    NET_CLOSE },
	};
	struct net_server_options options = plain;
	struct netx_run run;

	(void)state;
	options.rules = rules;
	options.rule_count = 1;
	netx_start(&run, &options);
	netx_open(&run);
	assert_int_equal(
	    nx_pop3_client_mail_item_delete(&run.client, 1), NX_SUCCESS);
	assert_int_equal(
	    nx_pop3_client_quit(&run.client), NX_POP3_SERVER_ERROR_STATUS);
	assert_int_equal(nx_pop3_client_quit(&run.client), NX_NOT_CONNECTED);
	netx_finish(&run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_password),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_in_pieces),
		cmocka_unit_test(test_false_ends),
		cmocka_unit_test(test_okay),
		cmocka_unit_test(test_last_stays_reachable),
		cmocka_unit_test(test_command_amid_a_message),
		cmocka_unit_test(test_line_ends_in_credentials),
		cmocka_unit_test(test_abandoned),
		cmocka_unit_test(test_refused_quit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

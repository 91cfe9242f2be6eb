/* Parameters of the NetX facade's calls, and the log-in they ask for. */
#include "tests/unit/test_netx_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define DIGEST "3f18b52881e44c0cc6067f46e0ced7bc"
#define STAMP  "<1896.697170952@dbc.mtview.ca.us>"

/* ---- parameters ---- */

static void
test_null_pointers(void **state)
{
	struct netx_run run;
	NX_POP3_CLIENT *client = &run.client;
	CHAR name[] = "anna", password[] = "secret";
	NXD_ADDRESS address = { .nxd_ip_version = NX_IP_VERSION_V4 };
	NX_PACKET_POOL none = { .nx_packet_pool_id = 0 };
	NX_PACKET *packet;
	UINT number;
	ULONG size;

	(void)state;
	netx_start(&run, NULL);
	address.nxd_ip_address.v4 = IP_ADDRESS(127, 0, 0, 1);
	const UINT said[] = {
		nx_pop3_client_create(NULL, 0, &run.ip, &run.pool,
		    IP_ADDRESS(127, 0, 0, 1), 110, name, password),
		nx_pop3_client_create(client, 0, &run.ip, NULL,
		    IP_ADDRESS(127, 0, 0, 1), 110, name, password),
		nx_pop3_client_create(client, 0, &run.ip, &none,
		    IP_ADDRESS(127, 0, 0, 1), 110, name, password),
		nx_pop3_client_create(client, 0, &run.ip, &run.pool,
		    IP_ADDRESS(127, 0, 0, 1), 110, NULL, password),
		nx_pop3_client_create(client, 0, &run.ip, &run.pool,
		    IP_ADDRESS(127, 0, 0, 1), 110, name, NULL),
		nxd_pop3_client_create(
		    NULL, 0, &run.ip, &run.pool, &address, 110, name, password),
		nxd_pop3_client_create(
		    client, 0, &run.ip, NULL, &address, 110, name, password),
		nxd_pop3_client_create(
		    client, 0, &run.ip, &run.pool, NULL, 110, name, password),
		nxd_pop3_client_create(client, 0, &run.ip, &run.pool, &address,
		    110, NULL, password),
		nxd_pop3_client_create(
		    client, 0, &run.ip, &run.pool, &address, 110, name, NULL),
		nx_pop3_client_mail_items_get(NULL, &number, &size),
		nx_pop3_client_mail_items_get(client, NULL, &size),
		nx_pop3_client_mail_items_get(client, &number, NULL),
		nx_pop3_client_mail_item_size_get(NULL, 1, &size),
		nx_pop3_client_mail_item_size_get(NULL, 0, &size),
		nx_pop3_client_mail_item_size_get(client, 1, NULL),
		nx_pop3_client_mail_item_get(NULL, 1, &size),
		nx_pop3_client_mail_item_get(NULL, 0, &size),
		nx_pop3_client_mail_item_get(client, 1, NULL),
		nx_pop3_client_mail_item_message_get(
		    NULL, &packet, &size, &number),
		nx_pop3_client_mail_item_message_get(
		    client, NULL, &size, &number),
		nx_pop3_client_mail_item_message_get(
		    client, &packet, NULL, &number),
		nx_pop3_client_mail_item_message_get(
		    client, &packet, &size, NULL),
		nx_pop3_client_mail_item_delete(NULL, 1),
		nx_pop3_client_mail_item_delete(NULL, 0),
		nx_pop3_client_quit(NULL),
		nx_pop3_client_delete(NULL),
	};
	for (size_t i = 0; i < COUNT(said); i++)
		if (said[i] != NX_PTR_ERROR)
			fail_msg("call %zu said 0x%02X", i, said[i]);
	netx_check_log(&run, "");
	netx_finish(&run);
}

struct parameters {
	ULONG version, words[4], port;
	const char *name, *password;
	UINT status;
};

#define LOOPBACK           \
	{                  \
		0x7F000001 \
	}
#define NAME_40 "1234567890123456789012345678901234567890"
#define WORD_20 "12345678901234567890"

/* Port 1 is one that nobody listens on. */
static const struct parameters creating[] = {
	{ 4, LOOPBACK, 1, "anna", "secret", NX_NOT_CONNECTED },
	{ 6, { 0, 0, 0, 1 }, 1, "anna", "secret", NX_NOT_CONNECTED },
	{ 4, LOOPBACK, 1, NAME_40, WORD_20, NX_NOT_CONNECTED },
	{ 4, LOOPBACK, 1, NAME_40 "1", WORD_20, NX_POP3_PARAM_ERROR },
	{ 4, LOOPBACK, 1, NAME_40, WORD_20 "1", NX_POP3_PARAM_ERROR },
	{ 4, LOOPBACK, 1, "", "secret", NX_POP3_PARAM_ERROR },
	{ 4, LOOPBACK, 0, "anna", "secret", NX_POP3_PARAM_ERROR },
	{ 4, LOOPBACK, 65536, "anna", "secret", NX_POP3_PARAM_ERROR },
	{ 4, LOOPBACK, 65537, "anna", "secret", NX_POP3_PARAM_ERROR },
	{ 4, { 0 }, 1, "anna", "secret", NX_POP3_PARAM_ERROR },
	{ 4, { 0x17F000001 }, 1, "anna", "secret", NX_POP3_PARAM_ERROR },
	{ 6, { 0 }, 1, "anna", "secret", NX_POP3_PARAM_ERROR },
	{ 6, { 0, 0x100000000, 0, 1 }, 1, "anna", "secret",
	    NX_POP3_PARAM_ERROR },
	{ 0, LOOPBACK, 1, "anna", "secret", NX_POP3_PARAM_ERROR },
	{ 5, LOOPBACK, 1, "anna", "secret", NX_POP3_PARAM_ERROR },
};

static void
test_parameters(void **state)
{
	struct netx_run run;
	NX_IP none;
	size_t i, word;

	(void)state;
	netx_start(&run, NULL);
	memset(&none, 0, sizeof(none));
	for (i = 0; i < COUNT(creating); i++) {
		const struct parameters *with = &creating[i];
		NXD_ADDRESS address = { .nxd_ip_version = with->version };
		UINT status;

		for (word = 0; word < 4; word++)
			address.nxd_ip_address.v6[word] = with->words[word];
		status = nxd_pop3_client_create(&run.client, NX_FALSE, &run.ip,
		    &run.pool, &address, with->port, (CHAR *)with->name,
		    (CHAR *)with->password);
		if (status != with->status)
			fail_msg("row %zu: 0x%02X", i, status);
		/* A client that failed may be deleted all the same. */
		assert_int_equal(
		    nx_pop3_client_delete(&run.client), NX_SUCCESS);
		if (with->version != 4)
			continue;
		status = nx_pop3_client_create(&run.client, NX_FALSE, &run.ip,
		    &run.pool, with->words[0], with->port, (CHAR *)with->name,
		    (CHAR *)with->password);
		assert_int_equal(status, with->status);
		status = nx_pop3_client_create(&run.client, NX_FALSE,
		    i % 2 ? NULL : &none, &run.pool, with->words[0], with->port,
		    (CHAR *)with->name, (CHAR *)with->password);
		assert_int_equal(status, NX_POP3_PARAM_ERROR);
	}
	netx_finish(&run);
}

static void
test_addresses(void **state)
{
	NXD_ADDRESS address = { .nxd_ip_version = NX_IP_VERSION_V6 };
	struct netx_run run;
	UINT items;
	ULONG octets;

	(void)state;
	netx_start(
	    &run, &(struct net_server_options){ .messages = netx_messages,
		      .message_count = COUNT(netx_messages) });
	/* ::ffff:127.0.0.1 */
	address.nxd_ip_address.v6[2] = 0xFFFF;
	address.nxd_ip_address.v6[3] = IP_ADDRESS(127, 0, 0, 1);
	assert_int_equal(nxd_pop3_client_create(&run.client, NX_FALSE, &run.ip,
			     &run.pool, &address, run.server.server.port,
			     (CHAR *)"anna", (CHAR *)"secret"),
	    NX_SUCCESS);
	assert_int_equal(
	    nx_pop3_client_mail_items_get(&run.client, &items, &octets),
	    NX_SUCCESS);
	assert_int_equal(items, 2);
	assert_int_equal(octets, 47);
	assert_int_equal(nx_pop3_client_quit(&run.client), NX_SUCCESS);
	netx_finish(&run);
}

/* ---- log-in ---- */

static const struct {
	UINT apop;
	const char *greeting, *apop_reply, *log;
	UINT status;
} logins[] = {
	{ NX_FALSE, "+OK " STAMP "\r\n", "+OK\r\n", "USER anna;PASS secret;",
	    NX_SUCCESS },
	{ NX_TRUE, "+OK ready " STAMP "\r\n", "+OK\r\n",
	    "APOP anna " DIGEST ";", NX_SUCCESS },
	{ NX_TRUE, "+OK no timestamp\r\n", "+OK\r\n", "USER anna;PASS secret;",
	    NX_SUCCESS },
	{ NX_TRUE, "+OK <none>\r\n", "+OK\r\n", "USER anna;PASS secret;",
	    NX_SUCCESS },
	{ NX_TRUE, "+OK " STAMP "\r\n", "-ERR not for you\r\n",
	    "APOP anna " DIGEST ";USER anna;PASS secret;", NX_SUCCESS },
	{ NX_TRUE, "+OK " STAMP "\r\n", "-ERR [IN-USE] later\r\n",
	    "APOP anna " DIGEST ";", NX_POP3_SERVER_ERROR_STATUS },
	{ NX_TRUE, "-ERR go away\r\n", "+OK\r\n", "",
	    NX_POP3_SERVER_ERROR_STATUS },
	{ NX_TRUE, "220 smtp.example\r\n", "+OK\r\n", "",
	    NX_POP3_SERVER_ERROR_STATUS },
};

static void
test_login(void **state)
{
	struct netx_run run;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(logins); i++) {
		const struct net_rule rules[] = {
			{ "", logins[i].greeting, NET_GO_ON },
			{ "APOP anna " DIGEST, logins[i].apop_reply,
			    NET_GO_ON },
		};
		const struct net_server_options options =
		    netx_with_rules(rules, COUNT(rules));

		netx_start(&run, &options);
		assert_int_equal(
		    netx_create(&run, logins[i].apop), logins[i].status);
		if (logins[i].status == NX_SUCCESS)
			assert_int_equal(
			    nx_pop3_client_delete(&run.client), NX_SUCCESS);
		/* And nothing else: the vendor knows no CAPA. */
		netx_check_log(&run, logins[i].log);
		netx_finish(&run);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_null_pointers),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_login),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

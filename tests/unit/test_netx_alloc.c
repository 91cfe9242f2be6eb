/* The NetX facade, with each allocation of a session failing in turn. */
#include "tests/unit/failing_alloc.h"
#include "tests/unit/test_netx_run.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A session that allocates more often than this does so without end. */
#define MOST_ALLOCATIONS 2000

static const char text[] = "Subject: one\r\n\r\n0123456789\r\n..\r\nend\r\n";
static const struct net_message messages[] = { { text, sizeof(text) - 1 } };

/* As far as it goes; the calls that succeed tell the truth. */
static UINT
play(struct netx_run *run, UINT apop)
{
	UINT status = netx_create(run, apop), items;
	ULONG size;

	if (status == NX_SUCCESS)
		status =
		    nx_pop3_client_mail_items_get(&run->client, &items, &size);
	if (status == NX_SUCCESS) {
		assert_int_equal(items, 1);
		status = nx_pop3_client_mail_item_get(&run->client, 1, &size);
	}
	if (status == NX_SUCCESS) {
		assert_int_equal(size, sizeof(text) - 1);
		status = netx_read(run);
	}
	if (status == NX_SUCCESS) {
		netx_check_body(run, text);
		status = nx_pop3_client_mail_item_delete(&run->client, 1);
	}
	if (status == NX_SUCCESS)
		status = nx_pop3_client_quit(&run->client);
	assert_int_equal(nx_pop3_client_delete(&run->client), NX_SUCCESS);
	assert_int_equal(run->pool.nx_packet_pool_available, NETX_PACKETS);
	return status;
}

static void
test_every_allocation(void **state)
{
	const struct net_rule greeting = { "", "+OK <1.2@host.example>\r\n",
		NET_GO_ON };
	const struct net_server_options options = {
		.messages = messages,
		.message_count = COUNT(messages),
		.rules = &greeting,
		.rule_count = 1,
	};
	struct netx_run run;
	size_t failing, shown = 0;
	UINT apop, status;

	(void)state;
	netx_start(&run, &options);
	for (apop = NX_FALSE; apop <= NX_TRUE; apop++) {
		for (failing = 1; failing < MOST_ALLOCATIONS; failing++) {
			failing_alloc_arm(failing);
			status = play(&run, apop);
			if (failing_alloc_disarm() < failing)
				break;
			/* Some are of what a session can do without. */
			shown += status != NX_SUCCESS;
		}
		assert_int_equal(status, NX_SUCCESS);
		assert_true(failing > 20);
	}
	assert_true(shown > 20);
	netx_finish(&run);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_allocation),
	};

	/* Libevent's allocations are to fail as well. */
	event_set_mem_functions(malloc, realloc, free);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

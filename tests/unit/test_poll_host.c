/* The table of hosts whose sessions are counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/poll/host.h"

static void
test_letters_of_any_case(void **state)
{
	struct host_table table = { 0 };
	struct host *host;

	(void)state;
	host = host_get(&table, "Pop.Example.ORG");
	assert_non_null(host);
	assert_string_equal(host->name, "Pop.Example.ORG");
	assert_int_equal(host->sessions, 0);
	assert_ptr_equal(host_get(&table, "pop.example.org"), host);
	assert_ptr_not_equal(host_get(&table, "pop.example.or"), host);
	assert_ptr_not_equal(host_get(&table, "pop.example.org."), host);
	assert_ptr_not_equal(host_get(&table, ""), host);
	assert_int_equal(table.count, 4);
	host_table_clear(&table);
}

/* Accounts keep pointers to their hosts while others are added. */
static void
test_hosts_stay_where_they_are(void **state)
{
	enum {
		HOSTS = 5000
	};
	static struct host *hosts[HOSTS];
	struct host_table table = { 0 };
	char name[32];
	unsigned i;

	(void)state;
	for (i = 0; i < HOSTS; i++) {
		snprintf(name, sizeof name, "pop%u.example.org", i);
		hosts[i] = host_get(&table, name);
		assert_non_null(hosts[i]);
		hosts[i]->sessions = i;
	}
	for (i = 0; i < HOSTS; i++) {
		snprintf(name, sizeof name, "POP%u.example.org", i);
		assert_ptr_equal(host_get(&table, name), hosts[i]);
		assert_int_equal(hosts[i]->sessions, i);
	}
	assert_int_equal(table.count, HOSTS);
	host_table_clear(&table);
	assert_int_equal(table.count, 0);
	host_table_clear(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters_of_any_case),
		cmocka_unit_test(test_hosts_stay_where_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

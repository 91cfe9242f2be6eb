/* What sessions learn of servers, on its way into the store and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <evpop/client.h>

#include "daemon/poll/servers.h"
#include "tests/unit/test_store_fixture.h"

/* The library's memory, as these tests see it. */
static char restored[256];
static struct evpop_memory_entry learned;

bool __wrap_evpop_memory_restore(
    struct evpop_memory *, const struct evpop_memory_entry *);
void __wrap_evpop_memory_changed(
    struct evpop_memory *, evpop_memory_cb, void *arg);

bool
__wrap_evpop_memory_restore(
    struct evpop_memory *memory, const struct evpop_memory_entry *entry)
{
	size_t filled = strlen(restored);

	assert_non_null(memory);
	snprintf(restored + filled, sizeof restored - filled, "%s/%u/%d=%s;",
	    entry->host, entry->port, (int)entry->tls, entry->facts);
	return true;
}

void
__wrap_evpop_memory_changed(
    struct evpop_memory *memory, evpop_memory_cb callback, void *arg)
{
	assert_non_null(memory);
	if (learned.host != NULL)
		callback(&learned, arg);
	memset(&learned, 0, sizeof learned);
}

static void
known(void *arg)
{
	*(bool *)arg = true;
}

static struct servers *
begin(struct fixture *fixture)
{
	struct servers *servers;
	bool are_known = false;

	restored[0] = '\0';
	servers = servers_new(fixture->store, known, &are_known);
	assert_non_null(servers);
	assert_non_null(servers_memory(servers));
	assert_false(servers_are_known(servers));
	fixture_wait(fixture, &are_known);
	assert_true(servers_are_known(servers));
	return servers;
}

static void
test_kept_and_restored(void **state)
{
	struct fixture *fixture = *state;
	struct servers *servers = begin(fixture);

	assert_string_equal(restored, "");
	learned = (struct evpop_memory_entry){ "pop.example", 995,
		EVPOP_TLS_IMPLICIT, "1 flight" };
	servers_keep(servers);
	learned = (struct evpop_memory_entry){ "pop.example", 110,
		EVPOP_TLS_NONE, "1 one" };
	servers_keep(servers);
	servers_keep(servers);
	servers_free(&servers);
	assert_null(servers);
	fixture_close(fixture);
	fixture_open(fixture);
	servers = begin(fixture);
	assert_string_equal(
	    restored, "pop.example/110/2=1 one;pop.example/995/0=1 flight;");
	servers_free(&servers);
}

/* The daemon may end before the store has answered. */
static void
test_freed_before_the_answer(void **state)
{
	struct fixture *fixture = *state;
	struct servers *servers;
	bool are_known = false;

	servers = servers_new(fixture->store, known, &are_known);
	assert_non_null(servers);
	servers_free(&servers);
	assert_null(servers);
	servers_free(&servers);
	fixture_close(fixture);
	assert_false(are_known);
	fixture_open(fixture);
}

/* Polls go on without it. */
static void
test_store_that_cannot_tell(void **state)
{
	struct fixture *fixture = *state;
	struct servers *servers;

	fixture_close(fixture);
	fixture_change(fixture, "DROP TABLE server");
	fixture_open(fixture);
	servers = begin(fixture);
	assert_string_equal(restored, "");
	servers_free(&servers);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    test_kept_and_restored, fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_freed_before_the_answer,
		    fixture_setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(test_store_that_cannot_tell,
		    fixture_setup, fixture_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

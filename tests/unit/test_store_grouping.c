/* A transaction waits for others only where they come in crowds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/store/grouping.h"
#include "daemon/store/queue.h"

/* A group of so many, done by then. */
static void
group(struct store_grouping *grouping, size_t count, int64_t now_ms)
{
	store_grouping_begin(grouping, now_ms);
	for (size_t i = 0; i < count; i++)
		store_grouping_add(grouping, 1);
	store_grouping_end(grouping, now_ms);
}

static void
test_who_comes_alone_never_waits(void **state)
{
	struct store_grouping grouping = { .count = 0 };

	(void)state;
	assert_int_equal(
	    store_grouping_until_ms(&grouping, 0), STORE_QUEUE_NOW);
	group(&grouping, 1, 1000);
	assert_int_equal(
	    store_grouping_until_ms(&grouping, 1000), STORE_QUEUE_NOW);
}

static void
test_a_crowd_is_waited_for(void **state)
{
	struct store_grouping grouping = { .count = 0 };
	int64_t until_ms;

	(void)state;
	group(&grouping, 100, 1000);
	store_grouping_begin(&grouping, 1001);
	store_grouping_add(&grouping, 1);
	until_ms = store_grouping_until_ms(&grouping, 1001);
	assert_true(until_ms > 1001 && until_ms < 1020);
	/* Nobody waits longer than that, and a group is not held for one. */
	assert_int_equal(
	    store_grouping_until_ms(&grouping, until_ms), STORE_QUEUE_NOW);
	store_grouping_end(&grouping, until_ms);
	assert_int_equal(
	    store_grouping_until_ms(&grouping, until_ms), STORE_QUEUE_NOW);
}

static void
test_a_group_has_bounds(void **state)
{
	struct store_grouping grouping = { .count = 0 };

	(void)state;
	store_grouping_begin(&grouping, 1000);
	store_grouping_add(&grouping, 1);
	assert_false(store_grouping_is_full(&grouping, 1000));
	assert_true(store_grouping_is_full(&grouping, 2000));
	store_grouping_add(&grouping, (size_t)64 * 1024 * 1024);
	assert_true(store_grouping_is_full(&grouping, 1000));
	store_grouping_begin(&grouping, 2000);
	assert_false(store_grouping_is_full(&grouping, 2000));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_comes_alone_never_waits),
		cmocka_unit_test(test_a_crowd_is_waited_for),
		cmocka_unit_test(test_a_group_has_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

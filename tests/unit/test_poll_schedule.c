/* The heap of due times, and the moments that spread equal intervals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/poll/interval.h"
#include "daemon/poll/schedule.h"

static void
test_empty(void **state)
{
	struct schedule schedule = { 0 };
	struct schedule_item item = { 0 };

	(void)state;
	assert_null(schedule_first(&schedule));
	schedule_remove(&schedule, &item);
	assert_null(schedule_first(&schedule));
	assert_true(schedule_reserve(&schedule, 0));
	schedule_clear(&schedule);
	schedule_clear(&schedule);
}

static void
test_one_moves(void **state)
{
	struct schedule schedule = { 0 };
	struct schedule_item a = { 0 }, b = { 0 };

	(void)state;
	assert_true(schedule_reserve(&schedule, 2));
	schedule_set(&schedule, &a, 10);
	schedule_set(&schedule, &b, 20);
	assert_ptr_equal(schedule_first(&schedule), &a);
	schedule_set(&schedule, &a, 30);
	assert_ptr_equal(schedule_first(&schedule), &b);
	assert_int_equal(a.due_ms, 30);
	schedule_set(&schedule, &a, -5);
	assert_ptr_equal(schedule_first(&schedule), &a);
	schedule_remove(&schedule, &a);
	assert_int_equal(a.position, 0);
	schedule_remove(&schedule, &a);
	assert_ptr_equal(schedule_first(&schedule), &b);
	schedule_remove(&schedule, &b);
	assert_null(schedule_first(&schedule));
	schedule_clear(&schedule);
}

/* Repeatable, whatever the platform's rand() does. */
static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static void
check_heap(const struct schedule *schedule)
{
	size_t i;

	for (i = 1; i <= schedule->count; i++) {
		assert_int_equal(schedule->heap[i - 1]->position, i);
		if (i > 1)
			assert_true(schedule->heap[i / 2 - 1]->due_ms <=
				    schedule->heap[i - 1]->due_ms);
	}
}

#define ITEMS 300

static void
test_random_changes(void **state)
{
	static struct schedule_item items[ITEMS];
	struct schedule schedule = { 0 };
	struct schedule_item *item;
	uint32_t seed = 7;
	size_t expected = 0;
	unsigned round;

	(void)state;
	assert_true(schedule_reserve(&schedule, ITEMS));
	for (round = 0; round < 20000; round++) {
		item = &items[next_random(&seed) % ITEMS];
		if (next_random(&seed) % 3 == 0) {
			expected -= item->position != 0;
			schedule_remove(&schedule, item);
			assert_int_equal(item->position, 0);
		} else {
			expected += item->position == 0;
			schedule_set(&schedule, item, next_random(&seed) % 500);
		}
		assert_int_equal(schedule.count, expected);
		if (round % 16 == 0)
			check_heap(&schedule);
	}
	schedule_clear(&schedule);
}

static void
test_comes_out_in_order(void **state)
{
	struct schedule schedule = { 0 };
	struct schedule_item *items, *first;
	uint32_t seed = 3;
	size_t i, count = 100000;
	int64_t last_ms = -1;

	(void)state;
	items = calloc(count, sizeof *items);
	assert_non_null(items);
	/* Growing it keeps what is in it. */
	for (i = 0; i < count; i++) {
		if (i % 1000 == 0)
			assert_true(schedule_reserve(&schedule, i + 1000));
		schedule_set(&schedule, &items[i], next_random(&seed));
	}
	for (i = 0; i < count; i++) {
		first = schedule_first(&schedule);
		assert_non_null(first);
		assert_true(first->due_ms >= last_ms);
		last_ms = first->due_ms;
		schedule_remove(&schedule, first);
	}
	assert_null(schedule_first(&schedule));
	schedule_clear(&schedule);
	free(items);
}

static void
test_slot_is_periodic(void **state)
{
	static const int64_t intervals_ms[] = { 1, 2, 1000, 300000, 86400000 };
	static const int64_t times_ms[] = { 0, 1, -1, -999999, 123456789,
		1700000000000 };
	static const char *const names[] = { "", "a", "b", "alice@example.org",
		"a-very-long-name-of-an-account-that-nobody-would-choose" };
	int64_t slot, after_ms, interval_ms;
	uint32_t share;
	size_t n, i, t;

	(void)state;
	for (n = 0; n < sizeof names / sizeof names[0]; n++)
		for (i = 0; i < sizeof intervals_ms / sizeof intervals_ms[0];
		     i++)
			for (t = 0; t < sizeof times_ms / sizeof times_ms[0];
			     t++) {
				share = interval_share(names[n]);
				after_ms = times_ms[t];
				interval_ms = intervals_ms[i];
				slot =
				    interval_slot(share, interval_ms, after_ms);
				assert_true(slot > after_ms);
				assert_true(slot <= after_ms + interval_ms);
				assert_int_equal(
				    interval_slot(share, interval_ms, slot),
				    slot + interval_ms);
				assert_int_equal(
				    interval_slot(share, interval_ms, slot - 1),
				    slot);
			}
}

/* Names that differ in a digit fall all over the interval. */
static void
test_slots_spread(void **state)
{
	enum {
		ACCOUNTS = 10000,
		PARTS = 100
	};
	unsigned parts[PARTS] = { 0 };
	int64_t interval_ms = 300000, slot;
	char name[32];
	unsigned i;

	(void)state;
	for (i = 0; i < ACCOUNTS; i++) {
		snprintf(name, sizeof name, "user%u@example.org", i);
		slot = interval_slot(interval_share(name), interval_ms, 0);
		parts[(slot - 1) * PARTS / interval_ms]++;
	}
	/* 100 are expected in each, with a standard deviation of 10. */
	for (i = 0; i < PARTS; i++) {
		assert_true(parts[i] > 50);
		assert_true(parts[i] < 150);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_one_moves),
		cmocka_unit_test(test_random_changes),
		cmocka_unit_test(test_comes_out_in_order),
		cmocka_unit_test(test_slot_is_periodic),
		cmocka_unit_test(test_slots_spread),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

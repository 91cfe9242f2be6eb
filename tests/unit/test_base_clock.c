/* The clocks agree with those of the system, and go forward. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "lib/base/clock.h"

static int64_t
system_ms(clockid_t clock)
{
	struct timespec now;

	assert_int_equal(clock_gettime(clock, &now), 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void
each_is_the_one_it_says(void **state)
{
	static const struct {
		clockid_t clock;
		int64_t (*read_ms)(void);
	} rows[] = {
		{ CLOCK_MONOTONIC, evpop_clock_monotonic_ms },
		{ CLOCK_BOOTTIME, evpop_clock_elapsed_ms },
		{ CLOCK_REALTIME, evpop_clock_unix_ms },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		int64_t before = system_ms(rows[i].clock);
		int64_t now = rows[i].read_ms();
		int64_t after = system_ms(rows[i].clock);

		assert_true(before <= now && now <= after);
	}
}

static void
milliseconds_are_those_of_the_microseconds(void **state)
{
	int64_t before = evpop_clock_monotonic_ms();
	int64_t now_us = evpop_clock_monotonic_us();
	int64_t after = evpop_clock_monotonic_ms();

	(void)state;
	assert_true(before <= now_us / 1000 && now_us / 1000 <= after);
}

static void
waits_are_as_long_as_they_say(void **state)
{
	static const struct {
		int64_t wait_ms;
		time_t s;
		suseconds_t us;
	} rows[] = { { 0, 0, 0 }, { 1, 0, 1000 }, { 999, 0, 999000 },
		{ 1000, 1, 0 }, { 86400001, 86400, 1000 }, { -1, 0, 0 },
		{ INT64_MIN, 0, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct timeval wait = evpop_clock_wait(rows[i].wait_ms);

		assert_int_equal(wait.tv_sec, rows[i].s);
		assert_int_equal(wait.tv_usec, rows[i].us);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_is_the_one_it_says),
		cmocka_unit_test(milliseconds_are_those_of_the_microseconds),
		cmocka_unit_test(waits_are_as_long_as_they_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "lib/base/clock.h"

#include <assert.h>
#include <time.h>

static int64_t
clock_read_us(clockid_t clock)
{
	struct timespec now;
	int failed = clock_gettime(clock, &now);

	assert(failed == 0);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t
evpop_clock_monotonic_us(void)
{
	return clock_read_us(CLOCK_MONOTONIC);
}

int64_t
evpop_clock_monotonic_ms(void)
{
	return evpop_clock_monotonic_us() / 1000;
}

int64_t
evpop_clock_elapsed_ms(void)
{
	return clock_read_us(CLOCK_BOOTTIME) / 1000;
}

int64_t
evpop_clock_unix_ms(void)
{
	return clock_read_us(CLOCK_REALTIME) / 1000;
}

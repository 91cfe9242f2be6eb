#include "daemon/store/clock.h"

#include <assert.h>
#include <time.h>

static int64_t
read_ms(clockid_t clock)
{
	struct timespec now;
	int failed = clock_gettime(clock, &now);

	assert(failed == 0);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t
store_clock_monotonic_ms(void)
{
	return read_ms(CLOCK_MONOTONIC);
}

int64_t
store_clock_unix_ms(void)
{
	return read_ms(CLOCK_REALTIME);
}

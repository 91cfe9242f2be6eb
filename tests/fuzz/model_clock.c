#include "tests/fuzz/model_clock.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BEGINNING_S 100000

static bool clock_stands;
static struct timespec clock_now;

/* In place of the C library's, for the whole program. */
int
clock_gettime(clockid_t id, struct timespec *now_r)
{
	bool ours = id == CLOCK_MONOTONIC || id == CLOCK_MONOTONIC_COARSE;

	if (!clock_stands || !ours)
		return (int)syscall(SYS_clock_gettime, id, now_r);
	*now_r = clock_now;
	return 0;
}

void
model_clock_stop(void)
{
	clock_now = (struct timespec){ .tv_sec = BEGINNING_S };
	clock_stands = true;
}

void
model_clock_release(void)
{
	clock_stands = false;
}

void
model_clock_set(const struct timeval *moment)
{
	const struct timespec to = { .tv_sec = moment->tv_sec,
		.tv_nsec = (long)moment->tv_usec * 1000 };

	if (to.tv_sec > clock_now.tv_sec ||
	    (to.tv_sec == clock_now.tv_sec && to.tv_nsec > clock_now.tv_nsec))
		clock_now = to;
}

void
model_clock_advance(int64_t ms)
{
	clock_now.tv_sec += ms / 1000;
	clock_now.tv_nsec += ms % 1000 * 1000000;
	if (clock_now.tv_nsec >= 1000000000) {
		clock_now.tv_sec++;
		clock_now.tv_nsec -= 1000000000;
	}
}

int64_t
model_clock_ms(void)
{
	return (int64_t)clock_now.tv_sec * 1000 + clock_now.tv_nsec / 1000000;
}

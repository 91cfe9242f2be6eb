/*
 * Loaded before a program's libraries: the calendar's clock is as many seconds
 * wrong as the file says that WRONG_CLOCK names, and can be set while the
 * program runs.  Behind these it says how many seconds the machine has slept:
 * so much later it is by all clocks that count a machine's sleep.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

struct wrong {
	int64_t calendar_s, slept_s;
};

static const volatile struct wrong *wrong;

static void __attribute__((constructor)) wrong_clock_open(void)
{
	const char *path = getenv("WRONG_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *mapped;

	if (fd == -1)
		return;
	mapped = mmap(NULL, sizeof(*wrong), PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (mapped != MAP_FAILED)
		wrong = mapped;
}

static time_t
wrong_by(clockid_t clock)
{
	if (wrong == NULL)
		return 0;
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
		return (time_t)(wrong->calendar_s + wrong->slept_s);
	case CLOCK_BOOTTIME:
		return (time_t)wrong->slept_s;
	default:
		return 0;
	}
}

int
clock_gettime(clockid_t clock, struct timespec *now)
{
	static int (*right)(clockid_t, struct timespec *);
	int failed;

	if (right == NULL)
		*(void **)&right = dlsym(RTLD_NEXT, "clock_gettime");
	failed = right(clock, now);
	if (failed == 0)
		now->tv_sec += wrong_by(clock);
	return failed;
}

int
gettimeofday(struct timeval *restrict now, void *restrict zone)
{
	struct timespec at;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &at) != 0)
		return -1;
	now->tv_sec = at.tv_sec;
	now->tv_usec = at.tv_nsec / 1000;
	return 0;
}

time_t
time(time_t *now_r)
{
	struct timespec at;

	if (clock_gettime(CLOCK_REALTIME, &at) != 0)
		return -1;
	if (now_r != NULL)
		*now_r = at.tv_sec;
	return at.tv_sec;
}

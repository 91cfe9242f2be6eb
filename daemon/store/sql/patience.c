#include "daemon/store/sql/patience.h"

#include <time.h>

#include "lib/base/clock.h"

/* Most who hold the file do so for a moment. */
#define NAP_FIRST_MS 1
#define NAP_LAST_MS  50

static int64_t
patience_nap_ms(int count)
{
	int64_t nap_ms = NAP_FIRST_MS;

	while (count-- > 0 && nap_ms < NAP_LAST_MS)
		nap_ms *= 2;
	return nap_ms < NAP_LAST_MS ? nap_ms : NAP_LAST_MS;
}

bool
sql_patience_wait(struct sql_patience *patience, int count)
{
	const int64_t now_ms = evpop_clock_monotonic_ms();
	int64_t nap_ms = patience_nap_ms(count), left_ms;

	if (count == 0)
		patience->since_ms = now_ms;
	left_ms = patience->since_ms + patience->busy_ms - now_ms;
	if (left_ms <= 0 || patience->is_over(patience->arg))
		return false;
	if (nap_ms > left_ms)
		nap_ms = left_ms;
	nanosleep(&(const struct timespec){ .tv_nsec = (long)nap_ms * 1000000 },
	    NULL);
	return true;
}

bool
sql_patience_is_over(const struct sql_patience *patience)
{
	return patience->is_over(patience->arg);
}

void
sql_patience_set(struct sql_patience *patience, int64_t busy_ms)
{
	patience->busy_ms = busy_ms;
}

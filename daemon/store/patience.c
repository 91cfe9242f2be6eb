#include "daemon/store/patience.h"

#include <time.h>

#include "daemon/store/clock.h"
#include "daemon/store/db.h"

/* Steps of SQLite's machine between two looks; some tens of microseconds. */
#define STEPS 1000

/* Most who hold the file do so for a moment. */
#define NAP_FIRST_MS 1
#define NAP_LAST_MS  50

static int64_t
nap_of(int count)
{
	int64_t nap_ms = NAP_FIRST_MS;

	while (count-- > 0 && nap_ms < NAP_LAST_MS)
		nap_ms *= 2;
	return nap_ms < NAP_LAST_MS ? nap_ms : NAP_LAST_MS;
}

/* SQLite asks whether to try again; `count` says how often it did. */
static int
wait_more(void *arg, int count)
{
	struct store_patience *patience = arg;
	const int64_t now_ms = store_clock_monotonic_ms();
	int64_t nap_ms = nap_of(count), left_ms;

	if (count == 0)
		patience->since_ms = now_ms;
	left_ms = patience->since_ms + patience->busy_ms - now_ms;
	if (left_ms <= 0 || patience->is_over(patience->arg))
		return 0;
	if (nap_ms > left_ms)
		nap_ms = left_ms;
	nanosleep(&(const struct timespec){ .tv_nsec = (long)nap_ms * 1000000 },
	    NULL);
	return 1;
}

static int
work_more(void *arg)
{
	struct store_patience *patience = arg;

	return patience->is_over(patience->arg);
}

void
store_patience_wait(struct store_db *db, struct store_patience *patience)
{
	/* It can fail only where there is no connection. */
	(void)sqlite3_busy_handler(db->handle, wait_more, patience);
}

void
store_patience_work(struct store_db *db, struct store_patience *patience)
{
	sqlite3_progress_handler(db->handle, STEPS, work_more, patience);
}

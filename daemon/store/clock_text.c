#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "daemon/store/clock.h"
#include "daemon/store/store.h"
#include "lib/base/clock.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)

#define DAY_SIZE  16
#define SPAN_SIZE 48

static void
day_text(int64_t time_ms, char text_r[DAY_SIZE])
{
	time_t time_s = (time_t)(time_ms / 1000);
	struct tm tm;

	if (gmtime_r(&time_s, &tm) == NULL ||
	    strftime(text_r, DAY_SIZE, "%Y-%m-%d", &tm) == 0)
		snprintf(text_r, DAY_SIZE, "an unknown day");
}

static void
span_text(int64_t span_ms, char text_r[SPAN_SIZE])
{
	int64_t count = span_ms / MINUTE_MS;
	const char *unit = "minute";

	if (span_ms >= 2 * DAY_MS) {
		count = span_ms / DAY_MS;
		unit = "day";
	} else if (span_ms >= 2 * HOUR_MS) {
		count = span_ms / HOUR_MS;
		unit = "hour";
	}
	snprintf(text_r, SPAN_SIZE, "%" PRId64 " %s%s", count, unit,
	    count == 1 ? "" : "s");
}

const char *
store_clock_hint(void)
{
	return "set the clock, for example by systemd-timesyncd; what is "
	       "stored meanwhile is dated anew then";
}

void
store_clock_behind_text(
    const struct store_clock *clock, char *text_r, size_t size)
{
	int64_t now_ms = clock->offset_ms + evpop_clock_elapsed_ms();
	const char *who = clock->least_ms == store_clock_built_ms()
			      ? "this evpopd was built"
			      : "the store was last written";
	char now[DAY_SIZE], least[DAY_SIZE];

	day_text(now_ms, now);
	day_text(clock->least_ms, least);
	snprintf(text_r, size,
	    "this machine's clock says %s, and %s on %s: nothing is deleted "
	    "for its age",
	    now, who, least);
}

void
store_clock_set_text(const struct store_clock *clock, char *text_r, size_t size)
{
	bool is_forward = clock->set_by_ms > 0;
	char span[SPAN_SIZE];

	span_text(is_forward ? clock->set_by_ms : -clock->set_by_ms, span);
	snprintf(text_r, size,
	    "the clock was set %s by %s: what was stored since this machine "
	    "started is dated anew, and in each account nothing is deleted "
	    "for its age before a poll has gone by",
	    is_forward ? "forward" : "back", span);
}

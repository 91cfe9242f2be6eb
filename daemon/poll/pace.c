#include "daemon/poll/pace.h"

#include "daemon/poll/schedule.h"

/*
 * What the least interval is lengthened by, so that a poll which began a little
 * late, or lasted, has not missed its next moment.
 */
#define GRACE_PART 16

int64_t
pace_bounded(const struct pace *pace, int64_t interval_ms)
{
	int64_t least = pace->min_ms > 0 ? pace->min_ms : pace->interval_ms;
	int64_t most = pace->max_ms > 0 ? pace->max_ms : pace->interval_ms;

	if (interval_ms == 0)
		return pace->interval_ms;
	if (interval_ms < least)
		return least;
	return interval_ms < most ? interval_ms : most;
}

int64_t
pace_after(const struct pace *pace, int64_t interval_ms, enum pace_yield yield)
{
	interval_ms = pace_bounded(pace, interval_ms);
	if (yield == PACE_MAIL)
		interval_ms /= 2;
	else if (yield == PACE_QUIET)
		interval_ms += interval_ms / 2;
	return pace_bounded(pace, interval_ms);
}

int64_t
pace_next(uint32_t share, int64_t interval_ms, int64_t least_ms,
    int64_t not_before_ms, int64_t now_ms)
{
	int64_t after_ms, grid_ms = least_ms + least_ms / GRACE_PART;

	if (grid_ms < interval_ms)
		grid_ms = interval_ms;
	after_ms = now_ms + grid_ms / 2;
	if (after_ms < not_before_ms - 1)
		after_ms = not_before_ms - 1;
	return schedule_slot(share, grid_ms, after_ms);
}

#include "daemon/poll/interval.h"

#include <assert.h>

#include "lib/base/hash.h"
#include "lib/base/unit.h"

/* ---- a moment of its own ---- */

/* Stirred once more since the hashes of short names differ in few bits. */
uint32_t
interval_share(const char *name)
{
	uint64_t hash = evpop_hash_text(name);

	hash ^= hash >> 32;
	hash *= 0x9e3779b97f4a7c15u;
	return (uint32_t)(hash >> 32);
}

int64_t
interval_slot(uint32_t share, int64_t interval_ms, int64_t after_ms)
{
	int64_t phase, behind;

	assert(interval_ms > 0 && interval_ms <= UINT32_MAX);
	phase = (int64_t)((uint64_t)share * (uint64_t)interval_ms >> 32);
	behind = (after_ms - phase) % interval_ms;
	if (behind < 0)
		behind += interval_ms;
	return after_ms + interval_ms - behind;
}

/* ---- after a poll that went well ---- */

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
	return interval_slot(share, grid_ms, after_ms);
}

/* ---- after a poll that failed ---- */

/* That an outage's end is noticed the same day. */
#define MAX_DELAY_MS (2 * EVPOP_HOUR_MS)

/*
 * Credentials that are refused: often enough to notice that the server takes
 * them again, and too rarely for anybody to be locked out.
 */
#define REFUSED_MS     EVPOP_HOUR_MS
#define REFUSED_MAX_MS (12 * EVPOP_HOUR_MS)

#define MAX_DOUBLINGS 6

enum failure {
	FAILURE_OTHER = 0,
	FAILURE_TEMPORARY, /* the server says so, by a response code */
	FAILURE_NOT_NOW,   /* it seems to say so, when somebody logs in */
	FAILURE_TOO_SOON,
	FAILURE_REFUSED,
	FAILURE_PERMANENT
};

static enum failure
interval_failure(const struct evpop_result *result)
{
	switch (result->code) {
	case EVPOP_CODE_IN_USE:
	case EVPOP_CODE_SYS_TEMP:
		return FAILURE_TEMPORARY;
	case EVPOP_CODE_LOGIN_DELAY:
		return FAILURE_TOO_SOON;
	case EVPOP_CODE_SYS_PERM:
		return FAILURE_PERMANENT;
	default:
		break;
	}
	if (result->error == EVPOP_ERROR_AUTH)
		return FAILURE_REFUSED;
	if (result->error == EVPOP_ERROR_REFUSED &&
	    (result->phase == EVPOP_PHASE_GREETING ||
		result->phase == EVPOP_PHASE_LOGIN))
		return FAILURE_NOT_NOW;
	return FAILURE_OTHER;
}

static int64_t
interval_shorter(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
interval_longer(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The delay of the first step, doubled with each further one. */
static int64_t
interval_doubled(int64_t delay_ms, unsigned step, int64_t max_ms)
{
	unsigned i;

	for (i = 1; i < step && i <= MAX_DOUBLINGS; i++)
		delay_ms *= 2;
	return interval_shorter(delay_ms, max_ms);
}

/* What worked is tried once more soon: servers refuse by mistake, too. */
static bool
interval_is_first_refusal(const struct backoff_past *past)
{
	return past->has_worked && past->refusals <= 1;
}

static int64_t
interval_refused_ms(const struct backoff_past *past, int64_t interval_ms)
{
	unsigned step = past->refusals;

	if (interval_is_first_refusal(past))
		return interval_shorter(interval_ms, EVPOP_MINUTE_MS);
	if (past->has_worked)
		step--;
	return interval_doubled(REFUSED_MS, step, REFUSED_MAX_MS);
}

/*
 * Words may stand beside a password that is wrong ("account locked"): whatever
 * the interval, there are four log-ins in ten minutes, and six in an hour.
 */
static int64_t
interval_not_now_ms(unsigned failures, int64_t interval_ms, int64_t max_ms)
{
	if (failures <= 1)
		return interval_shorter(interval_ms, EVPOP_MINUTE_MS);
	return interval_doubled(EVPOP_MINUTE_MS, failures, max_ms);
}

static int64_t
interval_delay(const struct evpop_result *result,
    const struct backoff_past *past, int64_t interval_ms)
{
	int64_t max_ms = interval_longer(interval_ms, MAX_DELAY_MS);

	switch (interval_failure(result)) {
	case FAILURE_TEMPORARY:
		return interval_doubled(
		    interval_shorter(interval_ms, EVPOP_MINUTE_MS),
		    past->failures, max_ms);
	case FAILURE_NOT_NOW:
		return interval_not_now_ms(past->failures, interval_ms, max_ms);
	case FAILURE_TOO_SOON:
		return interval_longer(interval_ms, 15 * EVPOP_MINUTE_MS);
	case FAILURE_REFUSED:
		return interval_refused_ms(past, interval_ms);
	case FAILURE_PERMANENT:
		return interval_longer(interval_ms, 6 * EVPOP_HOUR_MS);
	case FAILURE_OTHER:
		break;
	}
	return interval_doubled(interval_ms, past->failures, max_ms);
}

bool
backoff_is_failure(const struct evpop_result *result)
{
	return result->error != EVPOP_ERROR_NONE &&
	       result->scope != EVPOP_SCOPE_MESSAGE;
}

bool
backoff_is_refusal(const struct evpop_result *result)
{
	return interval_failure(result) == FAILURE_REFUSED;
}

bool
backoff_needs_person(
    const struct evpop_result *result, const struct backoff_past *past)
{
	enum failure failure = interval_failure(result);

	return failure == FAILURE_PERMANENT ||
	       (failure == FAILURE_REFUSED && !interval_is_first_refusal(past));
}

int64_t
backoff_delay_ms(const struct evpop_result *result,
    const struct backoff_past *past, int64_t interval_ms, uint32_t random)
{
	int64_t delay_ms = interval_delay(result, past, interval_ms);

	/* Up to a quarter more, so that those who failed together part. */
	return delay_ms + (delay_ms / 4 * (int64_t)(random >> 12) >> 20);
}

#include "daemon/poll/backoff.h"

#include "lib/base/unit.h"

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
failure_of(const struct evpop_result *result)
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
at_most(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t
at_least(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* The delay of the first step, doubled with each further one. */
static int64_t
doubled(int64_t delay_ms, unsigned step, int64_t max_ms)
{
	unsigned i;

	for (i = 1; i < step && i <= MAX_DOUBLINGS; i++)
		delay_ms *= 2;
	return at_most(delay_ms, max_ms);
}

/* What worked is tried once more soon: servers refuse by mistake, too. */
static bool
is_first_refusal(const struct backoff_past *past)
{
	return past->has_worked && past->refusals <= 1;
}

static int64_t
refused_ms(const struct backoff_past *past, int64_t interval_ms)
{
	unsigned step = past->refusals;

	if (is_first_refusal(past))
		return at_most(interval_ms, EVPOP_MINUTE_MS);
	if (past->has_worked)
		step--;
	return doubled(REFUSED_MS, step, REFUSED_MAX_MS);
}

/*
 * Words may stand beside a password that is wrong ("account locked"): whatever
 * the interval, there are four log-ins in ten minutes, and six in an hour.
 */
static int64_t
not_now_ms(unsigned failures, int64_t interval_ms, int64_t max_ms)
{
	if (failures <= 1)
		return at_most(interval_ms, EVPOP_MINUTE_MS);
	return doubled(EVPOP_MINUTE_MS, failures, max_ms);
}

static int64_t
delay_of(const struct evpop_result *result, const struct backoff_past *past,
    int64_t interval_ms)
{
	int64_t max_ms = at_least(interval_ms, MAX_DELAY_MS);

	switch (failure_of(result)) {
	case FAILURE_TEMPORARY:
		return doubled(at_most(interval_ms, EVPOP_MINUTE_MS),
		    past->failures, max_ms);
	case FAILURE_NOT_NOW:
		return not_now_ms(past->failures, interval_ms, max_ms);
	case FAILURE_TOO_SOON:
		return at_least(interval_ms, 15 * EVPOP_MINUTE_MS);
	case FAILURE_REFUSED:
		return refused_ms(past, interval_ms);
	case FAILURE_PERMANENT:
		return at_least(interval_ms, 6 * EVPOP_HOUR_MS);
	case FAILURE_OTHER:
		break;
	}
	return doubled(interval_ms, past->failures, max_ms);
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
	return failure_of(result) == FAILURE_REFUSED;
}

bool
backoff_needs_person(
    const struct evpop_result *result, const struct backoff_past *past)
{
	enum failure failure = failure_of(result);

	return failure == FAILURE_PERMANENT ||
	       (failure == FAILURE_REFUSED && !is_first_refusal(past));
}

int64_t
backoff_delay_ms(const struct evpop_result *result,
    const struct backoff_past *past, int64_t interval_ms, uint32_t random)
{
	int64_t delay_ms = delay_of(result, past, interval_ms);

	/* Up to a quarter more, so that those who failed together part. */
	return delay_ms + (delay_ms / 4 * (int64_t)(random >> 12) >> 20);
}

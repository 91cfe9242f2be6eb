#include "daemon/poll/backoff.h"

#define MINUTE_MS 60000
#define HOUR_MS   3600000

/* Doubled so often at most, that an outage's end is noticed the same day. */
#define MAX_DOUBLINGS 6
#define MAX_DELAY_MS  (2 * (int64_t)HOUR_MS)

static int64_t
doubled(int64_t delay_ms, unsigned failures, int64_t max_ms)
{
	unsigned i;

	for (i = 1; i < failures && i <= MAX_DOUBLINGS; i++)
		delay_ms *= 2;
	return delay_ms < max_ms ? delay_ms : max_ms;
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

int64_t
backoff_delay_ms(const struct evpop_result *result, unsigned failures,
    int64_t interval_ms, uint32_t random)
{
	int64_t delay, max = at_least(interval_ms, MAX_DELAY_MS);

	switch (result->code) {
	case EVPOP_CODE_IN_USE:
	case EVPOP_CODE_SYS_TEMP:
		delay = doubled(at_most(interval_ms, MINUTE_MS), failures, max);
		break;
	case EVPOP_CODE_LOGIN_DELAY:
		delay = at_least(interval_ms, 15 * MINUTE_MS);
		break;
	case EVPOP_CODE_SYS_PERM:
		delay = at_least(interval_ms, 6 * (int64_t)HOUR_MS);
		break;
	default:
		if (result->error == EVPOP_ERROR_AUTH)
			return BACKOFF_STOP;
		delay = doubled(interval_ms, failures, max);
		break;
	}
	/* Up to a quarter more, so that those who failed together part. */
	return delay + (delay / 4 * (int64_t)(random >> 12) >> 20);
}

/*
 * How often an account is polled: the interval of its configuration, one that
 * follows the mail within bounds, and what the server demands.  Pure.
 */
#ifndef POLL_PACE_H
#define POLL_PACE_H

#include <stdbool.h>
#include <stdint.h>

/* What the configuration says. */
struct pace {
	int64_t interval_ms;
	int64_t min_ms, max_ms; /* the bounds if it adapts; 0: not that way */
};

/* What a poll says of the next one. */
enum pace_yield {
	PACE_UNKNOWN = 0, /* it failed, or was something else than a poll */
	PACE_QUIET,       /* it fetched nothing */
	PACE_MAIL
};

/* An interval as the bounds allow it; 0 stands for the one configured. */
int64_t pace_bounded(const struct pace *, int64_t interval_ms);

/*
 * The interval after a poll: after mail half as long, after none half as long
 * again, within the bounds; unchanged where it does not adapt that way.
 */
int64_t pace_after(const struct pace *, int64_t interval_ms, enum pace_yield);

/*
 * When an account that is well is due next.  It keeps to its share of the
 * interval (see schedule_slot()), and half of that at least lies between two
 * polls.  `least_ms`, what the interval must not fall below, and the moment
 * `not_before_ms` come from the server's LOGIN-DELAY (RFC 2449 section 6.5) and
 * from interval_min.
 */
int64_t pace_next(uint32_t share, int64_t interval_ms, int64_t least_ms,
    int64_t not_before_ms, int64_t now_ms);

#endif

/*
 * How long until an account is polled again: after a poll that went well, by
 * the interval of its configuration, or one that follows the mail within
 * bounds, and by what the server demands; after one that failed, by how it did.
 * Pure.
 */
#ifndef POLL_INTERVAL_H
#define POLL_INTERVAL_H

#include <evpop/error.h>

#include <stdbool.h>
#include <stdint.h>

/* ---- a moment of its own ---- */

/* A hash of the name, which picks its moment within any interval. */
uint32_t interval_share(const char *name);

/*
 * The next time after `after_ms` at which a name of that share is due: always
 * the same part of the interval, counted from time 0, so that accounts of one
 * interval never bunch up.  interval_ms is from 1 to 2^32 - 1.
 */
int64_t interval_slot(uint32_t share, int64_t interval_ms, int64_t after_ms);

/* ---- after a poll that went well ---- */

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
 * interval (see interval_slot()), and half of that at least lies between two
 * polls.  `least_ms`, what the interval must not fall below, and the moment
 * `not_before_ms` come from the server's LOGIN-DELAY (RFC 2449 section 6.5) and
 * from interval_min.
 */
int64_t pace_next(uint32_t share, int64_t interval_ms, int64_t least_ms,
    int64_t not_before_ms, int64_t now_ms);

/* ---- after a poll that failed ---- */

/* What came before, the last failure among it. */
struct backoff_past {
	unsigned failures; /* in a row */
	unsigned refusals; /* of the credentials, since a poll went well */
	bool has_worked;   /* a poll went well, at some time */
};

/* Whether the account failed: single messages that did delay no others. */
bool backoff_is_failure(const struct evpop_result *);

/* Whether the credentials were refused. */
bool backoff_is_refusal(const struct evpop_result *);

/*
 * Whether a person has to see to it.  Credentials that have worked are tried
 * once more before that is said.
 */
bool backoff_needs_person(
    const struct evpop_result *, const struct backoff_past *);

/*
 * Milliseconds to wait after a failure.  `random` is any number, for jitter: up
 * to a quarter more.
 */
int64_t backoff_delay_ms(const struct evpop_result *,
    const struct backoff_past *, int64_t interval_ms, uint32_t random);

#endif

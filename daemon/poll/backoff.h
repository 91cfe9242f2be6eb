/* How long to wait after a poll that failed; pure. */
#ifndef POLL_BACKOFF_H
#define POLL_BACKOFF_H

#include <evpop/error.h>

#include <stdbool.h>
#include <stdint.h>

/* What came before, the last failure among it. */
struct backoff_past {
	unsigned failures; /* in a row */
	unsigned refusals; /* of the credentials, since a poll went well */
	bool has_worked;   /* a poll went well, at some time */
};

/* Whether a poll failed that far: messages that it left delay no others. */
bool backoff_is_failure(const struct evpop_result *);

/* Whether it is the credentials that were refused. */
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

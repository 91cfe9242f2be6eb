/* How long to wait after a poll that failed; pure. */
#ifndef POLL_BACKOFF_H
#define POLL_BACKOFF_H

#include <evpop/error.h>

#include <stdint.h>

/* The account waits for a person: its credentials were refused. */
#define BACKOFF_STOP (-1)

/*
 * Milliseconds to wait after `failures` (1 or more) in a row of which *result
 * is the last; or BACKOFF_STOP.  `random` is any number, for
 * jitter: up to a quarter more.
 */
int64_t backoff_delay_ms(const struct evpop_result *, unsigned failures,
    int64_t interval_ms, uint32_t random);

#endif

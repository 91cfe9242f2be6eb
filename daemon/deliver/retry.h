/*
 * When something is tried again, and how many messages a minute go somewhere.
 * Pure: whoever asks brings the time.
 */
#ifndef DELIVER_RETRY_H
#define DELIVER_RETRY_H

#include <stdint.h>

/*
 * Milliseconds to wait after so many failures in a row (from 1): the least
 * after the first, twice as long after each other, at most the most.  `random`
 * is any number, for jitter: up to a quarter more, so that what failed together
 * does not come back together.
 */
int64_t retry_delay_ms(
    unsigned failures, uint32_t least_ms, uint32_t most_ms, uint32_t random);

/* Zeroed, nothing has gone yet. */
struct retry_rate {
	int64_t free_us; /* when all that has gone would have gone evenly */
};

/*
 * Milliseconds until another message may go where so many do a minute; 0: now.
 * A second's worth may go at once.
 */
int64_t retry_rate_wait_ms(
    const struct retry_rate *, uint32_t per_minute, int64_t now_ms);
/* One goes. */
void retry_rate_count(struct retry_rate *, uint32_t per_minute, int64_t now_ms);

#endif

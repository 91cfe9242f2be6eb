/*
 * The two clocks: one that only goes forward, for waits and bounds, and the
 * calendar's, for what is written down.
 */
#ifndef STORE_CLOCK_H
#define STORE_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t store_clock_monotonic_ms(void);

/* Milliseconds of Unix time. */
int64_t store_clock_unix_ms(void);

#endif

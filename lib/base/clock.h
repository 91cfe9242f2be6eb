/*
 * The clocks: one that only goes forward, for waits and bounds; how long the
 * machine runs, sleep included; and the calendar's, which people and servers
 * set.
 */
#ifndef EVPOP_BASE_CLOCK_H
#define EVPOP_BASE_CLOCK_H

#include <stdint.h>
#include <sys/time.h>

/* CLOCK_MONOTONIC. */
int64_t evpop_clock_monotonic_ms(void);
int64_t evpop_clock_monotonic_us(void);

/* Milliseconds since the machine was started: CLOCK_BOOTTIME. */
int64_t evpop_clock_elapsed_ms(void);

/* Milliseconds of Unix time, right or wrong. */
int64_t evpop_clock_unix_ms(void);

/* How long a timer waits; a time that is over has come. */
static inline struct timeval
evpop_clock_wait(int64_t wait_ms)
{
	if (wait_ms < 0)
		wait_ms = 0;
	return (struct timeval){ (time_t)(wait_ms / 1000),
		(suseconds_t)(wait_ms % 1000 * 1000) };
}

#endif

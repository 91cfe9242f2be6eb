/*
 * The clocks: one that only goes forward, for waits and bounds; how long the
 * machine runs, sleep included; and the calendar's, which people and servers
 * set.
 */
#ifndef EVPOP_BASE_CLOCK_H
#define EVPOP_BASE_CLOCK_H

#include <stdint.h>

/* CLOCK_MONOTONIC. */
int64_t evpop_clock_monotonic_ms(void);
int64_t evpop_clock_monotonic_us(void);

/* Milliseconds since the machine was started: CLOCK_BOOTTIME. */
int64_t evpop_clock_elapsed_ms(void);

/* Milliseconds of Unix time, right or wrong. */
int64_t evpop_clock_unix_ms(void);

#endif

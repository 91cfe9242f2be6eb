/*
 * The clocks: one that only goes forward, for waits and bounds; how long the
 * machine runs, sleep included; and the calendar's, which people and servers
 * set.
 */
#ifndef STORE_CLOCK_H
#define STORE_CLOCK_H

#include <stdint.h>

/* Milliseconds of CLOCK_MONOTONIC. */
int64_t store_clock_monotonic_ms(void);

/* Milliseconds since the machine was started: CLOCK_BOOTTIME. */
int64_t store_clock_elapsed_ms(void);

/*
 * Milliseconds of Unix time, right or wrong.  What ages are judged by is
 * dated by the calendar of the store instead, see calendar.h.
 */
int64_t store_clock_unix_ms(void);

/* The day this program was built, in milliseconds of Unix time. */
int64_t store_clock_built_ms(void);

/*
 * Which start of the machine this is; another text after each.  Empty where
 * the system does not tell.
 */
#define STORE_CLOCK_START 40
void store_clock_start(char start_r[STORE_CLOCK_START]);

#endif

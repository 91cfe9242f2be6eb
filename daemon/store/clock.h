/*
 * Facts that help to judge the machine's clock: the day of the build, and which
 * start of the machine this is.
 */
#ifndef STORE_CLOCK_H
#define STORE_CLOCK_H

#include <stdint.h>

/* The day this program was built, in milliseconds of Unix time. */
int64_t store_clock_built_ms(void);

/*
 * Which start of the machine this is; another text after each.  Empty where
 * the system does not tell.
 */
#define STORE_CLOCK_START 40
void store_clock_start(char start_r[STORE_CLOCK_START]);

#endif

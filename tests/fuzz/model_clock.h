/*
 * A clock that stands still while the model runs, and moves when told to: no
 * outcome depends on the speed of the machine, and hours pass in no time.  The
 * program's clock_gettime() is this one, libevent's and the library's calls
 * included, as far as the monotonic clocks go.
 */
#ifndef FUZZ_MODEL_CLOCK_H
#define FUZZ_MODEL_CLOCK_H

#include <stdint.h>
#include <sys/time.h>

/* From here on the clock stands; and from here on it is the system's again. */
void model_clock_stop(void);
void model_clock_release(void);

/* To a moment of libevent's clock; never back. */
void model_clock_set(const struct timeval *);
void model_clock_advance(int64_t ms);
int64_t model_clock_ms(void);

#endif

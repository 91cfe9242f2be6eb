/*
 * What the library computes on threads is computed at once, as far as the
 * model's world can tell: whoever has started a thread is waited for, and so
 * the same choices make the same run.
 */
#ifndef FUZZ_MODEL_THREADS_H
#define FUZZ_MODEL_THREADS_H

#include <stdbool.h>

/* Before the first world. */
void model_threads_begin(void);

/* Wait until all that were started have ended; false where there were none. */
bool model_threads_wait(void);

#endif

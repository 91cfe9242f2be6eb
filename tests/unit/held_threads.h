/*
 * Threads that a test counts, refuses or holds back.  For programs linked with
 * -Wl,--wrap=pthread_create.
 */
#ifndef EVPOP_TESTS_UNIT_HELD_THREADS_H
#define EVPOP_TESTS_UNIT_HELD_THREADS_H

#include <stdbool.h>
#include <stddef.h>

/* How many were begun; at most 1,024 may be. */
size_t held_threads_created(void);
/* Whether those to come are refused. */
void held_threads_refuse(bool);
/* While they are held, new threads do not run. */
void held_threads_hold(void);
void held_threads_release(void);

/* How many the process has. */
size_t held_threads_count(void);
/* Until as many are left. */
void held_threads_wait(size_t count);

#endif

/*
 * Memory that runs out on purpose.  In a test that links evpop_failing_alloc
 * the linker puts functions of this file in the place of libc's, in the test
 * and in what is linked into it.  A shared library does not see them, but for
 * libevent if it is given malloc() and realloc() as its memory functions.
 *
 * Only allocations of the calling thread count.
 */
#ifndef EVPOP_TESTS_UNIT_FAILING_ALLOC_H
#define EVPOP_TESTS_UNIT_FAILING_ALLOC_H

#include <stddef.h>

/* Count from here on, and let the allocation of this number, from 1, fail. */
void failing_alloc_arm(size_t failing);

/* Between these, while armed, allocations succeed and do not count. */
void failing_alloc_pause(void);
void failing_alloc_resume(void);

/*
 * Let all succeed again.  Returns how many were counted: fewer than the number
 * armed with, and none has failed.
 */
size_t failing_alloc_disarm(void);

#endif

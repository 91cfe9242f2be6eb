/* What a program has resident of memory, as the kernel tells it of itself. */
#ifndef EVPOP_TESTS_BENCH_RESIDENT_H
#define EVPOP_TESTS_BENCH_RESIDENT_H

#include <stdbool.h>
#include <stddef.h>

/* Octets now, and at most so far (VmRSS and VmHWM of proc(5)). */
struct resident {
	size_t now, peak;
};

/* False where the kernel does not tell. */
bool resident_read(struct resident *);

/* As many descriptors as there may be; returns how many that is. */
size_t resident_descriptors(void);

#endif

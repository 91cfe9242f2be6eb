/*
 * Counts what a whole program asks the allocator for, its libraries and libc
 * included, by standing in front of it.
 */
#ifndef EVPOP_TESTS_BENCH_ALLOCATIONS_H
#define EVPOP_TESTS_BENCH_ALLOCATIONS_H

#include <stdint.h>

/* Calls of malloc, calloc and realloc so far. */
uint64_t allocations_so_far(void);

#endif

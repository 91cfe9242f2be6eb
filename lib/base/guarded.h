/*
 * Memory for secrets: in pages of their own, between pages that nobody may
 * touch, locked so that they never reach a swap device, left out of core dumps,
 * and wiped when they are freed.  Many small pieces share a page, so that a
 * hundred thousand passwords cost little more than their octets.  Any thread
 * may call.
 *
 * Where the process may lock no more (RLIMIT_MEMLOCK), the memory is given
 * without being locked, and the status says so.
 */
#ifndef EVPOP_BASE_GUARDED_H
#define EVPOP_BASE_GUARDED_H

#include <stddef.h>

/* Zeroed, and aligned for anything; NULL without memory. */
void *evpop_guarded_alloc(size_t size)
    __attribute__((__malloc__, __warn_unused_result__));

/* A copy with a NUL behind it; NULL without memory. */
char *evpop_guarded_copy(const void *bytes, size_t length)
    __attribute__((__malloc__, __warn_unused_result__));

/* Wipe and free what came from here, or NULL. */
void evpop_guarded_free(void *);

struct evpop_guarded_status {
	size_t used;          /* octets that are allocated, rounded up */
	size_t held;          /* octets of pages that are held for them */
	size_t unlocked;      /* octets of these that could not be locked */
	size_t unlocked_most; /* the same at its highest */
};

struct evpop_guarded_status evpop_guarded_status(void);

#endif

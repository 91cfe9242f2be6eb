/*
 * Memory of many small pieces that is given back at once, and wiped then.
 * Those that are secrets lie in guarded memory.  Equal texts can share one
 * copy: a hundred thousand accounts at one host name it once.
 */
#ifndef EVPOP_BASE_ARENA_H
#define EVPOP_BASE_ARENA_H

#include <stddef.h>

/* Zeroed is empty; all of it is private. */
struct evpop_arena {
	struct evpop_arena_block *blocks;  /* newest first */
	struct evpop_arena_block *secrets; /* the same, in guarded memory */
	char **shared; /* open addressing, a power of two, at most half full */
	size_t shared_size, shared_count;
};

/* Zeroed, and aligned for any object of that size; NULL without memory. */
void *evpop_arena_take(struct evpop_arena *, size_t size)
    __attribute__((__warn_unused_result__));

/* A copy with a NUL behind it; NULL without memory. */
char *evpop_arena_copy(struct evpop_arena *, const void *bytes, size_t length)
    __attribute__((__warn_unused_result__));

/* The same in guarded memory (guarded.h). */
char *evpop_arena_copy_secret(struct evpop_arena *, const void *bytes,
    size_t length) __attribute__((__warn_unused_result__));

/* A copy that equal texts share; NULL without memory. */
char *evpop_arena_share(struct evpop_arena *, const char *text)
    __attribute__((__warn_unused_result__));

/* Texts from here on share nothing with those before: frees what finds them. */
void evpop_arena_seal(struct evpop_arena *);

/* Wipes and frees all that was taken; empty again. */
void evpop_arena_free(struct evpop_arena *);

#endif

/*
 * Memory of one answer: many small pieces, freed at once.
 */
#ifndef STORE_ARENA_H
#define STORE_ARENA_H

#include <stddef.h>

struct store_arena {
	struct store_arena_block *blocks; /* newest first */
};

/* Zeroed is empty.  Returns NULL without memory; aligned for anything. */
void *store_arena_take(struct store_arena *, size_t size)
    __attribute__((warn_unused_result));

/* A copy of the bytes with a NUL behind them. */
char *store_arena_copy(struct store_arena *, const void *, size_t length)
    __attribute__((warn_unused_result));

void store_arena_free(struct store_arena *);

#endif

#include "lib/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/guarded.h"
#include "lib/base/hash.h"

/* Few blocks for many pieces, little waste for one: sizes double. */
#define BLOCK_FIRST ((size_t)512)
#define BLOCK_MOST  (BLOCK_WHOLE - sizeof(struct evpop_arena_block))
/* Of guarded memory, so many fit into a region as can. */
#define BLOCK_WHOLE  ((size_t)16 * 1024)
#define SHARED_FIRST ((size_t)64)

struct evpop_arena_block {
	struct evpop_arena_block *older;
	size_t size, used;
	alignas(max_align_t) unsigned char bytes[];
};

static struct evpop_arena_block *
arena_add_block(
    struct evpop_arena *arena, struct evpop_arena_block **blocks, size_t size)
{
	struct evpop_arena_block *block;
	size_t least = BLOCK_FIRST;

	if (*blocks != NULL)
		least = 2 * (*blocks)->size;
	if (least > BLOCK_MOST)
		least = BLOCK_MOST;
	if (size < least)
		size = least;
	if (size > SIZE_MAX / 2)
		return NULL;
	block = blocks == &arena->secrets
		    ? evpop_guarded_alloc(sizeof *block + size)
		    : calloc(1, sizeof *block + size);
	if (block == NULL)
		return NULL;
	block->size = size;
	block->older = *blocks;
	*blocks = block;
	return block;
}

static void *
arena_take_aligned(struct evpop_arena *arena, struct evpop_arena_block **blocks,
    size_t size, size_t alignment)
{
	struct evpop_arena_block *block = *blocks;
	size_t start = 0;

	if (block != NULL)
		start = (block->used + alignment - 1) & ~(alignment - 1);
	if (block == NULL || start > block->size ||
	    block->size - start < size) {
		block = arena_add_block(arena, blocks, size);
		if (block == NULL)
			return NULL;
		start = 0;
	}
	block->used = start + size;
	return block->bytes + start;
}

/* The size of an object is a multiple of its alignment. */
static size_t
arena_alignment(size_t size)
{
	size_t alignment = alignof(max_align_t);

	while (size % alignment != 0)
		alignment /= 2;
	return alignment;
}

void *
evpop_arena_take(struct evpop_arena *arena, size_t size)
{
	return arena_take_aligned(
	    arena, &arena->blocks, size, arena_alignment(size));
}

static char *
arena_copy_into(struct evpop_arena *arena, struct evpop_arena_block **blocks,
    const void *bytes, size_t length)
{
	char *copy = arena_take_aligned(arena, blocks, length + 1, 1);

	if (copy != NULL && length > 0)
		memcpy(copy, bytes, length);
	return copy;
}

char *
evpop_arena_copy(struct evpop_arena *arena, const void *bytes, size_t length)
{
	return arena_copy_into(arena, &arena->blocks, bytes, length);
}

char *
evpop_arena_copy_secret(
    struct evpop_arena *arena, const void *bytes, size_t length)
{
	return arena_copy_into(arena, &arena->secrets, bytes, length);
}

static char **
arena_find_slot(char **shared, size_t size, const char *text)
{
	size_t i = (size_t)evpop_hash_text(text) & (size - 1);

	while (shared[i] != NULL && strcmp(shared[i], text) != 0)
		i = (i + 1) & (size - 1);
	return &shared[i];
}

static int
arena_grow_shared(struct evpop_arena *arena)
{
	size_t size =
	    arena->shared_size == 0 ? SHARED_FIRST : arena->shared_size * 2;
	char **shared = calloc(size, sizeof *shared);
	size_t i;

	if (shared == NULL)
		return -1;
	for (i = 0; i < arena->shared_size; i++)
		if (arena->shared[i] != NULL)
			*arena_find_slot(shared, size, arena->shared[i]) =
			    arena->shared[i];
	free(arena->shared);
	arena->shared = shared;
	arena->shared_size = size;
	return 0;
}

char *
evpop_arena_share(struct evpop_arena *arena, const char *text)
{
	char **slot;

	if (arena->shared_count * 2 >= arena->shared_size &&
	    arena_grow_shared(arena) != 0)
		return NULL;
	slot = arena_find_slot(arena->shared, arena->shared_size, text);
	if (*slot == NULL) {
		*slot = evpop_arena_copy(arena, text, strlen(text));
		if (*slot != NULL)
			arena->shared_count++;
	}
	return *slot;
}

void
evpop_arena_seal(struct evpop_arena *arena)
{
	free(arena->shared);
	arena->shared = NULL;
	arena->shared_size = arena->shared_count = 0;
}

void
evpop_arena_free(struct evpop_arena *arena)
{
	struct evpop_arena_block *block;

	while ((block = arena->blocks) != NULL) {
		arena->blocks = block->older;
		explicit_bzero(block->bytes, block->used);
		free(block);
	}
	while ((block = arena->secrets) != NULL) {
		arena->secrets = block->older;
		evpop_guarded_free(block);
	}
	evpop_arena_seal(arena);
}

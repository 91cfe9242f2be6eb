#include "daemon/config/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

/* A block holds some two hundred accounts; larger requests get their own. */
#define ARENA_BLOCK_SIZE   ((size_t)64 * 1024)
#define ARENA_SHARED_FIRST ((size_t)64)

struct block {
	struct block *next;
	size_t size, used;
	alignas(max_align_t) unsigned char bytes[];
};

struct config_arena {
	struct block *blocks;
	char **shared; /* open addressing, a power of two, at most half full */
	size_t shared_size, shared_count;
};

struct config_arena *
config_arena_new(void)
{
	return calloc(1, sizeof(struct config_arena));
}

void
config_arena_free(struct config_arena **arena_p)
{
	struct config_arena *arena = *arena_p;
	struct block *block;

	if (arena == NULL)
		return;
	while ((block = arena->blocks) != NULL) {
		arena->blocks = block->next;
		explicit_bzero(block->bytes, block->used);
		free(block);
	}
	free(arena->shared);
	free(arena);
	*arena_p = NULL;
}

static struct block *
block_new(struct config_arena *arena, size_t size)
{
	struct block *block;

	if (size > SIZE_MAX / 2 - sizeof(*block))
		return NULL;
	block = calloc(1, sizeof(*block) + size);
	if (block == NULL)
		return NULL;
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

/* Strings need no alignment, and most of what is asked for is strings. */
static void *
take(struct config_arena *arena, size_t size, size_t alignment)
{
	struct block *block = arena->blocks;
	size_t start = 0;

	if (block != NULL)
		start = (block->used + alignment - 1) & ~(alignment - 1);
	if (block == NULL || start > block->size ||
	    block->size - start < size) {
		block = block_new(
		    arena, size > ARENA_BLOCK_SIZE ? size : ARENA_BLOCK_SIZE);
		if (block == NULL)
			return NULL;
		start = 0;
	}
	block->used = start + size;
	return block->bytes + start;
}

void *
config_arena_alloc(struct config_arena *arena, size_t size)
{
	return take(arena, size, alignof(int64_t));
}

char *
config_arena_copy(struct config_arena *arena, const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = take(arena, size, 1);

	if (copy != NULL)
		memcpy(copy, text, size);
	return copy;
}

static char **
find_slot(char **shared, size_t size, const char *text)
{
	size_t i = (size_t)evpop_hash_text(text) & (size - 1);

	while (shared[i] != NULL && strcmp(shared[i], text) != 0)
		i = (i + 1) & (size - 1);
	return &shared[i];
}

static int
grow_shared(struct config_arena *arena)
{
	size_t size = arena->shared_size == 0 ? ARENA_SHARED_FIRST
					      : arena->shared_size * 2;
	char **shared = calloc(size, sizeof(*shared));

	if (shared == NULL)
		return -1;
	for (size_t i = 0; i < arena->shared_size; i++)
		if (arena->shared[i] != NULL)
			*find_slot(shared, size, arena->shared[i]) =
			    arena->shared[i];
	free(arena->shared);
	arena->shared = shared;
	arena->shared_size = size;
	return 0;
}

void
config_arena_seal(struct config_arena *arena)
{
	free(arena->shared);
	arena->shared = NULL;
	arena->shared_size = arena->shared_count = 0;
}

char *
config_arena_share(struct config_arena *arena, const char *text)
{
	char **slot;

	if (arena->shared_count * 2 >= arena->shared_size &&
	    grow_shared(arena) != 0)
		return NULL;
	slot = find_slot(arena->shared, arena->shared_size, text);
	if (*slot == NULL) {
		*slot = config_arena_copy(arena, text);
		if (*slot != NULL)
			arena->shared_count++;
	}
	return *slot;
}

#include "daemon/store/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Some tens of message rows: few blocks for a page, little waste for one. */
#define BLOCK_SIZE ((size_t)16 * 1024)

struct store_arena_block {
	struct store_arena_block *older;
	size_t size, used;
	alignas(max_align_t) unsigned char bytes[];
};

static struct store_arena_block *
add_block(struct store_arena *arena, size_t size)
{
	struct store_arena_block *block;

	if (size < BLOCK_SIZE)
		size = BLOCK_SIZE;
	block = malloc(sizeof(*block) + size);
	if (block == NULL)
		return NULL;
	block->size = size;
	block->used = 0;
	block->older = arena->blocks;
	arena->blocks = block;
	return block;
}

void *
store_arena_take(struct store_arena *arena, size_t size)
{
	const size_t unit = alignof(max_align_t);
	struct store_arena_block *block = arena->blocks;
	void *taken;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + unit - 1) / unit * unit;
	if (block == NULL || block->size - block->used < size)
		block = add_block(arena, size);
	if (block == NULL)
		return NULL;
	taken = block->bytes + block->used;
	block->used += size;
	return taken;
}

char *
store_arena_copy(struct store_arena *arena, const void *bytes, size_t length)
{
	char *copy = store_arena_take(arena, length + 1);

	if (copy == NULL)
		return NULL;
	if (length > 0)
		memcpy(copy, bytes, length);
	copy[length] = '\0';
	return copy;
}

void
store_arena_free(struct store_arena *arena)
{
	struct store_arena_block *block;

	while ((block = arena->blocks) != NULL) {
		arena->blocks = block->older;
		free(block);
	}
}

#include "lib/session/ids.h"

#include <stdlib.h>
#include <string.h>

/*
 * A block is an eighth of those before it: at the most so much is unused.  The
 * largest get mappings of their own, so that a long listing leaves no hole in
 * the heap, inside of which the next one would be copied as it grows.
 */
#define BLOCK_LEAST ((size_t)4096)
#define BLOCK_MOST  ((size_t)1 << 20)

struct evpop_ids_block {
	struct evpop_ids_block *next;
	size_t used, room;
	unsigned char bytes[];
};

static struct evpop_ids_block *
ids_add_block(struct evpop_ids *ids, size_t least)
{
	size_t room = ids->octets / 8;
	struct evpop_ids_block *block;

	if (room < BLOCK_LEAST)
		room = BLOCK_LEAST;
	if (room > BLOCK_MOST)
		room = BLOCK_MOST;
	if (room < least)
		room = least;
	block = malloc(sizeof *block + room);
	if (block == NULL)
		return NULL;
	block->used = 0;
	block->room = room;
	block->next = ids->blocks;
	ids->blocks = block;
	ids->octets += sizeof *block + room;
	return block;
}

const unsigned char *
evpop_ids_copy(struct evpop_ids *ids, const void *id, size_t length)
{
	struct evpop_ids_block *block = ids->blocks;
	unsigned char *copy;

	if (block == NULL || block->room - block->used < length)
		block = ids_add_block(ids, length);
	if (block == NULL)
		return NULL;
	copy = block->bytes + block->used;
	if (length > 0)
		memcpy(copy, id, length);
	block->used += length;
	return copy;
}

void
evpop_ids_clear(struct evpop_ids *ids)
{
	struct evpop_ids_block *block;

	while ((block = ids->blocks) != NULL) {
		ids->blocks = block->next;
		free(block);
	}
	ids->octets = 0;
}

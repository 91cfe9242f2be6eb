#include "lib/session/listing.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 16384

struct evpop_listing_block {
	struct evpop_listing_block *next;
	size_t used, room;
	unsigned char bytes[];
};

static unsigned char *
copy_id(struct evpop_listing_builder *builder, const unsigned char *id,
    size_t length)
{
	struct evpop_listing_block *block = builder->blocks;
	unsigned char *copy;
	size_t room;

	if (block == NULL || block->room - block->used < length) {
		room = length > BLOCK_SIZE ? length : BLOCK_SIZE;
		block = malloc(sizeof *block + room);
		if (block == NULL)
			return NULL;
		block->used = 0;
		block->room = room;
		block->next = builder->blocks;
		builder->blocks = block;
	}
	copy = block->bytes + block->used;
	memcpy(copy, id, length);
	block->used += length;
	return copy;
}

static struct evpop_entry *
append(struct evpop_listing_builder *builder, uint32_t number)
{
	struct evpop_listing *listing = &builder->listing;
	struct evpop_entry *entry, *grown;
	size_t room;

	if (listing->count == builder->room) {
		room = builder->room == 0 ? 32 : builder->room * 2;
		grown = reallocarray(listing->entries, room, sizeof *grown);
		if (grown == NULL)
			return NULL;
		listing->entries = grown;
		builder->room = room;
	}
	if (listing->count > 0 &&
	    listing->entries[listing->count - 1].number >= number)
		builder->unsorted = true;
	entry = &listing->entries[listing->count++];
	memset(entry, 0, sizeof *entry);
	entry->number = number;
	return entry;
}

bool
evpop_listing_add_id(
    struct evpop_listing_builder *builder, const struct evpop_listed *listed)
{
	struct evpop_entry *entry;

	entry = append(builder, listed->number);
	if (entry == NULL)
		return false;
	/* An empty unique-id identifies nothing. */
	if (listed->unique_id_length == 0)
		return true;
	entry->unique_id =
	    copy_id(builder, listed->unique_id, listed->unique_id_length);
	entry->unique_id_length = listed->unique_id_length;
	return entry->unique_id != NULL;
}

static int
compare_numbers(const void *a, const void *b)
{
	const struct evpop_entry *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static bool
same_id(const struct evpop_entry *a, const struct evpop_entry *b)
{
	return a->unique_id_length == b->unique_id_length &&
	       (a->unique_id_length == 0 || memcmp(a->unique_id, b->unique_id,
						a->unique_id_length) == 0);
}

/*
 * A number that is listed twice names one message, but which line is right
 * cannot be known: the message counts as listed without an id.
 */
static void
drop_repeated(struct evpop_listing *listing)
{
	struct evpop_entry *entry, *last;
	size_t i, kept = 0;

	for (i = 0; i < listing->count; i++) {
		entry = &listing->entries[i];
		last = kept > 0 ? &listing->entries[kept - 1] : NULL;
		if (last == NULL || last->number != entry->number) {
			listing->entries[kept++] = *entry;
			continue;
		}
		listing->ignored++;
		if (!same_id(last, entry)) {
			last->unique_id = NULL;
			last->unique_id_length = 0;
		}
	}
	listing->count = kept;
}

static void
put_in_order(struct evpop_listing_builder *builder)
{
	struct evpop_listing *listing = &builder->listing;

	if (!builder->unsorted)
		return;
	qsort(listing->entries, listing->count, sizeof *listing->entries,
	    compare_numbers);
	drop_repeated(listing);
	builder->unsorted = false;
}

enum evpop_error
evpop_listing_ids_done(struct evpop_listing_builder *builder, uint32_t ignored)
{
	builder->listing.unique_ids = true;
	builder->listing.ignored += ignored;
	put_in_order(builder);
	return evpop_listing_occurrences(&builder->listing);
}

bool
evpop_listing_add_size(
    struct evpop_listing_builder *builder, const struct evpop_listed *listed)
{
	struct evpop_entry *entry, key = { .number = listed->number };

	if (builder->listing.unique_ids) {
		entry = builder->listing.count == 0
			    ? NULL
			    : bsearch(&key, builder->listing.entries,
				  builder->listing.count, sizeof key,
				  compare_numbers);
		if (entry == NULL) {
			builder->listing.ignored++;
			return true;
		}
	} else {
		entry = append(builder, listed->number);
		if (entry == NULL)
			return false;
	}
	entry->octets = listed->octets;
	return true;
}

void
evpop_listing_sizes_done(
    struct evpop_listing_builder *builder, uint32_t ignored)
{
	builder->listing.ignored += ignored;
	put_in_order(builder);
}

bool
evpop_listing_set_id(struct evpop_listing_builder *builder, size_t index,
    const void *id, size_t length)
{
	struct evpop_entry *entry = &builder->listing.entries[index];

	entry->unique_id = copy_id(builder, id, length);
	entry->unique_id_length = length;
	return entry->unique_id != NULL;
}

void
evpop_listing_clear(struct evpop_listing_builder *builder)
{
	struct evpop_listing_block *block;

	while ((block = builder->blocks) != NULL) {
		builder->blocks = block->next;
		free(block);
	}
	free(builder->listing.entries);
	memset(builder, 0, sizeof *builder);
}

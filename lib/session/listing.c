#include "lib/session/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct evpop_entry) <= 32, "a million of them");

struct evpop_listing *
evpop_listing_get(struct evpop_listing_builder *builder)
{
	return &builder->listing;
}

size_t
evpop_listing_held(const struct evpop_listing_builder *builder)
{
	return builder->ids.octets +
	       builder->room * sizeof builder->listing.entries[0];
}

void
evpop_listing_note_ignored(
    struct evpop_listing_builder *builder, uint32_t count, const char *first)
{
	builder->listing.ignored += count;
	if (builder->listing.ignored_line != NULL || first == NULL)
		return;
	snprintf(
	    builder->ignored_line, sizeof builder->ignored_line, "%s", first);
	builder->listing.ignored_line = builder->ignored_line;
}

/* A line that has no place among the others. */
static void
listing_ignore_line(
    struct evpop_listing_builder *builder, const char *command, uint32_t number)
{
	char text[64];

	snprintf(text, sizeof text, "%s %lu", command, (unsigned long)number);
	evpop_listing_note_ignored(builder, 1, text);
}

static struct evpop_entry *
listing_append(struct evpop_listing_builder *builder, uint32_t number)
{
	struct evpop_listing *listing = &builder->listing;
	struct evpop_entry *entry, *grown;
	size_t room;

	if (listing->count == builder->room) {
		room = builder->room + builder->room / 2 + 32;
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

	entry = listing_append(builder, listed->number);
	if (entry == NULL)
		return false;
	/* An empty unique-id identifies nothing. */
	if (listed->unique_id_length == 0)
		return true;
	entry->unique_id = evpop_ids_copy(
	    &builder->ids, listed->unique_id, listed->unique_id_length);
	entry->unique_id_length = (uint32_t)listed->unique_id_length;
	return entry->unique_id != NULL;
}

static int
listing_compare_numbers(const void *a, const void *b)
{
	const struct evpop_entry *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static bool
listing_same_id(const struct evpop_entry *a, const struct evpop_entry *b)
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
listing_drop_repeated(struct evpop_listing_builder *builder)
{
	struct evpop_listing *listing = &builder->listing;
	struct evpop_entry *entry, *last;
	size_t i, kept = 0;

	for (i = 0; i < listing->count; i++) {
		entry = &listing->entries[i];
		last = kept > 0 ? &listing->entries[kept - 1] : NULL;
		if (last == NULL || last->number != entry->number) {
			listing->entries[kept++] = *entry;
			continue;
		}
		listing_ignore_line(
		    builder, "listed twice: message", entry->number);
		if (!listing_same_id(last, entry)) {
			last->unique_id = NULL;
			last->unique_id_length = 0;
		}
	}
	listing->count = kept;
}

static void
listing_sort(struct evpop_listing_builder *builder)
{
	struct evpop_listing *listing = &builder->listing;

	if (!builder->unsorted)
		return;
	qsort(listing->entries, listing->count, sizeof *listing->entries,
	    listing_compare_numbers);
	listing_drop_repeated(builder);
	builder->unsorted = false;
}

enum evpop_error
evpop_listing_ids_done(struct evpop_listing_builder *builder)
{
	builder->listing.unique_ids = true;
	listing_sort(builder);
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
				  listing_compare_numbers);
		if (entry == NULL) {
			listing_ignore_line(
			    builder, "only in LIST: message", listed->number);
			return true;
		}
	} else {
		entry = listing_append(builder, listed->number);
		if (entry == NULL)
			return false;
	}
	entry->octets = listed->octets;
	return true;
}

void
evpop_listing_sizes_done(struct evpop_listing_builder *builder)
{
	listing_sort(builder);
}

bool
evpop_listing_set_id(struct evpop_listing_builder *builder, size_t index,
    const void *id, size_t length)
{
	struct evpop_entry *entry = &builder->listing.entries[index];

	entry->unique_id = evpop_ids_copy(&builder->ids, id, length);
	entry->unique_id_length = (uint32_t)length;
	return entry->unique_id != NULL;
}

void
evpop_listing_clear(struct evpop_listing_builder *builder)
{
	evpop_ids_clear(&builder->ids);
	free(builder->listing.entries);
	memset(builder, 0, sizeof *builder);
}

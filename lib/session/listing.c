#include "lib/session/listing.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/digest.h"
#include "lib/base/array.h"

_Static_assert(sizeof(struct evpop_entry) <= 32, "a million of them");
_Static_assert(EVPOP_LISTING_DIGEST_SIZE == EVPOP_SHA256_SIZE, "SHA-256");

/* ---- as it comes in ---- */

void
evpop_listing_clear(struct evpop_listing_builder *builder)
{
	evpop_ids_clear(&builder->ids);
	free(builder->listing.entries);
	memset(builder, 0, sizeof *builder);
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

/* Note a line that fits none of the others. */
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
	struct evpop_entry *entry;

	entry = evpop_array_grow(
	    listing->entries, listing->count, &builder->room, sizeof *entry);
	if (entry == NULL)
		return NULL;
	listing->entries = entry;
	if (listing->count > 0 &&
	    listing->entries[listing->count - 1].number >= number)
		builder->is_unsorted = true;
	entry = &listing->entries[listing->count++];
	memset(entry, 0, sizeof *entry);
	entry->number = number;
	return entry;
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

bool
evpop_listing_add_id(
    struct evpop_listing_builder *builder, const struct evpop_listed *listed)
{
	if (listing_append(builder, listed->number) == NULL)
		return false;
	/* An empty unique-id identifies nothing. */
	return listed->unique_id_length == 0 ||
	       evpop_listing_set_id(builder, builder->listing.count - 1,
		   listed->unique_id, listed->unique_id_length);
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

	if (!builder->is_unsorted)
		return;
	qsort(listing->entries, listing->count, sizeof *listing->entries,
	    listing_compare_numbers);
	listing_drop_repeated(builder);
	builder->is_unsorted = false;
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

size_t
evpop_listing_nameless(const struct evpop_listing *listing)
{
	size_t count = 0, i;

	for (i = 0; i < listing->count; i++)
		count += listing->entries[i].unique_id == NULL;
	return count;
}

enum evpop_error
evpop_listing_names_done(
    struct evpop_listing_builder *builder, bool top_refused)
{
	struct evpop_listing *listing = &builder->listing;

	listing->top_refused = top_refused;
	listing->digests =
	    !listing->unique_ids && evpop_listing_nameless(listing) == 0;
	return evpop_listing_occurrences(listing);
}

/* ---- by unique-id ---- */

/*
 * What entries and known messages are sorted by: a unique-id, and a number
 * among equal ones.
 */
struct key {
	const unsigned char *id;
	size_t length;
	uint32_t rank;
};

struct evpop_match {
	const struct evpop_listing *listing;
	size_t count, next;
	uint32_t sorted[]; /* indices of the entries that have an id */
};

static struct key
key_of_entry(const struct evpop_entry *entry, uint32_t rank)
{
	return (struct key){ entry->unique_id, entry->unique_id_length, rank };
}

static struct key
key_of_known(const struct evpop_known *known)
{
	return (struct key){ known->unique_id, known->unique_id_length,
		known->occurrence };
}

static int
key_compare(struct key a, struct key b)
{
	size_t common = a.length < b.length ? a.length : b.length;
	int order = common == 0 ? 0 : memcmp(a.id, b.id, common);

	if (order == 0)
		order = (a.length > b.length) - (a.length < b.length);
	return order != 0 ? order : (a.rank > b.rank) - (a.rank < b.rank);
}

/* Entries of one id stay in the order of the listing. */
static int
match_compare_entries(const void *a, const void *b, void *arg)
{
	const struct evpop_listing *listing = arg;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

	return key_compare(key_of_entry(&listing->entries[i], i),
	    key_of_entry(&listing->entries[j], j));
}

static int
match_compare_known(const void *a, const void *b)
{
	return key_compare(key_of_known(*(const struct evpop_known *const *)a),
	    key_of_known(*(const struct evpop_known *const *)b));
}

/* The ids of many servers ascend: then there is nothing to sort. */
struct evpop_match *
evpop_match_new(const struct evpop_listing *listing)
{
	struct evpop_match *match;
	void *arg = (void *)(uintptr_t)listing;
	bool in_order = true;
	size_t i;

	match =
	    malloc(sizeof *match + listing->count * sizeof match->sorted[0]);
	if (match == NULL)
		return NULL;
	match->listing = listing;
	match->count = match->next = 0;
	for (i = 0; i < listing->count; i++) {
		if (listing->entries[i].unique_id == NULL)
			continue;
		match->sorted[match->count++] = (uint32_t)i;
		if (match->count > 1 &&
		    match_compare_entries(&match->sorted[match->count - 2],
			&match->sorted[match->count - 1], arg) > 0)
			in_order = false;
	}
	if (!in_order)
		qsort_r(match->sorted, match->count, sizeof match->sorted[0],
		    match_compare_entries, arg);
	return match;
}

void
evpop_match_free(struct evpop_match *match)
{
	free(match);
}

static int
match_compare(
    const struct evpop_match *match, size_t at, const struct evpop_known *known)
{
	const struct evpop_entry *entry =
	    &match->listing->entries[match->sorted[at]];

	return key_compare(
	    key_of_entry(entry, entry->occurrence), key_of_known(known));
}

enum evpop_match_result
evpop_match_next(
    struct evpop_match *match, const struct evpop_known *known, uint32_t *index)
{
	int order = 1;

	if (match->next > 0 && match_compare(match, match->next - 1, known) > 0)
		return EVPOP_MATCH_DISORDER;
	while (match->next < match->count) {
		order = match_compare(match, match->next, known);
		if (order >= 0)
			break;
		match->next++;
	}
	if (match->next == match->count || order != 0)
		return EVPOP_MATCH_MISSING;
	*index = match->sorted[match->next++];
	return EVPOP_MATCH_LISTED;
}

const struct evpop_known **
evpop_match_sort_known(const struct evpop_known *known, size_t count)
{
	const struct evpop_known **sorted;
	bool in_order = true;
	size_t i;

	sorted = calloc(count + 1, sizeof(*sorted));
	if (sorted == NULL)
		return NULL;
	for (i = 0; i < count; i++) {
		sorted[i] = &known[i];
		if (i > 0 &&
		    match_compare_known(&sorted[i - 1], &sorted[i]) > 0)
			in_order = false;
	}
	if (!in_order)
		qsort(sorted, count, sizeof(*sorted), match_compare_known);
	return sorted;
}

enum evpop_error
evpop_listing_occurrences(struct evpop_listing *listing)
{
	struct evpop_entry *entry, *before = NULL;
	struct evpop_match *match;
	size_t i;

	match = evpop_match_new(listing);
	if (match == NULL)
		return EVPOP_ERROR_MEMORY;
	for (i = 0; i < match->count; i++, before = entry) {
		entry = &listing->entries[match->sorted[i]];
		entry->occurrence =
		    before != NULL && listing_same_id(before, entry)
			? before->occurrence + 1
			: 0;
	}
	evpop_match_free(match);
	return EVPOP_ERROR_NONE;
}

/* ---- its digest ---- */

/* Bytes are gathered first: to feed a few costs as much as to feed hundreds. */
struct gathering {
	struct evpop_digest_stream *stream;
	bool failed;
	size_t filled;
	unsigned char bytes[1024];
};

static void
gathering_flush(struct gathering *gathering)
{
	if (!evpop_digest_stream_feed(
		gathering->stream, gathering->bytes, gathering->filled))
		gathering->failed = true;
	gathering->filled = 0;
}

static void
gathering_add(struct gathering *gathering, const void *bytes, size_t length)
{
	if (length > sizeof gathering->bytes - gathering->filled)
		gathering_flush(gathering);
	if (length <= sizeof gathering->bytes) {
		memcpy(gathering->bytes + gathering->filled, bytes, length);
		gathering->filled += length;
	} else if (!evpop_digest_stream_feed(gathering->stream, bytes, length))
		gathering->failed = true;
}

static void
gathering_add_u32(struct gathering *gathering, uint32_t value)
{
	unsigned char bytes[4];
	unsigned int i;

	for (i = 0; i < sizeof bytes; i++)
		bytes[i] = (unsigned char)(value >> 8 * i);
	gathering_add(gathering, bytes, sizeof bytes);
}

enum evpop_error
evpop_listing_digest(const struct evpop_listing *listing,
    unsigned char digest_r[EVPOP_LISTING_DIGEST_SIZE])
{
	struct gathering gathering = { .failed = false };
	const struct evpop_entry *entry;
	bool done;
	size_t i;

	if (!listing->unique_ids || listing->ignored > 0 ||
	    evpop_listing_nameless(listing) > 0)
		return EVPOP_ERROR_USAGE;
	gathering.stream = evpop_digest_stream_new();
	if (gathering.stream == NULL)
		return EVPOP_ERROR_MEMORY;
	for (i = 0; i < listing->count; i++) {
		entry = &listing->entries[i];
		gathering_add_u32(&gathering, entry->number);
		gathering_add_u32(&gathering, entry->unique_id_length);
		gathering_add(
		    &gathering, entry->unique_id, entry->unique_id_length);
	}
	gathering_flush(&gathering);
	done = !gathering.failed &&
	       evpop_digest_stream_finish(gathering.stream, digest_r);
	evpop_digest_stream_free(gathering.stream);
	return done ? EVPOP_ERROR_NONE : EVPOP_ERROR_MEMORY;
}

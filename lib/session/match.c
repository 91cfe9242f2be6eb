#include "lib/session/match.h"

#include <stdlib.h>
#include <string.h>

struct evpop_match {
	const struct evpop_listing *listing;
	size_t count, next;
	uint32_t sorted[]; /* indices of the entries that have an id */
};

static int
match_compare_ids(const unsigned char *a, size_t a_length,
    const unsigned char *b, size_t b_length)
{
	size_t common = a_length < b_length ? a_length : b_length;
	int order = common == 0 ? 0 : memcmp(a, b, common);

	if (order != 0)
		return order;
	return (a_length > b_length) - (a_length < b_length);
}

static int
match_compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int
match_compare_two(const struct evpop_known *a, const struct evpop_known *b)
{
	int order = match_compare_ids(a->unique_id, a->unique_id_length,
	    b->unique_id, b->unique_id_length);

	return order != 0 ? order
			  : match_compare_u32(a->occurrence, b->occurrence);
}

/* Entries of one id stay in the order of the listing. */
static int
match_compare_entries(const void *a, const void *b, void *listing)
{
	const struct evpop_entry *entries =
	    ((const struct evpop_listing *)listing)->entries;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;
	int order =
	    match_compare_ids(entries[i].unique_id, entries[i].unique_id_length,
		entries[j].unique_id, entries[j].unique_id_length);

	return order != 0 ? order : match_compare_u32(i, j);
}

static int
match_compare(
    const struct evpop_match *match, size_t at, const struct evpop_known *known)
{
	const struct evpop_entry *entry =
	    &match->listing->entries[match->sorted[at]];
	int order = match_compare_ids(entry->unique_id, entry->unique_id_length,
	    known->unique_id, known->unique_id_length);

	return order != 0
		   ? order
		   : match_compare_u32(entry->occurrence, known->occurrence);
}

/* Many servers give ids that ascend: then they are sorted already. */
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

static int
match_compare_known(const void *a, const void *b)
{
	return match_compare_two(*(const struct evpop_known *const *)a,
	    *(const struct evpop_known *const *)b);
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
		entry->occurrence = 0;
		if (before != NULL &&
		    match_compare_ids(before->unique_id,
			before->unique_id_length, entry->unique_id,
			entry->unique_id_length) == 0)
			entry->occurrence = before->occurrence + 1;
	}
	evpop_match_free(match);
	return EVPOP_ERROR_NONE;
}

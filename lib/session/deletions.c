#include "lib/session/deletions.h"

#include <stdlib.h>

#include "lib/base/array.h"
#include "lib/session/same.h"

enum verdict {
	VERDICT_OPEN = 0, /* only the header can tell */
	VERDICT_SAME,
	VERDICT_OTHER
};

struct deletion {
	uint32_t index;
	enum verdict verdict;
	bool is_owed; /* since it was stored */
	struct evpop_same same;
};

struct evpop_deletions {
	struct deletion *deletions;
	size_t count, room;
	bool are_sized; /* at least one of them */
	size_t asked;   /* those whose header was asked for */
};

struct evpop_deletions *
evpop_deletions_new(void)
{
	return calloc(1, sizeof(struct evpop_deletions));
}

void
evpop_deletions_free(struct evpop_deletions *deletions)
{
	if (deletions == NULL)
		return;
	free(deletions->deletions);
	free(deletions);
}

bool
evpop_deletions_add(struct evpop_deletions *deletions, uint32_t index,
    const struct evpop_known *known)
{
	struct deletion *deletion;

	deletion = evpop_array_grow(deletions->deletions, deletions->count,
	    &deletions->room, sizeof *deletion);
	if (deletion == NULL)
		return false;
	deletions->deletions = deletion;
	deletion = &deletions->deletions[deletions->count++];
	deletion->index = index;
	deletion->verdict = VERDICT_OPEN;
	deletion->is_owed = known->state == EVPOP_KNOWN_DELETE;
	evpop_same_set(&deletion->same, known);
	deletions->are_sized |= evpop_same_is_sized(&deletion->same);
	return true;
}

static int
deletion_compare(const void *a, const void *b)
{
	uint32_t x = ((const struct deletion *)a)->index;
	uint32_t y = ((const struct deletion *)b)->index;

	return (x > y) - (x < y);
}

void
evpop_deletions_sort(struct evpop_deletions *deletions)
{
	if (deletions->count > 1)
		qsort(deletions->deletions, deletions->count,
		    sizeof deletions->deletions[0], deletion_compare);
}

size_t
evpop_deletions_count(const struct evpop_deletions *deletions)
{
	return deletions->count;
}

void
evpop_deletions_hold(struct evpop_deletions *deletions, uint8_t *actions)
{
	size_t i;

	for (i = 0; i < deletions->count; i++)
		actions[deletions->deletions[i].index] = EVPOP_ACTION_HELD;
	free(deletions->deletions);
	*deletions = (struct evpop_deletions){ .deletions = NULL };
}

bool
evpop_deletions_are_sized(const struct evpop_deletions *deletions)
{
	return deletions->are_sized;
}

/* Without a size by LIST, the header does not tell enough. */
static enum verdict
deletion_compare_size(
    const struct deletion *deletion, uint64_t octets, bool header_too)
{
	const struct evpop_same *same = &deletion->same;

	if (!evpop_same_is_sized(same))
		return header_too ? VERDICT_OTHER : VERDICT_SAME;
	/* It may have been stored when the server was not well. */
	if (!deletion->is_owed && evpop_same_is_short(same->octets, octets))
		return VERDICT_OTHER;
	if (!header_too && evpop_same_has_size(same, octets))
		return VERDICT_SAME;
	if (octets == 0 || !same->has_digest)
		return VERDICT_OTHER;
	return VERDICT_OPEN;
}

void
evpop_deletions_compare_sizes(struct evpop_deletions *deletions,
    const struct evpop_listing *listing, bool header_too)
{
	struct deletion *deletion;
	size_t i;

	deletions->asked = 0;
	for (i = 0; i < deletions->count; i++) {
		deletion = &deletions->deletions[i];
		deletion->verdict = deletion_compare_size(deletion,
		    listing->entries[deletion->index].octets, header_too);
	}
}

static struct deletion *
deletions_find(const struct evpop_deletions *deletions, uint32_t index)
{
	const struct deletion key = { .index = index };

	if (deletions->count == 0)
		return NULL;
	return bsearch(&key, deletions->deletions, deletions->count, sizeof key,
	    deletion_compare);
}

bool
evpop_deletions_want_header(struct evpop_deletions *deletions, uint32_t index)
{
	const struct deletion *deletion;

	while (deletions->asked < deletions->count &&
	       deletions->deletions[deletions->asked].index < index)
		deletions->asked++;
	if (deletions->asked == deletions->count)
		return false;
	deletion = &deletions->deletions[deletions->asked];
	return deletion->index == index && deletion->verdict == VERDICT_OPEN;
}

void
evpop_deletions_doubt(
    const struct evpop_deletions *deletions, bool open_too, uint8_t *actions)
{
	const struct deletion *deletion;
	size_t i;

	for (i = 0; i < deletions->count; i++) {
		deletion = &deletions->deletions[i];
		if (deletion->verdict == VERDICT_OTHER ||
		    (deletion->verdict == VERDICT_OPEN && open_too))
			actions[deletion->index] = EVPOP_ACTION_FETCH_DELETE;
	}
}

bool
evpop_deletions_owe(
    const struct evpop_deletions *deletions, uint32_t index, uint64_t octets)
{
	const struct deletion *deletion = deletions_find(deletions, index);

	return deletion != NULL && deletion->is_owed &&
	       deletion->same.octets == octets;
}

void
evpop_deletions_compare_header(struct evpop_deletions *deletions,
    const struct evpop_listing *listing, uint32_t index,
    const struct evpop_header *header)
{
	uint64_t octets = listing->entries[index].octets;
	struct deletion *deletion = deletions_find(deletions, index);
	bool is_same;

	if (deletion == NULL || deletion->verdict != VERDICT_OPEN)
		return;
	is_same =
	    evpop_same_has_header(&deletion->same, header) &&
	    (evpop_same_has_size(&deletion->same, octets) ||
		evpop_same_has_size_but_for(&deletion->same, octets, header));
	deletion->verdict = is_same ? VERDICT_SAME : VERDICT_OTHER;
}

size_t
evpop_deletions_held(const struct evpop_deletions *deletions)
{
	return deletions->room * sizeof deletions->deletions[0];
}

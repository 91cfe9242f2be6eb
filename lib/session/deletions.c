#include "lib/session/deletions.h"

#include <stdlib.h>

#include "lib/base/array.h"
#include "lib/session/same.h"

struct deletion {
	uint32_t index;
	enum evpop_verdict verdict;
	bool is_owed; /* since it was stored */
	struct evpop_same same;
};

struct evpop_deletions {
	struct deletion *deletions;
	size_t count, room;
	bool are_sized; /* at least one of them */
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

void
evpop_deletions_drop(struct evpop_deletions *deletions)
{
	free(deletions->deletions);
	*deletions = (struct evpop_deletions){ .deletions = NULL };
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
	deletion->verdict = EVPOP_VERDICT_OPEN;
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

uint32_t
evpop_deletions_index(const struct evpop_deletions *deletions, size_t at)
{
	return deletions->deletions[at].index;
}

enum evpop_verdict
evpop_deletions_verdict(const struct evpop_deletions *deletions, size_t at)
{
	return deletions->deletions[at].verdict;
}

bool
evpop_deletions_are_sized(const struct evpop_deletions *deletions)
{
	return deletions->are_sized;
}

/* Without a size by LIST, the header does not tell enough. */
static enum evpop_verdict
deletion_compare_size(
    const struct deletion *deletion, uint64_t octets, bool header_too)
{
	const struct evpop_same *same = &deletion->same;

	if (!evpop_same_is_sized(same))
		return header_too ? EVPOP_VERDICT_DOUBTFUL : EVPOP_VERDICT_SAME;
	/* It may have been stored when the server was not well. */
	if (!deletion->is_owed && evpop_same_is_short(same->octets, octets))
		return EVPOP_VERDICT_DOUBTFUL;
	if (!header_too && evpop_same_has_size(same, octets))
		return EVPOP_VERDICT_SAME;
	if (octets == 0 || !same->has_digest)
		return EVPOP_VERDICT_DOUBTFUL;
	return EVPOP_VERDICT_OPEN;
}

void
evpop_deletions_compare_sizes(struct evpop_deletions *deletions,
    const struct evpop_listing *listing, bool header_too)
{
	struct deletion *deletion;
	size_t i;

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

	if (deletion == NULL || deletion->verdict != EVPOP_VERDICT_OPEN)
		return;
	is_same =
	    evpop_same_has_header(&deletion->same, header) &&
	    (evpop_same_has_size(&deletion->same, octets) ||
		evpop_same_has_size_but_for(&deletion->same, octets, header));
	deletion->verdict =
	    is_same ? EVPOP_VERDICT_SAME : EVPOP_VERDICT_DOUBTFUL;
}

size_t
evpop_deletions_held(const struct evpop_deletions *deletions)
{
	return deletions->room * sizeof deletions->deletions[0];
}

/* Messages whose unique-ids have changed, known by their size and header. */
#include "lib/session/details.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct evpop_plan_details *
evpop_details_new(size_t entries)
{
	struct evpop_plan_details *details;

	details = calloc(1, sizeof *details);
	if (details == NULL)
		return NULL;
	details->unknown = calloc(entries + 1, sizeof *details->unknown);
	details->expected = calloc(entries + 1, sizeof *details->expected);
	details->known = calloc(entries + 1, sizeof *details->known);
	if (details->unknown == NULL || details->expected == NULL ||
	    details->known == NULL) {
		evpop_details_free(details);
		return NULL;
	}
	return details;
}

void
evpop_details_free(struct evpop_plan_details *details)
{
	if (details == NULL)
		return;
	free(details->unknown);
	free(details->expected);
	free(details->known);
	free(details->deletions);
	free(details->candidates);
	free(details->ids);
	free(details->adopted);
	free(details->looks);
	free(details);
}

/* Few plans depend on headers: room for these only where one does. */
static bool
reserve_looks(struct evpop_plan_details *details, size_t entries)
{
	if (details->looks == NULL)
		details->looks = calloc(entries + 1, sizeof *details->looks);
	return details->looks != NULL;
}

static bool
is_candidate(const struct evpop_plan *plan, const struct evpop_known *known,
    size_t index)
{
	if (known->header_digest == NULL || known->octets == 0)
		return false;
	switch (known->state) {
	case EVPOP_KNOWN_GONE:
		return true;
	case EVPOP_KNOWN_STORED:
		return plan->gone[index];
	default:
		return false;
	}
}

static int
compare(const void *a, const void *b)
{
	const struct evpop_candidate *x = a, *y = b;
	int order = (x->adoption.octets > y->adoption.octets) -
		    (x->adoption.octets < y->adoption.octets);

	if (order == 0)
		order = memcmp(x->header_digest, y->header_digest,
		    EVPOP_HEADER_DIGEST_SIZE);
	if (order == 0)
		order = (x->adoption.known > y->adoption.known) -
			(x->adoption.known < y->adoption.known);
	return order;
}

static void
take(struct evpop_plan_details *details, const struct evpop_known *known,
    size_t index, size_t *id_octets)
{
	struct evpop_candidate *candidate =
	    &details->candidates[details->candidate_count++];
	unsigned char *id = details->ids + *id_octets;

	if (known->unique_id_length > 0)
		memcpy(id, known->unique_id, known->unique_id_length);
	*id_octets += known->unique_id_length;
	candidate->adoption = (struct evpop_adoption){
		.known = index,
		.unique_id = id,
		.unique_id_length = known->unique_id_length,
		.occurrence = known->occurrence,
		.octets = known->octets,
	};
	memcpy(candidate->header_digest, known->header_digest,
	    EVPOP_HEADER_DIGEST_SIZE);
}

/* Looking costs a round trip or more: only where ids changed in earnest. */
static bool
is_mostly_unknown(const struct evpop_plan_details *details, size_t entry_count)
{
	size_t unknown = 0, i;

	for (i = 0; i < entry_count; i++)
		unknown += details->unknown[i];
	return unknown > entry_count / 2;
}

bool
evpop_details_candidates(struct evpop_plan *plan,
    const struct evpop_listing *listing, const struct evpop_known *known,
    size_t known_count)
{
	struct evpop_plan_details *details = plan->details;
	size_t count = 0, octets = 0, i;

	if (!is_mostly_unknown(details, listing->count))
		return true;
	for (i = 0; i < known_count; i++)
		if (is_candidate(plan, &known[i], i)) {
			count++;
			octets += known[i].unique_id_length;
		}
	if (count == 0)
		return true;
	details->candidates = calloc(count, sizeof *details->candidates);
	details->ids = malloc(octets + 1);
	details->adopted =
	    calloc(listing->count + 1, sizeof(*details->adopted));
	if (details->candidates == NULL || details->ids == NULL ||
	    details->adopted == NULL || !reserve_looks(details, listing->count))
		return false;
	octets = 0;
	for (i = 0; i < known_count; i++)
		if (is_candidate(plan, &known[i], i))
			take(details, &known[i], i, &octets);
	qsort(details->candidates, count, sizeof *details->candidates, compare);
	return true;
}

/*
 * The first candidate of that size, or of that size and digest (which may be
 * NULL); NULL where there is none.
 */
static struct evpop_candidate *
find(const struct evpop_plan_details *details, uint64_t octets,
    const unsigned char *digest)
{
	size_t low = 0, high = details->candidate_count, middle;
	const struct evpop_candidate *at;
	int order;

	while (low < high) {
		middle = low + (high - low) / 2;
		at = &details->candidates[middle];
		order = (at->adoption.octets > octets) -
			(at->adoption.octets < octets);
		if (order == 0 && digest != NULL)
			order = memcmp(at->header_digest, digest,
			    EVPOP_HEADER_DIGEST_SIZE);
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == details->candidate_count ||
	    details->candidates[low].adoption.octets != octets)
		return NULL;
	at = &details->candidates[low];
	if (digest != NULL &&
	    memcmp(at->header_digest, digest, EVPOP_HEADER_DIGEST_SIZE) != 0)
		return NULL;
	return &details->candidates[low];
}

void
evpop_details_looks(
    struct evpop_plan *plan, const struct evpop_listing *listing)
{
	struct evpop_plan_details *details = plan->details;
	size_t i;

	details->look_count = 0;
	for (i = 0; i < details->deletion_count; i++)
		if (details->deletions[i].comparable &&
		    plan->actions[details->deletions[i].index] ==
			EVPOP_ACTION_DELETE)
			details->looks[details->look_count++] =
			    details->deletions[i].index;
	for (i = 0; details->candidates != NULL && i < listing->count; i++) {
		uint64_t octets = listing->entries[i].octets;

		if (details->unknown[i] && octets > 0 &&
		    listing->entries[i].unique_id != NULL &&
		    find(details, octets, NULL) != NULL)
			details->looks[details->look_count++] = i;
	}
}

bool
evpop_details_deletions(struct evpop_plan *plan, size_t entry_count,
    const struct evpop_known *known)
{
	struct evpop_plan_details *details = plan->details;
	struct evpop_deletion *deletion;
	const unsigned char *digest;
	size_t count = 0, i;

	for (i = 0; i < entry_count; i++)
		count += plan->actions[i] == EVPOP_ACTION_DELETE;
	if (count == 0)
		return true;
	details->deletions = calloc(count + 1, sizeof *details->deletions);
	if (details->deletions == NULL || !reserve_looks(details, entry_count))
		return false;
	for (i = 0; i < entry_count; i++) {
		if (plan->actions[i] != EVPOP_ACTION_DELETE)
			continue;
		deletion = &details->deletions[details->deletion_count++];
		deletion->index = i;
		digest = known[details->known[i] - 1].header_digest;
		deletion->comparable =
		    digest != NULL && details->expected[i] != 0;
		if (deletion->comparable)
			memcpy(deletion->header_digest, digest,
			    EVPOP_HEADER_DIGEST_SIZE);
	}
	return true;
}

void
evpop_details_doubt(struct evpop_plan *plan, bool all)
{
	const struct evpop_plan_details *details = plan->details;
	const struct evpop_deletion *deletion;
	size_t i;

	for (i = 0; i < details->deletion_count; i++) {
		deletion = &details->deletions[i];
		if ((all && !deletion->verified) || !deletion->comparable)
			plan->actions[deletion->index] =
			    EVPOP_ACTION_FETCH_DELETE;
	}
}

static int
compare_deletion(const void *index, const void *deletion)
{
	size_t wanted = *(const size_t *)index;
	size_t at = ((const struct evpop_deletion *)deletion)->index;

	return (wanted > at) - (wanted < at);
}

static void
verify(struct evpop_plan_details *details, size_t index,
    const unsigned char *digest)
{
	struct evpop_deletion *deletion;

	deletion = bsearch(&index, details->deletions, details->deletion_count,
	    sizeof *deletion, compare_deletion);
	if (deletion != NULL && deletion->comparable)
		deletion->verified = memcmp(deletion->header_digest, digest,
					 EVPOP_HEADER_DIGEST_SIZE) == 0;
}

size_t
evpop_plan_looks(const struct evpop_plan *plan, const size_t **indices)
{
	*indices = plan->details->looks;
	return plan->details->look_count;
}

void
evpop_plan_header(struct evpop_plan *plan, const struct evpop_listing *listing,
    size_t index, const unsigned char *digest)
{
	struct evpop_plan_details *details = plan->details;
	uint64_t octets = listing->entries[index].octets;
	struct evpop_candidate *first, *next;
	const struct evpop_candidate *end;

	if (!details->unknown[index]) {
		verify(details, index, digest);
		return;
	}
	first = find(details, octets, digest);
	if (first == NULL)
		return;
	end = details->candidates + details->candidate_count;
	next = first + first->adopted;
	if (next == end || next->adoption.octets != octets ||
	    memcmp(next->header_digest, digest, EVPOP_HEADER_DIGEST_SIZE) != 0)
		return;
	first->adopted++;
	details->adopted[index] = next;
	plan->actions[index] = EVPOP_ACTION_ADOPT;
}

const struct evpop_adoption *
evpop_plan_adoption(const struct evpop_plan *plan, size_t index)
{
	assert(plan->actions[index] == EVPOP_ACTION_ADOPT);
	return &plan->details->adopted[index]->adoption;
}

#include "lib/session/candidates.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/session/ids.h"
#include "lib/session/same.h"

struct candidate {
	struct evpop_adoption adoption;
	unsigned char digest[EVPOP_HEADER_DIGEST_SIZE];
	uint64_t sizes[EVPOP_SAME_SIZES];
	uint8_t size_count;
	bool is_adopted;
};

/* A size that a candidate may be listed with. */
struct key {
	uint64_t octets;
	const struct candidate *candidate;
	size_t passed; /* in the first of equal keys: how many are adopted */
};

struct evpop_candidates {
	struct candidate *candidates;
	size_t count, room;
	struct evpop_ids ids;
	struct key *keys;
	size_t key_count;
};

struct evpop_candidates *
evpop_candidates_new(void)
{
	return calloc(1, sizeof(struct evpop_candidates));
}

void
evpop_candidates_drop(struct evpop_candidates *candidates)
{
	evpop_ids_clear(&candidates->ids);
	free(candidates->candidates);
	free(candidates->keys);
	memset(candidates, 0, sizeof *candidates);
}

void
evpop_candidates_free(struct evpop_candidates *candidates)
{
	if (candidates == NULL)
		return;
	evpop_candidates_drop(candidates);
	free(candidates);
}

static struct candidate *
candidates_append(struct evpop_candidates *candidates)
{
	struct candidate *candidate;

	candidate = evpop_array_grow(candidates->candidates, candidates->count,
	    &candidates->room, sizeof *candidate);
	if (candidate == NULL)
		return NULL;
	candidates->candidates = candidate;
	return &candidates->candidates[candidates->count++];
}

bool
evpop_candidates_add(struct evpop_candidates *candidates,
    const struct evpop_known *known, size_t index)
{
	const unsigned char *id = evpop_ids_copy(
	    &candidates->ids, known->unique_id, known->unique_id_length);
	struct candidate *candidate;
	struct evpop_same same;

	if (id == NULL)
		return false;
	candidate = candidates_append(candidates);
	if (candidate == NULL)
		return false;
	memset(candidate, 0, sizeof *candidate);
	candidate->adoption = (struct evpop_adoption){
		.known = index,
		.unique_id = id,
		.unique_id_length = known->unique_id_length,
		.occurrence = known->occurrence,
		.octets = known->octets,
	};
	memcpy(
	    candidate->digest, known->header_digest, EVPOP_HEADER_DIGEST_SIZE);
	evpop_same_set(&same, known);
	candidate->size_count =
	    (uint8_t)evpop_same_sizes(&same, candidate->sizes);
	return true;
}

static int
key_compare_to(
    const struct key *key, uint64_t octets, const unsigned char *digest)
{
	if (key->octets != octets)
		return key->octets > octets ? 1 : -1;
	return digest == NULL ? 0
			      : memcmp(key->candidate->digest, digest,
				    EVPOP_HEADER_DIGEST_SIZE);
}

static int
key_compare(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	size_t i = x->candidate->adoption.known;
	size_t j = y->candidate->adoption.known;
	int order = key_compare_to(x, y->octets, y->candidate->digest);

	return order != 0 ? order : (i > j) - (i < j);
}

bool
evpop_candidates_sort(struct evpop_candidates *candidates)
{
	const struct candidate *candidate;
	size_t count = 0, i, s;

	for (i = 0; i < candidates->count; i++)
		count += candidates->candidates[i].size_count;
	if (count == 0)
		return true;
	candidates->keys = calloc(count, sizeof *candidates->keys);
	if (candidates->keys == NULL)
		return false;
	for (i = 0; i < candidates->count; i++) {
		candidate = &candidates->candidates[i];
		for (s = 0; s < candidate->size_count; s++)
			candidates->keys[candidates->key_count++] =
			    (struct key){ candidate->sizes[s], candidate, 0 };
	}
	qsort(candidates->keys, count, sizeof *candidates->keys, key_compare);
	return true;
}

size_t
evpop_candidates_count(const struct evpop_candidates *candidates)
{
	return candidates->count;
}

/* The first key of this size, and of this digest unless it is NULL; or NULL. */
static struct key *
candidates_find(const struct evpop_candidates *candidates, uint64_t octets,
    const unsigned char *digest)
{
	size_t low = 0, high = candidates->key_count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (key_compare_to(&candidates->keys[middle], octets, digest) <
		    0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == candidates->key_count ||
	    key_compare_to(&candidates->keys[low], octets, digest) != 0)
		return NULL;
	return &candidates->keys[low];
}

bool
evpop_candidates_have_size(
    const struct evpop_candidates *candidates, uint64_t octets)
{
	return candidates_find(candidates, octets, NULL) != NULL;
}

static const struct evpop_adoption *
candidates_adopt(struct evpop_candidates *candidates, uint64_t octets,
    const unsigned char *digest)
{
	const struct key *end = candidates->keys + candidates->key_count;
	struct key *first = candidates_find(candidates, octets, digest), *next;
	struct candidate *candidate;

	if (first == NULL)
		return NULL;
	for (next = first + first->passed;
	     next < end && key_compare_to(next, octets, digest) == 0; next++) {
		first->passed++;
		candidate =
		    &candidates
			 ->candidates[next->candidate - candidates->candidates];
		if (candidate->is_adopted)
			continue;
		candidate->is_adopted = true;
		return &candidate->adoption;
	}
	return NULL;
}

const struct evpop_adoption *
evpop_candidates_adopt(struct evpop_candidates *candidates, uint64_t octets,
    const struct evpop_header *header)
{
	const struct evpop_adoption *adoption;

	adoption = candidates_adopt(candidates, octets, header->digest);
	if (adoption == NULL)
		adoption =
		    candidates_adopt(candidates, octets, header->whole_digest);
	return adoption;
}

size_t
evpop_candidates_held(const struct evpop_candidates *candidates)
{
	return candidates->room * sizeof candidates->candidates[0] +
	       candidates->ids.octets +
	       candidates->key_count * sizeof candidates->keys[0];
}

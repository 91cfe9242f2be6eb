/*
 * Known messages that are no longer listed, and may be listed under other ids:
 * found by size and header, and adopted once each.
 */
#ifndef EVPOP_SESSION_CANDIDATES_H
#define EVPOP_SESSION_CANDIDATES_H

#include <evpop/sync.h>

struct evpop_candidates;

/* NULL without memory. */
struct evpop_candidates *evpop_candidates_new(void) EVPOP_MUST_USE;
/* NULL is allowed. */
void evpop_candidates_free(struct evpop_candidates *);

/*
 * Take in a copy of one, which has a size and a digest, and stands at this
 * index among the known; false without memory.
 */
bool evpop_candidates_add(struct evpop_candidates *, const struct evpop_known *,
    size_t index) EVPOP_MUST_USE;

/* There are none any more. */
void evpop_candidates_drop(struct evpop_candidates *);

/* All are there: make them ready to be found.  False without memory. */
bool evpop_candidates_sort(struct evpop_candidates *) EVPOP_MUST_USE;

size_t evpop_candidates_count(const struct evpop_candidates *);

/* Whether one may be listed with this size. */
bool evpop_candidates_have_size(
    const struct evpop_candidates *, uint64_t octets);

/*
 * Adopt the first of this size and header that is left; NULL where there is
 * none.
 */
const struct evpop_adoption *evpop_candidates_adopt(
    struct evpop_candidates *, uint64_t octets, const struct evpop_header *);

/* Octets of memory in use. */
size_t evpop_candidates_held(const struct evpop_candidates *);

#endif

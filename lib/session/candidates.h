/*
 * Known messages that are no longer listed, but may be listed under other ids.
 * They are found by size and header, and each is adopted once.
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
 * Copy a message that has a size and a digest; `index` is its place among the
 * known.  False without memory.
 */
bool evpop_candidates_add(struct evpop_candidates *, const struct evpop_known *,
    size_t index) EVPOP_MUST_USE;

/* Forget all of them. */
void evpop_candidates_drop(struct evpop_candidates *);

/* No more come: index them.  False without memory. */
bool evpop_candidates_sort(struct evpop_candidates *) EVPOP_MUST_USE;

size_t evpop_candidates_count(const struct evpop_candidates *);

/* Whether any may be listed with this size. */
bool evpop_candidates_have_size(
    const struct evpop_candidates *, uint64_t octets);

/* Adopt the first one left of this size and header; NULL if there is none. */
const struct evpop_adoption *evpop_candidates_adopt(
    struct evpop_candidates *, uint64_t octets, const struct evpop_header *);

/* Bytes of memory in use. */
size_t evpop_candidates_held(const struct evpop_candidates *);

#endif

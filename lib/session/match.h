/*
 * A listing and what is known of it, walked side by side by ascending
 * unique-id, so that neither need be searched, and the known need not all be
 * there at once.
 */
#ifndef EVPOP_SESSION_MATCH_H
#define EVPOP_SESSION_MATCH_H

#include <evpop/sync.h>

struct evpop_match;

enum evpop_match_result {
	EVPOP_MATCH_LISTED = 0,
	EVPOP_MATCH_MISSING, /* from the listing */
	EVPOP_MATCH_DISORDER /* it should have come earlier */
};

/* The listing is borrowed until the match is freed.  NULL without memory. */
struct evpop_match *evpop_match_new(
    const struct evpop_listing *) EVPOP_MUST_USE;
/* NULL is allowed. */
void evpop_match_free(struct evpop_match *);

/* The next of the known; *index_r is the entry where it is listed. */
enum evpop_match_result evpop_match_next(struct evpop_match *,
    const struct evpop_known *, uint32_t *index_r) EVPOP_MUST_USE;

/*
 * Pointers to the known by unique-id (octets, the shorter first), then
 * occurrence; what comes from a sorted index stays as it is.  To be freed; NULL
 * without memory.
 */
const struct evpop_known **evpop_match_sort_known(
    const struct evpop_known *, size_t count) EVPOP_MUST_USE;

#endif

/*
 * Messages that earlier sessions have stored and that are due for deletion, and
 * whether what the server has under their ids is still the same.
 */
#ifndef EVPOP_SESSION_DELETIONS_H
#define EVPOP_SESSION_DELETIONS_H

#include <evpop/sync.h>

struct evpop_deletions;

enum evpop_verdict {
	EVPOP_VERDICT_OPEN = 0, /* its header must be looked at */
	EVPOP_VERDICT_SAME,
	EVPOP_VERDICT_DOUBTFUL
};

/* NULL without memory. */
struct evpop_deletions *evpop_deletions_new(void) EVPOP_MUST_USE;
/* NULL is allowed. */
void evpop_deletions_free(struct evpop_deletions *);

/* Note one, of the entry with this index; false without memory. */
bool evpop_deletions_add(struct evpop_deletions *, uint32_t index,
    const struct evpop_known *) EVPOP_MUST_USE;

/* There are none any more. */
void evpop_deletions_drop(struct evpop_deletions *);

/* All are noted: put them in the order of the listing. */
void evpop_deletions_sort(struct evpop_deletions *);

size_t evpop_deletions_count(const struct evpop_deletions *);
uint32_t evpop_deletions_index(const struct evpop_deletions *, size_t at);
enum evpop_verdict evpop_deletions_verdict(
    const struct evpop_deletions *, size_t at);

/* Whether the sizes in a listing would tell something of one. */
bool evpop_deletions_are_sized(const struct evpop_deletions *);

/*
 * By the sizes in the listing.  Where the header is to be the same, too, the
 * size alone settles nothing.
 */
void evpop_deletions_compare_sizes(
    struct evpop_deletions *, const struct evpop_listing *, bool header_too);

/* By the header of the entry with this index. */
void evpop_deletions_compare_header(struct evpop_deletions *,
    const struct evpop_listing *, uint32_t index, const struct evpop_header *);

/* Whether this entry was stored with so many octets, to be deleted. */
bool evpop_deletions_owe(
    const struct evpop_deletions *, uint32_t index, uint64_t octets);

/* Octets of memory in use. */
size_t evpop_deletions_held(const struct evpop_deletions *);

#endif

/*
 * Messages that earlier sessions stored and that are due for deletion, and
 * whether the server still has the same messages under their ids.
 */
#ifndef EVPOP_SESSION_DELETIONS_H
#define EVPOP_SESSION_DELETIONS_H

#include <evpop/sync.h>

struct evpop_deletions;

/* NULL without memory. */
struct evpop_deletions *evpop_deletions_new(void) EVPOP_MUST_USE;
/* NULL is allowed. */
void evpop_deletions_free(struct evpop_deletions *);

/* Add the message of the entry with this index; false without memory. */
bool evpop_deletions_add(struct evpop_deletions *, uint32_t index,
    const struct evpop_known *) EVPOP_MUST_USE;

/* No more come: put them in the order of the listing. */
void evpop_deletions_sort(struct evpop_deletions *);

size_t evpop_deletions_count(const struct evpop_deletions *);

/* None of them is deleted: their actions are EVPOP_ACTION_HELD. */
void evpop_deletions_hold(struct evpop_deletions *, uint8_t *actions);

/* Whether the size of any is known, so that LIST would tell something. */
bool evpop_deletions_are_sized(const struct evpop_deletions *);

/*
 * Compare the sizes in the listing.  With header_too, equal sizes are not
 * enough.
 */
void evpop_deletions_compare_sizes(
    struct evpop_deletions *, const struct evpop_listing *, bool header_too);

/* Compare the header of the entry with this index. */
void evpop_deletions_compare_header(struct evpop_deletions *,
    const struct evpop_listing *, uint32_t index, const struct evpop_header *);

/*
 * Whether only the header of the entry with this index can tell.  After the
 * sizes, ask by ascending index.
 */
bool evpop_deletions_want_header(struct evpop_deletions *, uint32_t index);

/*
 * Where the message may be another, or with open_too where its header would
 * have to tell, it is fetched before it is deleted.
 */
void evpop_deletions_doubt(
    const struct evpop_deletions *, bool open_too, uint8_t *actions);

/*
 * Whether this entry was stored with so many octets, and its deletion is owed.
 */
bool evpop_deletions_owe(
    const struct evpop_deletions *, uint32_t index, uint64_t octets);

/* Bytes of memory in use. */
size_t evpop_deletions_held(const struct evpop_deletions *);

#endif

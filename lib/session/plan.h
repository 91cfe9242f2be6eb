/*
 * A plan in the making: begun with a listing, told of what is known in as many
 * batches as there are, by ascending unique-id, and then made.  What a plan is
 * and what becomes of it stands in <evpop/sync.h>.
 */
#ifndef EVPOP_SESSION_PLAN_H
#define EVPOP_SESSION_PLAN_H

#include <evpop/sync.h>

/* Runs for each of the known that is no longer listed. */
typedef void (*evpop_plan_gone_cb)(const struct evpop_known *, void *arg);

/* The listing is borrowed until the plan is made. */
enum evpop_error evpop_plan_begin(struct evpop_plan **plan_r,
    const struct evpop_listing *, const struct evpop_policy *) EVPOP_MUST_USE;

/*
 * The next batch.  EVPOP_ERROR_MEMORY, or EVPOP_ERROR_USAGE where it is not in
 * order.  `gone` may be NULL.
 */
enum evpop_error evpop_plan_match(struct evpop_plan *,
    const struct evpop_known *, size_t count, const struct evpop_policy *,
    int64_t now_ms, evpop_plan_gone_cb gone, void *arg) EVPOP_MUST_USE;

/* All that is known, in any order, so that there is no other batch. */
enum evpop_error evpop_plan_match_all(struct evpop_plan *,
    const struct evpop_known *, size_t count, const struct evpop_policy *,
    int64_t now_ms, evpop_plan_gone_cb gone, void *arg) EVPOP_MUST_USE;

/* There was the last one; false without memory. */
bool evpop_plan_make(struct evpop_plan *, const struct evpop_listing *,
    const struct evpop_policy *) EVPOP_MUST_USE;

/*
 * Whether so few octets may be all of the entry: it is known with as many, and
 * its deletion owed, so that it is fetched only to be compared; or the server
 * lists more than there is of many.
 */
bool evpop_plan_believes(
    const struct evpop_plan *, uint32_t index, uint64_t octets);

/* Octets of memory that a plan takes for so many entries, at the least. */
size_t evpop_plan_size(size_t entries);

/* Octets that it takes beyond these. */
size_t evpop_plan_held(const struct evpop_plan *);

#endif

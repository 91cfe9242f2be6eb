/*
 * How a plan is made: it is begun with a listing, matched with what is known,
 * in batches by ascending unique-id, and then made.  <evpop/sync.h> says what a
 * plan is and what follows.
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

/* The only batch, in any order. */
enum evpop_error evpop_plan_match_all(struct evpop_plan *,
    const struct evpop_known *, size_t count, const struct evpop_policy *,
    int64_t now_ms, evpop_plan_gone_cb gone, void *arg) EVPOP_MUST_USE;

/* After the last batch.  False without memory. */
bool evpop_plan_make(struct evpop_plan *, const struct evpop_listing *,
    const struct evpop_policy *) EVPOP_MUST_USE;

/*
 * Whether a body of so many octets is believed, though LIST says more: the
 * message is known with as many and its deletion owed, so that it is fetched
 * only to be compared; or the server lists too much for many messages.
 */
bool evpop_plan_believes(
    const struct evpop_plan *, uint32_t index, uint64_t octets);

/* Bytes of memory that a plan takes for so many entries, at least. */
size_t evpop_plan_size(size_t entries);

/* Bytes that a plan takes beyond these. */
size_t evpop_plan_held(const struct evpop_plan *);

#endif

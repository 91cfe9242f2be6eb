/*
 * How much of a plan one session may do, by the limits of the policy: messages
 * to fetch, and messages to delete, of which those that are fetched first are
 * some.
 */
#ifndef EVPOP_SESSION_SLICE_H
#define EVPOP_SESSION_SLICE_H

#include <evpop/sync.h>

struct evpop_slice {
	const struct evpop_plan *plan;
	uint32_t most_fetches;
	uint32_t most_deletes; /* 0: no limit */
	uint32_t fetches;      /* the first ones of the plan, that were begun */
	uint32_t deletes;
};

/* A limit on messages is one for all sessions: earlier ones began so many. */
void evpop_slice_set(struct evpop_slice *, const struct evpop_plan *,
    const struct evpop_policy *, uint32_t begun);

/* Whether this entry is fetched, and deleted once it is durable. */
bool evpop_slice_deletes(const struct evpop_slice *, size_t index);

/* No more is to be fetched: all is, or a limit is reached. */
bool evpop_slice_has_fetched(const struct evpop_slice *);

/* What to fetch next: the index of an entry. */
uint32_t evpop_slice_next(const struct evpop_slice *);

/* It is begun. */
void evpop_slice_take(struct evpop_slice *);

/* Whether another message may be deleted without a fetch; then it is. */
bool evpop_slice_take_delete(struct evpop_slice *);

/* The plan has work left for another session. */
bool evpop_slice_has_more(const struct evpop_slice *);

#endif

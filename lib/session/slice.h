/*
 * How much of a plan one session may do, by the limits of the policy: messages
 * to fetch, and messages to delete, of which those that are fetched first are
 * some; and the RETRs that are handed to the client ahead of their answers, in
 * their order: enough to fill a long fat line, few enough to end soon when
 * asked to.
 */
#ifndef EVPOP_SESSION_SLICE_H
#define EVPOP_SESSION_SLICE_H

#include <evpop/sync.h>

#define EVPOP_SLICE_AHEAD        128
#define EVPOP_SLICE_AHEAD_OCTETS 4194304 /* of bodies, by LIST */

struct evpop_slice {
	const struct evpop_plan *plan;
	const struct evpop_listing *listing;
	uint32_t most_fetches;
	uint32_t most_deletes; /* 0: no limit */
	uint32_t begun;        /* RETRs, the first ones of the plan */
	uint32_t answered;     /* of them */
	uint32_t deletes;
	uint32_t octets[EVPOP_SLICE_AHEAD]; /* of what is not answered */
	uint64_t octets_ahead;
};

/* A limit on messages is one for all sessions: earlier ones began so many. */
void evpop_slice_init(struct evpop_slice *, const struct evpop_plan *,
    const struct evpop_listing *, const struct evpop_policy *, uint32_t begun);

/* Whether this entry is fetched, and deleted once it is durable. */
bool evpop_slice_deletes(const struct evpop_slice *, size_t index);

/* No more is to be fetched: all is, or a limit is reached. */
bool evpop_slice_has_fetched(const struct evpop_slice *);

/* Whether no RETR may be handed over, where so many bodies wait besides. */
bool evpop_slice_is_full(const struct evpop_slice *, size_t waiting);

/* What to fetch next: the index of an entry. */
uint32_t evpop_slice_next(const struct evpop_slice *);

/* It is begun. */
void evpop_slice_begin(struct evpop_slice *);

/* RETRs that are not answered; the entry of the first, whose turn it is. */
uint32_t evpop_slice_ahead(const struct evpop_slice *);
uint32_t evpop_slice_first(const struct evpop_slice *);

/* It is answered. */
void evpop_slice_answer(struct evpop_slice *);

/* Whether another message may be deleted without a fetch; then it is. */
bool evpop_slice_take_delete(struct evpop_slice *);

/* The plan has work left for another session. */
bool evpop_slice_has_more(const struct evpop_slice *);

#endif

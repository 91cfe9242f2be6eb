/*
 * How much of a plan one session may do, by the policy's limits on messages to
 * fetch and to delete; and how far it is.  RETRs are handed to the client ahead
 * of their answers: enough to fill a line with a long delay, few enough to end
 * soon when asked to.
 */
#ifndef EVPOP_SESSION_SLICE_H
#define EVPOP_SESSION_SLICE_H

#include <evpop/sync.h>

#define EVPOP_SLICE_AHEAD        128
#define EVPOP_SLICE_AHEAD_OCTETS 4194304 /* bodies, by LIST */

struct evpop_slice {
	const struct evpop_plan *plan;
	const struct evpop_listing *listing;
	uint32_t most_fetches;
	uint32_t most_deletes; /* 0: no limit */
	uint32_t begun;        /* RETRs, the first ones of the plan */
	uint32_t answered;     /* of those RETRs */
	uint32_t deletes;
	uint32_t octets[EVPOP_SLICE_AHEAD]; /* by LIST, of those that are not
					       answered */
	uint64_t octets_ahead;
};

/*
 * `begun`: RETRs of earlier sessions, for which the limit on messages counts,
 * too.
 */
void evpop_slice_init(struct evpop_slice *, const struct evpop_plan *,
    const struct evpop_listing *, const struct evpop_policy *, uint32_t begun);

/* Whether this entry is fetched, and deleted once it is durable. */
bool evpop_slice_deletes(const struct evpop_slice *, size_t index);

/* All is fetched, or a limit is reached. */
bool evpop_slice_has_fetched(const struct evpop_slice *);

/* Whether no other RETR may be handed over, while so many bodies wait. */
bool evpop_slice_is_full(const struct evpop_slice *, size_t waiting);

/* What to fetch next: the index of an entry. */
uint32_t evpop_slice_next(const struct evpop_slice *);

/* That RETR is handed over. */
void evpop_slice_begin(struct evpop_slice *);

/* RETRs that are not answered; the entry of the first, whose turn it is. */
uint32_t evpop_slice_ahead(const struct evpop_slice *);
uint32_t evpop_slice_first(const struct evpop_slice *);

/* That one is answered. */
void evpop_slice_answer(struct evpop_slice *);

/*
 * Count a message that is deleted without a fetch; false if the limit is
 * reached.
 */
bool evpop_slice_take_delete(struct evpop_slice *);

/* Whether the plan has work left for another session. */
bool evpop_slice_has_more(const struct evpop_slice *);

/*
 * A session has fetched so many octets: what the policy's limit on them, one
 * over all sessions, leaves for the next.
 */
void evpop_slice_spend(struct evpop_policy *, uint64_t octets);

#endif

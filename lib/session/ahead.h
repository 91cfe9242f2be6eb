/*
 * RETRs that are handed to the client ahead of their answers, in their order:
 * enough to fill a long fat line, few enough to end soon when asked to.
 */
#ifndef EVPOP_SESSION_AHEAD_H
#define EVPOP_SESSION_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EVPOP_AHEAD_MOST   128
#define EVPOP_AHEAD_OCTETS 4194304 /* of bodies, by LIST */

struct evpop_ahead_fetch {
	uint32_t index; /* of its entry */
	uint32_t octets;
};

/* Zeroed, there are none. */
struct evpop_ahead {
	struct evpop_ahead_fetch ring[EVPOP_AHEAD_MOST];
	size_t first, count;
	uint64_t octets;
};

/* Whether no other may be handed over, where so many bodies wait besides. */
bool evpop_ahead_is_full(const struct evpop_ahead *, size_t waiting);

/* One more, not when it is full; octets by LIST, or 0 where not known. */
void evpop_ahead_push(struct evpop_ahead *, uint32_t index, uint64_t octets);

/* The index of the one whose turn it is; there must be one. */
uint32_t evpop_ahead_first(const struct evpop_ahead *);

/* It is answered. */
void evpop_ahead_pop(struct evpop_ahead *);

#endif

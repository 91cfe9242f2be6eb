/*
 * Copies of unique-ids, one behind the other in blocks that do not move.
 */
#ifndef EVPOP_SESSION_IDS_H
#define EVPOP_SESSION_IDS_H

#include <evpop/sync.h>

struct evpop_ids_block;

/* Zeroed, it is empty. */
struct evpop_ids {
	struct evpop_ids_block *blocks;
	size_t octets; /* of memory in use */
};

/* A copy, which lasts until all are cleared; NULL without memory. */
const unsigned char *evpop_ids_copy(
    struct evpop_ids *, const void *id, size_t length) EVPOP_MUST_USE;

/* It is empty again. */
void evpop_ids_clear(struct evpop_ids *);

#endif

/*
 * How many operations share one transaction, and so one sync: what waits, up to
 * bounds that are enough to share a sync among hundreds of messages, and soon
 * enough for those who wait for it.  A sync costs much the same for few as for
 * many, so where operations come in crowds a transaction waits for more of them
 * until a while after the last one.  Who comes alone never waits.
 */
#ifndef STORE_GROUPING_H
#define STORE_GROUPING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All zero before the first group.  Times are monotonic. */
struct store_grouping {
	int64_t begun_ms, ended_ms; /* the group; and the one before it */
	size_t octets, count;       /* of the operations in it */
	bool is_crowded;            /* there were many in the one before */
};

void store_grouping_begin(struct store_grouping *, int64_t now_ms);
/* An operation that holds so many octets was done. */
void store_grouping_add(struct store_grouping *, size_t octets);
bool store_grouping_is_full(const struct store_grouping *, int64_t now_ms);
/* Until when another one may come, as store_queue_take() takes it. */
int64_t store_grouping_until_ms(const struct store_grouping *, int64_t now_ms);
/* It is durable, or has failed. */
void store_grouping_end(struct store_grouping *, int64_t now_ms);

#endif

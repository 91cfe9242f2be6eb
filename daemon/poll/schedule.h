/*
 * When each account is due: a binary heap of times.  Pure: the clock is handed
 * in, as milliseconds of any clock that never goes back.
 */
#ifndef POLL_SCHEDULE_H
#define POLL_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Part of what is scheduled; zeroed, it is in no schedule. */
struct schedule_item {
	int64_t due_ms;
	uint32_t position; /* in the heap, counted from 1; 0: not there */
	uint32_t share;    /* by interval_share() */
};

/* Zeroed, it is empty. */
struct schedule {
	struct schedule_item **heap;
	size_t count, room;
};

/* Room for this many items, 2^32 - 1 at most, so that schedule_set() cannot
 * fail. */
bool schedule_reserve(struct schedule *, size_t items)
    __attribute__((warn_unused_result));

/* Put an item in, or move it, to be due at that time. */
void schedule_set(struct schedule *, struct schedule_item *, int64_t due_ms);

/* Take an item out; harmless where it is not in. */
void schedule_remove(struct schedule *, struct schedule_item *);

/* The earliest, which stays in; NULL where there is none. */
struct schedule_item *schedule_first(const struct schedule *);

static inline uint32_t
schedule_share_of(const struct schedule_item *item)
{
	return item->share;
}

/* When an item is due; and whether it is in a schedule. */
static inline int64_t
schedule_due_ms(const struct schedule_item *item)
{
	return item->due_ms;
}

static inline bool
schedule_has(const struct schedule_item *item)
{
	return item->position != 0;
}

void schedule_clear(struct schedule *);

#endif

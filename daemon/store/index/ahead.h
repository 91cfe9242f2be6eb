/*
 * A worker that reads messages ahead of the full-text index, or of what takes
 * them out of it, on a connection of its own: neither the writer nor a poll
 * waits for a message that is costly to read.  What it has read waits in
 * memory, within a bound.
 */
#ifndef STORE_AHEAD_H
#define STORE_AHEAD_H

#include "daemon/store/db.h"
#include "daemon/store/index/prepared.h"

struct store_ahead;
struct store_queue;

/*
 * Start it; the queue is woken when there is something to take.  NULL where
 * the system has no more of what it takes.
 */
struct store_ahead *store_ahead_new(const char *path, enum store_prepared_of,
    struct store_queue *) __attribute__((warn_unused_result));
void store_ahead_free(struct store_ahead *);

/* There may be messages that are not in the index: begin, or go on. */
void store_ahead_look(struct store_ahead *);

/* Whether store_ahead_take() has something to say. */
bool store_ahead_is_ready(struct store_ahead *);

/*
 * The first message above this id, which is the caller's then.  NULL: nothing
 * is ready, or *more_r is false and there is none.  After a failure the worker
 * rests; where it has read on from another id, it begins again.
 */
enum store_status store_ahead_take(struct store_ahead *, int64_t above,
    struct store_prepared **prepared_r, bool *more_r)
    __attribute__((warn_unused_result));

#endif

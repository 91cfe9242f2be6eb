/*
 * The indexes that are filled behind the commits, a step at a time: of senders,
 * and of words.  All they say is in the messages.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "daemon/store/db.h"

struct store_ahead;
struct store_index;
struct store_queue;

/* ---- how far they are; the writer's ---- */

/*
 * Messages are read ahead from the file `path`; NULL: they are read in the
 * steps.  A step ends early when the queue fills.  NULL without memory.
 */
struct store_index *store_index_new(const char *path, struct store_queue *)
    __attribute__((warn_unused_result));
void store_index_free(struct store_index *);

/* Before the first step: see whether an earlier version made them. */
void store_index_begin(struct store_index *, struct sql_db *);

/* A message was stored. */
void store_index_message_added(struct store_index *);
/* A search has met with damage: make them anew, once. */
void store_index_doubt(struct store_index *);

/* When a step is due; monotonic.  INT64_MAX: nothing is to be done. */
int64_t store_index_next_ms(const struct store_index *);

/*
 * Do a step, in a transaction of its own.  Its failure is no reason to call the
 * store's file unwell: it is tried again later.
 */
void store_index_work(struct store_index *, struct sql_db *, int64_t now_ms);

/* ---- the steps ---- */

/*
 * Index some messages in a transaction of its own, ending early when the queue
 * fills, or else put the index in order; *more_r tells whether there is more.
 * After a failure the transaction is the caller's to undo; *damaged_r tells
 * that it was the index itself.
 */
enum store_status store_index_step(struct sql_db *, struct store_ahead *,
    struct store_queue *, bool *more_r, bool *damaged_r)
    __attribute__((warn_unused_result));

/*
 * Begin again with empty indexes, in a transaction of its own; after a failure
 * it is the caller's to undo.
 */
enum store_status store_index_restart(struct sql_db *)
    __attribute__((warn_unused_result));

/*
 * Whether the indexes are what this version makes of messages; those of an
 * earlier one begin again.
 */
enum store_status store_index_is_current(struct sql_db *, bool *is_current_r)
    __attribute__((warn_unused_result));

#endif

/*
 * The indexes that are filled behind the commits, a step at a time: of senders,
 * and of words.  All they say is in the messages.
 */
#ifndef STORE_INDEX_H
#define STORE_INDEX_H

#include "daemon/store/db.h"

struct store_ahead;
struct store_queue;

/*
 * Index some messages in a transaction of its own, ending early when the queue
 * fills; *more_r tells whether others wait.  After a failure the transaction
 * is the caller's to undo; *damaged_r tells that it was the index itself.
 */
enum store_status store_index_step(struct store_db *, struct store_ahead *,
    struct store_queue *, bool *more_r, bool *damaged_r)
    __attribute__((warn_unused_result));

/*
 * Begin again with empty indexes, in a transaction of its own; after a failure
 * it is the caller's to undo.
 */
enum store_status store_index_restart(struct store_db *)
    __attribute__((warn_unused_result));

/*
 * Whether the indexes are what this version makes of messages; those of an
 * earlier one begin again.
 */
enum store_status store_index_is_current(struct store_db *, bool *is_current_r)
    __attribute__((warn_unused_result));

/* Whether nothing was ever put into them. */
bool store_index_is_empty(struct store_db *);

#endif

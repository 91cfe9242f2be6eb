/*
 * The full-text index: filled behind the commits, in the order of messages;
 * how far it has come is kept in the file.
 */
#ifndef STORE_FULLTEXT_H
#define STORE_FULLTEXT_H

#include "daemon/store/db.h"

struct store_queue;

/*
 * Index some messages in a transaction of its own, ending early when the queue
 * fills; *more_r tells whether others wait.  After a failure the transaction
 * is the caller's to undo; *damaged_r tells that it was the index itself.
 */
enum store_status store_fulltext_step(struct store_db *, struct store_queue *,
    bool *more_r, bool *damaged_r) __attribute__((warn_unused_result));

/*
 * Begin again with an empty index, in a transaction of its own; after a failure
 * it is the caller's to undo.  All it says is in the messages.
 */
enum store_status store_fulltext_restart(struct store_db *)
    __attribute__((warn_unused_result));

#endif

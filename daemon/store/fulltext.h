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
 * is the caller's to undo.
 */
enum store_status store_fulltext_step(struct store_db *, struct store_queue *,
    bool *more_r) __attribute__((warn_unused_result));

#endif

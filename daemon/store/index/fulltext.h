/*
 * The full-text index: filled behind the commits, in the order of messages;
 * how far it has come is kept in the file.
 */
#ifndef STORE_FULLTEXT_H
#define STORE_FULLTEXT_H

#include "daemon/store/db.h"

struct store_ahead;
struct store_prepared;
struct store_queue;

/* Which characters words have. */
#define FULLTEXT_CATEGORIES "L* N* M* Co"

/*
 * Index some messages in the transaction that is open, ending early when the
 * queue fills; *more_r tells whether others wait, and after a failure
 * *damaged_r that it was the index itself.  Without somebody who reads ahead
 * (NULL) messages are read here.
 */
enum store_status store_fulltext_step(struct sql_db *, struct store_ahead *,
    struct store_queue *, bool *more_r, bool *damaged_r)
    __attribute__((warn_unused_result));

/*
 * Take the words of a message out of the index, in the transaction that is
 * open, if they are in it.
 */
enum store_status store_fulltext_forget(struct sql_db *,
    const struct store_prepared *) __attribute__((warn_unused_result));

/* The statements that make the index empty, inside a transaction. */
extern const char store_fulltext_restart_sql[];

/* Whether the index is of this version's words. */
enum store_status store_fulltext_is_current(struct sql_db *, bool *is_current_r)
    __attribute__((warn_unused_result));

#endif

/*
 * The full-text index: filled behind the commits, in the order of messages;
 * how far it has come is kept in the file.
 */
#ifndef STORE_FULLTEXT_H
#define STORE_FULLTEXT_H

#include "daemon/store/db.h"
#include "daemon/store/question.h"

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
 * Each transaction adds a segment to the index, and a search looks into each of
 * them for each part of a beginning: now and then all become one.  Begin or go
 * on with that in the transaction that is open, once so many messages are new;
 * *more_r tells whether there is more to be merged.
 */
#define STORE_FULLTEXT_MERGE_LEAST 50000
enum store_status store_fulltext_merge(struct sql_db *, int64_t least,
    bool *more_r, bool *damaged_r) __attribute__((warn_unused_result));

/*
 * Put the words of a message into the index, in the transaction that is open,
 * and link it to the ids that it names.
 */
enum store_status store_fulltext_put(struct sql_db *,
    const struct store_prepared *) __attribute__((warn_unused_result));

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

/*
 * Sealed mail has no words here: whether there is any, which a search misses.
 * STORE_SEALED where there is no other mail.
 */
enum store_status store_fulltext_miss(struct sql_db *,
    struct store_search_page *) __attribute__((warn_unused_result));

#endif

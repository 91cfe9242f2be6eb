/*
 * The indexes forget what was deleted.  FTS5 only marks it at first: the words
 * are in the file until the index is merged, a step at a time.
 */
#ifndef STORE_FORGET_H
#define STORE_FORGET_H

#include "daemon/store/db.h"

struct store_prepared;

/*
 * Take a message out of the indexes, in the transaction that is open.  `sender`
 * is as its row had it, or NULL.
 */
enum store_status store_forget_message(
    struct sql_db *, const struct store_prepared *, const char *sender)
    __attribute__((warn_unused_result));

/*
 * Merge the indexes to one part each, a step at a time in the transaction that
 * is open; `begins` with the first step.  *more_r says whether there is more to
 * be merged.
 */
enum store_status store_forget_step(struct sql_db *, bool begins, bool *more_r)
    __attribute__((warn_unused_result));

#endif

/*
 * What is left of deleted messages is removed behind the commits, a step at a
 * time: their words from the indexes, their pieces, the words' remnants, and at
 * last the space in the file and in the log.  For the writer's thread.
 */
#ifndef STORE_REMOVAL_H
#define STORE_REMOVAL_H

#include "daemon/store/db.h"

struct sql_patience;
struct store_place;
struct store_queue;
struct store_removal;

/* All is borrowed.  NULL without memory. */
struct store_removal *store_removal_new(const char *path, struct store_place *,
    struct sql_patience *, struct store_queue *)
    __attribute__((warn_unused_result));
void store_removal_free(struct store_removal *);

/* Before the first step: see what an earlier run has left. */
void store_removal_begin(struct store_removal *, struct sql_db *);

/*
 * Messages were deleted, with a row of `removal` each.  If somebody asked for
 * it, their words leave the file soon, else within a day.  To be noted in the
 * transaction, and told to the one who removes.
 */
enum store_status store_removal_note(struct sql_db *, bool is_asked)
    __attribute__((warn_unused_result));
void store_removal_added(struct store_removal *, bool is_asked);

/* When a step is due; monotonic.  INT64_MAX: nothing is to be done. */
int64_t store_removal_next_ms(const struct store_removal *);

/*
 * Do a step, in a transaction of its own.  *body_r is a body that is noted as
 * unfinished and has pieces left, or 0; *is_index_damaged_r tells that the
 * index cannot be changed.  After a failure it is tried again later.
 */
void store_removal_work(struct store_removal *, struct sql_db *, int64_t now_ms,
    int64_t *body_r, bool *is_index_damaged_r);

#endif

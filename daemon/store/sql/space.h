/*
 * The space of what was deleted, in the file of SQLite.
 */
#ifndef STORE_SQL_SPACE_H
#define STORE_SQL_SPACE_H

#include "daemon/store/sql/engine.h"

/*
 * Pages that nothing is in, and whether the file can be cut where they are:
 * false in files that were made so that it cannot.
 */
enum store_status sqlite_free_pages(struct sql_db *, int64_t *free_r,
    int64_t *pages_r, bool *can_shrink_r) __attribute__((warn_unused_result));
/* Give some of these pages back, in a transaction of its own. */
enum store_status sqlite_shrink(struct sql_db *)
    __attribute__((warn_unused_result));
/*
 * Make the file one that can be cut, by copying all of it, where it is none:
 * takes as much room again.
 */
enum store_status sqlite_make_shrinkable(struct sql_db *)
    __attribute__((warn_unused_result));

#endif

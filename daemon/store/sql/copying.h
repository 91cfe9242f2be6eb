/*
 * A copy of the database in another file.
 */
#ifndef STORE_SQL_COPYING_H
#define STORE_SQL_COPYING_H

#include "daemon/store/sql/engine.h"

/* Octets that a copy takes: what is in use of the file. */
enum store_status sql_copy_octets(struct sql_db *, uint64_t *octets_r)
    __attribute__((warn_unused_result));

/*
 * Fill an empty file that exists: so it is never readable by others, not even
 * while it is made.  The copy is of one moment, and what is unused is left out.
 */
enum store_status sql_copy_into(struct sql_db *, const char *path)
    __attribute__((warn_unused_result));

#endif

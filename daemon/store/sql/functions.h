/*
 * Functions of the program's own, for statements of SQLite.
 */
#ifndef STORE_SQL_FUNCTIONS_H
#define STORE_SQL_FUNCTIONS_H

#include "daemon/store/sql/engine.h"

/* A function of two texts, for statements; false where one is NULL. */
enum store_status sqlite_define(struct sql_db *, const char *name,
    bool (*function)(const char *, const char *))
    __attribute__((warn_unused_result));

/*
 * Teach a connection score(table, WEIGHT...), a weight for each column: how
 * well a row of the full-text index fits a question, a whole number, the larger
 * the better.  It is FTS5's bm25() without a walk over all rows that have a
 * frequent word.
 */
enum store_status sqlite_define_score(struct sql_db *)
    __attribute__((warn_unused_result));

#endif

/*
 * The tables, the documented views, and the way from one version of them to
 * the next.  Migrations only run forward, each in a transaction, after a copy
 * of the file was made beside it.
 */
#ifndef STORE_SQL_SCHEMA_H
#define STORE_SQL_SCHEMA_H

#include "daemon/store/db.h"

/*
 * Bring the file to version `count`: entry N takes version N to N + 1.
 * STORE_NEWER if it is beyond, STORE_DAMAGED if it is another program's;
 * *error_r says what to do.
 */
enum store_status store_schema_migrate(struct sql_db *, const char *path,
    const char *const *migrations, size_t count, struct store_error *error_r)
    __attribute__((warn_unused_result));

/*
 * The file has this program's schema and no other.  STORE_READ_ONLY if it is
 * older: only a daemon brings it up to date.
 */
enum store_status store_schema_check(struct sql_db *, const char *path,
    struct store_error *error_r) __attribute__((warn_unused_result));

/* Those of this program; *count_r is the version that they lead to. */
const char *const *store_schema_migrations(size_t *count_r);

/* The same with these. */
enum store_status store_schema_open(struct sql_db *, const char *path,
    struct store_error *error_r) __attribute__((warn_unused_result));

#endif

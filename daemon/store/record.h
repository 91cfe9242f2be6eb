/*
 * The record of who did what, for the writer's thread inside its transaction.
 */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "daemon/store/db.h"
#include "daemon/store/keeping.h"

/* Whose the daemon's own deeds are. */
#define STORE_BY_RETENTION     "retention"
#define STORE_BY_CONFIGURATION "configuration"

enum store_status store_record_add(struct sql_db *, const struct store_deed *)
    __attribute__((warn_unused_result));

#endif

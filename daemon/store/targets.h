/*
 * Rows of the table `target`, and their counters, which change in the
 * transaction that changes the outbox.  A transaction often changes many rows
 * of one target: they are added up, and written before its end.
 */
#ifndef STORE_TARGETS_H
#define STORE_TARGETS_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/db.h"
#include "daemon/store/outbox.h"

#define STORE_OUTBOX_STATES 4
/* In place of a state: there is no row, before or after. */
#define STORE_OUTBOX_NO_ROW (-1)

/* Of so many targets changes are added up. */
#define STORE_TARGETS_CHANGED 8
struct store_target_change {
	int64_t target;
	int64_t by[STORE_OUTBOX_STATES];
};
/* Belongs to an open transaction; all zero when it begins. */
struct store_targets_counter {
	size_t count;
	struct store_target_change changes[STORE_TARGETS_CHANGED];
};

/* So many rows of a target go from one state to another. */
enum store_status store_targets_count(struct store_targets_counter *,
    struct sql_db *, int64_t target, int from, int to, int64_t rows)
    __attribute__((warn_unused_result));

/* Write what is not; before the commit, and not where it is undone. */
enum store_status store_targets_write(struct store_targets_counter *,
    struct sql_db *) __attribute__((warn_unused_result));

/* Its row; 0 where there is none. */
enum store_status store_target_find(struct sql_db *, const char *name,
    int64_t *id_r) __attribute__((warn_unused_result));

/* The same, made where missing. */
enum store_status store_target_make(struct sql_db *, const char *name,
    int64_t *id_r) __attribute__((warn_unused_result));

/* A message waits for it; not counted yet. */
enum store_status store_target_queue(struct sql_db *, int64_t target,
    int64_t account_id, int64_t message_id) __attribute__((warn_unused_result));

#endif

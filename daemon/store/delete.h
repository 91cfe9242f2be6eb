/*
 * Deletion of messages, for the writer's thread inside its transaction.
 */
#ifndef STORE_DELETE_H
#define STORE_DELETE_H

#include "daemon/store/db.h"

struct store_writer;

/*
 * Messages of one account; all but those that are held are meant, and, where
 * nobody asks, but those that wait for a delivery.
 */
struct store_doomed {
	int64_t account_id;
	int64_t first, last;      /* ids */
	int64_t stored_before_ms; /* only those; INT64_MAX: all */
	const char *who, *reason;
	bool is_asked; /* by somebody */
};

/* *deleted_r is how many there were. */
enum store_status store_delete_doomed(
    struct store_writer *, const struct store_doomed *, uint64_t *deleted_r)
    __attribute__((warn_unused_result));

#endif

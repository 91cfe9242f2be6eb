/*
 * Operations that are kept back: rows of polls that changed nothing, and what
 * is learned of servers.  Most polls are such, and none is worth a sync of its
 * own.  They wait for the next transaction that is written anyway, and at the
 * most for STORE_HISTORY_WAIT_MS.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "daemon/store/op.h"

#define STORE_HISTORY_WAIT_MS 30000
/* So many rows are written together at the most. */
#define STORE_HISTORY_ROWS 4096

/* The loop's. */
struct store_history {
	struct store_ops *ops;
	struct event *timer;
	bool is_closed;
	struct store_op_list rows; /* kept back */
	size_t row_count;
	struct store_op_list queries; /* wait for rows to be written */
	/* Counts of all rows, kept back or not. */
	uint64_t submitted, answered;
	uint64_t flushed; /* of those submitted: the last kept back */
};

/* NULL without memory. */
struct store_history *store_history_new(struct store_ops *, struct event_base *)
    __attribute__((warn_unused_result));
void store_history_free(struct store_history *);

/* Keep a row back, or hand over one that is not to wait. */
void store_history_keep(struct store_history *, struct store_op *);
void store_history_submit(struct store_history *, struct store_op *);

/* Hand over what is kept back. */
void store_history_flush(struct store_history *);

/* A row was written, or could not be. */
void store_history_answered(struct store_history *);

/* Submit a query once it sees all rows that were kept back before it. */
void store_history_query(struct store_history *, struct store_op *);

/* The store closes: nothing waits any longer. */
void store_history_close(struct store_history *);

#endif

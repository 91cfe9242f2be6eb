/*
 * Rows of polls that changed nothing: most polls are such, and none of them is
 * worth a sync of its own; nor is what is learned of a server.  They wait for
 * the next transaction that is written anyway, and at the most for
 * STORE_HISTORY_WAIT_MS.
 */
#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;
struct event_base;
struct store;
struct store_op;

#define STORE_HISTORY_WAIT_MS 30000
/* So many rows are written together at the most. */
#define STORE_HISTORY_ROWS 4096

/* Operations in the order they came. */
struct store_history_list {
	struct store_op *head, *tail;
};

/* Of a store; the loop's. */
struct store_history {
	struct store_history_list rows;    /* kept back */
	struct store_history_list queries; /* wait for rows to be written */
	size_t row_count;
	uint64_t submitted, answered; /* records of polls, of both kinds */
	uint64_t flushed; /* of those submitted: the last kept back */
	struct event *timer;
};

/* False without memory. */
bool store_history_init(struct store *, struct event_base *)
    __attribute__((warn_unused_result));
void store_history_destroy(struct store *);

/* Keep the record of a poll, or what was learned of a server, back. */
void store_history_keep(struct store *, struct store_op *);

/* Hand over what is kept back. */
void store_history_flush(struct store *);

/* A record was handed to the writer, and answered by it. */
void store_history_submitted(struct store *);
void store_history_answered(struct store *);

/* Submit a query once it sees all polls that were recorded before it. */
void store_history_query(struct store *, struct store_op *);

/* The store closes: nothing waits any longer. */
void store_history_close(struct store *);

#endif

/*
 * How long a connection goes on with a statement: while another process holds
 * the file, and while anybody wants the answer.
 */
#ifndef STORE_PATIENCE_H
#define STORE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

struct store_db;

struct store_patience {
	int64_t busy_ms; /* the longest wait for another process */
	bool (*is_over)(void *arg);
	void *arg;
	int64_t since_ms; /* its own: when the wait began */
};

/*
 * How long a statement waits for a person's own SQLite shell to let go of the
 * file before the store calls itself busy.
 */
#define STORE_PATIENCE_BUSY_MS 5000

/*
 * The connection waits for other processes no longer than that; it must not
 * outlive the patience, which must stay where it is.
 */
void store_patience_wait(struct store_db *, struct store_patience *);

/* Also queries end when it is over, as store_db_status() says: STORE_CLOSED. */
void store_patience_work(struct store_db *, struct store_patience *);

#endif

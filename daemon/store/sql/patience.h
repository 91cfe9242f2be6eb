/*
 * How long a connection goes on with a statement: while another process holds
 * the file, and while anybody wants the answer.
 */
#ifndef STORE_SQL_PATIENCE_H
#define STORE_SQL_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * How long a statement waits for a person's own SQLite shell to let go of the
 * file before the store calls itself busy.
 */
#define SQL_BUSY_MS 5000

struct sql_patience {
	int64_t busy_ms; /* the longest wait for another process */
	bool (*is_over)(void *arg);
	void *arg;
	int64_t since_ms; /* the engine's: when the wait began */
};

/* From now on, wait for another process no longer than this. */
void sql_patience_set(struct sql_patience *, int64_t busy_ms);

/* ---- for engines ---- */

/* Another process holds the file: sleep, and return whether to try again. */
bool sql_patience_wait(struct sql_patience *, int count);
bool sql_patience_is_over(const struct sql_patience *);

#endif

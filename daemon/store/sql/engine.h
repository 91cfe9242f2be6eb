/*
 * The seam to the database: connections, statements, transactions, and what
 * failed in the store's words.  What one engine alone can do is in the header
 * of that engine.
 */
#ifndef STORE_SQL_ENGINE_H
#define STORE_SQL_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/sql/patience.h"
#include "daemon/store/store.h"

/* A connection.  One thread uses it at a time. */
struct sql_db;

enum sql_access {
	SQL_READ = 0,
	SQL_WRITE
};

/*
 * Open a database that exists.  Also on failure there is a connection to be
 * closed, whose words tell why; NULL without memory.
 */
enum store_status sql_open(struct sql_db **db_r, const char *path,
    enum sql_access) __attribute__((warn_unused_result));
/* NULL is allowed; no statement may be in use. */
void sql_close(struct sql_db *);

/* What the caller keeps with a connection; NULL at first. */
void sql_set_context(struct sql_db *, void *context);
void *sql_context(struct sql_db *);

/* Why the last call that failed did so; valid until the next one fails. */
const char *sql_words(const struct sql_db *);

/* Whether it did so by a row that the schema does not allow. */
bool sql_was_refused(const struct sql_db *);

/* Fail with words of the caller's; returns the status. */
enum store_status sql_fail(struct sql_db *, enum store_status,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* ---- statements ---- */

/*
 * A statement in use.  Failures stick: bind and step as if all went well, and
 * ask sql_end() how it went.  Its members are the engine's.
 */
struct sql_statement {
	struct sql_db *db;
	void *handle;
	int code;
	bool is_once;
};

/* `text` is a constant, prepared at its first use and kept. */
void sql_prepare(struct sql_statement *, struct sql_db *, const char *text);
/* `text` is prepared for this time only. */
void sql_prepare_once(
    struct sql_statement *, struct sql_db *, const char *text);

/* Parameters count from 1.  One that is not bound is NULL. */
void sql_bind_int(struct sql_statement *, int parameter, int64_t);
/* Bytes stay the caller's until sql_end(); NULL text is NULL. */
void sql_bind_text(struct sql_statement *, int parameter, const char *);
void sql_bind_blob(struct sql_statement *, int parameter, const void *, size_t);

/* Whether there is a (further) row. */
bool sql_step(struct sql_statement *);

/*
 * Columns of the row, from 0.  Text and bytes are borrowed until the next step
 * or end; NULL text is NULL, and without memory, too.
 */
bool sql_column_is_null(struct sql_statement *, int column);
int64_t sql_column_int(struct sql_statement *, int column);
const char *sql_column_text(struct sql_statement *, int column);
/* NULL where there is no byte. */
const void *sql_column_blob(
    struct sql_statement *, int column, size_t *length_r);
/* Whether there are exactly so many bytes; then they are copied. */
bool sql_column_bytes(
    struct sql_statement *, int column, void *bytes_r, size_t size);

/* How it went. */
enum store_status sql_end(struct sql_statement *)
    __attribute__((warn_unused_result));
/* sql_step() to the end of the rows, and sql_end(). */
enum store_status sql_run(struct sql_statement *)
    __attribute__((warn_unused_result));

/* The integer of the first row; without a row the value stays. */
enum store_status sql_run_integer(struct sql_statement *, int64_t *value)
    __attribute__((warn_unused_result));

/* Whether there is a row. */
enum store_status sql_run_found(struct sql_statement *, bool *found_r)
    __attribute__((warn_unused_result));

/* Prepare, bind ?1 and run, where that is all. */
enum store_status sql_run_of(struct sql_db *, const char *sql, int64_t value)
    __attribute__((warn_unused_result));

/*
 * sql_run() for an INSERT into a table that numbers its rows in `id`; the
 * engine finds out which one the row got.  SQLite takes a temporary table for
 * each RETURNING, which costs a tenth of a message.
 */
enum store_status sql_run_insert(struct sql_statement *, int64_t *id_r)
    __attribute__((warn_unused_result));

/* How many rows the last statement that changed any has changed. */
int64_t sql_changes(struct sql_db *);

/* Run SQL text that answers no rows. */
enum store_status sql_exec(struct sql_db *, const char *text)
    __attribute__((warn_unused_result));
/* One integer, as counts answer it. */
enum store_status sql_integer(struct sql_db *, const char *text,
    int64_t *value_r) __attribute__((warn_unused_result));

/* ---- transactions ---- */

/* Begin one that reads, in one snapshot, or one that may write. */
enum store_status sql_begin(struct sql_db *, enum sql_access)
    __attribute__((warn_unused_result));
enum store_status sql_commit(struct sql_db *)
    __attribute__((warn_unused_result));
/* Some failures have undone it already. */
bool sql_is_in_transaction(struct sql_db *);
/*
 * Undo it, if there is one.  The words of what failed before stay, unless this
 * fails, too.
 */
void sql_rollback(struct sql_db *);

/*
 * What a transaction does from here on can be undone alone, until it is kept or
 * undone.  There is one such point at a time.  SQLite copies each page that
 * changes behind it.
 */
enum store_status sql_savepoint(struct sql_db *)
    __attribute__((warn_unused_result));
enum store_status sql_savepoint_keep(struct sql_db *)
    __attribute__((warn_unused_result));
enum store_status sql_savepoint_undo(struct sql_db *)
    __attribute__((warn_unused_result));

/* ---- waiting ---- */

/*
 * The connection waits for other processes as long as the patience says; NULL:
 * SQL_BUSY_MS.  The patience must stay where it is.
 */
void sql_set_patience(struct sql_db *, struct sql_patience *);
/* Queries end, too, once the patience is over; with STORE_CLOSED. */
void sql_set_patience_of_queries(struct sql_db *, struct sql_patience *);

/* End what the connection does, from another thread, with STORE_CLOSED. */
void sql_interrupt(struct sql_db *);

#endif

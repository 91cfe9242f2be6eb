/*
 * What SQLite alone can do: its file, its log, its full text.
 */
#ifndef STORE_SQL_SQLITE_H
#define STORE_SQL_SQLITE_H

#include "daemon/store/sql/engine.h"

/* ---- the file ---- */

/*
 * The first bytes of the file, by the connection's own descriptor: to close
 * another one would lose its locks.
 */
bool sqlite_read_header(struct sql_db *, void *bytes_r, int length);
/* Whether the name of the file leads elsewhere by now. */
bool sqlite_was_moved(struct sql_db *);

/* Each row is something that is wrong with the file's structure, or "ok". */
void sqlite_prepare_check(struct sql_statement *, struct sql_db *);

/* ---- the write-ahead log ---- */

/* After each commit: how many pages the log has.  NULL: call nothing. */
void sqlite_set_log_cb(
    struct sql_db *, void (*written)(void *arg, int pages), void *arg);
/* Copy what no reader keeps: so many pages of the log, and so many done. */
enum store_status sqlite_checkpoint(struct sql_db *, int *pages_r, int *done_r)
    __attribute__((warn_unused_result));
/*
 * Copy all of the log, and empty its file.  STORE_BUSY where a reader is in the
 * way: nobody is waited for.
 */
enum store_status sqlite_clear_log(struct sql_db *);
/* The log stays as it is when the connection is closed. */
void sqlite_leave_log(struct sql_db *);

/* ---- full text ---- */

/* The connection as SQLite knows it, for functions.c. */
struct sqlite3 *sqlite_handle(struct sql_db *);

/* Rows that this connection has changed, also those of virtual tables. */
int64_t sqlite_total_changes(struct sql_db *);

/* Whether a statement, before its end, failed by a damaged virtual table. */
bool sqlite_index_is_damaged(const struct sql_statement *);

/* Whether the tables of virtual tables may be written. */
enum store_status sqlite_set_defensive(struct sql_db *, bool is_defensive)
    __attribute__((warn_unused_result));

#endif

#include "daemon/store/sql/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/sql/unchanging.h"
#include "lib/base/array.h"

/*
 * Unique-ids come in no order: the cache of the writer holds the hot part, and
 * a group of bodies besides.
 */
#define WRITER_CACHE "PRAGMA cache_size = -8192;"
#define READER_CACHE "PRAGMA cache_size = -4096;"

/* What is left of the write-ahead log's file once it starts over. */
#define LOG_LIMIT "PRAGMA journal_size_limit = 67108864;"

static const char writer_pragmas[] =
    "PRAGMA page_size = 16384;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA foreign_keys = ON;"
    "PRAGMA wal_autocheckpoint = 0;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA secure_delete = ON;"
    "PRAGMA trusted_schema = OFF;" WRITER_CACHE LOG_LIMIT;
static const char reader_pragmas[] =
    "PRAGMA query_only = ON;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA trusted_schema = OFF;" READER_CACHE;

struct kept {
	const char *text; /* told apart by address */
	sqlite3_stmt *statement;
};

struct sql_db {
	sqlite3 *handle;
	struct kept *kept;
	size_t count, room;
	void (*log_written)(void *arg, int pages);
	void *log_arg;
	void *context;
	char words[160]; /* of the last failure */
	bool was_refused;
};

/* ---- what failed ---- */

static bool
error_is_no_room(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/*
 * A write that failed for want of room, whatever SQLite calls it: a quota or a
 * limit is an I/O error to it.  At a commit only the log's file knows why.
 */
static bool
code_is_no_room(sqlite3 *handle, int code)
{
	sqlite3_file *log = NULL;
	int error = 0;

	if (code != SQLITE_IOERR_WRITE && code != SQLITE_IOERR_TRUNCATE &&
	    code != SQLITE_IOERR_SHMSIZE)
		return false;
	if (error_is_no_room(sqlite3_system_errno(handle)))
		return true;
	if (sqlite3_file_control(handle, NULL, SQLITE_FCNTL_JOURNAL_POINTER,
		&log) != SQLITE_OK ||
	    log == NULL || log->pMethods == NULL ||
	    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error) !=
		SQLITE_OK)
		return false;
	return error_is_no_room(error);
}

static enum store_status
code_status(sqlite3 *handle, int code)
{
	if (code == SQLITE_IOERR_NOMEM)
		return STORE_MEMORY;
	if (code_is_no_room(handle, code))
		return STORE_FULL;
	switch (code & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return STORE_OK;
	case SQLITE_FULL:
		return STORE_FULL;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return STORE_BUSY;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
	case SQLITE_CANTOPEN:
		return STORE_READ_ONLY;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_CONSTRAINT:
	case SQLITE_MISMATCH:
		return STORE_DAMAGED;
	case SQLITE_INTERRUPT:
		return STORE_CLOSED;
	case SQLITE_NOMEM:
	case SQLITE_TOOBIG:
		return STORE_MEMORY;
	default:
		return STORE_IO;
	}
}

/* What a result code of this connection means; notes the words. */
static enum store_status
db_status(struct sql_db *db, int code)
{
	enum store_status status = code_status(db->handle, code);

	if (status != STORE_OK)
		db->was_refused = (code & 0xff) == SQLITE_CONSTRAINT;
	if (status != STORE_OK)
		snprintf(db->words, sizeof(db->words), "%s (code %d)",
		    db->handle != NULL ? sqlite3_errmsg(db->handle)
				       : sqlite3_errstr(code),
		    code);
	return status;
}

const char *
sql_words(const struct sql_db *db)
{
	return db != NULL ? db->words : "out of memory";
}

bool
sql_was_refused(const struct sql_db *db)
{
	return db->was_refused;
}

enum store_status
sql_fail(struct sql_db *db, enum store_status status, const char *format, ...)
{
	va_list arguments;

	db->was_refused = false;
	va_start(arguments, format);
	vsnprintf(db->words, sizeof(db->words), format, arguments);
	va_end(arguments);
	return status;
}

/* ---- the connection ---- */

static int
db_configure(sqlite3 *handle, enum sql_access access)
{
	int code = sqlite3_extended_result_codes(handle, 1);

	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(handle, SQL_BUSY_MS);
	if (code == SQLITE_OK)
		code = sqlite3_db_config(
		    handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* The last connection's close would checkpoint; the writer does. */
	if (code == SQLITE_OK && access == SQL_READ)
		code = sqlite3_db_config(
		    handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(handle,
		    access == SQL_WRITE ? writer_pragmas : reader_pragmas, NULL,
		    NULL, NULL);
	return code;
}

enum store_status
sql_open(struct sql_db **db_r, const char *path, enum sql_access access)
{
	int flags =
	    SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
	    (access == SQL_WRITE ? SQLITE_OPEN_READWRITE
				 : SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
	char *uri = access == SQL_WRITE ? NULL : sqlite_reading_uri(path);
	struct sql_db *db = *db_r = calloc(1, sizeof(*db));
	int code;

	if (db == NULL || (uri == NULL && access == SQL_READ)) {
		free(uri);
		return STORE_MEMORY;
	}
	code =
	    sqlite3_open_v2(uri != NULL ? uri : path, &db->handle, flags, NULL);
	free(uri);
	if (code == SQLITE_OK)
		code = db_configure(db->handle, access);
	return db_status(db, code);
}

void
sql_close(struct sql_db *db)
{
	int code;

	if (db == NULL)
		return;
	for (size_t i = 0; i < db->count; i++)
		sqlite3_finalize(db->kept[i].statement);
	free(db->kept);
	code = sqlite3_close(db->handle);
	assert(code == SQLITE_OK);
	free(db);
}

void
sql_set_context(struct sql_db *db, void *context)
{
	db->context = context;
}

void *
sql_context(struct sql_db *db)
{
	return db->context;
}

enum store_status
sql_exec(struct sql_db *db, const char *text)
{
	return db_status(db, sqlite3_exec(db->handle, text, NULL, NULL, NULL));
}

/* ---- transactions ---- */

enum store_status
sql_begin(struct sql_db *db, enum sql_access access)
{
	return sql_exec(db, access == SQL_WRITE ? "BEGIN IMMEDIATE" : "BEGIN");
}

enum store_status
sql_commit(struct sql_db *db)
{
	return sql_exec(db, "COMMIT");
}

enum store_status
sql_savepoint(struct sql_db *db)
{
	return sql_exec(db, "SAVEPOINT work");
}

enum store_status
sql_savepoint_keep(struct sql_db *db)
{
	return sql_exec(db, "RELEASE work");
}

enum store_status
sql_savepoint_undo(struct sql_db *db)
{
	return sql_exec(db, "ROLLBACK TO work; RELEASE work");
}

enum store_status
sql_run_insert(struct sql_statement *statement, int64_t *id_r)
{
	struct sql_db *db = statement->db;
	enum store_status status;

	while (sql_step(statement))
		;
	status = sql_end(statement);

	*id_r = sqlite3_last_insert_rowid(db->handle);
	return status;
}

int64_t
sql_changes(struct sql_db *db)
{
	return sqlite3_changes64(db->handle);
}

bool
sql_is_in_transaction(struct sql_db *db)
{
	return !sqlite3_get_autocommit(db->handle);
}

void
sql_rollback(struct sql_db *db)
{
	if (sql_is_in_transaction(db))
		db_status(
		    db, sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL));
}

/* ---- statements ---- */

/* One that cannot be kept for want of memory is prepared for this time. */
static bool
db_keep(struct sql_db *db, const char *text, sqlite3_stmt *statement)
{
	struct kept *kept =
	    evpop_array_grow(db->kept, db->count, &db->room, sizeof *kept);

	if (kept == NULL)
		return false;
	db->kept = kept;
	db->kept[db->count++] =
	    (struct kept){ .text = text, .statement = statement };
	return true;
}

static void
statement_begin(struct sql_statement *statement, struct sql_db *db,
    const char *text, unsigned flags)
{
	sqlite3_stmt *handle = NULL;

	*statement = (struct sql_statement){ .db = db, .is_once = true };
	statement->code =
	    sqlite3_prepare_v3(db->handle, text, -1, flags, &handle, NULL);
	statement->handle = handle;
}

void
sql_prepare_once(
    struct sql_statement *statement, struct sql_db *db, const char *text)
{
	statement_begin(statement, db, text, 0);
}

void
sql_prepare(
    struct sql_statement *statement, struct sql_db *db, const char *text)
{
	for (size_t i = 0; i < db->count; i++) {
		if (db->kept[i].text == text) {
			*statement = (struct sql_statement){ .db = db,
				.handle = db->kept[i].statement,
				.code = SQLITE_OK };
			return;
		}
	}
	statement_begin(statement, db, text, SQLITE_PREPARE_PERSISTENT);
	if (statement->code == SQLITE_OK)
		statement->is_once = !db_keep(db, text, statement->handle);
}

void
sql_bind_int(struct sql_statement *statement, int parameter, int64_t value)
{
	if (statement->code == SQLITE_OK)
		statement->code =
		    sqlite3_bind_int64(statement->handle, parameter, value);
}

void
sql_bind_text(struct sql_statement *statement, int parameter, const char *text)
{
	if (statement->code == SQLITE_OK)
		statement->code = sqlite3_bind_text(
		    statement->handle, parameter, text, -1, SQLITE_STATIC);
}

void
sql_bind_blob(struct sql_statement *statement, int parameter, const void *bytes,
    size_t length)
{
	if (statement->code != SQLITE_OK)
		return;
	/* A null pointer would be NULL, and an empty blob is not. */
	if (length == 0)
		statement->code =
		    sqlite3_bind_zeroblob(statement->handle, parameter, 0);
	else
		statement->code = sqlite3_bind_blob64(
		    statement->handle, parameter, bytes, length, SQLITE_STATIC);
}

bool
sql_step(struct sql_statement *statement)
{
	if (statement->code != SQLITE_OK && statement->code != SQLITE_ROW)
		return false;
	statement->code = sqlite3_step(statement->handle);
	return statement->code == SQLITE_ROW;
}

bool
sql_column_is_null(struct sql_statement *statement, int column)
{
	return sqlite3_column_type(statement->handle, column) == SQLITE_NULL;
}

int64_t
sql_column_int(struct sql_statement *statement, int column)
{
	return sqlite3_column_int64(statement->handle, column);
}

const char *
sql_column_text(struct sql_statement *statement, int column)
{
	return (const char *)sqlite3_column_text(statement->handle, column);
}

const void *
sql_column_blob(struct sql_statement *statement, int column, size_t *length_r)
{
	const void *bytes = sqlite3_column_blob(statement->handle, column);

	*length_r = (size_t)sqlite3_column_bytes(statement->handle, column);
	return bytes;
}

enum store_status
sql_end(struct sql_statement *statement)
{
	enum store_status status = db_status(statement->db, statement->code);

	if (statement->is_once)
		sqlite3_finalize(statement->handle);
	else {
		sqlite3_reset(statement->handle);
		sqlite3_clear_bindings(statement->handle);
	}
	return status;
}

/* ---- waiting ---- */

/* Steps of SQLite's machine between two looks; some tens of microseconds. */
#define STEPS 1000

static int
patience_wait(void *arg, int count)
{
	return sql_patience_wait(arg, count);
}

static int
patience_work(void *arg)
{
	return sql_patience_is_over(arg);
}

/* These can fail only where there is no connection. */
void
sql_set_patience(struct sql_db *db, struct sql_patience *patience)
{
	if (patience != NULL)
		(void)sqlite3_busy_handler(db->handle, patience_wait, patience);
	else
		(void)sqlite3_busy_timeout(db->handle, SQL_BUSY_MS);
}

void
sql_set_patience_of_queries(struct sql_db *db, struct sql_patience *patience)
{
	sqlite3_progress_handler(db->handle, STEPS, patience_work, patience);
}

void
sql_interrupt(struct sql_db *db)
{
	sqlite3_interrupt(db->handle);
}

/* ---- the file ---- */

bool
sqlite_read_header(struct sql_db *db, void *bytes_r, int length)
{
	sqlite3_file *file = NULL;

	return sqlite3_file_control(db->handle, NULL, SQLITE_FCNTL_FILE_POINTER,
		   &file) == SQLITE_OK &&
	       file != NULL && file->pMethods != NULL &&
	       file->pMethods->xRead(file, bytes_r, length, 0) == SQLITE_OK;
}

bool
sqlite_was_moved(struct sql_db *db)
{
	int moved = 0;

	return sqlite3_file_control(db->handle, NULL, SQLITE_FCNTL_HAS_MOVED,
		   &moved) == SQLITE_OK &&
	       moved != 0;
}

void
sqlite_prepare_check(struct sql_statement *statement, struct sql_db *db)
{
	sql_prepare_once(statement, db, "PRAGMA integrity_check");
}

/* ---- the write-ahead log ---- */

static int
log_written(void *arg, sqlite3 *handle, const char *name, int pages)
{
	struct sql_db *db = arg;

	(void)handle;
	(void)name;
	db->log_written(db->log_arg, pages);
	return SQLITE_OK;
}

void
sqlite_set_log_cb(
    struct sql_db *db, void (*written)(void *arg, int pages), void *arg)
{
	db->log_written = written;
	db->log_arg = arg;
	sqlite3_wal_hook(db->handle, written != NULL ? log_written : NULL, db);
}

enum store_status
sqlite_checkpoint(struct sql_db *db, int *pages_r, int *done_r)
{
	*pages_r = *done_r = 0;
	return db_status(db, sqlite3_wal_checkpoint_v2(db->handle, NULL,
				 SQLITE_CHECKPOINT_PASSIVE, pages_r, done_r));
}

enum store_status
sqlite_clear_log(struct sql_db *db)
{
	return db_status(db, sqlite3_wal_checkpoint_v2(db->handle, NULL,
				 SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
}

void
sqlite_leave_log(struct sql_db *db)
{
	(void)sqlite3_db_config(
	    db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

/* ---- full text ---- */

int64_t
sqlite_total_changes(struct sql_db *db)
{
	return sqlite3_total_changes64(db->handle);
}

bool
sqlite_index_is_damaged(const struct sql_statement *statement)
{
	return statement->code == SQLITE_CORRUPT_VTAB;
}

enum store_status
sqlite_set_defensive(struct sql_db *db, bool is_defensive)
{
	return db_status(
	    db, sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE,
		    is_defensive ? 1 : 0, NULL));
}

sqlite3 *
sqlite_handle(struct sql_db *db)
{
	return db->handle;
}

#include "daemon/store/db.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/patience.h"

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
    "PRAGMA trusted_schema = OFF;" WRITER_CACHE LOG_LIMIT;
static const char reader_pragmas[] =
    "PRAGMA query_only = ON;"
    "PRAGMA temp_store = MEMORY;"
    "PRAGMA trusted_schema = OFF;" READER_CACHE;

static bool
means_no_room(int error)
{
	return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

/*
 * A write that failed for want of room, whatever SQLite calls it: a quota or a
 * limit is an I/O error to it.  At a commit only the log's file knows why.
 */
static bool
is_without_room(sqlite3 *handle, int code)
{
	sqlite3_file *log = NULL;
	int error = 0;

	if (code != SQLITE_IOERR_WRITE && code != SQLITE_IOERR_TRUNCATE &&
	    code != SQLITE_IOERR_SHMSIZE)
		return false;
	if (means_no_room(sqlite3_system_errno(handle)))
		return true;
	if (sqlite3_file_control(handle, NULL, SQLITE_FCNTL_JOURNAL_POINTER,
		&log) != SQLITE_OK ||
	    log == NULL || log->pMethods == NULL ||
	    log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &error) !=
		SQLITE_OK)
		return false;
	return means_no_room(error);
}

static enum store_status
status_of(sqlite3 *handle, int code)
{
	if (code == SQLITE_IOERR_NOMEM)
		return STORE_MEMORY;
	if (is_without_room(handle, code))
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

enum store_status
store_db_status(struct store_db *db, int code)
{
	enum store_status status = status_of(db->handle, code);

	if (status != STORE_OK)
		snprintf(db->words, sizeof(db->words), "%s (code %d)",
		    db->handle != NULL ? sqlite3_errmsg(db->handle)
				       : sqlite3_errstr(code),
		    code);
	return status;
}

static int
configure(struct store_db *db, enum store_db_access access)
{
	int code = sqlite3_extended_result_codes(db->handle, 1);

	if (code == SQLITE_OK)
		code = sqlite3_busy_timeout(db->handle, STORE_PATIENCE_BUSY_MS);
	if (code == SQLITE_OK)
		code = sqlite3_db_config(
		    db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	/* The last connection's close would checkpoint; the writer does. */
	if (code == SQLITE_OK && access == STORE_DB_READ)
		code = sqlite3_db_config(
		    db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(db->handle,
		    access == STORE_DB_WRITE ? writer_pragmas : reader_pragmas,
		    NULL, NULL, NULL);
	return code;
}

enum store_status
store_db_open(
    struct store_db *db, const char *path, enum store_db_access access)
{
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
		    (access == STORE_DB_WRITE ? SQLITE_OPEN_READWRITE
					      : SQLITE_OPEN_READONLY);
	enum store_status status;
	int code;

	memset(db, 0, sizeof(*db));
	code = sqlite3_open_v2(path, &db->handle, flags, NULL);
	if (code == SQLITE_OK)
		code = configure(db, access);
	status = store_db_status(db, code);
	if (status != STORE_OK)
		store_db_close(db);
	return status;
}

void
store_db_close(struct store_db *db)
{
	int code;

	for (size_t i = 0; i < db->count; i++)
		sqlite3_finalize(db->kept[i].statement);
	db->count = 0;
	store_codec_clear(&db->codec);
	code = sqlite3_close(db->handle);
	assert(code == SQLITE_OK);
	db->handle = NULL;
}

enum store_status
store_db_exec(struct store_db *db, const char *sql)
{
	return store_db_status(
	    db, sqlite3_exec(db->handle, sql, NULL, NULL, NULL));
}

enum store_status
store_db_integer(struct store_db *db, const char *sql, int64_t *value_r)
{
	struct store_use use;

	*value_r = 0;
	store_use_once(&use, db, sql);
	if (store_next(&use))
		*value_r = sqlite3_column_int64(use.statement, 0);
	return store_end(&use);
}

void
store_use(struct store_use *use, struct store_db *db, const char *sql)
{
	use->db = db;
	use->once = false;
	use->code = SQLITE_OK;
	for (size_t i = 0; i < db->count; i++) {
		if (db->kept[i].sql == sql) {
			use->statement = db->kept[i].statement;
			return;
		}
	}
	assert(db->count < STORE_DB_STATEMENTS);
	use->code = sqlite3_prepare_v3(db->handle, sql, -1,
	    SQLITE_PREPARE_PERSISTENT, &use->statement, NULL);
	if (use->code != SQLITE_OK)
		return;
	db->kept[db->count].sql = sql;
	db->kept[db->count].statement = use->statement;
	db->count++;
}

void
store_use_once(struct store_use *use, struct store_db *db, const char *sql)
{
	use->db = db;
	use->once = true;
	use->code =
	    sqlite3_prepare_v3(db->handle, sql, -1, 0, &use->statement, NULL);
}

void
store_bind_int(struct store_use *use, int index, int64_t value)
{
	if (use->code == SQLITE_OK)
		use->code = sqlite3_bind_int64(use->statement, index, value);
}

void
store_bind_text(struct store_use *use, int index, const char *text)
{
	if (use->code == SQLITE_OK)
		use->code = sqlite3_bind_text(
		    use->statement, index, text, -1, SQLITE_STATIC);
}

void
store_bind_blob(
    struct store_use *use, int index, const void *bytes, size_t length)
{
	if (use->code != SQLITE_OK)
		return;
	/* A null pointer would be NULL, and an empty blob is not. */
	if (length == 0)
		use->code = sqlite3_bind_zeroblob(use->statement, index, 0);
	else
		use->code = sqlite3_bind_blob64(
		    use->statement, index, bytes, length, SQLITE_STATIC);
}

void
store_bind_null(struct store_use *use, int index)
{
	if (use->code == SQLITE_OK)
		use->code = sqlite3_bind_null(use->statement, index);
}

bool
store_next(struct store_use *use)
{
	if (use->code != SQLITE_OK && use->code != SQLITE_ROW)
		return false;
	use->code = sqlite3_step(use->statement);
	return use->code == SQLITE_ROW;
}

enum store_status
store_end(struct store_use *use)
{
	enum store_status status = store_db_status(use->db, use->code);

	if (use->once)
		sqlite3_finalize(use->statement);
	else if (use->statement != NULL) {
		sqlite3_reset(use->statement);
		sqlite3_clear_bindings(use->statement);
	}
	return status;
}

enum store_status
store_run(struct store_use *use)
{
	while (store_next(use))
		;
	return store_end(use);
}

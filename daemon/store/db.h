/*
 * One SQLite connection of one thread, with the statements it keeps prepared,
 * and SQLite's codes in the store's words.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/store/codec.h"
#include "daemon/store/store.h"

/* More than there are statements in this folder. */
#define STORE_DB_STATEMENTS 64

struct store_db {
	sqlite3 *handle;
	size_t count;
	struct {
		const char *sql; /* told apart by address */
		sqlite3_stmt *statement;
	} kept[STORE_DB_STATEMENTS];
	struct store_codec codec; /* of pieces */
	int64_t now_ms;           /* by which a transaction dates */
	char words[160];          /* of the last failure */
};

enum store_db_access {
	STORE_DB_READ = 0,
	STORE_DB_WRITE
};
/* On failure words tell why, and nothing is left open. */
enum store_status store_db_open(struct store_db *, const char *path,
    enum store_db_access) __attribute__((warn_unused_result));
void store_db_close(struct store_db *);

/* Run SQL text that answers no rows. */
enum store_status store_db_exec(struct store_db *, const char *sql)
    __attribute__((warn_unused_result));

/* One integer, as PRAGMAs and counts answer it. */
enum store_status store_db_integer(struct store_db *, const char *sql,
    int64_t *value_r) __attribute__((warn_unused_result));

/* What a result code of this connection means; notes the words. */
enum store_status store_db_status(struct store_db *, int code);

/*
 * A statement in use.  Failures stick: bind and step as if all went well, and
 * ask store_end() how it went.
 */
struct store_use {
	struct store_db *db;
	sqlite3_stmt *statement;
	int code;
	bool once;
};

/* `sql` is a constant, prepared at its first use and kept. */
void store_use(struct store_use *, struct store_db *, const char *sql);
/* `sql` is prepared for this time only. */
void store_use_once(struct store_use *, struct store_db *, const char *sql);

void store_bind_int(struct store_use *, int index, int64_t);
/* Bytes stay the caller's until store_end(); NULL text is NULL. */
void store_bind_text(struct store_use *, int index, const char *);
void store_bind_blob(struct store_use *, int index, const void *, size_t);
void store_bind_null(struct store_use *, int index);

/* Whether there is a (further) row. */
bool store_next(struct store_use *);

enum store_status store_end(struct store_use *)
    __attribute__((warn_unused_result));

/* store_next() to the end of the rows, and store_end(). */
enum store_status store_run(struct store_use *)
    __attribute__((warn_unused_result));

#endif

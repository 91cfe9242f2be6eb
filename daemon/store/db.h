/*
 * What a thread of the store works with: a connection, and what goes with it.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include "daemon/store/codec.h"
#include "daemon/store/sql/engine.h"

struct store_db {
	struct sql_db *sql;
	struct store_codec codec; /* of pieces */
	int64_t now_ms;           /* by which a transaction dates */
};

/* To be closed also where it fails; its words tell why. */
static inline enum store_status
store_db_open(struct store_db *db, const char *path, enum sql_access access)
{
	*db = (struct store_db){ 0 };
	return sql_open(&db->sql, path, access);
}

static inline void
store_db_close(struct store_db *db)
{
	sql_close(db->sql);
	db->sql = NULL;
	store_codec_clear(&db->codec);
}

#endif

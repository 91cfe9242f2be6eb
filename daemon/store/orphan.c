#include "daemon/store/orphan.h"
#include "daemon/store/chunk.h"

/* Pieces of a step: 4 MiB, some milliseconds. */
#define STEP_PIECES 16

static enum store_status
orphan_remove_pieces(struct sql_db *db, int64_t body, bool *gone_r)
{
	static const char sql[] =
	    "DELETE FROM chunk WHERE id IN (SELECT id FROM chunk"
	    " WHERE id >= ?1 AND id < ?2 ORDER BY id LIMIT ?3)";
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, store_chunk_id(body, 0));
	sql_bind_int(&use, 2, store_chunk_id(body + 1, 0));
	sql_bind_int(&use, 3, STEP_PIECES);
	status = sql_run(&use);
	*gone_r = status == STORE_OK && sql_changes(db) < STEP_PIECES;
	return status;
}

static enum store_status
orphan_forget(struct sql_db *db, int64_t body)
{
	static const char sql[] = "DELETE FROM unfinished WHERE body = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, body);
	return sql_run(&use);
}

/* Without its note a body belongs to somebody, or has no pieces. */
static enum store_status
orphan_is_noted(struct sql_db *db, int64_t body, bool *noted_r)
{
	static const char sql[] = "SELECT 1 FROM unfinished WHERE body = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, body);
	*noted_r = sql_step(&use);
	return sql_end(&use);
}

enum store_status
store_orphan_step(struct sql_db *db, int64_t body, bool *gone_r)
{
	bool noted = false;
	enum store_status status = sql_begin(db, SQL_WRITE);

	*gone_r = false;
	if (status == STORE_OK)
		status = orphan_is_noted(db, body, &noted);
	if (status == STORE_OK && !noted)
		*gone_r = true;
	if (status == STORE_OK && noted)
		status = orphan_remove_pieces(db, body, gone_r);
	if (status == STORE_OK && noted && *gone_r)
		status = orphan_forget(db, body);
	if (status == STORE_OK)
		status = sql_commit(db);
	if (status != STORE_OK)
		*gone_r = false;
	return status;
}

enum store_status
store_orphan_sweep(struct sql_db *db)
{
	enum store_status status;
	int64_t body;
	bool gone;

	for (;;) {
		status = sql_integer(db,
		    "SELECT coalesce(min(body), -1) FROM unfinished", &body);
		if (status != STORE_OK || body == -1)
			return status;
		do
			status = store_orphan_step(db, body, &gone);
		while (status == STORE_OK && !gone);
		if (status != STORE_OK)
			return status;
	}
}

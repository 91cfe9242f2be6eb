#include "daemon/store/index/index.h"

#include "daemon/store/index/fulltext.h"
#include "daemon/store/index/sender.h"
#include "daemon/store/sql/sqlite.h"

/* Senders first: they take a hundredth of the time that words take. */
enum store_status
store_index_step(struct store_db *db, struct store_ahead *ahead,
    struct store_queue *queue, bool *more_r, bool *damaged_r)
{
	enum store_status status;

	*more_r = true;
	*damaged_r = false;
	status = sql_begin(db->sql, SQL_WRITE);
	if (status != STORE_OK)
		return status;
	status = store_sender_step(db, queue, more_r);
	*damaged_r = status == STORE_DAMAGED;
	if (status == STORE_OK && !*more_r)
		status =
		    store_fulltext_step(db, ahead, queue, more_r, damaged_r);
	if (status != STORE_OK)
		return status;
	/* The indexes write most of what they have at the end. */
	status = sql_commit(db->sql);
	*damaged_r = status == STORE_DAMAGED;
	return status;
}

static enum store_status
restart(struct store_db *db)
{
	enum store_status status = sql_begin(db->sql, SQL_WRITE);

	if (status == STORE_OK)
		status = sql_exec(db->sql, store_fulltext_restart_sql);
	if (status == STORE_OK)
		status = sql_exec(db->sql, store_sender_restart_sql);
	if (status == STORE_OK)
		status = sql_commit(db->sql);
	return status;
}

enum store_status
store_index_restart(struct store_db *db)
{
	enum store_status status = sqlite_set_defensive(db->sql, false), again;

	if (status == STORE_OK)
		status = restart(db);
	again = sqlite_set_defensive(db->sql, true);
	return status != STORE_OK ? status : again;
}

enum store_status
store_index_is_current(struct store_db *db, bool *is_current_r)
{
	return store_fulltext_is_current(db, is_current_r);
}

bool
store_index_is_empty(struct store_db *db)
{
	static const char sql[] =
	    "SELECT count(*) FROM meta WHERE key = 'indexed'";
	int64_t count;

	return sql_integer(db->sql, sql, &count) == STORE_OK && count == 0;
}

#include "daemon/store/targets.h"

#include <string.h>

/* ---- counters ---- */

static enum store_status
targets_add(struct sql_db *db, const struct store_target_change *change)
{
	static const char sql[] =
	    "UPDATE target SET waiting = waiting + ?2,"
	    " delivered = delivered + ?3, refused = refused + ?4,"
	    " dropped = dropped + ?5 WHERE id = ?1";
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, change->target);
	for (int i = 0; i < STORE_OUTBOX_STATES; i++)
		sql_bind_int(&use, 2 + i, change->by[i]);
	status = sql_run(&use);
	/* Each row of the outbox has one. */
	return status == STORE_OK && sql_changes(db) != 1 ? STORE_DAMAGED
							  : status;
}

enum store_status
store_targets_write(struct store_targets_counter *counter, struct sql_db *db)
{
	enum store_status status = STORE_OK;
	const size_t count = counter->count;

	counter->count = 0;
	for (size_t i = 0; status == STORE_OK && i < count; i++)
		status = targets_add(db, &counter->changes[i]);
	return status;
}

enum store_status
store_targets_count(struct store_targets_counter *counter, struct sql_db *db,
    int64_t target, int from, int to, int64_t rows)
{
	struct store_target_change *change = NULL;
	enum store_status status;

	if (from < STORE_OUTBOX_NO_ROW || from >= STORE_OUTBOX_STATES)
		return sql_fail(db, STORE_DAMAGED,
		    "a row of the outbox has the state %d", from);
	for (size_t i = 0; i < counter->count && change == NULL; i++)
		if (counter->changes[i].target == target)
			change = &counter->changes[i];
	if (change == NULL) {
		if (counter->count == STORE_TARGETS_CHANGED) {
			status = store_targets_write(counter, db);
			if (status != STORE_OK)
				return status;
		}
		change = &counter->changes[counter->count++];
		*change = (struct store_target_change){ .target = target };
	}
	if (from != STORE_OUTBOX_NO_ROW)
		change->by[from] -= rows;
	if (to != STORE_OUTBOX_NO_ROW)
		change->by[to] += rows;
	return STORE_OK;
}

/* ---- rows ---- */

enum store_status
store_target_find(struct sql_db *db, const char *name, int64_t *id_r)
{
	static const char sql[] = "SELECT id FROM target WHERE name = ?1";
	struct sql_statement use;

	*id_r = 0;
	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, name);
	return sql_run_integer(&use, id_r);
}

enum store_status
store_target_make(struct sql_db *db, const char *name, int64_t *id_r)
{
	static const char sql[] = "INSERT INTO target(name) VALUES(?1)";
	enum store_status status = store_target_find(db, name, id_r);
	struct sql_statement use;

	if (status != STORE_OK || *id_r != 0)
		return status;
	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, name);
	return sql_run_insert(&use, id_r);
}

enum store_status
store_target_queue(
    struct sql_db *db, int64_t target, int64_t account_id, int64_t message_id)
{
	static const char sql[] =
	    "INSERT INTO outbox(message, account, target, queued_ms)"
	    " VALUES(?1, ?2, ?3, ?4)";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, message_id);
	sql_bind_int(&use, 2, account_id);
	sql_bind_int(&use, 3, target);
	sql_bind_int(&use, 4, store_db_now_ms(db));
	return sql_run(&use);
}

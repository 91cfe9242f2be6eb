#include "daemon/store/attempts.h"

/*
 * A message that has left the server is never stored, so its failures would
 * stay for ever.  They are dropped after this time.
 */
#define KEPT_MS (90 * INT64_C(86400000))

void
store_attempts_undone(struct store_attempts *attempts)
{
	attempts->may_exist = true;
}

static enum store_status
attempts_forget_old(struct sql_db *db)
{
	static const char sql[] = "DELETE FROM failure WHERE last_ms < ?1";

	return sql_run_of(db, sql, store_db_now_ms(db) - KEPT_MS);
}

enum store_status
store_attempts_count(struct store_attempts *attempts, struct sql_db *db,
    const struct store_failure *failure, unsigned *attempts_r)
{
	static const char sql[] =
	    "INSERT INTO failure(account, unique_id, occurrence, attempts,"
	    " last_ms, reason) SELECT id, ?2, ?3, 1, ?4, ?5 FROM account"
	    " WHERE id = ?1"
	    " ON CONFLICT(account, unique_id, occurrence) DO UPDATE"
	    " SET attempts = CASE WHEN ?6 = 0 THEN failure.attempts + 1"
	    "   WHEN failure.reason <> excluded.reason THEN 1"
	    "   WHEN failure.last_ms > excluded.last_ms - ?6"
	    "    THEN failure.attempts"
	    "   ELSE failure.attempts + 1 END,"
	    " last_ms = CASE WHEN ?6 > 0"
	    "   AND failure.reason = excluded.reason"
	    "   AND failure.last_ms > excluded.last_ms - ?6"
	    "    THEN failure.last_ms"
	    "   ELSE excluded.last_ms END,"
	    " reason = excluded.reason RETURNING failure.attempts";
	const struct store_unique unique =
	    store_unique_make(failure->account_id, failure->unique_id,
		failure->unique_id_length, failure->occurrence);
	enum store_status status = attempts_forget_old(db);
	struct sql_statement use;

	*attempts_r = 0;
	attempts->may_exist = true;
	if (status != STORE_OK)
		return status;
	store_unique_prepare(&use, db, sql, &unique);
	sql_bind_int(&use, 4, store_db_now_ms(db));
	sql_bind_text(&use, 5, failure->reason);
	sql_bind_int(&use, 6, failure->apart_ms);
	while (sql_step(&use))
		*attempts_r = (unsigned)sql_column_int(&use, 0);
	return sql_end(&use);
}

static enum store_status
attempts_look_for_any(struct sql_db *db, bool *any_r)
{
	static const char sql[] = "SELECT 1 FROM failure LIMIT 1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	return sql_run_found(&use, any_r);
}

enum store_status
store_attempts_forget(struct store_attempts *attempts, struct sql_db *db,
    const struct store_unique *unique)
{
	static const char sql[] = "DELETE FROM failure" STORE_UNIQUE_WHERE;
	enum store_status status;
	struct sql_statement use;

	if (!attempts->may_exist)
		return STORE_OK;
	store_unique_prepare(&use, db, sql, unique);
	status = sql_run(&use);
	if (status == STORE_OK)
		status = attempts_look_for_any(db, &attempts->may_exist);
	return status;
}

enum store_status
store_attempts_forget_all(struct sql_db *db, int64_t account_id)
{
	static const char sql[] = "DELETE FROM failure WHERE account = ?1";
	struct sql_statement use;

	sql_prepare_once(&use, db, sql);
	sql_bind_int(&use, 1, account_id);
	return sql_run(&use);
}

enum store_status
store_attempts_look_up(
    struct sql_db *db, const struct store_unique *unique, bool *has_failed_r)
{
	static const char sql[] = "SELECT 1 FROM failure" STORE_UNIQUE_WHERE;
	struct sql_statement use;

	store_unique_prepare(&use, db, sql, unique);
	return sql_run_found(&use, has_failed_r);
}

#include "daemon/store/index/bounds.h"

#define FEW   "5000"
#define SLACK "86400000"

static enum store_status
bounds_find(struct sql_db *db, const char *sql, int64_t time_ms, int64_t *id_r)
{
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, time_ms);
	if (sql_step(&use) && !sql_column_is_null(&use, 0))
		*id_r = sql_column_int(&use, 0);
	return sql_end(&use);
}

enum store_status
bounds_least_id(struct sql_db *db, int64_t since_ms, int64_t *id_r)
{
	static const char sql[] =
	    "SELECT CASE WHEN count(*) <= " FEW
	    " THEN coalesce(min(id), 9223372036854775807) ELSE"
	    " (SELECT id FROM message INDEXED BY message_stored"
	    "  WHERE stored_ms >= ?1 - " SLACK
	    "  ORDER BY stored_ms LIMIT 1) END FROM"
	    " (SELECT id FROM message INDEXED BY message_stored"
	    "  WHERE stored_ms >= ?1 LIMIT " FEW " + 1)";

	*id_r = INT64_MIN;
	return bounds_find(db, sql, since_ms, id_r);
}

enum store_status
bounds_most_id(struct sql_db *db, int64_t before_ms, int64_t *id_r)
{
	static const char sql[] =
	    "SELECT CASE WHEN count(*) <= " FEW
	    " THEN coalesce(max(id), 0) ELSE"
	    " (SELECT id FROM message INDEXED BY message_stored"
	    "  WHERE stored_ms < ?1 + " SLACK
	    "  ORDER BY stored_ms DESC LIMIT 1) END FROM"
	    " (SELECT id FROM message INDEXED BY message_stored"
	    "  WHERE stored_ms < ?1 LIMIT " FEW " + 1)";

	*id_r = INT64_MAX;
	return bounds_find(db, sql, before_ms, id_r);
}

#define OF_ACCOUNT                                 \
	" FROM message INDEXED BY message_account" \
	" WHERE account = (SELECT id FROM account" \
	" WHERE name = ?1) ORDER BY id"

enum store_status
bounds_narrow(
    struct sql_db *db, const char *account, int64_t *least_id, int64_t *most_id)
{
	static const char of_all[] =
	    "SELECT (SELECT id FROM message ORDER BY id LIMIT 1),"
	    " (SELECT id FROM message ORDER BY id DESC LIMIT 1)";
	static const char of_account[] =
	    "SELECT (SELECT id" OF_ACCOUNT " LIMIT 1),"
	    " (SELECT id" OF_ACCOUNT " DESC LIMIT 1)";
	struct sql_statement use;

	sql_prepare(&use, db, account != NULL ? of_account : of_all);
	if (account != NULL)
		sql_bind_text(&use, 1, account);
	if (sql_step(&use)) {
		/* Where there is none, nothing lies within. */
		int64_t least = sql_column_is_null(&use, 0)
				    ? INT64_MAX
				    : sql_column_int(&use, 0);
		int64_t most = sql_column_int(&use, 1);

		if (least > *least_id)
			*least_id = least;
		if (most < *most_id)
			*most_id = most;
	}
	return sql_end(&use);
}

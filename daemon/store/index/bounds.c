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

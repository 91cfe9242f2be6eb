#include "daemon/store/delivered.h"

enum store_status
store_delivered(struct sql_db *db, int64_t message_id, bool *is_r)
{
	static const char sql[] =
	    "SELECT count(*), count(CASE WHEN state IN (0, 2) THEN 1 END)"
	    " FROM outbox WHERE message = ?1";
	struct sql_statement use;

	*is_r = false;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, message_id);
	if (sql_step(&use))
		*is_r =
		    sql_column_int(&use, 0) > 0 && sql_column_int(&use, 1) == 0;
	return sql_end(&use);
}

/* Of each unique-id: as store_delivered() of its message. */
#define IS_DELIVERED                                                       \
	"(EXISTS(SELECT 1 FROM outbox WHERE outbox.message = uid.message)" \
	" AND NOT EXISTS(SELECT 1 FROM outbox"                             \
	"  WHERE outbox.message = uid.message AND outbox.state IN (0, 2)))"

enum store_status
store_delivered_owe(struct sql_db *db, int64_t account_id)
{
	static const char owed[] =
	    "UPDATE uid SET state = 1 WHERE account = ?1 AND state = 0"
	    " AND " IS_DELIVERED;
	static const char not_owed[] =
	    "UPDATE uid SET state = 0 WHERE account = ?1 AND state = 1"
	    " AND NOT " IS_DELIVERED;
	enum store_status status = sql_run_of(db, owed, account_id);

	return status == STORE_OK ? sql_run_of(db, not_owed, account_id)
				  : status;
}

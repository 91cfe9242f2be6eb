#include "daemon/store/sql/copying.h"

enum store_status
sql_copy_octets(struct sql_db *db, uint64_t *octets_r)
{
	int64_t pages = 0, unused = 0, page = 0;
	enum store_status status = sql_integer(db, "PRAGMA page_count", &pages);

	if (status == STORE_OK)
		status = sql_integer(db, "PRAGMA freelist_count", &unused);
	if (status == STORE_OK)
		status = sql_integer(db, "PRAGMA page_size", &page);
	*octets_r = (uint64_t)(pages - unused) * (uint64_t)page;
	return status;
}

enum store_status
sql_copy_into(struct sql_db *db, const char *path)
{
	struct sql_statement use;
	/* A connection that cannot write this file may write the other. */
	enum store_status status = sql_exec(db, "PRAGMA query_only = OFF");

	if (status != STORE_OK)
		return status;
	sql_prepare_once(&use, db, "VACUUM INTO ?1");
	sql_bind_text(&use, 1, path);
	return sql_run(&use);
}

#include "daemon/store/sql/space.h"

/* PRAGMA auto_vacuum's word for it. */
#define INCREMENTAL 2

enum store_status
sqlite_free_pages(
    struct sql_db *db, int64_t *free_r, int64_t *pages_r, bool *can_shrink_r)
{
	int64_t kind = 0;
	enum store_status status =
	    sql_integer(db, "PRAGMA freelist_count", free_r);

	if (status == STORE_OK)
		status = sql_integer(db, "PRAGMA page_count", pages_r);
	if (status == STORE_OK)
		status = sql_integer(db, "PRAGMA auto_vacuum", &kind);
	*can_shrink_r = kind == INCREMENTAL;
	return status;
}

enum store_status
sqlite_shrink(struct sql_db *db)
{
	return sql_exec(db, "PRAGMA incremental_vacuum(64)");
}

enum store_status
sqlite_make_shrinkable(struct sql_db *db)
{
	int64_t kind;
	enum store_status status = sql_integer(db, "PRAGMA auto_vacuum", &kind);

	if (status != STORE_OK || kind == INCREMENTAL)
		return status;
	return sql_exec(db, "PRAGMA auto_vacuum = INCREMENTAL; VACUUM");
}

#include "daemon/store/meta.h"

#include <string.h>

static void
meta_prepare_get(struct sql_statement *use, struct sql_db *db, const char *key)
{
	static const char sql[] = "SELECT value FROM meta WHERE key = ?1";

	sql_prepare(use, db, sql);
	sql_bind_text(use, 1, key);
}

static void
meta_prepare_set(struct sql_statement *use, struct sql_db *db, const char *key)
{
	static const char sql[] =
	    "INSERT INTO meta(key, value) VALUES(?1, ?2)"
	    " ON CONFLICT(key) DO UPDATE SET value = excluded.value";

	sql_prepare(use, db, sql);
	sql_bind_text(use, 1, key);
}

enum store_status
store_meta_get(struct sql_db *db, const char *key, int64_t *value_r)
{
	struct sql_statement use;

	*value_r = 0;
	meta_prepare_get(&use, db, key);
	return sql_run_integer(&use, value_r);
}

enum store_status
store_meta_set(struct sql_db *db, const char *key, int64_t value)
{
	struct sql_statement use;

	meta_prepare_set(&use, db, key);
	sql_bind_int(&use, 2, value);
	return sql_run(&use);
}

enum store_status
store_meta_get_text(struct sql_db *db, const char *key, char *text_r,
    size_t size, bool *found_r)
{
	struct sql_statement use;

	text_r[0] = '\0';
	meta_prepare_get(&use, db, key);
	*found_r = sql_step(&use);
	if (*found_r) {
		const char *text = sql_column_text(&use, 0);

		if (text != NULL && strlen(text) < size)
			strcpy(text_r, text);
	}
	return sql_end(&use);
}

enum store_status
store_meta_set_text(struct sql_db *db, const char *key, const char *text)
{
	struct sql_statement use;

	meta_prepare_set(&use, db, key);
	sql_bind_text(&use, 2, text);
	return sql_run(&use);
}

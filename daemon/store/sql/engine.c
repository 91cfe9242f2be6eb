/* What every engine does alike. */
#include "daemon/store/sql/engine.h"

#include <string.h>

bool
sql_column_bytes(
    struct sql_statement *statement, int column, void *bytes_r, size_t size)
{
	size_t length;
	const void *bytes = sql_column_blob(statement, column, &length);

	if (bytes == NULL || length != size)
		return false;
	memcpy(bytes_r, bytes, size);
	return true;
}

enum store_status
sql_run(struct sql_statement *statement)
{
	while (sql_step(statement))
		;
	return sql_end(statement);
}

enum store_status
sql_run_integer(struct sql_statement *statement, int64_t *value)
{
	if (sql_step(statement))
		*value = sql_column_int(statement, 0);
	return sql_end(statement);
}

enum store_status
sql_run_found(struct sql_statement *statement, bool *found_r)
{
	*found_r = sql_step(statement);
	return sql_end(statement);
}

enum store_status
sql_run_of(struct sql_db *db, const char *sql, int64_t value)
{
	struct sql_statement statement;

	sql_prepare(&statement, db, sql);
	sql_bind_int(&statement, 1, value);
	return sql_run(&statement);
}

enum store_status
sql_integer(struct sql_db *db, const char *text, int64_t *value_r)
{
	struct sql_statement statement;

	*value_r = 0;
	sql_prepare_once(&statement, db, text);
	return sql_run_integer(&statement, value_r);
}

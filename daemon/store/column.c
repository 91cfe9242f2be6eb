#include "daemon/store/column.h"

bool
store_column_text(struct store_arena *arena, sqlite3_stmt *statement,
    int column, const char **text_r)
{
	const unsigned char *text;

	*text_r = NULL;
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return true;
	text = sqlite3_column_text(statement, column);
	if (text == NULL)
		return false;
	*text_r = store_arena_copy(
	    arena, text, (size_t)sqlite3_column_bytes(statement, column));
	return *text_r != NULL;
}

bool
store_column_blob(struct store_arena *arena, sqlite3_stmt *statement,
    int column, const unsigned char **bytes_r, size_t *length_r)
{
	const void *bytes;

	*bytes_r = NULL;
	*length_r = 0;
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return true;
	bytes = sqlite3_column_blob(statement, column);
	*length_r = (size_t)sqlite3_column_bytes(statement, column);
	if (bytes == NULL && *length_r > 0)
		return false;
	*bytes_r =
	    (const unsigned char *)store_arena_copy(arena, bytes, *length_r);
	return *bytes_r != NULL;
}

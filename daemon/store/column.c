#include "daemon/store/column.h"

#include <string.h>

bool
store_column_text(struct evpop_arena *arena, struct sql_statement *statement,
    int column, const char **text_r)
{
	const char *text;

	*text_r = NULL;
	if (sql_column_is_null(statement, column))
		return true;
	text = sql_column_text(statement, column);
	if (text == NULL)
		return false;
	*text_r = evpop_arena_copy(arena, text, strlen(text));
	return *text_r != NULL;
}

bool
store_column_blob(struct evpop_arena *arena, struct sql_statement *statement,
    int column, const unsigned char **bytes_r, size_t *length_r)
{
	const void *bytes;

	*bytes_r = NULL;
	*length_r = 0;
	if (sql_column_is_null(statement, column))
		return true;
	bytes = sql_column_blob(statement, column, length_r);
	if (bytes == NULL && *length_r > 0)
		return false;
	*bytes_r =
	    (const unsigned char *)evpop_arena_copy(arena, bytes, *length_r);
	return *bytes_r != NULL;
}

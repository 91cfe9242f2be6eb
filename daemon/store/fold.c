#include "daemon/store/fold.h"

#include <glib.h>
#include <stdlib.h>
#include <string.h>

char *
store_fold(const char *text)
{
	char *valid = g_utf8_make_valid(text, -1);
	char *folded = g_utf8_casefold(valid, -1);
	char *copy = strdup(folded);

	g_free(folded);
	g_free(valid);
	return copy;
}

static void
fold_has(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);
	const char *part = (const char *)sqlite3_value_text(values[1]);
	char *folded;

	(void)count;
	if (text == NULL || part == NULL) {
		sqlite3_result_int(context, 0);
		return;
	}
	folded = g_utf8_casefold(text, -1);
	sqlite3_result_int(context, strstr(folded, part) != NULL);
	g_free(folded);
}

enum store_status
store_fold_register(struct store_db *db)
{
	return store_db_status(
	    db, sqlite3_create_function_v2(db->handle, "fold_has", 2,
		    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
		    NULL, fold_has, NULL, NULL, NULL));
}

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

/* Nearly all is ASCII, and short: no memory is taken for it. */
static bool
fold_ascii(const char *text, char *folded_r, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if ((unsigned char)text[i] >= 0x80)
			return false;
		folded_r[i] = g_ascii_tolower(text[i]);
		if (text[i] == '\0')
			return true;
	}
	return false;
}

bool
store_fold_has(const char *text, const char *folded)
{
	char ascii[256], *other;
	bool has;

	if (fold_ascii(text, ascii, sizeof(ascii)))
		return strstr(ascii, folded) != NULL;
	other = g_utf8_casefold(text, -1);
	has = strstr(other, folded) != NULL;
	g_free(other);
	return has;
}

static void
fold_has(sqlite3_context *context, int count, sqlite3_value **values)
{
	const char *text = (const char *)sqlite3_value_text(values[0]);
	const char *part = (const char *)sqlite3_value_text(values[1]);

	(void)count;
	sqlite3_result_int(context,
	    text != NULL && part != NULL && store_fold_has(text, part));
}

enum store_status
store_fold_register(struct store_db *db)
{
	return store_db_status(
	    db, sqlite3_create_function_v2(db->handle, "fold_has", 2,
		    SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY,
		    NULL, fold_has, NULL, NULL, NULL));
}

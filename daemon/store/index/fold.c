#include "daemon/store/index/fold.h"

#include <stdlib.h>
#include <string.h>
#include <unicase.h>

#include "daemon/store/mail/text.h"
#include "daemon/store/sql/functions.h"

/* Nearly all is ASCII, and short: no memory is taken for it. */
static bool
fold_ascii(const char *text, char *folded_r, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		char c = text[i];

		if ((unsigned char)c >= 0x80)
			return false;
		folded_r[i] = c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
		if (c == '\0')
			return true;
	}
	return false;
}

/* NULL also for what is not UTF-8. */
static char *
fold_utf8(const char *text)
{
	size_t length;

	return (char *)u8_casefold(
	    (const uint8_t *)text, strlen(text) + 1, NULL, NULL, NULL, &length);
}

char *
store_fold(const char *text)
{
	char *valid, *folded = fold_utf8(text);

	if (folded != NULL)
		return folded;
	valid = mail_text_clean(text, strlen(text), 3 * strlen(text), NULL);
	if (valid == NULL)
		return NULL;
	folded = fold_utf8(valid);
	free(valid);
	return folded;
}

bool
store_fold_has(const char *text, const char *folded)
{
	char ascii[256], *other;
	bool has;

	if (fold_ascii(text, ascii, sizeof(ascii)))
		return strstr(ascii, folded) != NULL;
	other = fold_utf8(text);
	has = other != NULL && strstr(other, folded) != NULL;
	free(other);
	return has;
}

enum store_status
store_fold_register(struct sql_db *db)
{
	return sqlite_define(db, "fold_has", store_fold_has);
}

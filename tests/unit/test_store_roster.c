/*
 * Which row is whose: accounts and rows are written NAME[=ID]@MAILDROP, a row
 * of no known maildrop NAME[=ID].
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/roster.h"

#define MOST 8

struct who {
	char *name, *stable_id, *maildrop;
};

/* Cuts the text. */
static size_t
take_apart(char *text, struct who *who)
{
	size_t count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(text, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest)) {
		assert_true(count < MOST);
		who[count].name = strsep(&word, "=@");
		who[count].stable_id = who[count].maildrop = NULL;
		if (word != NULL && strchr(word, '@') != NULL)
			who[count].stable_id = strsep(&word, "@");
		who[count++].maildrop = word;
	}
	return count;
}

/* "a=1@x" has an "=" before its "@"; "a@x" gets an empty id. */
static void
with_ids(const char *text, char *text_r, size_t size)
{
	size_t at = 0;
	bool in_name = *text != '\0', has_id = false;

	for (;; text++) {
		bool ends = *text == ' ' || *text == '\0';

		if (*text == '=')
			has_id = true;
		if (in_name && (*text == '@' || ends)) {
			if (!has_id)
				text_r[at++] = '=';
			in_name = false;
			if (ends)
				text_r[at++] = '@';
		}
		assert_true(at + 2 < size);
		text_r[at++] = *text;
		if (*text == '\0')
			return;
		if (ends) {
			in_name = true;
			has_id = false;
		}
	}
}

static const char *
or_null(const char *text)
{
	return text != NULL && *text != '\0' ? text : NULL;
}

static bool
cut_mark(char *name)
{
	size_t length = strlen(name);

	if (name[length - 1] != '!')
		return false;
	name[length - 1] = '\0';
	return true;
}

/* Who has which row, "a:row", "a:-", or "a:?row" where it may be that one. */
static void
match(const char *accounts_text, const char *rows_text, char *said, size_t size)
{
	char texts[2][256];
	struct who who[MOST];
	struct store_configured accounts[MOST] = { { 0 } };
	struct store_roster_row rows[MOST] = { { 0 } };
	struct store_roster roster;
	size_t count, row_count, filled = 0;

	with_ids(accounts_text, texts[0], sizeof(texts[0]));
	with_ids(rows_text, texts[1], sizeof(texts[1]));
	count = take_apart(texts[0], who);
	for (size_t i = 0; i < count; i++)
		accounts[i] = (struct store_configured){ .name = who[i].name,
			.stable_id = or_null(who[i].stable_id),
			.host = who[i].maildrop,
			.user = "u" };
	row_count = take_apart(texts[1], who);
	for (size_t i = 0; i < row_count; i++)
		rows[i] = (struct store_roster_row){ .id = (int64_t)i + 1,
			.is_empty = cut_mark(who[i].name),
			.name = who[i].name,
			.stable_id = or_null(who[i].stable_id),
			.host = or_null(who[i].maildrop),
			.user = or_null(who[i].maildrop) != NULL ? "u" : NULL };
	assert_true(
	    store_roster_match(&roster, accounts, count, rows, row_count));
	said[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const struct store_roster_row *row = roster.owned[i], *twin;

		twin = store_roster_twin(&roster, &accounts[i]);
		filled += (size_t)snprintf(said + filled, size - filled,
		    "%s%s:%s%s%s", i == 0 ? "" : " ", accounts[i].name,
		    row != NULL    ? row->name
		    : twin == NULL ? "-"
				   : "",
		    twin != NULL ? "?" : "", twin != NULL ? twin->name : "");
	}
	store_roster_free(&roster);
}

static const struct {
	const char *accounts, *rows, *said;
} cases[] = {
	/* Nothing has changed. */
	{ "", "", "" },
	{ "a@x", "", "a:-" },
	{ "a@x b=2@y", "b=2@y a@x", "a:a b:b" },
	/* A rename, with an id before and without, of old rows and bound. */
	{ "new=1@x", "old=1@x", "new:old" },
	{ "new=old@x", "old@x", "new:old" },
	{ "new=old@x", "old", "new:old" },
	{ "new=old@y", "old@x", "new:old" },
	{ "c=a@x", "b=a@x", "c:b" },
	{ "b=2@x", "b=a@x", "b:?b" },
	/* And back, or for good. */
	{ "old@x", "new=old@x", "old:new" },
	{ "new@x", "new=old@x", "new:new" },
	{ "newer=new@x", "new@x", "newer:new" },
	{ "new=new@x", "new@x", "new:new" },
	/* An id is new, or is gone. */
	{ "a=1@x", "a@x", "a:a" },
	{ "a=1@y", "a@x", "a:a" },
	{ "a@x", "a=1@x", "a:a" },
	/* Another id is another account, which is told. */
	{ "a=2@x", "a=1@x", "a:?a" },
	{ "a=2@y", "a=1@x", "a:-" },
	/* Swaps: by ids there were before, by former names, of old rows. */
	{ "a=2@y b=1@x", "a=1@x b=2@y", "a:b b:a" },
	{ "a=b@y b=a@x", "a@x b@y", "a:b b:a" },
	{ "a=b b=a", "a b", "a:b b:a" },
	{ "a=b@x b=a@y", "a@x b@y", "a:a b:b" },
	/* The ids are dropped after a swap; or names and ids are swapped back.
	 */
	{ "a@y b@x", "a=b@y b=a@x", "a:a b:b" },
	{ "a@x b@y", "a=b@y b=a@x", "a:b b:a" },
	{ "a b", "a=b b=a", "a:a b:b" },
	/* Each is called as the next one was. */
	{ "b=a@x c=b@y d=c@z", "a@x b@y c@z", "b:a c:b d:c" },
	{ "a=b@y b=c@z c=d@w", "b@y c@z d@w", "a:b b:c c:d" },
	{ "a=b@y b=c@z c=a@x", "a@x b@y c@z", "a:b b:c c:a" },
	{ "a=b b=c c=a", "a b c", "a:b b:c c:a" },
	/* The name belongs to a new account, which has an id of its own. */
	{ "x=new@y z=x@x", "x@x", "x:- z:x" },
	{ "x=new@y z=x@x", "x", "x:- z:x" },
	{ "x=new@x z=x@y", "x@x", "x:x z:-" },
	{ "x=new@x z=x@x", "x@x", "x:- z:x" },
	/* An account that dropped its id keeps its row; one with that name. */
	{ "new@x old@y", "new=old@x", "new:new old:-" },
	{ "new@y old@x", "new=old@x", "new:- old:new" },
	{ "new old", "new=old", "new:new old:-" },
	/* Somebody asks for a row that has no id and another one's name. */
	{ "a=1@x b=a@y", "a=1@x", "a:a b:-" },
	/* It vanished, and one like it appears. */
	{ "new@x", "old@x", "new:?old" },
	{ "new@x", "old@x older@x", "new:?older" },
	{ "new@x", "old@x old~1=old@x", "new:?old~1" },
	{ "new@x", "old@y", "new:-" },
	{ "new@x", "old", "new:-" },
	{ "new@X", "old@x", "new:?old" },
	{ "new@x old@x", "old@x", "new:- old:old" },
	{ "new=odl@x", "old@x", "new:?old" },
	{ "m@x n@x", "a@y old@x z@z", "m:?old n:?old" },
	{ "new@x", "a b@x c d", "new:?b" },
	/* A row of its own that is empty, written with a "!", is as none. */
	{ "new@x", "old@x new!", "new:new?old" },
	{ "new@x", "old@x new!@x", "new:new?old" },
	{ "new@x old@x", "old@x new!", "new:new old:old" },
	{ "new=old@x", "old@x new!", "new:old" },
	{ "new@x", "old@x new", "new:new" },
};

static void
rows_are_found(void **state)
{
	char said[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		match(cases[i].accounts, cases[i].rows, said, sizeof(said));
		if (strcmp(said, cases[i].said) != 0)
			fail_msg("[%s] in [%s]: %s, not %s", cases[i].accounts,
			    cases[i].rows, said, cases[i].said);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Lines of mail change their form the same way wherever they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/mail_lines.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef size_t (*change)(
    struct evpop_mail_lines *, const char *, size_t, char *);

/* Change a text in pieces of this size, and compare. */
static void
changes_in_pieces(
    change form, const char *text, const char *expected, size_t size)
{
	struct evpop_mail_lines lines = { .has_cr = false };
	char made[256];
	size_t length = strlen(text), done = 0, used = 0;

	while (done < length) {
		size_t part = length - done < size ? length - done : size;
		/* Of its own size, so that reading beyond it is seen. */
		char *piece = malloc(part);

		assert_non_null(piece);
		memcpy(piece, text + done, part);
		used += form(&lines, piece, part, made + used);
		assert_true(used < sizeof(made) - EVPOP_MAIL_LINES_ROOM(0));
		free(piece);
		done += part;
	}
	used += form(&lines, "", 0, made + used);
	made[used] = '\0';
	assert_string_equal(made, expected);
}

static void
changes(change form, const char *text, const char *expected)
{
	for (size_t size = 1; size <= strlen(text) + 1; size++)
		changes_in_pieces(form, text, expected, size);
}

static void
test_line_ends(void **state)
{
	static const struct {
		const char *crlf, *lf;
	} cases[] = {
		{ "", "" },
		{ "a\r\nb\r\n", "a\nb\n" },
		{ "\r\n\r\n", "\n\n" },
		{ "no end", "no end" },
		{ "a\rb\r", "a\rb\r" },
		{ "\rx\r\n", "\rx\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		changes(evpop_mail_lines_to_lf, cases[i].crlf, cases[i].lf);
		changes(evpop_mail_lines_to_crlf, cases[i].lf, cases[i].crlf);
		/* What has its form keeps it. */
		changes(evpop_mail_lines_to_crlf, cases[i].crlf, cases[i].crlf);
	}
	changes(evpop_mail_lines_to_lf, "a\nb\r\nc\n", "a\nb\nc\n");
}

static void
test_marks(void **state)
{
	static const struct {
		const char *plain, *quoted;
	} cases[] = {
		{ "", "" },
		{ "From a\n", ">From a\n" },
		{ ">From a\n", ">>From a\n" },
		{ ">>>From ", ">>>>From " },
		{ "x\nFrom a\nFrom b", "x\n>From a\n>From b" },
		{ "From", "From" },
		{ "Fro\nFrom", "Fro\nFrom" },
		{ "> From a\n", "> From a\n" },
		{ " From a\n", " From a\n" },
		{ "a From b\n", "a From b\n" },
		{ "FromFrom x\n", "FromFrom x\n" },
		{ "from a\nFROM a\n", "from a\nFROM a\n" },
		{ ">\n>>\nFFrom \n", ">\n>>\nFFrom \n" },
		{ "F>From a\n", "F>From a\n" },
		{ "\n\nFrom \n\n", "\n\n>From \n\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		changes(
		    evpop_mail_lines_quote, cases[i].plain, cases[i].quoted);
		changes(
		    evpop_mail_lines_unquote, cases[i].quoted, cases[i].plain);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_marks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

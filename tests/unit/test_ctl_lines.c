/* Lines of mail change their form the same way wherever they are cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/lines.h"
#include "daemon/ctl/pace.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

typedef size_t (*change)(struct lines *, const char *, size_t, char *);

/* Change a text in pieces of this size, and compare. */
static void
changes_in_pieces(
    change form, const char *text, const char *expected, size_t size)
{
	struct lines lines = { .has_cr = false };
	char made[256];
	size_t length = strlen(text), done = 0, used = 0;

	while (done < length) {
		size_t part = length - done < size ? length - done : size;
		/* Of its own size, so that reading beyond it is seen. */
		char *piece = malloc(part);

		assert_non_null(piece);
		memcpy(piece, text + done, part);
		used += form(&lines, piece, part, made + used);
		assert_true(used < sizeof(made) - LINES_ROOM(0));
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
		changes(lines_to_lf, cases[i].crlf, cases[i].lf);
		changes(lines_to_crlf, cases[i].lf, cases[i].crlf);
		/* What has its form keeps it. */
		changes(lines_to_crlf, cases[i].crlf, cases[i].crlf);
	}
	changes(lines_to_lf, "a\nb\r\nc\n", "a\nb\nc\n");
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
		changes(lines_quote, cases[i].plain, cases[i].quoted);
		changes(lines_unquote, cases[i].quoted, cases[i].plain);
	}
}

static void
test_pace(void **state)
{
	static const struct {
		struct pace pace;
		int64_t elapsed_ms;
		const char *text;
	} cases[] = {
		{ { .messages = 1204, .bytes = 3 << 20 }, 5000,
		    "listing 1,204 messages, 3.0 MiB ..." },
		{ { .messages = 1204,
		      .bytes = 3 << 20,
		      .messages_done = 602,
		      .bytes_done = 3 << 19 },
		    2000,
		    "listing 602 of 1,204 messages, 1.5 MiB, 301/s, 2 s left" },
		{ { .messages = 10,
		      .bytes = 100,
		      .messages_done = 1,
		      .bytes_done = 10 },
		    100, "listing 1 of 10 messages, 10 B" },
		{ { .messages_done = 1234567 }, 1000000,
		    "listing 1,234,567 messages, 1,234/s" },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		pace_text(&cases[i].pace, "listing", cases[i].elapsed_ms, text,
		    sizeof(text));
		assert_string_equal(text, cases[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_pace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

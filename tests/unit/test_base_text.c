/* What is UTF-8, and what people see of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/text.h"

static void
utf8_is_told_from_what_is_none(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} cases[] = {
		{ "", true },
		{ "plain", true },
		{ "gr\xc3\xbc\xc3\x9f", true },
		{ "\xe2\x82\xac", true },
		{ "\xf0\x9f\x93\xa7", true },
		{ "\xf4\x8f\xbf\xbf", true },
		{ "\xef\xbf\xbf", true },
		{ "\xc3", false },
		{ "\xe2\x82", false },
		{ "\xf0\x9f\x93", false },
		{ "\x80", false },
		{ "\xc0\xaf", false },
		{ "\xc1\xbf", false },
		{ "\xe0\x9f\xbf", false },
		{ "\xed\xa0\x80", false },
		{ "\xf0\x8f\xbf\xbf", false },
		{ "\xf4\x90\x80\x80", false },
		{ "\xf5\x80\x80\x80", false },
		{ "\xff", false },
		{ "a\xe2\x28\xa1", false },
	};
	uint32_t code_point;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (evpop_text_is_utf8(cases[i].text) != cases[i].valid)
			fail_msg("case %zu", i);
	}
	assert_int_equal(
	    evpop_text_decode("\xf0\x9f\x93\xa7", 4, &code_point), 4);
	assert_int_equal(code_point, 0x1f4e7);
	assert_int_equal(evpop_text_decode("\xe2\x82\xac", 3, &code_point), 3);
	assert_int_equal(code_point, 0x20ac);
	assert_true(evpop_text_is_partial("\xf0\x9f\x93", 3));
	assert_true(evpop_text_is_partial("\xe2", 1));
	assert_false(evpop_text_is_partial("\xe2\x28", 2));
	assert_false(evpop_text_is_partial("\xff", 1));
	assert_false(evpop_text_is_partial("a", 1));
}

static void
invisible_characters_are_found(void **state)
{
	static const struct {
		const char *text;
		size_t octet;
		unsigned code;
	} rows[] = {
		{ "a\xc2\xad", 2, 0xad },
		{ "\xc3\xa9\xe2\x80\x89", 3, 0x2009 },
		{ "\xe2\x80\xae", 1, 0x202e },
		{ "\xe2\x81\xa0", 1, 0x2060 },
		{ "\xe3\x80\x80", 1, 0x3000 },
		{ "\xf3\xa0\x81\x81", 1, 0xe0041 },
		{ "plain \t\x7e", 0, 0 },
		{ "\xc3\xa0\xe2\x82\xac\xf0\x9f\x93\xac", 0, 0 },
		{ "", 0, 0 },
	};
	struct evpop_text_invisible found;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(evpop_text_find_invisible(rows[i].text,
				     strlen(rows[i].text), &found),
		    rows[i].octet != 0);
		if (rows[i].octet == 0)
			continue;
		assert_int_equal(found.octet, rows[i].octet);
		assert_int_equal(found.code_point, rows[i].code);
	}
}

static void
each_kind_has_its_bounds(void **state)
{
	static const struct {
		uint32_t first, last;
		enum evpop_text_kind before, kind, behind;
	} rows[] = {
		{ 0x00, 0x1f, EVPOP_TEXT_CONTROL, EVPOP_TEXT_CONTROL,
		    EVPOP_TEXT_VISIBLE },
		{ 0x20, 0x7e, EVPOP_TEXT_CONTROL, EVPOP_TEXT_VISIBLE,
		    EVPOP_TEXT_CONTROL },
		{ 0x7f, 0x9f, EVPOP_TEXT_VISIBLE, EVPOP_TEXT_CONTROL,
		    EVPOP_TEXT_EMPTY },
		{ 0xa0, 0xa0, EVPOP_TEXT_CONTROL, EVPOP_TEXT_EMPTY,
		    EVPOP_TEXT_VISIBLE },
		{ 0x180e, 0x180e, EVPOP_TEXT_EMPTY, EVPOP_TEXT_HIDDEN,
		    EVPOP_TEXT_EMPTY },
		{ 0x2000, 0x200a, EVPOP_TEXT_VISIBLE, EVPOP_TEXT_EMPTY,
		    EVPOP_TEXT_HIDDEN },
		{ 0x200e, 0x200f, EVPOP_TEXT_HIDDEN, EVPOP_TEXT_DIRECTION,
		    EVPOP_TEXT_VISIBLE },
		{ 0x202a, 0x202e, EVPOP_TEXT_HIDDEN, EVPOP_TEXT_DIRECTION,
		    EVPOP_TEXT_EMPTY },
		{ 0x2060, 0x2065, EVPOP_TEXT_EMPTY, EVPOP_TEXT_HIDDEN,
		    EVPOP_TEXT_DIRECTION },
		{ 0xfeff, 0xfeff, EVPOP_TEXT_VISIBLE, EVPOP_TEXT_DIRECTION,
		    EVPOP_TEXT_VISIBLE },
		{ 0xe0000, 0xe007f, EVPOP_TEXT_VISIBLE, EVPOP_TEXT_HIDDEN,
		    EVPOP_TEXT_EMPTY },
		{ 0xe0080, 0xe0fff, EVPOP_TEXT_HIDDEN, EVPOP_TEXT_EMPTY,
		    EVPOP_TEXT_VISIBLE },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (rows[i].first > 0)
			assert_int_equal(
			    evpop_text_kind(rows[i].first - 1), rows[i].before);
		assert_int_equal(evpop_text_kind(rows[i].first), rows[i].kind);
		assert_int_equal(evpop_text_kind(rows[i].last), rows[i].kind);
		assert_int_equal(
		    evpop_text_kind(rows[i].last + 1), rows[i].behind);
	}
}

static void
text_is_made_printable_in_its_place(void **state)
{
	char larger[64];
	char text[] = "a\x1b"
		      "b\xe2\x80\x8b\xc3\xa9";

	(void)state;
	assert_int_equal(
	    evpop_text_printable(text, sizeof text, text, strlen(text)), 8);
	assert_string_equal(text, "a?b???\xc3\xa9");
	/* What stands behind the end of the text is not read. */
	assert_int_equal(evpop_text_printable(
			     larger, sizeof larger, "ab\xc3\xa9 and more", 4),
	    4);
	assert_string_equal(larger, "ab\xc3\xa9");
}

static void
words_are_told_apart(void **state)
{
	(void)state;
	assert_true(evpop_text_is_ascii(""));
	assert_true(evpop_text_is_ascii("a@b\x7f"));
	assert_false(evpop_text_is_ascii("a\xc3\xbc@b"));
	assert_true(evpop_text_equal("a", "a"));
	assert_true(evpop_text_equal(NULL, NULL));
	assert_false(evpop_text_equal("a", "A"));
	assert_false(evpop_text_equal("", NULL));
	assert_false(evpop_text_equal(NULL, ""));
	assert_true(evpop_text_begins("Date: x", 5, "date:"));
	assert_false(evpop_text_begins("Date: x", 4, "date:"));
	assert_false(evpop_text_begins("Dat3: x", 7, "date:"));
	assert_true(evpop_text_is("OKAY", 2, "ok"));
	assert_false(evpop_text_is("OKAY", 3, "ok"));
	assert_false(evpop_text_is("OKAY", 1, "ok"));
	for (int c = 0; c < 256; c++)
		assert_int_equal(evpop_text_is_blank((char)c),
		    c == ' ' || c == '\t' || c == '\r' || c == '\n');
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_is_told_from_what_is_none),
		cmocka_unit_test(invisible_characters_are_found),
		cmocka_unit_test(each_kind_has_its_bounds),
		cmocka_unit_test(text_is_made_printable_in_its_place),
		cmocka_unit_test(words_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

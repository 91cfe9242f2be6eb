/* What evpopctl makes of text, numbers and rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/when.h"
#include "daemon/ctl/attachment.h"
#include "daemon/ctl/client.h"
#include "daemon/ctl/table.h"
#include "daemon/ctl/text.h"
#include "daemon/ctl/wrap.h"
#include "lib/base/clock.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define FFFD     "\xef\xbf\xbd"

static void
test_text_is_cleaned(void **state)
{
	static const struct {
		const char *text, *line, *lines;
	} cases[] = {
		{ "", "", "" },
		{ "plain", "plain", "plain" },
		{ "a\nb\tc\rd", "a b c d", "a\nb\tc d" },
		{ "\x1b[31mred\x1b[0m", "?[31mred?[0m", "?[31mred?[0m" },
		{ "\x1b]0;title\x07", "?]0;title?", "?]0;title?" },
		{ "\x7f\x08\x01", "???", "???" },
		{ "\xc2\x9b"
		  "31m",
		    "?31m", "?31m" },
		{ "\x9b"
		  "31m",
		    FFFD "31m", FFFD "31m" },
		{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f",
		    "gr\xc3\xbc\xc3\x9f" },
		{ "\xe6\x97\xa5", "\xe6\x97\xa5", "\xe6\x97\xa5" },
		{ "caf\xe9", "caf" FFFD, "caf" FFFD },
		{ "\xe2\x82", FFFD FFFD, FFFD FFFD },
		{ "\xe2\x80\xae"
		  "fdp.exe",
		    "?fdp.exe", "?fdp.exe" },
		{ "\xe2\x81\xa6x\xe2\x80\x8b", "?x?", "?x?" },
		{ "\xef\xbb\xbfx", "?x", "?x" },
		{ "\xf3\xa0\x81\x81", "?", "?" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *line = text_clean(cases[i].text, TEXT_ONE_LINE);
		char *lines = text_clean(cases[i].text, TEXT_KEEP_LINES);

		assert_string_equal(line, cases[i].line);
		assert_string_equal(lines, cases[i].lines);
		free(line);
		free(lines);
	}
}

/* Whatever comes, nothing of what moves a cursor is left. */
static void
test_no_octet_gets_through(void **state)
{
	(void)state;
	for (int first = 1; first < 256; first++) {
		for (int second = 1; second < 256; second++) {
			char text[3] = { (char)first, (char)second, '\0' };
			char *clean = text_clean(text, TEXT_ONE_LINE);

			for (const char *c = clean; *c != '\0'; c++) {
				unsigned char octet = (unsigned char)*c;

				assert_true(octet >= 0x20 && octet != 0x7f);
				if (octet == 0xc2)
					assert_true(
					    (unsigned char)c[1] >= 0xa0);
			}
			free(clean);
		}
	}
}

static void
test_text_has_a_width(void **state)
{
	(void)state;
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("abc"), 3);
	assert_int_equal(text_width("gr\xc3\xbc\xc3\x9f"), 4);
	assert_int_equal(text_width("\xe6\x97\xa5\xe6\x9c\xac"), 4);
	assert_int_equal(text_width("e\xcc\x81"), 1);
	assert_int_equal(text_fit("abc", 2), 2);
	assert_int_equal(text_fit("abc", 9), 3);
	assert_int_equal(text_fit("\xe6\x97\xa5\xe6\x9c\xac", 3), 3);
	assert_int_equal(text_fit("\xe6\x97\xa5\xe6\x9c\xac", 1), 0);
	assert_int_equal(text_fit("e\xcc\x81x", 1), 3);
}

/* Lines go between words, and begin as the first one does. */
static void
test_lines_are_wrapped(void **state)
{
	static const struct {
		const char *line;
		size_t width;
		const char *wrapped;
	} cases[] = {
		{ "", 30, "\n" },
		{ "one two", 0, "one two\n" },
		{ "aaaaaaaaaa bbbbbbbbbb cccccccccc", 30,
		    "aaaaaaaaaa bbbbbbbbbb\ncccccccccc\n" },
		{ "aaaaaaaaaa bbbbbbbbbb  ccccccccc", 31,
		    "aaaaaaaaaa bbbbbbbbbb\nccccccccc\n" },
		{ "https://example.org/aaaaaaaaaaaaaaaaaaaa b c", 30,
		    "https://example.org/aaaaaaaaaaaaaaaaaaaa\nb c\n" },
		{ "> aaaaaaaaaa bbbbbbbbbb cccccccccc", 30,
		    "> aaaaaaaaaa bbbbbbbbbb\n> cccccccccc\n" },
		{ ">> aaaaaaaaaa bbbbbbbbbb cccccccccc", 30,
		    ">> aaaaaaaaaa bbbbbbbbbb\n>> cccccccccc\n" },
		{ "  * aaaaaaaaaa bbbbbbbbbb cccccccc", 30,
		    "  * aaaaaaaaaa bbbbbbbbbb\n    cccccccc\n" },
		{ "12. aaaaaaaaaa bbbbbbbbbb cccccccc", 30,
		    "12. aaaaaaaaaa bbbbbbbbbb\n    cccccccc\n" },
		{ "[1] aaaaaaaaaa bbbbbbbbbb cccccccc", 30,
		    "[1] aaaaaaaaaa bbbbbbbbbb\n    cccccccc\n" },
		/* Too narrow to break. */
		{ "                    aaaa bbbb cccc", 30,
		    "                    aaaa bbbb cccc\n" },
		/* Scripts without blanks break between characters. */
		{ "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
		  "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5"
		  "\xe6\x97\xa5\xe6\x97\xa5",
		    21,
		    "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97"
		    "\xa5"
		    "\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97\xa5\xe6\x97"
		    "\xa5\n"
		    "\xe6\x97\xa5\xe6\x97\xa5\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *text = NULL;
		size_t length;
		FILE *out = open_memstream(&text, &length);

		wrap_print(
		    out, cases[i].line, strlen(cases[i].line), cases[i].width);
		fclose(out);
		assert_string_equal(text, cases[i].wrapped);
		free(text);
	}
}

/* No name that a stranger chooses leaves the folder, or hides in it. */
static void
test_names_of_files_are_safe(void **state)
{
	static const struct {
		const char *name, *safe;
	} cases[] = {
		{ "a report.pdf", "a report.pdf" },
		{ "../../.bashrc", "bashrc" },
		{ "/etc/passwd", "passwd" },
		{ "C:\\Users\\me\\x.doc", "x.doc" },
		{ "..", "" },
		{ "...", "" },
		{ ".", "" },
		{ "/", "" },
		{ "", "" },
		{ "-rf", "rf" },
		{ "~", "" },
		{ "a/", "a_" },
		{ " x. ", "x" },
		{ "a\nb\x1b[m", "a b_[m" },
		{ "a:b|c*d", "a_b_c_d" },
		{ "gr\xc3\xbc.txt", "gr\xc3\xbc.txt" },
		{ "\xe2\x80\xaexcod.exe", "_xcod.exe" },
		{ "CON", "_CON" },
		{ "nul.tar.gz", "_nul.tar.gz" },
		{ "com1.txt", "_com1.txt" },
		{ "lpt", "lpt" },
		{ "console", "console" },
	};
	char name[ATTACHMENT_NAME_SIZE], longer[2000];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		attachment_name(cases[i].name, name);
		assert_string_equal(name, cases[i].safe);
	}
	memset(longer, 0, sizeof(longer));
	for (size_t i = 0; i + 2 < sizeof(longer); i += 2)
		memcpy(longer + i, "\xc3\xbc", 2);
	attachment_name(longer, name);
	assert_int_equal(text_width(name), 100);
	assert_null(strstr(name, FFFD));
}

static void
test_json_is_escaped(void **state)
{
	static const struct {
		const char *json, *safe;
	} cases[] = {
		{ "{\n \"a\": \"b\"\n}", "{\n \"a\": \"b\"\n}" },
		{ "\"\x7f\"", "\"\\u007f\"" },
		{ "\"\xc2\x9b\"", "\"\\u009b\"" },
		{ "\"\xe2\x80\xae\"", "\"\\u202e\"" },
		{ "\"\xf3\xa0\x81\x81\"", "\"\\udb40\\udc41\"" },
		{ "\"gr\xc3\xbc\"", "\"gr\xc3\xbc\"" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char *safe = text_escape_json(cases[i].json);

		assert_string_equal(safe, cases[i].safe);
		free(safe);
	}
}

/* A stream is the same however it is cut. */
static void
test_a_stream_is_cleaned(void **state)
{
	static const char mail[] = "Subject: \xe2\x82\xac \x1b[2J\r\n\r\n"
				   "bare\rreturn \xf0\x9f\x93\xa7 \xe2\x28 "
				   "\xc2\x9b end\r";
	static const char wanted[] = "Subject: \xe2\x82\xac ?[2J\n\n"
				     "bare return \xf0\x9f\x93\xa7 " FFFD "( "
				     "? end ";
	size_t length = strlen(mail);

	(void)state;
	for (size_t first = 0; first <= length; first++) {
		for (size_t second = first; second <= length; second++) {
			struct text_stream stream = { .length = 0 };
			char clean[TEXT_STREAM_ROOM(sizeof(mail)) * 2];
			size_t cuts[] = { 0, first, second, length };
			size_t used = 0;

			for (size_t i = 0; i < 3; i++) {
				if (cuts[i + 1] > cuts[i])
					used += text_stream_clean(&stream,
					    mail + cuts[i],
					    cuts[i + 1] - cuts[i],
					    clean + used);
			}
			used += text_stream_clean(&stream, "", 0, clean + used);
			clean[used] = '\0';
			assert_string_equal(clean, wanted);
		}
	}
}

static void
test_times_for_people(void **state)
{
	const struct ctl ctl = { .is_terminal = true };
	static const struct {
		int64_t ago_s;
		const char *text;
	} cases[] = {
		{ 0, "just now" },
		{ 65, "1 min ago" },
		{ 7200 + 5, "2 h ago" },
		{ -305, "in 5 min" },
		{ 800LL * 86400 + 5, "2 y ago" },
	};
	char iso[WHEN_SIZE], text[PRINT_TIME_SIZE];
	int64_t now_ms;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		json_t *object;

		/* Again, if that took so long that another text is right. */
		do {
			now_ms = evpop_clock_unix_ms();
			assert_true(
			    when_format(now_ms - cases[i].ago_s * 1000, iso));
			object = json_pack("{s:s}", "at", iso);
			print_time(&ctl, object, "at", PRINT_TIME, text);
			json_decref(object);
		} while (evpop_clock_unix_ms() - now_ms >= 1000);
		assert_string_equal(text, cases[i].text);
	}
}

static void
test_targets_are_encoded(void **state)
{
	static struct target target;
	static char long_name[TARGET_SIZE];

	(void)state;
	target_begin(&target, "/v1/accounts/*/poll", "a/b ?\xc3\xbc");
	target_parameter(&target, "none", NULL);
	target_parameter(&target, "q", "a&b=c+d");
	target_parameter(&target, "n", "5");
	assert_string_equal(target.text,
	    "/v1/accounts/a%2Fb%20%3F%C3%BC/poll?q=a%26b%3Dc%2Bd&n=5");
	assert_int_equal(target.flaw, TARGET_SOUND);
	target_begin(&target, "/v1/status", NULL);
	assert_string_equal(target.text, "/v1/status");
	memset(long_name, 'a', sizeof(long_name) - 1);
	target_begin(&target, "/v1/accounts/*", long_name);
	assert_int_equal(target.flaw, TARGET_CUT);
}

/* ---- forms ---- */

static void
test_forms_are_filled_in(void **state)
{
	static const struct {
		const char *form, *text;
	} cases[] = {
		{ "plain", "plain" },
		{ "{name} has {n} thing{s}", "box has 2 things" },
		{ "{one} thing{s} fit{-s}", "1 thing fits" },
		{ "{n} thing{s} fit{-s}", "2 things fit" },
		{ "{in.size:size}|up {span:span}", "1.5 KiB, up 1 min 5 s" },
		{ "{when:time}|{never:time}", "1970-01-01T00:00:00.000Z, -" },
		{ "?{none} of none|?{n} of some|?{zero} of 0|?{name}",
		    "2 of some, box" },
		{ "?{n:none}said|?{yes:none}true|?{no:none}false",
		    "said, true" },
		{ "{missing}", "?" },
		{ "{evil}", "{n} | ?" },
	};
	const struct ctl ctl = { .is_terminal = false };
	json_t *object =
	    json_pack("{s:s, s:i, s:i, s:i, s:i, s:{s:i}, s:s, s:b, s:b, s:s}",
		"name", "box", "n", 2, "one", 1, "zero", 0, "span", 65, "in",
		"size", 1536, "when", "1970-01-01T00:00:00.000Z", "yes", 1,
		"no", 0, "evil", "{n} | ?");
	struct phrase phrase;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		phrase_begin(&phrase);
		print_form(&ctl, cases[i].form, object, &phrase);
		assert_string_equal(phrase.text, cases[i].text);
	}
	json_decref(object);
}

/* ---- tables ---- */

static enum print_colour
bad_if_null(const json_t *row)
{
	return json_is_null(json_object_get(row, "text")) ? PRINT_BAD
							  : PRINT_PLAIN;
}

static const struct print_field columns[] = {
	{ "NAME", .member = "name", .fit = PRINT_CUT_END },
	{ "N", .member = "n", .kind = PRINT_COUNT },
	{ "TEXT", .member = "text", .fit = PRINT_CUT_END,
	    .colour = bad_if_null },
};

static void
add(struct table *table, const char *name, int n, const char *text)
{
	static const struct ctl ctl;
	json_t *row =
	    json_pack("{s:s, s:i, s:s?}", "name", name, "n", n, "text", text);

	table_add(table, &ctl, row);
	json_decref(row);
}

static char *
printed(struct table *table, size_t width, bool colour)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	assert_true(table_print(table, out, width, colour));
	assert_int_equal(fclose(out), 0);
	return text;
}

static void
fill(struct table *table)
{
	add(table, "gr\xc3\xbc\xc3\x9f", 7, "a text that goes on");
	add(table, "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5", 1234, NULL);
}

static void
test_tables_are_aligned(void **state)
{
	struct table *table = table_new(columns, 3);
	char *text;

	(void)state;
	fill(table);
	text = printed(table, 0, false);
	assert_string_equal(text, "NAME       N  TEXT\n"
				  "gr\xc3\xbc\xc3\x9f       7  "
				  "a text that goes on\n"
				  "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5  1234"
				  "  -\n");
	free(text);
	/* The next page has no titles, and the same columns. */
	add(table, "x", 1, "\x1b[1m");
	text = printed(table, 0, false);
	assert_string_equal(text, "x          1  ?[1m\n");
	free(text);
	table_free(&table);
	assert_null(table);
}

static void
test_tables_fit_the_terminal(void **state)
{
	(void)state;
	for (size_t width = 1; width < 60; width++) {
		struct table *table = table_new(columns, 3);
		char *text, *line, *rest;

		fill(table);
		text = rest = printed(table, width, false);
		for (int i = 0; i < 3; i++) {
			line = strsep(&rest, "\n");
			if (text_width(line) > width)
				fail_msg("%zu: \"%s\"", width, line);
		}
		assert_string_equal(rest, "");
		free(text);
		table_free(&table);
	}
	{
		struct table *table = table_new(columns, 3);
		char *text;

		fill(table);
		text = printed(table, 26, false);
		assert_non_null(strstr(text, "gr\xc3\xbc\xc3\x9f       7  "
					     "a text that\xe2\x80\xa6\n"));
		free(text);
		table_free(&table);
	}
}

static void
test_tables_leave_columns_out(void **state)
{
	static const struct print_field droppable[] = {
		{ "NAME", .member = "name", .fit = PRINT_CUT_END },
		{ "N", .member = "n", .kind = PRINT_COUNT, .drop = 2 },
		{ "COUNT", .member = "n", .kind = PRINT_COUNT, .drop = 1 },
	};
	static const struct {
		size_t width;
		const char *text;
	} cases[] = {
		{ 0, "NAME              N  COUNT\na name that fits  1      "
		     "1\n" },
		{ 26, "NAME              N  COUNT\na name that fits  1      "
		      "1\n" },
		{ 25, "NAME              COUNT\na name that fits      1\n" },
		{ 22, "NAME\na name that fits\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct table *table = table_new(droppable, 3);
		char *text;

		add(table, "a name that fits", 1, NULL);
		text = printed(table, cases[i].width, false);
		assert_string_equal(text, cases[i].text);
		free(text);
		table_free(&table);
	}
}

/* Zeros say less than any name, whatever their number. */
static void
test_columns_of_zeros_go_first(void **state)
{
	static const struct print_field droppable[] = {
		{ "NAME", .member = "name", .fit = PRINT_CUT_END },
		{ "N", .member = "n", .kind = PRINT_COUNT, .drop = 2 },
		{ "LOST", .member = "none", .kind = PRINT_COUNT, .drop = 1 },
	};
	struct table *table = table_new(droppable, 3);
	char *text;

	(void)state;
	add(table, "a name that fits", 1, NULL);
	text = printed(table, 24, false);
	assert_string_equal(text, "NAME              N\na name that fits  1\n");
	free(text);
	table_free(&table);
}

static void
test_names_are_cut_in_the_middle(void **state)
{
	static const struct print_field names[] = {
		{ "NAME", .member = "name", .fit = PRINT_CUT_MIDDLE },
		{ "N", .member = "n", .kind = PRINT_COUNT },
	};
	static const struct {
		const char *name, *shown;
	} cases[] = {
		{ "helpdesk-de-001", "help\xe2\x80\xa6-001" },
		{ "helpdesk-de-002", "help\xe2\x80\xa6-002" },
		{ "123456789", "123456789" },
		/* No wide character is halved, and the next column stays. */
		{ "\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac"
		  "\xe6\x97\xa5",
		    "\xe6\x97\xa5\xe6\x9c\xac\xe2\x80\xa6\xe6\x9c\xac"
		    "\xe6\x97\xa5" },
		{ "x\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\xa5\xe6\x9c\xac"
		  "y\xe6\x97\xa5",
		    "x\xe6\x97\xa5\xe2\x80\xa6y\xe6\x97\xa5 " },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct table *table = table_new(names, 2);
		char *text, *line;

		add(table, cases[i].name, 7, NULL);
		text = printed(table, 12, false);
		line = strchr(text, '\n') + 1;
		if (strncmp(line, cases[i].shown, strlen(cases[i].shown)) !=
			0 ||
		    text_width(line) != 12)
			fail_msg("\"%s\"", line);
		free(text);
		table_free(&table);
	}
}

static void
test_the_last_column_is_wrapped(void **state)
{
	static const struct print_field wrapped[] = {
		{ "N", .member = "n", .kind = PRINT_COUNT },
		{ "TEXT", .member = "text", .fit = PRINT_WRAP },
	};
	static const struct {
		size_t width;
		const char *text;
	} cases[] = {
		{ 0, "N  TEXT\n7  the certificate has expired long ago\n" },
		{ 20, "N  TEXT\n7  the certificate\n   has expired long\n"
		      "   ago\n" },
		{ 11, "N  TEXT\n7  the\n   certific\n   ate has\n"
		      "   expired\n   long ago\n" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct table *table = table_new(wrapped, 2);
		char *text;

		add(table, "", 7, "the certificate has expired long ago");
		text = printed(table, cases[i].width, false);
		assert_string_equal(text, cases[i].text);
		free(text);
		table_free(&table);
	}
}

static void
test_tables_have_colours(void **state)
{
	struct table *table = table_new(columns, 3);
	char *text;

	(void)state;
	fill(table);
	text = printed(table, 0, true);
	assert_non_null(strstr(text, "\033[1mNAME\033[0m"));
	assert_non_null(strstr(text, "\033[31m-\033[0m\n"));
	free(text);
	table_free(&table);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_is_cleaned),
		cmocka_unit_test(test_no_octet_gets_through),
		cmocka_unit_test(test_text_has_a_width),
		cmocka_unit_test(test_lines_are_wrapped),
		cmocka_unit_test(test_names_of_files_are_safe),
		cmocka_unit_test(test_json_is_escaped),
		cmocka_unit_test(test_a_stream_is_cleaned),
		cmocka_unit_test(test_times_for_people),
		cmocka_unit_test(test_targets_are_encoded),
		cmocka_unit_test(test_forms_are_filled_in),
		cmocka_unit_test(test_tables_are_aligned),
		cmocka_unit_test(test_tables_fit_the_terminal),
		cmocka_unit_test(test_tables_leave_columns_out),
		cmocka_unit_test(test_columns_of_zeros_go_first),
		cmocka_unit_test(test_names_are_cut_in_the_middle),
		cmocka_unit_test(test_the_last_column_is_wrapped),
		cmocka_unit_test(test_tables_have_colours),
	};

	if (setlocale(LC_CTYPE, "C.UTF-8") == NULL)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The reader of dialogs: what it takes, and what it says of faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/dialog/dialog.h"

#define BEGIN "dialog d\nshows Something.\ndo connect\n"

static struct dialog_file *
parse(const char *text)
{
	struct dialog_error error;
	struct dialog_file *file = dialog_parse(text, strlen(text), &error);

	if (file == NULL)
		fail_msg("line %u: %s", error.line, error.text);
	return file;
}

/* ---- octets ---- */

static const struct {
	const char *text;
	const char *octets; /* NULL: a fault */
	size_t length;
} escapes[] = {
	{ "", "", 0 },
	{ "plain text", "plain text", 10 },
	{ "\\r\\n\\t\\s\\e\\0\\\\", "\r\n\t \x1b\0\\", 7 },
	{ "\\x00\\xff\\x7f", "\0\xff\x7f", 3 },
	{ "a\\#b", "a17b", 4 },
	{ "\\[\\]", "", 0 },
	{ "\\[a\\]", "YQ==", 4 },
	{ "\\[ab\\]", "YWI=", 4 },
	{ "\\[\\0anna\\0secret\\]", "AGFubmEAc2VjcmV0", 16 },
	{ "x\\[\\xff\\xfe\\xfd\\]y", "x//79y", 6 },
	{ "\\", NULL, 0 },
	{ "\\q", NULL, 0 },
	{ "\\x1", NULL, 0 },
	{ "\\x1G", NULL, 0 },
	{ "\\xFF", NULL, 0 },
	{ "\\[a", NULL, 0 },
	{ "a\\]", NULL, 0 },
	{ "\\[\\[a\\]\\]", NULL, 0 },
};

static void
test_escapes(void **state)
{
	struct octets octets = { NULL, 0, 0 };
	const char *wrong;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof escapes / sizeof escapes[0]; i++) {
		wrong = octets_unescape(
		    &octets, escapes[i].text, strlen(escapes[i].text), 17);
		if (escapes[i].octets == NULL) {
			assert_non_null(wrong);
		} else {
			assert_null(wrong);
			assert_int_equal(octets.length, escapes[i].length);
			assert_memory_equal(octets_text(&octets),
			    escapes[i].octets, octets.length);
		}
		octets_clear(&octets);
	}
}

static void
test_escapes_there_and_back(void **state)
{
	struct octets all = { NULL, 0, 0 }, text = { NULL, 0, 0 },
		      again = { NULL, 0, 0 };
	unsigned char c = 0;

	(void)state;
	do
		octets_add(&all, &c, 1);
	while (++c != 0);
	octets_escape(&text, all.bytes, all.length);
	assert_null(
	    octets_unescape(&again, octets_text(&text), text.length, 0));
	assert_int_equal(again.length, 256);
	assert_memory_equal(again.bytes, all.bytes, 256);
	octets_clear(&all);
	octets_clear(&text);
	octets_clear(&again);
}

/* ---- what is taken ---- */

static void
test_whole(void **state)
{
	static const char text[] =
	    "# A remark.\n\n"
	    "dialog one\n"
	    "shows It shows this.\n"
	    "set user=a\\sb modes=plain limit-body=12 dry-run=1\n"
	    "known stored id\\xff\n"
	    "as 120 Subject: x\\r\\n\n"
	    "known gone id\n"
	    "as 7\n"
	    "known seen id\n"
	    "do connect login retr=7 top=8,9\n"
	    "S: +OK\n"
	    "S~ no\n"
	    "C: CAPA\n"
	    "C?: NOOP\n"
	    "C~ AUTH \n"
	    "sleep 50ms\n"
	    "tls\nrst\neof\nnext\nignore\n"
	    "= body 1 text\n"
	    "never a\\0b\n"
	    "never-clear c\n"
	    "traced S: x\n"
	    "dialog two\n"
	    "shows Another.\n"
	    "do sync";
	struct dialog_file *file = parse(text);
	const struct dialog *dialog = &file->dialogs[0];

	(void)state;
	assert_int_equal(file->count, 2);
	assert_string_equal(dialog->name, "one");
	assert_int_equal(dialog->line, 3);
	assert_int_equal(dialog->settings.dry_run, 1);
	assert_string_equal(dialog->shows, "It shows this.");
	assert_string_equal(dialog->settings.user, "a b");
	assert_string_equal(dialog->settings.modes, "plain");
	assert_int_equal(dialog->settings.limit_body, 12);
	assert_int_equal(dialog->known_count, 3);
	assert_int_equal(dialog->known[0].id.bytes[2], 0xff);
	assert_int_equal(dialog->known[0].octets, 120);
	assert_true(dialog->known[0].has_header);
	assert_string_equal(
	    octets_text(&dialog->known[0].header), "Subject: x\r\n");
	assert_string_equal(dialog->known[1].state, "gone");
	assert_int_equal(dialog->known[1].octets, 7);
	assert_false(dialog->known[1].has_header);
	assert_int_equal(dialog->known[2].octets, 0);
	assert_int_equal(dialog->step_count, 4);
	assert_int_equal(dialog->steps[2].verb, DIALOG_RETR);
	assert_int_equal(dialog->steps[2].number, 7);
	assert_int_equal(dialog->steps[3].lines, 9);
	assert_int_equal(dialog->item_count, 10);
	assert_int_equal(dialog->items[0].type, DIALOG_SAY);
	assert_string_equal(octets_text(&dialog->items[0].octets), "+OK\r\nno");
	assert_int_equal(dialog->items[0].line, 12);
	assert_true(dialog->items[2].optional);
	assert_true(dialog->items[3].prefix);
	assert_int_equal(dialog->items[4].number, 50);
	assert_int_equal(dialog->outcome_count, 1);
	assert_string_equal(dialog->outcomes[0], "body 1 text");
	assert_int_equal(dialog->never[0].length, 3);
	assert_int_equal(dialog->never_clear_count, 1);
	assert_string_equal(dialog->traced[0], "S: x");
	assert_true(dialog_has_item(dialog, DIALOG_RST));
	assert_false(dialog_has_step(dialog, DIALOG_SYNC));
	assert_true(dialog_has_step(&file->dialogs[1], DIALOG_SYNC));
	dialog_file_free(file);
}

static void
test_repeats_and_line_ends(void **state)
{
	struct dialog_file *file = parse(BEGIN "S*3: \\# x\n"
					       "S*4~ ab\n"
					       "eol lf\n"
					       "S: y\n"
					       "eol crlf\n"
					       "S: z\n");

	(void)state;
	assert_int_equal(file->dialogs[0].item_count, 1);
	assert_string_equal(octets_text(&file->dialogs[0].items[0].octets),
	    "1 x\r\n2 x\r\n3 x\r\nababababy\nz\r\n");
	assert_int_equal(dialog_octets(&file->dialogs[0]), 28);
	dialog_file_free(file);
}

static void
test_set(void **state)
{
	struct dialog_file *file = parse(BEGIN "any {\n"
					       "C: RETR 1\nS: +OK\n"
					       "C: RETR 2\nS: +OK\n"
					       "}\n");
	const struct dialog *dialog = &file->dialogs[0];

	(void)state;
	assert_int_equal(dialog->items[0].type, DIALOG_ANY);
	assert_int_equal(dialog->items[0].number, 5);
	assert_int_equal(dialog->items[5].type, DIALOG_ANY_END);
	dialog_file_free(file);
}

static void
test_shorthand(void **state)
{
	struct dialog_file *file = parse(BEGIN "opening\nclosing\n");
	const struct dialog *dialog = &file->dialogs[0];

	(void)state;
	assert_int_equal(dialog->item_count, 9);
	assert_string_equal(
	    octets_text(&dialog->items[5].octets), "PASS secret");
	assert_string_equal(octets_text(&dialog->items[7].octets), "QUIT");
	dialog_file_free(file);
}

/* ---- faults ---- */

static const struct {
	const char *text;
	unsigned line;
	const char *words;
} faults[] = {
	{ "", 0, "no dialog" },
	{ "# nothing\n", 1, "no dialog" },
	{ "S: +OK\n", 1, "dialog NAME" },
	{ "do connect\n", 1, "dialog NAME" },
	{ "dialog\n", 1, "a name" },
	{ "dialog a b\n", 1, "a name" },
	{ "dialog a\ndo connect\n", 2, "what it shows" },
	{ "dialog a\nshows x\n", 2, "does nothing" },
	{ BEGIN "dialog d\n", 4, "second dialog" },
	{ BEGIN "shows again\n", 4, "two things" },
	{ BEGIN "frobnicate\n", 4, "unknown keyword: frobnicate" },
	{ BEGIN " S: indented\n", 4, "beginning" },
	{ BEGIN "do fly\n", 4, "unknown: fly" },
	{ BEGIN "do retr\n", 4, "number of a message" },
	{ BEGIN "do retr=x\n", 4, "NUMBER" },
	{ BEGIN "do top=1,\n", 4, "NUMBER" },
	{ BEGIN "do retr=1234567890\n", 4, "NUMBER" },
	{ BEGIN "set user\n", 4, "KEY=VALUE" },
	{ BEGIN "set colour=red\n", 4, "colour=red: an unknown key" },
	{ BEGIN "set limit-body=many\n", 4, "a number" },
	{ BEGIN "set user=a user=b\n", 4, "set twice" },
	{ BEGIN "set user=a\\0b\n", 4, "NUL" },
	{ BEGIN "known lost id\n", 4, "no state: lost" },
	{ BEGIN "known stored\n", 4, "an id" },
	{ BEGIN "as 120\n", 4, "follows what is known" },
	{ BEGIN "known gone a\nas\n", 5, "octets" },
	{ BEGIN "known gone a\nas 0\n", 5, "octets" },
	{ BEGIN "known gone a\nas 1,2\n", 5, "octets" },
	{ BEGIN "known gone a\nas many\n", 5, "octets" },
	{ BEGIN "known gone a\nas 1\nas 2\n", 6, "follows what is known" },
	{ BEGIN "known gone a\nas 1 \\q\n", 5, "escape" },
	{ BEGIN "set baseline=yes\n", 4, "a number" },
	{ BEGIN "S\n", 4, "S: or S~" },
	{ BEGIN "S* x\n", 4, "S: or S~" },
	{ BEGIN "S*: x\n", 4, "S*NUMBER" },
	{ BEGIN "S*1x: y\n", 4, "S*NUMBER" },
	{ BEGIN "S*99999999: y\n", 4, "S*NUMBER" },
	{ BEGIN "S*9999999: 01234567890\n", 4, "too much" },
	{ BEGIN "S: \\q\n", 4, "escape" },
	{ BEGIN "C\n", 4, "C: or C~" },
	{ BEGIN "C!: x\n", 4, "C: or C~" },
	{ BEGIN "C+: x\n", 4, "follows a line" },
	{ BEGIN "S: x\nC+: x\n", 5, "follows a line" },
	{ BEGIN "sleep\n", 4, "50ms" },
	{ BEGIN "sleep 5\n", 4, "50ms" },
	{ BEGIN "sleep 1000000ms\n", 4, "50ms" },
	{ BEGIN "eol cr\n", 4, "lf or crlf" },
	{ BEGIN "eof now\n", 4, "nothing may follow" },
	{ BEGIN "any\n", 4, "any {" },
	{ BEGIN "any {\nany {\n", 5, "inside of a set" },
	{ BEGIN "}\n", 4, "without any" },
	{ BEGIN "any {\n}\n", 5, "nothing" },
	{ BEGIN "any {\nS: x\n}\n", 6, "begins with a line" },
	{ BEGIN "any {\nC?: x\n}\n", 5, "plain" },
	{ BEGIN "any {\nC: x\n", 5, "without }" },
	{ BEGIN "=\n", 4, "a text" },
	{ BEGIN "never\n", 4, "a text" },
};

static void
test_faults(void **state)
{
	struct dialog_error error;
	struct dialog_file *file;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof faults / sizeof faults[0]; i++) {
		file = dialog_parse(
		    faults[i].text, strlen(faults[i].text), &error);
		if (file != NULL || error.line != faults[i].line ||
		    strstr(error.text, faults[i].words) == NULL)
			fail_msg("%s: line %u: %s", faults[i].text, error.line,
			    error.text);
	}
}

static void
test_nul(void **state)
{
	static const char text[] = BEGIN "S: a\0b\n";
	struct dialog_error error;

	(void)state;
	assert_null(dialog_parse(text, sizeof text - 1, &error));
	assert_int_equal(error.line, 4);
}

static void
test_no_file(void **state)
{
	struct dialog_error error;

	(void)state;
	assert_null(dialog_read("/nowhere/at/all.dialog", &error));
	assert_int_equal(error.line, 0);
	assert_non_null(strstr(error.text, "No such file"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_escapes_there_and_back),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_repeats_and_line_ends),
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_shorthand),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests_name("dialog_reader", tests, NULL, NULL);
}

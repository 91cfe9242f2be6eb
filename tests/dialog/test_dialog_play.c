/*
 * The players can tell a wrong dialog from a right one: each case differs in
 * one thing from a dialog that is as it should be, and must be found wrong.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/dialog/play.h"
#include "tests/dialog/script.h"

static const char right[] =
    "dialog d\n"
    "shows Something.\n"
    "set limit-body=100\n"
    "do connect login list retr=1 dele=9 quit\n"
    "S: +OK <1896.697170952@dbc.mtview.ca.us> hi\n"
    "C: CAPA\n"
    "S: -ERR\n"
    "C: USER anna\n"
    "S: +OK\n"
    "C: PASS secret\n"
    "S: +OK in\n"
    "C: LIST\n"
    "S: +OK\n"
    "S: 1 120\n"
    "S: .\n"
    "C: RETR 1\n"
    "S: +OK\n"
    "S: ..a\n"
    "S: .\n"
    "C: DELE 9\n"
    "S: -ERR [SYS/TEMP] not now\n"
    "C: QUIT\n"
    "S: +OK\n"
    "= entry 1 120\n"
    "= body 1 .a\\r\\n\n"
    "= dele 9 refused session|message [SYS/TEMP] ~ not now\n"
    "= quit committed\n"
    "never APOP\n"
    "traced S: +OK in\n";

/* What is put in the place of what; all of them make it wrong. */
static const struct {
	const char *part, *other;
	bool core; /* the core can tell, too */
} spoiled[] = {
	{ "= entry 1 120", "= entry 1 121", true },
	{ "= body 1 .a\\r\\n", "= body 1 .a\\r\\n\\r\\n", true },
	{ "= body 1 .a\\r\\n", "= body 2 .a\\r\\n", true },
	{ "= quit committed\n", "", true },
	{ "= quit committed\n", "= quit committed\n= entry 1 1\n", true },
	{ "= quit committed", "= quit unknown", true },
	{ "dele 9 refused", "dele 9 io", true },
	{ "dele 9 refused", "dele 8 refused", false },
	{ "session|message", "account|none", true },
	{ "[SYS/TEMP] ~", "[IN-USE] ~", true },
	{ "~ not now", "~ not ever", true },
	{ "C: DELE 9", "C: DELE 8", false },
	{ "C: PASS secret", "C: PASS Secret", false },
	{ "C: CAPA\nS: -ERR\n", "", false },
	{ "C: QUIT\nS: +OK\n", "", false },
	{ "C: QUIT\nS: +OK\n", "C: QUIT\nS: +OK\nC: NOOP\n", true },
	{ "S: ..a", "S: ...a", true },
	{ "S: ..a", "S: ..b", true },
	{ "S: +OK in", "S: +OKAY in", true },
	{ "S: +OK in", "S: -ERR in", false },
	{ "limit-body=100", "limit-body=3", true },
	{ "never APOP", "never USER", false },
	{ "never APOP", "never-clear QUIT", false },
	{ "traced S: +OK in", "traced C: PASS secret", true },
};

static struct play_stage *stage;

static int
group_setup(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	stage = play_stage_new();
	return 0;
}

static int
group_teardown(void **state)
{
	(void)state;
	play_stage_free(stage);
	return 0;
}

/* The right dialog with one part of it replaced; NULL: as it is. */
static struct dialog_file *
parse(const char *part, const char *other)
{
	struct octets text = { NULL, 0, 0 };
	struct dialog_error error;
	struct dialog_file *file;
	const char *at = part == NULL ? right : strstr(right, part);

	assert_non_null(at);
	octets_add(&text, right, (size_t)(at - right));
	if (part != NULL) {
		octets_add_text(&text, other);
		at += strlen(part);
	}
	octets_add_text(&text, at);
	file = dialog_parse(octets_text(&text), text.length, &error);
	if (file == NULL)
		fail_msg("line %u: %s", error.line, error.text);
	octets_clear(&text);
	return file;
}

static void
wrong(size_t index, const char *why, void *arg)
{
	(void)index;
	octets_add_text(arg, why);
}

/* Whether it is right, and if not that somebody says why. */
static bool
is_right(const struct dialog *dialog, enum play_mode mode)
{
	static const struct cuts ways[] = { { .singly = false },
		{ .singly = true }, { .at = { 1, 0 } }, { .at = { 30, 77 } } };
	size_t count = sizeof ways / sizeof ways[0], i;
	struct octets why = { NULL, 0, 0 };
	bool right_so_far = true;

	if (mode == PLAY_CORE)
		for (i = 0; i < count && right_so_far; i++)
			right_so_far = play_core(dialog, &ways[i], &why, NULL);
	else
		right_so_far = play_net(stage, dialog, mode, ways, count, NULL,
				   wrong, &why) == 0;
	assert_int_equal(right_so_far, why.length == 0);
	octets_clear(&why);
	return right_so_far;
}

static void
test_right(void **state)
{
	struct dialog_file *file = parse(NULL, NULL);

	(void)state;
	assert_true(is_right(&file->dialogs[0], PLAY_CORE));
	assert_true(is_right(&file->dialogs[0], PLAY_PLAIN));
	assert_true(is_right(&file->dialogs[0], PLAY_TLS));
	dialog_file_free(file);
}

static void
test_spoiled(void **state)
{
	struct dialog_file *file;
	enum play_mode mode;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof spoiled / sizeof spoiled[0]; i++)
		for (mode = PLAY_CORE; mode <= PLAY_TLS; mode++) {
			if (mode == PLAY_CORE && !spoiled[i].core)
				continue;
			/* TLS says nothing in clear. */
			if (mode == PLAY_TLS &&
			    strstr(spoiled[i].other, "clear") != NULL)
				continue;
			file = parse(spoiled[i].part, spoiled[i].other);
			if (is_right(&file->dialogs[0], mode))
				fail_msg("%s for %s passes over %s",
				    spoiled[i].other, spoiled[i].part,
				    play_mode_name(mode));
			dialog_file_free(file);
		}
}

/* ---- cuts ---- */

static void
test_cuts(void **state)
{
	struct cuts *cuts, again;
	size_t count, i, last = 0;
	char name[64];

	(void)state;
	cuts = cuts_all(10, 100, 5, &count);
	assert_true(count > 2 + 9 && count <= 2 + 9 + 5);
	for (i = 0; i < 9; i++)
		assert_int_equal(cuts[2 + i].at[0], i + 1);
	for (i = 11; i < count; i++)
		assert_true(
		    cuts[i].at[0] < cuts[i].at[1] && cuts[i].at[1] < 10);
	free(cuts);
	/* Fewer places than there are: each only once, from first to last. */
	cuts = cuts_all(1000, 40, 0, &count);
	assert_int_equal(count, 42);
	for (i = 2; i < count; i++) {
		assert_true(cuts[i].at[0] > last && cuts[i].at[0] < 1000);
		last = cuts[i].at[0];
		cuts_name(&cuts[i], name, sizeof name);
		assert_true(cuts_by_name(name, &again));
		assert_int_equal(again.at[0], last);
	}
	assert_int_equal(last, 999);
	free(cuts);
	assert_false(cuts_by_name("cut:", &again));
	assert_false(cuts_by_name("everywhere", &again));
}

/* All pieces together are the whole, and no cut is passed over. */
static void
test_pieces(void **state)
{
	const struct cuts cuts = { .at = { 3, 7 } };
	const struct cuts singly = { .singly = true };

	(void)state;
	assert_int_equal(cuts_piece(&cuts, 0, 10), 3);
	assert_int_equal(cuts_piece(&cuts, 3, 7), 4);
	assert_int_equal(cuts_piece(&cuts, 7, 3), 3);
	assert_int_equal(cuts_piece(&cuts, 0, 2), 2);
	assert_int_equal(cuts_piece(&singly, 0, 10), 1);
	assert_int_equal(cuts_piece(&singly, CUTS_SINGLY, 10), 10);
	assert_int_equal(
	    cuts_piece(&singly, CUTS_SINGLY, 2 * CUTS_PIECE), CUTS_PIECE);
}

/* ---- scripts ---- */

static bool
hear(struct script *script, const char *line)
{
	return script_hear(
	    script, (const unsigned char *)line, strlen(line), false);
}

static void
expect_say(struct script *script, const char *text)
{
	const struct dialog_item *item;

	assert_int_equal(script_next(script, &item), SCRIPT_ACT);
	assert_string_equal(octets_text(&item->octets), text);
}

static void
test_set_in_any_order(void **state)
{
	static const char text[] = "dialog d\nshows x\ndo connect\n"
				   "any {\n"
				   "C: A\nS: a\n"
				   "C: B\n"
				   "C: A\nS: again\n"
				   "}\n"
				   "C?: O\nS: o\n"
				   "C~ P\n";
	struct dialog_error error;
	struct dialog_file *file = dialog_parse(text, sizeof text - 1, &error);
	const struct dialog_item *item;
	struct script script;

	(void)state;
	assert_non_null(file);
	script_begin(&script, &file->dialogs[0]);
	assert_int_equal(script_next(&script, &item), SCRIPT_WAIT);
	assert_true(hear(&script, "B"));
	assert_int_equal(script_next(&script, &item), SCRIPT_WAIT);
	assert_true(hear(&script, "A"));
	expect_say(&script, "a\r\n");
	assert_false(script_left(&script));
	assert_false(hear(&script, "B"));
	assert_true(hear(&script, "A"));
	expect_say(&script, "again\r\n");
	assert_int_equal(script_next(&script, &item), SCRIPT_WAIT);
	assert_false(hear(&script, "Q"));
	script.error[0] = '\0';
	script_begin(&script, &file->dialogs[0]);
	assert_true(hear(&script, "A") && hear(&script, "A") == false);
	dialog_file_free(file);
}

static void
test_together(void **state)
{
	static const char text[] = "dialog d\nshows x\ndo connect\n"
				   "C: A\nC+: B\n";
	struct dialog_error error;
	struct dialog_file *file = dialog_parse(text, sizeof text - 1, &error);
	struct script script;

	(void)state;
	assert_non_null(file);
	script_begin(&script, &file->dialogs[0]);
	assert_true(hear(&script, "A"));
	assert_false(hear(&script, "B"));
	assert_non_null(strstr(script.error, "apart"));
	script_begin(&script, &file->dialogs[0]);
	assert_true(hear(&script, "A"));
	assert_true(script_hear(&script, (const unsigned char *)"B", 1, true));
	dialog_file_free(file);
}

static void
test_optional(void **state)
{
	static const char text[] = "dialog d\nshows x\ndo connect\n"
				   "C?: O\nS: o\n"
				   "C~ P\n"
				   "S: p\n";
	struct dialog_error error;
	struct dialog_file *file = dialog_parse(text, sizeof text - 1, &error);
	const struct dialog_item *item;
	struct script script;

	(void)state;
	assert_non_null(file);
	script_begin(&script, &file->dialogs[0]);
	assert_true(hear(&script, "PQ"));
	expect_say(&script, "p\r\n");
	assert_int_equal(script_next(&script, &item), SCRIPT_END);
	assert_true(script_left(&script));
	assert_false(hear(&script, "more"));
	script_begin(&script, &file->dialogs[0]);
	assert_true(hear(&script, "O"));
	expect_say(&script, "o\r\n");
	assert_false(script_again(&script));
	dialog_file_free(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right),
		cmocka_unit_test(test_spoiled),
		cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_set_in_any_order),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_optional),
	};

	return cmocka_run_group_tests_name(
	    "dialog_play", tests, group_setup, group_teardown);
}

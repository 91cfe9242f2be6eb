/* What a command is executed with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/secret/arguments.h"

static const char *const variables[] = { "EVPOP_RECIPIENT=anna@example.org",
	"EVPOP_SENDER=-oops@example.org", "EVPOP_EMPTY=", "EVPOP_MESSAGE_ID=7",
	"RECIPIENT=nobody", NULL };

static void
test_arguments(void **state)
{
	static const struct {
		struct arguments_command command;
		const char *expected[8];
	} rows[] = {
		{ { "echo \"$X\"", false, 0 },
		    { "/bin/sh", "-c", "--", "echo \"$X\"" } },
		{ { "maildrop -d {recipient} '{recipient}'", true, 0 },
		    { "maildrop", "-d", "anna@example.org",
			"anna@example.org" } },
		{ { "x {sender} <{sender}> {empty}{message_id} {empty}a", true,
		      0 },
		    { "x", "", "<-oops@example.org>", "7", "a" } },
		{ { "awk {print} {RECIPIENT} {} { } {nothing}", true, 0 },
		    { "awk", "{print}", "{RECIPIENT}", "{}", "{", "}",
			"{nothing}" } },
		{ { "cat $HOME;x", true, 1024 * 1024 },
		    { "/bin/sh", "-c",
			"ulimit -v \"$1\" && shift && exec \"$@\"", "sh",
			"1024", "cat", "$HOME;x" } },
		{ { "cat $HOME;x", false, 2048 },
		    { "/bin/sh", "-c", "ulimit -v \"$1\" && eval \"$2\"", "sh",
			"2", "cat $HOME;x" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char **made = arguments_make(&rows[i].command, variables);
		size_t count = 0;

		assert_non_null(made);
		for (; rows[i].expected[count] != NULL; count++) {
			assert_non_null(made[count]);
			assert_string_equal(
			    made[count], rows[i].expected[count]);
		}
		assert_null(made[count]);
		free(made);
	}
}

static void
test_no_words(void **state)
{
	(void)state;
	assert_null(
	    arguments_make(&(struct arguments_command){ " ", true, 0 }, NULL));
	assert_int_equal(errno, EINVAL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_no_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

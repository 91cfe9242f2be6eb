/* The command encoder, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/core/command.h"

#define REQUEST(verb, ...)                                   \
	{                                                    \
		.command = EVPOP_COMMAND_##verb, __VA_ARGS__ \
	}

static const struct {
	struct evpop_request request;
	const char *line; /* NULL: refused */
} cases[] = {
	{ REQUEST(USER, .text = "joe"), "USER joe\r\n" },
	{ REQUEST(USER, .text = "joe", .number = 4), "USER joe\r\n" },
	{ REQUEST(USER, .text = "j\xc3\xb6"), "USER j\xc3\xb6\r\n" },
	{ REQUEST(USER, .text = NULL), NULL },
	{ REQUEST(USER, .text = ""), NULL },
	{ REQUEST(USER, .text = "joe\r\nDELE 1"), NULL },
	{ REQUEST(USER, .text = "joe\n"), NULL },
	{ REQUEST(USER, .text = "\rjoe"), NULL },
	{ REQUEST(PASS, .text = "a b  c "), "PASS a b  c \r\n" },
	{ REQUEST(PASS, .text = "%s%n"), "PASS %s%n\r\n" },
	{ REQUEST(PASS, .text = NULL), NULL },
	{ REQUEST(PASS, .text = ""), NULL },
	{ REQUEST(PASS, .text = "x\ny"), NULL },
	{ REQUEST(PASS, .text = "x\ry"), NULL },
	{ REQUEST(STAT, .number = 0), "STAT\r\n" },
	{ REQUEST(STAT, .number = 5), "STAT\r\n" },
	{ REQUEST(STAT, .text = "x"), NULL },
	{ REQUEST(LIST, .number = 0), "LIST\r\n" },
	{ REQUEST(LIST, .number = 7), "LIST 7\r\n" },
	{ REQUEST(UIDL, .number = 0), "UIDL\r\n" },
	{ REQUEST(UIDL, .number = UINT32_MAX), "UIDL 4294967295\r\n" },
	{ REQUEST(RETR, .number = 1), "RETR 1\r\n" },
	{ REQUEST(RETR, .number = 0), NULL },
	{ REQUEST(TOP, .number = 1), "TOP 1 0\r\n" },
	{ REQUEST(TOP, .number = UINT32_MAX, .lines = UINT32_MAX),
	    "TOP 4294967295 4294967295\r\n" },
	{ REQUEST(TOP, .number = 0, .lines = 3), NULL },
	{ REQUEST(DELE, .number = 12), "DELE 12\r\n" },
	{ REQUEST(DELE, .number = 0), NULL },
	{ REQUEST(DELE, .number = 1, .text = "x"), NULL },
	{ REQUEST(NOOP, .number = 3), "NOOP\r\n" },
	{ REQUEST(RSET, .number = 3), "RSET\r\n" },
	{ REQUEST(CAPA, .number = 3), "CAPA\r\n" },
	{ REQUEST(STLS, .number = 3), "STLS\r\n" },
	{ REQUEST(QUIT, .number = 3), "QUIT\r\n" },
	{ REQUEST(NONE, .number = 0), NULL },
	{ REQUEST(COUNT, .number = 0), NULL },
	{ { .command = (enum evpop_command)1000 }, NULL },
};

static void
commands_are_encoded_or_refused(void **state)
{
	char *line;
	size_t i, room, length;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		if (evpop_command_valid(&cases[i].request) !=
		    (cases[i].line != NULL))
			fail_msg("case %zu: %s", i,
			    cases[i].line == NULL ? "taken" : cases[i].line);
		if (cases[i].line == NULL)
			continue;
		room = evpop_command_room(&cases[i].request);
		line = malloc(room);
		assert_non_null(line);
		length = evpop_command_encode(&cases[i].request, line);
		assert_true(length < room);
		assert_int_equal(length, strlen(cases[i].line));
		assert_memory_equal(line, cases[i].line, length);
		free(line);
	}
}

static void
a_long_argument_has_room(void **state)
{
	char text[5001], *line;
	struct evpop_request request = { .command = EVPOP_COMMAND_PASS,
		.text = text };

	(void)state;
	memset(text, 'p', 5000);
	text[5000] = '\0';
	assert_true(evpop_command_valid(&request));
	line = malloc(evpop_command_room(&request));
	assert_non_null(line);
	assert_int_equal(evpop_command_encode(&request, line), 5007);
	assert_memory_equal(line + 5005, "\r\n", 2);
	free(line);
}

static void
names_are_those_of_the_protocol(void **state)
{
	static const char *const names[] = { "greeting", "USER", "PASS", "STAT",
		"LIST", "UIDL", "RETR", "TOP", "DELE", "NOOP", "RSET", "CAPA",
		"STLS", "QUIT", "APOP", "AUTH", "LANG", "UTF8" };
	size_t i;

	(void)state;
	assert_int_equal(sizeof names / sizeof names[0], EVPOP_COMMAND_COUNT);
	for (i = 0; i < EVPOP_COMMAND_COUNT; i++)
		assert_string_equal(
		    evpop_command_name((enum evpop_command)i), names[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commands_are_encoded_or_refused),
		cmocka_unit_test(a_long_argument_has_room),
		cmocka_unit_test(names_are_those_of_the_protocol),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The manual and the table of commands name the same things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/command.h"

#define ENTRIES_MAX 512

/* "command option", or "command" alone, or " option" before any command. */
struct entries {
	char *items[ENTRIES_MAX];
	size_t count;
};

static void
add(struct entries *entries, const char *command, const char *option)
{
	assert_true(entries->count < ENTRIES_MAX);
	assert_true(asprintf(&entries->items[entries->count], "%s %s", command,
			option) > 0);
	entries->count++;
}

static bool
has(const struct entries *entries, const char *item)
{
	for (size_t i = 0; i < entries->count; i++) {
		if (strcmp(entries->items[i], item) == 0)
			return true;
	}
	return false;
}

static void
forget(struct entries *entries)
{
	for (size_t i = 0; i < entries->count; i++)
		free(entries->items[i]);
}

static void
add_options(struct entries *entries, const char *command,
    const struct command_option *options)
{
	for (; options->name != NULL; options++) {
		char text[64];

		if (options->letter != 0) {
			snprintf(text, sizeof(text), "-%c%s", options->letter,
			    options->argument != NULL ? " Ar" : "");
			add(entries, command, text);
		}
		snprintf(text, sizeof(text), "--%s%s", options->name,
		    options->argument != NULL ? " Ar" : "");
		add(entries, command, text);
	}
}

static void
read_table(struct entries *entries)
{
	size_t count;
	const struct command *commands = command_table(&count);

	memset(entries, 0, sizeof(*entries));
	add_options(entries, "", command_of_program()->options);
	for (size_t i = 0; i < count; i++) {
		add(entries, commands[i].name, "");
		add_options(entries, commands[i].name, commands[i].options);
	}
}

/* ".It Fl o Ar file , Fl -output Ar file" */
static void
read_options(struct entries *entries, const char *command, char *line)
{
	char *word, *rest = line, text[64] = "";

	while ((word = strsep(&rest, " \n")) != NULL) {
		if (strcmp(word, "Fl") == 0) {
			word = strsep(&rest, " \n");
			assert_non_null(word);
			snprintf(text, sizeof(text), "-%.40s", word);
		} else if (strcmp(word, "Ar") == 0) {
			strncat(text, " Ar", sizeof(text) - strlen(text) - 1);
		} else if (strcmp(word, ",") == 0) {
			add(entries, command, text);
		}
	}
	add(entries, command, text);
}

static void
read_manual(struct entries *entries)
{
	FILE *manual = fopen(MANUAL, "r");
	char line[512], command[32] = "";
	bool commands = false, options = true;

	memset(entries, 0, sizeof(*entries));
	assert_non_null(manual);
	while (fgets(line, sizeof(line), manual) != NULL) {
		if (strncmp(line, ".Sh ", 4) == 0) {
			commands = strcmp(line, ".Sh COMMANDS\n") == 0;
			options =
			    commands || strcmp(line, ".Sh DESCRIPTION\n") == 0;
		} else if (commands && strncmp(line, ".It Ic ", 7) == 0) {
			size_t length = strcspn(line + 7, " \n");

			assert_true(length < sizeof(command));
			snprintf(command, sizeof(command), "%.*s", (int)length,
			    line + 7);
			add(entries, command, "");
		} else if (options && strncmp(line, ".It Fl ", 7) == 0) {
			read_options(entries, command, line + 4);
		}
	}
	assert_int_equal(fclose(manual), 0);
}

static void
test_the_manual_is_complete(void **state)
{
	struct entries table, manual;

	(void)state;
	read_table(&table);
	read_manual(&manual);
	assert_true(table.count > 20);
	for (size_t i = 0; i < table.count; i++) {
		if (!has(&manual, table.items[i]))
			fail_msg("not in the manual: \"%s\"", table.items[i]);
	}
	for (size_t i = 0; i < manual.count; i++) {
		if (!has(&table, manual.items[i]))
			fail_msg("only in the manual: \"%s\"", manual.items[i]);
	}
	assert_int_equal(table.count, manual.count);
	forget(&table);
	forget(&manual);
}

static void
test_options_fit_their_place(void **state)
{
	size_t count, options;
	const struct command *commands = command_table(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		for (options = 0; commands[i].options[options].name != NULL;)
			options++;
		assert_true(options <= COMMAND_OPTIONS_MAX);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_the_manual_is_complete),
		cmocka_unit_test(test_options_fit_their_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

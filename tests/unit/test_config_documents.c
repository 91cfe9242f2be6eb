/*
 * The option table, the sample file and the manual say the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/config/option.h"
#include "daemon/config/value.h"
#include "tests/unit/test_config_folder.h"

static char *
read_document(const char *path)
{
	char *text = calloc(1, 256 * 1024);
	FILE *file = fopen(path, "r");

	assert_non_null(text);
	assert_non_null(file);
	assert_true(fread(text, 1, 256 * 1024 - 1, file) > 0);
	assert_true(feof(file));
	assert_int_equal(fclose(file), 0);
	return text;
}

/* The value of "#key = value", or of "include = value" as it is shipped. */
static const char *
sample_value(const struct config_option *option, const char *line)
{
	size_t length = strlen(option->key);

	if (option->type != CONFIG_TYPE_INCLUDE && *line++ != '#')
		return NULL;
	if (strncmp(line, option->key, length) != 0 ||
	    strncmp(line + length, " =", 2) != 0)
		return NULL;
	line += length + 2;
	return *line == ' ' ? line + 1 : line;
}

/* Targets have a section that is a comment, for there is none by default. */
static bool
sample_is_section(enum config_scope scope, const char *line)
{
	char wanted[32];

	if (scope == CONFIG_SCOPE_TARGET)
		return strcmp(line, "# [target NAME]") == 0;
	(void)snprintf(wanted, sizeof(wanted), "[%s]",
	    scope == CONFIG_SCOPE_ACCOUNT ? "defaults"
					  : config_scope_name(scope));
	return strcmp(line, wanted) == 0;
}

/* How often the sample shows the option; at times with another default. */
static unsigned
count_in_sample(
    const struct config_option *option, const char *sample, unsigned *wrong_r)
{
	char *copy = strdup(sample), *rest = copy, *line;
	const char *value;
	bool inside = false;
	unsigned count = 0;

	assert_non_null(copy);
	*wrong_r = 0;
	while ((line = strsep(&rest, "\n")) != NULL) {
		if (*line == '[' || strncmp(line, "# [target ", 10) == 0)
			inside = sample_is_section(option->scope, line);
		value = inside ? sample_value(option, line) : NULL;
		if (value == NULL)
			continue;
		count++;
		if (option->type == CONFIG_TYPE_INCLUDE)
			*wrong_r += strcmp(value, "accounts.d/*.conf") != 0;
		else
			*wrong_r += strcmp(value, option->initial) != 0;
	}
	free(copy);
	return count;
}

static void
test_sample_shows_every_option(void **state)
{
	char *sample = read_document(CONFIG_SAMPLE);
	unsigned wrong;

	(void)state;
	for (size_t i = 0; i < config_option_count; i++) {
		unsigned count =
		    count_in_sample(&config_options[i], sample, &wrong);

		if (count != 1 || wrong != 0)
			fail_msg("%s: shown %u times, %u of them with "
				 "another default",
			    config_options[i].name, count, wrong);
	}
	free(sample);
}

/* Nor does it show a key that does not exist. */
static void
test_sample_shows_nothing_else(void **state)
{
	char *sample = read_document(CONFIG_SAMPLE), *rest = sample, *line;
	size_t shown = 0;

	(void)state;
	while ((line = strsep(&rest, "\n")) != NULL)
		shown += (*line == '#' && line[1] >= 'a' && line[1] <= 'z') ||
			 (*line >= 'a' && *line <= 'z');
	assert_int_equal(shown, config_option_count);
	free(sample);
}

/*
 * The sample works as it is; and with each default written out it means the
 * same.
 */
static void
test_sample_is_valid(void **state)
{
	static const char account[] =
	    "[account a]\nhost = h\nuser = u\npassword_file = /p\n";
	const struct folder *folder = *state;
	char *sample = read_document(CONFIG_SAMPLE), *shown, *to;
	struct config *plain, *spelled;
	struct config_diff diff;
	bool of_target = false;
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/accounts.d", folder->path);
	assert_int_equal(mkdir(path, 0700), 0);
	folder_write_text(folder, "accounts.d/a.conf", account);
	folder_write_text(folder, "main.conf", sample);
	plain = folder_read(folder);

	shown = calloc(1, strlen(sample) + 1);
	assert_non_null(shown);
	to = shown;
	for (const char *from = sample; *from != '\0'; from++) {
		const char *end = strchr(from, '\n');

		assert_non_null(end);
		if (*from == '[' || strncmp(from, "# [target ", 10) == 0)
			of_target = *from != '[';
		if (!of_target && *from == '#' && from[1] >= 'a' &&
		    from[1] <= 'z' && end[-1] != '=')
			from++;
		memcpy(to, from, (size_t)(end - from) + 1);
		to += end - from + 1;
		from = end;
	}
	folder_write_text(folder, "main.conf", shown);
	spelled = folder_read(folder);
	assert_true(config_diff(&diff, plain, spelled));
	assert_int_equal(diff.changed_count, 0);
	assert_int_equal(diff.restart_count, 0);
	config_diff_free(&diff);
	assert_int_equal(plain->log_level, spelled->log_level);
	assert_int_equal(plain->max_sessions, spelled->max_sessions);
	assert_int_equal(
	    plain->max_sessions_per_host, spelled->max_sessions_per_host);
	assert_int_equal(plain->memory_limit, spelled->memory_limit);
	config_free(&plain);
	config_free(&spelled);
	free(shown);
	free(sample);
}

/* The manual's section and item of an option, as a text of its own. */
static char *
manual_item(const char *manual, const struct config_option *option)
{
	static const char *const headings[] = { ".Sh DAEMON\n", ".Sh STORE\n",
		".Sh CONTROL\n", ".Sh HOOKS\n", ".Sh TARGETS\n",
		".Sh ACCOUNTS\n" };
	const char *section = strstr(manual, headings[option->scope]);
	const char *section_end, *item, *end;
	char heading[64];

	assert_non_null(section);
	section_end = strstr(section + 1, "\n.Sh ");
	assert_non_null(section_end);
	(void)snprintf(heading, sizeof(heading), "\n.It Cm %s = ", option->key);
	item = strstr(section, heading);
	if (item == NULL || item > section_end)
		return NULL;
	item++;
	end = strstr(item, "\n.It ");
	if (end == NULL || end > strstr(item, "\n.El"))
		end = strstr(item, "\n.El");
	return strndup(item, (size_t)(end - item) + 1);
}

static void
test_manual_describes_every_option(void **state)
{
	char *manual = read_document(CONFIG_MANUAL), *item;
	char wanted[128], bounds[64];

	(void)state;
	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];

		item = manual_item(manual, option);
		if (item == NULL)
			fail_msg("%s is not in the manual", option->name);
		(void)snprintf(wanted, sizeof(wanted),
		    "\nThe default is\n.Cm %s .\n", option->initial);
		if (*option->initial != '\0' && strstr(item, wanted) == NULL)
			fail_msg("%s: its default is not told", option->name);
		if (*option->initial == '\0' &&
		    strstr(item, "\nThe default is") != NULL)
			fail_msg("%s: it has no default", option->name);
		config_value_bounds(option, bounds, sizeof(bounds));
		(void)snprintf(wanted, sizeof(wanted), ".Pq %s", bounds);
		/* Those of timeouts stand above them all. */
		if (*bounds != '\0' &&
		    strstr(strncmp(option->key, "timeout_", 8) == 0 ? manual
								    : item,
			wanted) == NULL)
			fail_msg("%s: its bounds are not told", option->name);
		for (size_t j = 0;
		     option->choices != NULL && option->choices[j] != NULL;
		     j++) {
			(void)snprintf(wanted, sizeof(wanted), ".Cm %s",
			    option->choices[j]);
			if (strstr(item, wanted) == NULL)
				fail_msg("%s: %s is not told", option->name,
				    option->choices[j]);
		}
		free(item);
	}
	free(manual);
}

static void
test_manual_describes_nothing_else(void **state)
{
	char *manual = read_document(CONFIG_MANUAL);
	size_t items = 0;

	(void)state;
	for (const char *at = manual; (at = strstr(at, "\n.It Cm ")) != NULL;
	     at++)
		items++;
	assert_int_equal(items, config_option_count);
	free(manual);
}

/* Under RELOADING stand the keys that need a restart, and no others. */
static void
test_manual_tells_restarts(void **state)
{
	char *manual = read_document(CONFIG_MANUAL), wanted[64], *end;
	char *reloading = strstr(manual, ".Sh RELOADING");

	(void)state;
	assert_non_null(reloading);
	end = strstr(reloading, "\n.Sh FILES");
	assert_non_null(end);
	*end = '\0';
	for (size_t i = 0; i < config_option_count; i++) {
		(void)snprintf(
		    wanted, sizeof(wanted), "\n.Cm %s", config_options[i].name);
		if ((strstr(reloading, wanted) == NULL) !=
		    config_options[i].reload)
			fail_msg("%s: the manual is wrong about reloading it",
			    config_options[i].name);
	}
	free(manual);
}

#define TEST(name) \
	cmocka_unit_test_setup_teardown(name, folder_set_up, folder_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sample_shows_every_option),
		TEST(test_sample_shows_nothing_else),
		TEST(test_sample_is_valid),
		TEST(test_manual_describes_every_option),
		TEST(test_manual_describes_nothing_else),
		TEST(test_manual_tells_restarts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

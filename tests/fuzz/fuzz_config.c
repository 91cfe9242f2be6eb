/*
 * A configuration file, from its bytes to the values of its keys.  What the
 * file includes is left out: that depends on the machine.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/deliver.h"
#include "daemon/config/ini.h"
#include "daemon/config/target.h"
#include "daemon/config/value.h"
#include "lib/base/unit.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/showable.h"
#include "tests/fuzz/target.h"

/* As short as a message's place in a report may be. */
#define WHY_SIZE 256

struct reading {
	struct evpop_arena arena;
	enum config_scope scope;
	struct config config, again;
	struct config_account account, account_again;
	struct config_target target, target_again;
	unsigned line, lines;
};

/* Lines come in order, and each tells one thing at most. */
static void
check_line(struct reading *reading, unsigned line)
{
	assert(line > reading->line && line <= reading->lines);
	reading->line = line;
}

/* Tabs may stand inside of values. */
static void
check_text(const char *text)
{
	size_t length;

	for (;; text += length + 1) {
		length = strcspn(text, "\t");
		assert(fuzz_is_showable(text, length));
		if (text[length] == '\0')
			return;
	}
}

static void
take_section(unsigned line, const char *name, void *arg)
{
	struct reading *reading = arg;
	enum config_scope scope;

	/* Of a bad one the line was told already. */
	if (name == NULL) {
		assert(line == reading->line);
		return;
	}
	check_line(reading, line);
	check_text(name);
	for (scope = 0; scope < CONFIG_SCOPE_COUNT; scope++)
		if (strncmp(name, config_scope_name(scope),
			strlen(config_scope_name(scope))) == 0)
			reading->scope = scope;
}

/* A value that was taken is shown as a text that is taken for the same. */
static void
check_number_text(struct reading *reading, const struct config_option *option,
    void *value, void *again)
{
	const unsigned char *member =
	    (const unsigned char *)value + option->offset;
	char text[64], why[WHY_SIZE];
	int64_t duration_ms;
	uint64_t octets;

	if (option->type == CONFIG_TYPE_DURATION) {
		memcpy(&duration_ms, member, sizeof(duration_ms));
		evpop_unit_text(
		    duration_ms, evpop_unit_durations, text, sizeof(text));
	} else if (option->type == CONFIG_TYPE_SIZE) {
		memcpy(&octets, member, sizeof(octets));
		evpop_unit_text(
		    (int64_t)octets, evpop_unit_sizes, text, sizeof(text));
	} else
		return;
	assert(config_value_set(option, text, "/etc", &reading->arena, again,
		   why, sizeof(why)) == CONFIG_VALUE_OK);
	assert(config_value_equal(option, value, again));
}

/* What a template becomes cannot lead out of the folders that it names. */
static void
check_template(const void *member)
{
	static const struct config_template_facts facts = { "..", "../x/y@../z",
		"h" };
	const char *text;
	char *made;

	memcpy(&text, member, sizeof(text));
	if (text == NULL)
		return;
	assert(config_template_problem(text) == NULL);
	made = config_template_expand(text, &facts, true);
	assert(made != NULL);
	assert(strstr(text, "..") != NULL || strchr(text, '{') == NULL ||
	       strstr(made, "/../") == NULL);
	free(made);
}

/* What was taken is the name of a target, or describes one. */
static void
check_deliver(struct reading *reading, const void *member)
{
	struct config_strings deliver;

	memcpy(&deliver, member, sizeof(deliver));
	for (size_t i = 0; i < deliver.count; i++) {
		const char *item = deliver.items[i];
		struct config_target target;

		if (!config_deliver_is_description(item)) {
			assert(config_target_is_name(item));
			continue;
		}
		memset(&target, 0, sizeof(target));
		assert(config_deliver_describe(item, &reading->arena, &target));
		assert(target.path != NULL || target.command != NULL ||
		       target.host != NULL || target.socket != NULL);
	}
}

static void
check_value(struct reading *reading, const struct config_option *option,
    const char *text)
{
	void *value = &reading->config, *again = &reading->again;
	char why[WHY_SIZE];
	enum config_value_result result, result_again;

	if (option->scope == CONFIG_SCOPE_ACCOUNT) {
		value = &reading->account;
		again = &reading->account_again;
	} else if (option->scope == CONFIG_SCOPE_TARGET) {
		value = &reading->target;
		again = &reading->target_again;
	}
	result = config_value_set(
	    option, text, "/etc", &reading->arena, value, why, sizeof(why));
	assert(result == CONFIG_VALUE_OK || result == CONFIG_VALUE_BAD);
	assert((result == CONFIG_VALUE_BAD) == (why[0] != '\0'));
	/* A message may be cut, even inside a character. */
	assert(memchr(why, '\0', sizeof(why)) != NULL);
	result_again = config_value_set(
	    option, text, "/etc", &reading->arena, again, why, sizeof(why));
	assert(result == result_again);
	if (result == CONFIG_VALUE_BAD)
		return;
	assert(config_value_equal(option, value, again));
	check_number_text(reading, option, value, again);
	assert(config_value_share(option, again, value, &reading->arena));
	assert(config_value_equal(option, value, again));
	if (option->type == CONFIG_TYPE_TEMPLATE ||
	    option->type == CONFIG_TYPE_PLACE)
		check_template((const char *)value + option->offset);
	if (option->type == CONFIG_TYPE_DELIVER)
		check_deliver(reading, (const char *)value + option->offset);
}

static void
take_key(
    unsigned line, const char *key, const char *value, bool quoted, void *arg)
{
	struct reading *reading = arg;
	const struct config_option *option;

	check_line(reading, line);
	check_text(key);
	check_text(value);
	assert(*key != '\0' && strlen(value) <= CONFIG_LINE_MAX);
	if (!quoted && *value != '\0')
		assert(strchr(" \t\"", *value) == NULL &&
		       strchr(" \t", value[strlen(value) - 1]) == NULL);
	option = config_option_find(reading->scope, key);
	if (option != NULL && option->type != CONFIG_TYPE_INCLUDE)
		check_value(reading, option, value);
}

static void
take_words(unsigned line, const char *text, void *arg)
{
	check_line(arg, line);
	assert(*text != '\0');
	check_text(text);
}

static void
take_bad(unsigned line, const char *key, const char *why, void *arg)
{
	check_line(arg, line);
	check_text(key);
	assert(*why != '\0');
	check_text(why);
}

static const struct config_ini_events events = {
	.section = take_section,
	.key = take_key,
	.words = take_words,
	.bad = take_bad,
};

struct octets {
	const uint8_t *at;
	size_t left;
};

static bool
read_octets(void *arg, char *bytes, size_t size, size_t *length_r)
{
	struct octets *octets = arg;

	*length_r = size < octets->left ? size : octets->left;
	memcpy(bytes, octets->at, *length_r);
	octets->at += *length_r;
	octets->left -= *length_r;
	return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct octets octets = { data, size };
	const struct config_ini_source source = { read_octets, &octets };
	struct reading reading;
	size_t i;

	memset(&reading, 0, sizeof(reading));
	reading.scope = CONFIG_SCOPE_ACCOUNT;
	reading.lines = 1;
	for (i = 0; i < size; i++)
		reading.lines += data[i] == '\n';
	assert(config_ini_parse(&source, &events, &reading));
	evpop_arena_free(&reading.arena);
	return 0;
}

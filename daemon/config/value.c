#include "daemon/config/value.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/types.h>

#include <evpop/client.h>

#include "daemon/config/config.h"
#include "daemon/config/provider.h"
#include "daemon/config/setting.h"
#include "lib/base/near.h"
#include "lib/base/unit.h"

static void
value_bound_text(
    const struct config_option *option, int64_t bound, char *text, size_t size)
{
	switch (option->type) {
	case CONFIG_TYPE_DURATION:
	case CONFIG_TYPE_KEEP:
	case CONFIG_TYPE_RETAIN:
		evpop_unit_text(bound, evpop_unit_durations, text, size);
		break;
	case CONFIG_TYPE_SIZE:
		evpop_unit_text(bound, evpop_unit_sizes, text, size);
		break;
	case CONFIG_TYPE_MODE:
		(void)snprintf(
		    text, size, "0%03llo", (unsigned long long)bound);
		break;
	default:
		(void)snprintf(text, size, "%lld", (long long)bound);
		break;
	}
}

void
config_value_bounds(const struct config_option *option, char *text, size_t size)
{
	char least[24], most[24];

	*text = '\0';
	if (option->maximum == 0)
		return;
	value_bound_text(option, option->minimum, least, sizeof(least));
	value_bound_text(option, option->maximum, most, sizeof(most));
	(void)snprintf(text, size, "%s to %s", least, most);
}

static enum config_value_result
value_set_number(const struct config_setting *setting,
    const struct evpop_unit *units, const char *kind, int64_t *value_r)
{
	char bounds[64], what[128];

	if (evpop_unit_parse(setting->text, units, value_r) &&
	    *value_r >= setting->option->minimum &&
	    *value_r <= setting->option->maximum)
		return CONFIG_VALUE_OK;
	config_value_bounds(setting->option, bounds, sizeof(bounds));
	(void)snprintf(what, sizeof(what), "%s from %s", kind, bounds);
	return config_setting_refuse(setting, what);
}

/* The bounds of the option make sure that it fits into the member. */
static void
value_put_number(const struct config_setting *setting, int64_t value)
{
	switch (setting->option->size) {
	case sizeof(uint8_t):
		*(uint8_t *)setting->member = (uint8_t)value;
		break;
	case sizeof(uint16_t):
		*(uint16_t *)setting->member = (uint16_t)value;
		break;
	case sizeof(uint32_t):
		*(uint32_t *)setting->member = (uint32_t)value;
		break;
	default:
		assert(setting->option->size == sizeof(uint64_t));
		*(uint64_t *)setting->member = (uint64_t)value;
		break;
	}
}

static enum config_value_result
value_set_integer(const struct config_setting *setting)
{
	enum config_value_result result;
	int64_t value = 0;

	switch (setting->option->type) {
	case CONFIG_TYPE_DURATION:
		result = value_set_number(setting, evpop_unit_durations,
		    "a duration such as 30s, 5m or 2h (ms s m h d)", &value);
		break;
	case CONFIG_TYPE_SIZE:
		result = value_set_number(setting, evpop_unit_sizes,
		    "a size such as 512K, 8M or 1G", &value);
		break;
	default:
		result = value_set_number(
		    setting, evpop_unit_none, "a whole number", &value);
		break;
	}
	if (result == CONFIG_VALUE_OK)
		value_put_number(setting, value);
	return result;
}

static enum config_value_result
value_set_boolean(const struct config_setting *setting)
{
	static const char *const words[] = { "no", "yes", "false", "true",
		"off", "on" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(setting->text, words[i]) != 0)
			continue;
		*(bool *)setting->member = i % 2 == 1;
		return CONFIG_VALUE_OK;
	}
	return config_setting_refuse(
	    setting, "yes or no (or true, false, on, off)");
}

static enum config_value_result
value_set_mode(const struct config_setting *setting)
{
	const char *text = setting->text;
	char bounds[64], what[128];
	mode_t mode = 0;

	while (*text >= '0' && *text <= '7' && mode <= 0777)
		mode = mode * 8 + (mode_t)(*text++ - '0');
	if (*text == '\0' && mode >= setting->option->minimum &&
	    mode <= setting->option->maximum) {
		*(mode_t *)setting->member = mode;
		return CONFIG_VALUE_OK;
	}
	config_value_bounds(setting->option, bounds, sizeof(bounds));
	(void)snprintf(
	    what, sizeof(what), "permissions in octal from %s", bounds);
	return config_setting_refuse(setting, what);
}

static void
value_append_meant(
    const struct config_setting *setting, const struct evpop_near *near)
{
	size_t length = strlen(setting->why);

	if (near->word != NULL)
		(void)snprintf(setting->why + length,
		    setting->why_size - length, "; did you mean %s?",
		    near->word);
}

static enum config_value_result
value_set_choice(const struct config_setting *setting)
{
	const char *const *choices = setting->option->choices;
	struct evpop_near near = { 0 };
	char what[128] = "";
	size_t used = 0;

	for (int i = 0; choices[i] != NULL; i++) {
		if (strcmp(setting->text, choices[i]) == 0) {
			value_put_number(setting, i);
			return CONFIG_VALUE_OK;
		}
		evpop_near_consider(&near, setting->text, choices[i]);
		assert(used + strlen(choices[i]) + 5 < sizeof(what));
		used += (size_t)sprintf(what + used, "%s%s",
		    i == 0                   ? ""
		    : choices[i + 1] == NULL ? " or "
					     : ", ",
		    choices[i]);
	}
	(void)config_setting_refuse(setting, what);
	value_append_meant(setting, &near);
	return CONFIG_VALUE_BAD;
}

static enum config_value_result
value_set_provider(const struct config_setting *setting)
{
	const struct config_provider *provider =
	    config_provider_find(setting->text);
	struct evpop_near near = { 0 };

	if (provider != NULL)
		return config_setting_keep(
		    setting, (char *)(uintptr_t)provider->name);
	for (size_t i = 0; i < config_provider_count; i++)
		evpop_near_consider(
		    &near, setting->text, config_providers[i].name);
	(void)config_setting_refuse(setting,
	    "the name of a provider that evpopd knows, such as gmail, outlook, "
	    "office365, fastmail or yahoo");
	value_append_meant(setting, &near);
	return CONFIG_VALUE_BAD;
}

static const struct evpop_unit keep_units[] = { { "h", EVPOP_HOUR_MS },
	{ "d", EVPOP_DAY_MS }, { "w", 7 * EVPOP_DAY_MS }, { NULL, 0 } };

static bool
value_is_age(const struct config_setting *setting, int64_t *age_ms_r)
{
	return evpop_unit_parse(setting->text, keep_units, age_ms_r) &&
	       *age_ms_r >= setting->option->minimum &&
	       *age_ms_r <= setting->option->maximum;
}

/* Only "forever" is suggested: it deletes nothing. */
static enum config_value_result
value_refuse_age(const struct config_setting *setting, const char *what)
{
	struct evpop_near near = { 0 };

	(void)config_setting_refuse(setting, what);
	evpop_near_consider(&near, setting->text, "forever");
	if (strcasecmp(setting->text, "yes") == 0 ||
	    strcasecmp(setting->text, "on") == 0 ||
	    strcasecmp(setting->text, "true") == 0)
		near.word = "forever";
	value_append_meant(setting, &near);
	return CONFIG_VALUE_BAD;
}

static enum config_value_result
value_set_keep(const struct config_setting *setting)
{
	struct config_keep *keep = setting->member;

	*keep = (struct config_keep){ CONFIG_KEEP_FOREVER, 0 };
	if (strcmp(setting->text, "forever") == 0)
		return CONFIG_VALUE_OK;
	keep->kind = CONFIG_KEEP_DELETE;
	if (strcmp(setting->text, "delete") == 0)
		return CONFIG_VALUE_OK;
	keep->kind = CONFIG_KEEP_DELIVERED;
	if (strcmp(setting->text, "until-delivered") == 0)
		return CONFIG_VALUE_OK;
	keep->kind = CONFIG_KEEP_AGE;
	if (value_is_age(setting, &keep->age_ms))
		return CONFIG_VALUE_OK;
	return value_refuse_age(setting,
	    "forever, delete, until-delivered, or an age such as 14d (h d w) "
	    "from 1h to 3650d");
}

static enum config_value_result
value_set_retain(const struct config_setting *setting)
{
	int64_t *retain_ms = setting->member;

	if (value_is_age(setting, retain_ms))
		return CONFIG_VALUE_OK;
	*retain_ms = CONFIG_RETAIN_FOREVER;
	if (strcmp(setting->text, "forever") == 0)
		return CONFIG_VALUE_OK;
	return value_refuse_age(setting,
	    "forever, or an age such as 90d (h d w) from 1h to 36525d");
}

static enum config_value_result
value_set_credential(const struct config_setting *setting)
{
	const char *text = setting->text;

	if (strchr(text, '/') != NULL || strcmp(text, ".") == 0 ||
	    strcmp(text, "..") == 0)
		return config_setting_refuse(
		    setting, "the name of a credential, not a path");
	return config_setting_keep(
	    setting, evpop_arena_copy(setting->arena, text, strlen(text)));
}

/* What is no such value may be the password itself, and is not shown. */
static enum config_value_result
value_set_marked(const struct config_setting *setting)
{
	const struct config_option *option = setting->option;
	const size_t mark = strlen(option->mark);
	const char *text = setting->text;
	char what[160];

	if (strncmp(text, option->mark, mark) == 0 && text[mark] != '\0' &&
	    strspn(text + mark,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789-_") == strlen(text + mark))
		return config_setting_keep(setting,
		    evpop_arena_copy(setting->arena, text, strlen(text)));
	(void)snprintf(what, sizeof(what),
	    "\"%s\" and letters, digits, - and _ behind it, on one line, as "
	    "\"%s\" prints them",
	    option->mark, option->made_by);
	return config_setting_refuse_hidden(setting, what);
}

static enum config_value_result
value_set_words(const struct config_setting *setting)
{
	struct config_strings *strings = setting->member, found = { 0 };
	const enum config_type type = setting->option->type;
	struct config_setting one = *setting;
	struct evpop_result result;
	char *rest, *word;

	rest = evpop_arena_copy(
	    setting->arena, setting->text, strlen(setting->text));
	found.items = evpop_arena_take(setting->arena,
	    (strlen(setting->text) / 2 + 1) * sizeof(*found.items));
	if (rest == NULL || found.items == NULL)
		return CONFIG_VALUE_MEMORY;
	while ((word = strsep(&rest, " \t")) != NULL) {
		if (*word == '\0')
			continue;
		one.text = word;
		if (type == CONFIG_TYPE_FOLDERS && *word != '/')
			return config_setting_refuse(
			    &one, "whole paths of folders");
		if (type == CONFIG_TYPE_PINS &&
		    !evpop_tls_pin_check(word, &result))
			return config_setting_refuse(&one,
			    "sha256: or spki-sha256: and 64 hexadecimal "
			    "digits");
		found.items[found.count++] = word;
	}
	*strings = found;
	return CONFIG_VALUE_OK;
}

static enum config_value_result
value_refuse_mechanism(const struct config_setting *setting)
{
	char what[256] = "auto, or of";
	size_t used = strlen(what);

	for (int i = 0; i < EVPOP_MECHANISM_COUNT; i++)
		used += (size_t)snprintf(what + used, sizeof(what) - used,
		    " %s", evpop_mechanism_name((enum evpop_mechanism)i));
	assert(used < sizeof(what));
	for (char *at = what; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	return config_setting_refuse(setting, what);
}

static enum config_value_result
value_set_mechanisms(const struct config_setting *setting)
{
	const char *at = setting->text;
	struct config_setting one = *setting;
	enum evpop_mechanism mechanism;
	uint32_t found = 0;
	char word[64];

	if (strcasecmp(at, "auto") == 0)
		at = "";
	while (*(at += strspn(at, " \t")) != '\0') {
		size_t length = strcspn(at, " \t");

		(void)snprintf(word, sizeof(word), "%.*s", (int)length, at);
		one.text = word;
		if (!evpop_mechanism_find(word, &mechanism))
			return value_refuse_mechanism(&one);
		found |= EVPOP_MECHANISM_BIT(mechanism);
		at += length;
	}
	*(uint32_t *)setting->member = found;
	return CONFIG_VALUE_OK;
}

/* An empty value resets an optional key that [defaults] gives. */
static enum config_value_result
value_set_nothing(const struct config_setting *setting)
{
	switch (setting->option->type) {
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_TEMPLATE:
	case CONFIG_TYPE_PATH:
	case CONFIG_TYPE_PLACE:
	case CONFIG_TYPE_URL:
	case CONFIG_TYPE_PROXY:
	case CONFIG_TYPE_ADDRESS:
	case CONFIG_TYPE_PROVIDER:
		if (setting->option->never_empty || *setting->option->initial)
			break;
		*(char **)setting->member = NULL;
		return CONFIG_VALUE_OK;
	case CONFIG_TYPE_MECHANISMS:
		value_put_number(setting, 0);
		return CONFIG_VALUE_OK;
	case CONFIG_TYPE_WORDS:
	case CONFIG_TYPE_FOLDERS:
	case CONFIG_TYPE_PINS:
	case CONFIG_TYPE_DELIVER:
		*(struct config_strings *)setting->member =
		    (struct config_strings){ 0 };
		return CONFIG_VALUE_OK;
	case CONFIG_TYPE_DURATION:
	case CONFIG_TYPE_RETAIN:
		if (*setting->option->initial)
			break;
		value_put_number(setting, 0);
		return CONFIG_VALUE_OK;
	default:
		break;
	}
	return config_setting_refuse_hidden(
	    setting, "a value, and there is none");
}

enum config_value_result
config_value_set(const struct config_option *option, const char *text,
    const char *folder, struct evpop_arena *arena, void *target, char *why,
    size_t why_size)
{
	struct config_setting setting = { option, text, folder, arena, NULL,
		why, why_size };

	*why = '\0';
	/* No text of none is the same. */
	if (*text == '\0' && config_value_at(option, target) == NULL)
		return CONFIG_VALUE_OK;
	setting.member = config_value_place(option, target, arena);
	if (setting.member == NULL)
		return CONFIG_VALUE_MEMORY;
	if (*text == '\0')
		return value_set_nothing(&setting);
	switch (option->type) {
	case CONFIG_TYPE_BOOLEAN:
		return value_set_boolean(&setting);
	case CONFIG_TYPE_COUNT:
	case CONFIG_TYPE_PORT:
	case CONFIG_TYPE_SIZE:
	case CONFIG_TYPE_DURATION:
		return value_set_integer(&setting);
	case CONFIG_TYPE_MODE:
		return value_set_mode(&setting);
	case CONFIG_TYPE_CHOICE:
		return value_set_choice(&setting);
	case CONFIG_TYPE_KEEP:
		return value_set_keep(&setting);
	case CONFIG_TYPE_RETAIN:
		return value_set_retain(&setting);
	case CONFIG_TYPE_HOST:
		return config_setting_host(&setting);
	case CONFIG_TYPE_PATH:
		return config_setting_path(&setting);
	case CONFIG_TYPE_URL:
		return config_setting_url(&setting);
	case CONFIG_TYPE_PLACE:
		return config_setting_place(&setting);
	case CONFIG_TYPE_TEMPLATE:
		return config_setting_template(&setting);
	case CONFIG_TYPE_DELIVER:
		return config_setting_deliver(&setting);
	case CONFIG_TYPE_CREDENTIAL:
		return value_set_credential(&setting);
	case CONFIG_TYPE_PROXY:
		return config_setting_proxy(&setting);
	case CONFIG_TYPE_ADDRESS:
		return config_setting_address(&setting);
	case CONFIG_TYPE_PROVIDER:
		return value_set_provider(&setting);
	case CONFIG_TYPE_MARKED:
		return value_set_marked(&setting);
	case CONFIG_TYPE_WORDS:
	case CONFIG_TYPE_FOLDERS:
	case CONFIG_TYPE_PINS:
		return value_set_words(&setting);
	case CONFIG_TYPE_MECHANISMS:
		return value_set_mechanisms(&setting);
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_COMMAND:
		return config_setting_keep(
		    &setting, evpop_arena_copy(arena, text, strlen(text)));
	case CONFIG_TYPE_SECRET:
		return config_setting_keep(&setting,
		    evpop_arena_copy_secret(arena, text, strlen(text)));
	case CONFIG_TYPE_INCLUDE:
		break;
	}
	assert(false && "an option that has a member");
	return CONFIG_VALUE_BAD;
}

static bool
value_set_default(
    const struct config_option *option, struct evpop_arena *arena, void *target)
{
	enum config_value_result result;
	char why[128];

	if (*option->initial == '\0')
		return true;
	result = config_value_set(
	    option, option->initial, "", arena, target, why, sizeof(why));
	assert(result != CONFIG_VALUE_BAD);
	return result != CONFIG_VALUE_MEMORY;
}

bool
config_value_set_defaults(struct config *config, struct config_account *account,
    struct evpop_arena *arena)
{
	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];
		void *target = option->scope == CONFIG_SCOPE_ACCOUNT
				   ? (void *)account
				   : (void *)config;

		if (option->scope != CONFIG_SCOPE_TARGET &&
		    !value_set_default(option, arena, target))
			return false;
	}
	return true;
}

bool
config_value_set_target_defaults(
    struct config_target *target, struct evpop_arena *arena)
{
	for (size_t i = 0; i < config_option_count; i++)
		if (config_options[i].scope == CONFIG_SCOPE_TARGET &&
		    !value_set_default(&config_options[i], arena, target))
			return false;
	return true;
}

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
#include "daemon/config/files.h"
#include "lib/base/near.h"
#include "lib/base/unit.h"

/* How much of a value a message shows. */
#define SHOWN_MAX 64

/* The arguments of config_value_set(). */
struct setting {
	const struct config_option *option;
	const char *text, *folder;
	struct evpop_arena *arena;
	void *member;
	char *why;
	size_t why_size;
};

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

/* Says what was expected, and shows the value. */
static enum config_value_result
value_refuse(const struct setting *setting, const char *what)
{
	size_t length = strlen(setting->text);
	size_t shown = length > SHOWN_MAX ? SHOWN_MAX : length;

	/* Never cut inside a character. */
	while (shown < length && shown > 0 &&
	       ((unsigned char)setting->text[shown] & 0xc0) == 0x80)
		shown--;
	(void)snprintf(setting->why, setting->why_size,
	    "expected %s, not \"%.*s%s\"", what, (int)shown, setting->text,
	    shown < length ? "..." : "");
	return CONFIG_VALUE_BAD;
}

/* The same for values that may be secret. */
static enum config_value_result
value_refuse_hidden(const struct setting *setting, const char *what)
{
	(void)snprintf(setting->why, setting->why_size, "expected %s", what);
	return CONFIG_VALUE_BAD;
}

static enum config_value_result
value_set_number(const struct setting *setting, const struct evpop_unit *units,
    const char *kind, int64_t *value_r)
{
	char bounds[64], what[128];

	if (evpop_unit_parse(setting->text, units, value_r) &&
	    *value_r >= setting->option->minimum &&
	    *value_r <= setting->option->maximum)
		return CONFIG_VALUE_OK;
	config_value_bounds(setting->option, bounds, sizeof(bounds));
	(void)snprintf(what, sizeof(what), "%s from %s", kind, bounds);
	return value_refuse(setting, what);
}

/* The bounds of the option make sure that it fits into the member. */
static void
value_put_number(const struct setting *setting, int64_t value)
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
value_set_integer(const struct setting *setting)
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
value_set_boolean(const struct setting *setting)
{
	static const char *const words[] = { "no", "yes", "false", "true",
		"off", "on" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(setting->text, words[i]) != 0)
			continue;
		*(bool *)setting->member = i % 2 == 1;
		return CONFIG_VALUE_OK;
	}
	return value_refuse(setting, "yes or no (or true, false, on, off)");
}

static enum config_value_result
value_set_mode(const struct setting *setting)
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
	return value_refuse(setting, what);
}

static void
value_append_meant(const struct setting *setting, const struct evpop_near *near)
{
	size_t length = strlen(setting->why);

	if (near->word != NULL)
		(void)snprintf(setting->why + length,
		    setting->why_size - length, "; did you mean %s?",
		    near->word);
}

static enum config_value_result
value_set_choice(const struct setting *setting)
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
	(void)value_refuse(setting, what);
	value_append_meant(setting, &near);
	return CONFIG_VALUE_BAD;
}

static const struct evpop_unit keep_units[] = { { "h", EVPOP_HOUR_MS },
	{ "d", EVPOP_DAY_MS }, { "w", 7 * EVPOP_DAY_MS }, { NULL, 0 } };

static bool
value_is_age(const struct setting *setting, int64_t *age_ms_r)
{
	return evpop_unit_parse(setting->text, keep_units, age_ms_r) &&
	       *age_ms_r >= setting->option->minimum &&
	       *age_ms_r <= setting->option->maximum;
}

/* Only "forever" is suggested: it deletes nothing. */
static enum config_value_result
value_refuse_age(const struct setting *setting, const char *what)
{
	struct evpop_near near = { 0 };

	(void)value_refuse(setting, what);
	evpop_near_consider(&near, setting->text, "forever");
	if (strcasecmp(setting->text, "yes") == 0 ||
	    strcasecmp(setting->text, "on") == 0 ||
	    strcasecmp(setting->text, "true") == 0)
		near.word = "forever";
	value_append_meant(setting, &near);
	return CONFIG_VALUE_BAD;
}

static enum config_value_result
value_set_keep(const struct setting *setting)
{
	struct config_keep *keep = setting->member;

	*keep = (struct config_keep){ CONFIG_KEEP_FOREVER, 0 };
	if (strcmp(setting->text, "forever") == 0)
		return CONFIG_VALUE_OK;
	keep->kind = CONFIG_KEEP_DELETE;
	if (strcmp(setting->text, "delete") == 0)
		return CONFIG_VALUE_OK;
	keep->kind = CONFIG_KEEP_AGE;
	if (value_is_age(setting, &keep->age_ms))
		return CONFIG_VALUE_OK;
	return value_refuse_age(setting,
	    "forever, delete, or an age such as 14d (h d w) from 1h to 3650d");
}

static enum config_value_result
value_set_retain(const struct setting *setting)
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
value_keep_text(const struct setting *setting, char *copy)
{
	if (copy == NULL)
		return CONFIG_VALUE_MEMORY;
	*(char **)setting->member = copy;
	return CONFIG_VALUE_OK;
}

static enum config_value_result
value_set_host(const struct setting *setting)
{
	struct evpop_result result;

	if (!evpop_host_check(setting->text, &result))
		return value_refuse(setting,
		    strchr(setting->text, ':') != NULL
			? "only a host name or address (the port goes into "
			  "port = )"
			: "a host name or address");
	return value_keep_text(
	    setting, evpop_arena_share(setting->arena, setting->text));
}

static enum config_value_result
value_set_address(const struct setting *setting)
{
	struct evpop_result result;

	if (!evpop_address_check(setting->text, &result))
		return value_refuse(setting, "an IPv4 or IPv6 address");
	return value_keep_text(
	    setting, evpop_arena_share(setting->arena, setting->text));
}

static enum config_value_result
value_set_proxy(const struct setting *setting)
{
	struct evpop_result result;

	if (!evpop_proxy_check(setting->text, &result))
		return value_refuse_hidden(setting,
		    "socks5://HOST:PORT or http://HOST:PORT, optionally with "
		    "USER:PASSWORD@ before the host, where %40 stands for @, "
		    "%3A for :, %2F for / and %25 for %");
	return value_keep_text(
	    setting, evpop_arena_share(setting->arena, setting->text));
}

/* A relative path is taken from the folder of the file it stands in. */
static enum config_value_result
value_set_path(const struct setting *setting)
{
	const char *text = setting->text;
	char *path;
	int length;

	if (config_path_needs_shell(text))
		return value_refuse(setting,
		    *text == '~' ? "a whole path (~ is not expanded)"
				 : "a whole path (variables are not expanded)");
	if (*text == '/' || *setting->folder == '\0')
		return value_keep_text(
		    setting, evpop_arena_share(setting->arena, text));
	length = asprintf(&path, "%s/%s", setting->folder, text);
	if (length < 0)
		return CONFIG_VALUE_MEMORY;
	text = evpop_arena_share(setting->arena, path);
	free(path);
	return value_keep_text(setting, (char *)(uintptr_t)text);
}

static enum config_value_result
value_set_credential(const struct setting *setting)
{
	const char *text = setting->text;

	if (strchr(text, '/') != NULL || strcmp(text, ".") == 0 ||
	    strcmp(text, "..") == 0)
		return value_refuse(
		    setting, "the name of a credential, not a path");
	return value_keep_text(
	    setting, evpop_arena_copy(setting->arena, text, strlen(text)));
}

static enum config_value_result
value_set_words(const struct setting *setting)
{
	struct config_strings *strings = setting->member, found = { 0 };
	const bool are_pins = setting->option->type == CONFIG_TYPE_PINS;
	struct setting one = *setting;
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
		if (are_pins && !evpop_tls_pin_check(word, &result))
			return value_refuse(&one,
			    "sha256: or spki-sha256: and 64 hexadecimal "
			    "digits");
		found.items[found.count++] = word;
	}
	*strings = found;
	return CONFIG_VALUE_OK;
}

static enum config_value_result
value_refuse_mechanism(const struct setting *setting)
{
	char what[256] = "auto, or of";
	size_t used = strlen(what);

	for (int i = 0; i < EVPOP_MECHANISM_COUNT; i++)
		used += (size_t)snprintf(what + used, sizeof(what) - used,
		    " %s", evpop_mechanism_name((enum evpop_mechanism)i));
	assert(used < sizeof(what));
	for (char *at = what; *at != '\0'; at++)
		*at = (char)tolower((unsigned char)*at);
	return value_refuse(setting, what);
}

static enum config_value_result
value_set_mechanisms(const struct setting *setting)
{
	const char *at = setting->text;
	struct setting one = *setting;
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
value_set_nothing(const struct setting *setting)
{
	switch (setting->option->type) {
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_PATH:
	case CONFIG_TYPE_PROXY:
	case CONFIG_TYPE_ADDRESS:
		if (setting->option->never_empty || *setting->option->initial)
			break;
		*(char **)setting->member = NULL;
		return CONFIG_VALUE_OK;
	case CONFIG_TYPE_MECHANISMS:
		value_put_number(setting, 0);
		return CONFIG_VALUE_OK;
	case CONFIG_TYPE_WORDS:
	case CONFIG_TYPE_PINS:
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
	return value_refuse_hidden(setting, "a value, and there is none");
}

enum config_value_result
config_value_set(const struct config_option *option, const char *text,
    const char *folder, struct evpop_arena *arena, void *target, char *why,
    size_t why_size)
{
	struct setting setting = { option, text, folder, arena,
		(char *)target + option->offset, why, why_size };

	*why = '\0';
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
		return value_set_host(&setting);
	case CONFIG_TYPE_PATH:
		return value_set_path(&setting);
	case CONFIG_TYPE_CREDENTIAL:
		return value_set_credential(&setting);
	case CONFIG_TYPE_PROXY:
		return value_set_proxy(&setting);
	case CONFIG_TYPE_ADDRESS:
		return value_set_address(&setting);
	case CONFIG_TYPE_WORDS:
	case CONFIG_TYPE_PINS:
		return value_set_words(&setting);
	case CONFIG_TYPE_MECHANISMS:
		return value_set_mechanisms(&setting);
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_SECRET:
	case CONFIG_TYPE_COMMAND:
		return value_keep_text(
		    &setting, evpop_arena_copy(arena, text, strlen(text)));
	case CONFIG_TYPE_INCLUDE:
		break;
	}
	assert(false && "an option that has a member");
	return CONFIG_VALUE_BAD;
}

bool
config_value_set_defaults(struct config *config, struct config_account *account,
    struct evpop_arena *arena)
{
	enum config_value_result result;
	char why[128];

	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];
		void *target = option->scope == CONFIG_SCOPE_ACCOUNT
				   ? (void *)account
				   : (void *)config;

		if (*option->initial == '\0')
			continue;
		result = config_value_set(option, option->initial, "", arena,
		    target, why, sizeof(why));
		assert(result != CONFIG_VALUE_BAD);
		if (result == CONFIG_VALUE_MEMORY)
			return false;
	}
	return true;
}

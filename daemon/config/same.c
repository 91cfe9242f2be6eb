/* Finds the values of an option, compares them, and copies one. */
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/value.h"
#include "lib/base/text.h"

const void *
config_value_at(const struct config_option *option, const void *section)
{
	const char *holder = section;

	if (option->through != 0)
		memcpy(&holder, holder + option->through, sizeof(holder));
	return holder != NULL ? holder + option->offset : NULL;
}

void *
config_value_place(const struct config_option *option, void *section,
    struct evpop_arena *arena)
{
	char *holder = section;

	if (option->through != 0) {
		memcpy(&holder, holder + option->through, sizeof(holder));
		if (holder == NULL)
			holder = evpop_arena_take(
			    arena, sizeof(struct config_oauth2));
		memcpy(
		    (char *)section + option->through, &holder, sizeof(holder));
	}
	return holder != NULL ? holder + option->offset : NULL;
}

static bool
value_strings_equal(
    const struct config_strings *a, const struct config_strings *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

static bool
value_keeps_equal(const struct config_keep *a, const struct config_keep *b)
{
	return a->kind == b->kind && a->age_ms == b->age_ms;
}

bool
config_value_equal(
    const struct config_option *option, const void *a, const void *b)
{
	/* What is behind a pointer are texts. */
	static const char *const nothing = NULL;
	const void *in_a = config_value_at(option, a);
	const void *in_b = config_value_at(option, b);

	if (in_a == NULL)
		in_a = &nothing;
	if (in_b == NULL)
		in_b = &nothing;
	switch (option->type) {
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_TEMPLATE:
	case CONFIG_TYPE_HOST:
	case CONFIG_TYPE_URL:
	case CONFIG_TYPE_PATH:
	case CONFIG_TYPE_PLACE:
	case CONFIG_TYPE_SECRET:
	case CONFIG_TYPE_COMMAND:
	case CONFIG_TYPE_CREDENTIAL:
	case CONFIG_TYPE_PROXY:
	case CONFIG_TYPE_ADDRESS:
	case CONFIG_TYPE_PROVIDER:
	case CONFIG_TYPE_MARKED:
		return evpop_text_equal(
		    *(char *const *)in_a, *(char *const *)in_b);
	case CONFIG_TYPE_WORDS:
	case CONFIG_TYPE_FOLDERS:
	case CONFIG_TYPE_PINS:
	case CONFIG_TYPE_DELIVER:
		return value_strings_equal(in_a, in_b);
	case CONFIG_TYPE_KEEP:
		return value_keeps_equal(in_a, in_b);
	default:
		return memcmp(in_a, in_b, option->size) == 0;
	}
}

bool
config_values_equal(enum config_scope scope, const void *a, const void *b)
{
	for (size_t i = 0; i < config_option_count; i++)
		if (config_options[i].scope == scope &&
		    !config_value_equal(&config_options[i], a, b))
			return false;
	return true;
}

bool
config_value_share(const struct config_option *option, void *to,
    const void *from, struct evpop_arena *arena)
{
	const void *value = config_value_at(option, from);
	void *place;

	if (value == NULL)
		return true;
	place = config_value_place(option, to, arena);
	if (place != NULL)
		memcpy(place, value, option->size);
	return place != NULL;
}

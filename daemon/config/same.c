/* Compares the values of an option, and copies one. */
#include <string.h>

#include "daemon/config/config.h"
#include "daemon/config/value.h"

static bool
value_texts_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
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
	const void *in_a = (const char *)a + option->offset;
	const void *in_b = (const char *)b + option->offset;

	switch (option->type) {
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_HOST:
	case CONFIG_TYPE_PATH:
	case CONFIG_TYPE_SECRET:
	case CONFIG_TYPE_COMMAND:
	case CONFIG_TYPE_CREDENTIAL:
	case CONFIG_TYPE_PROXY:
	case CONFIG_TYPE_ADDRESS:
		return value_texts_equal(
		    *(char *const *)in_a, *(char *const *)in_b);
	case CONFIG_TYPE_WORDS:
	case CONFIG_TYPE_PINS:
		return value_strings_equal(in_a, in_b);
	case CONFIG_TYPE_KEEP:
		return value_keeps_equal(in_a, in_b);
	default:
		return memcmp(in_a, in_b, option->size) == 0;
	}
}

void
config_value_share(
    const struct config_option *option, void *to, const void *from)
{
	memcpy((char *)to + option->offset, (const char *)from + option->offset,
	    option->size);
}

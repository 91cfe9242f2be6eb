#include <assert.h>
#include <string.h>
#include <sys/types.h>

#include "daemon/config/config.h"
#include "daemon/config/value.h"

/* 0 for what is not copied as it lies. */
static size_t
member_size(enum config_type type)
{
	switch (type) {
	case CONFIG_TYPE_BOOLEAN:
		return sizeof(bool);
	case CONFIG_TYPE_COUNT:
		return sizeof(uint32_t);
	case CONFIG_TYPE_PORT:
		return sizeof(uint16_t);
	case CONFIG_TYPE_SIZE:
		return sizeof(uint64_t);
	case CONFIG_TYPE_DURATION:
		return sizeof(int64_t);
	case CONFIG_TYPE_MODE:
		return sizeof(mode_t);
	case CONFIG_TYPE_CHOICE:
		return sizeof(int);
	case CONFIG_TYPE_KEEP:
		return sizeof(struct config_keep);
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_HOST:
	case CONFIG_TYPE_PATH:
	case CONFIG_TYPE_SECRET:
	case CONFIG_TYPE_COMMAND:
	case CONFIG_TYPE_CREDENTIAL:
	case CONFIG_TYPE_PROXY:
	case CONFIG_TYPE_ADDRESS:
		return sizeof(char *);
	case CONFIG_TYPE_WORDS:
	case CONFIG_TYPE_PINS:
	case CONFIG_TYPE_MECHANISMS:
		return sizeof(struct config_strings);
	case CONFIG_TYPE_INCLUDE:
	case CONFIG_TYPE_COUNT_OF:
		break;
	}
	return 0;
}

static bool
texts_equal(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return strcmp(a, b) == 0;
}

static bool
strings_equal(const struct config_strings *a, const struct config_strings *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

static bool
keeps_equal(const struct config_keep *a, const struct config_keep *b)
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
		return texts_equal(*(char *const *)in_a, *(char *const *)in_b);
	case CONFIG_TYPE_WORDS:
	case CONFIG_TYPE_PINS:
	case CONFIG_TYPE_MECHANISMS:
		return strings_equal(in_a, in_b);
	case CONFIG_TYPE_KEEP:
		return keeps_equal(in_a, in_b);
	default:
		return memcmp(in_a, in_b, member_size(option->type)) == 0;
	}
}

void
config_value_share(
    const struct config_option *option, void *to, const void *from)
{
	memcpy((char *)to + option->offset, (const char *)from + option->offset,
	    member_size(option->type));
}

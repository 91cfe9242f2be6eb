#include "daemon/config/doubt.h"

#include <string.h>

#include "lib/base/text.h"

static const struct {
	const char *first, *last;
	const char *name;
} doubt_quotes[] = {
	{ "'", "'", "single quotes" },
	{ "`", "`", "backquotes" },
	{ "\xe2\x80\x98", "\xe2\x80\x99", "single quotes" },
	{ "\xe2\x80\x99", "\xe2\x80\x99", "single quotes" },
	{ "\xe2\x80\x9a", "\xe2\x80\x98", "single quotes" },
	{ "\xe2\x80\x9c", "\xe2\x80\x9d", "typographic quotes" },
	{ "\xe2\x80\x9d", "\xe2\x80\x9d", "typographic quotes" },
	{ "\xe2\x80\x9e", "\xe2\x80\x9c", "typographic quotes" },
	{ "\xe2\x80\x9e", "\xe2\x80\x9d", "typographic quotes" },
	{ "\xc2\xab", "\xc2\xbb", "typographic quotes" },
	{ "\xc2\xbb", "\xc2\xab", "typographic quotes" },
};

/* The name of the quotes around a value; NULL where there are none. */
static const char *
doubt_find_quotes(const char *value)
{
	size_t length = strlen(value);

	for (size_t i = 0; i < sizeof(doubt_quotes) / sizeof(doubt_quotes[0]);
	     i++) {
		size_t first = strlen(doubt_quotes[i].first);
		size_t last = strlen(doubt_quotes[i].last);

		if (length >= first + last &&
		    memcmp(value, doubt_quotes[i].first, first) == 0 &&
		    memcmp(value + length - last, doubt_quotes[i].last, last) ==
			0)
			return doubt_quotes[i].name;
	}
	return NULL;
}

static bool
doubt_is_comment(const char *value)
{
	for (const char *at = value; (at = strpbrk(at, "#;")) != NULL; at++)
		if (at > value && (at[-1] == ' ' || at[-1] == '\t'))
			return true;
	return false;
}

/* Whether nearly anything is a good value. */
static bool
doubt_is_free(enum config_type type)
{
	switch (type) {
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_PATH:
	case CONFIG_TYPE_SECRET:
	case CONFIG_TYPE_COMMAND:
	case CONFIG_TYPE_CREDENTIAL:
	case CONFIG_TYPE_WORDS:
	case CONFIG_TYPE_INCLUDE:
		return true;
	default:
		return false;
	}
}

static bool
doubt_check_unseen(const struct config_report_place *place,
    const struct config_option *option, const char *value, bool quoted)
{
	struct evpop_text_unseen found;

	if (!evpop_text_find_unseen(value, strlen(value), &found))
		return true;
	if (!doubt_is_free(option->type)) {
		config_report_error(place->report, place->file, place->line,
		    "%s: the value holds U+%04X (%s), which is invisible; type "
		    "the line again",
		    option->key, found.code_point, found.name);
		return false;
	}
	if (!quoted)
		config_report_warning(place->report, place->file, place->line,
		    "%s: U+%04X (%s), which is invisible, is part of the "
		    "value; type the line again (or quote the value)",
		    option->key, found.code_point, found.name);
	return true;
}

bool
config_doubt_check(const struct config_report_place *place,
    const struct config_option *option, const char *value, bool quoted)
{
	const char *quotes;

	if (!doubt_check_unseen(place, option, value, quoted))
		return false;
	if (quoted || !doubt_is_free(option->type))
		return true;
	quotes = doubt_find_quotes(value);
	if (quotes != NULL)
		config_report_warning(place->report, place->file, place->line,
		    "%s: the %s are part of the value; leave them out (or "
		    "surround the value by double quotes)",
		    option->key, quotes);
	/* A shell takes it for a comment too. */
	if (option->type != CONFIG_TYPE_COMMAND && doubt_is_comment(value))
		config_report_warning(place->report, place->file, place->line,
		    "%s: what looks like a comment is part of the value; a "
		    "comment needs a line of its own (or quote the value)",
		    option->key);
	return true;
}

const char *
config_doubt_hint(const char *value, bool quoted)
{
	if (quoted)
		return "";
	if (doubt_is_comment(value))
		return "; a comment needs a line of its own";
	if (doubt_find_quotes(value) != NULL)
		return "; leave the quotes out";
	return "";
}

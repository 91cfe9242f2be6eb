#include "daemon/store/index/query_field.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/near.h"
#include "lib/base/unit.h"

static const struct query_field fields[] = {
	{ "from", QUERY_WORDS, "sender", "words of who sent it" },
	{ "to", QUERY_WORDS, "recipients copies", "words of who got it" },
	{ "cc", QUERY_WORDS, "copies", "words of who got a copy" },
	{ "subject", QUERY_WORDS, "subject", "words of the subject" },
	{ "body", QUERY_WORDS, "body", "words of the text" },
	{ "filename", QUERY_WORDS, "files", "words of a file's name" },
	{ "has", QUERY_ATTACHMENT, NULL, "\"has:attachment\"" },
	{ "account", QUERY_ACCOUNT, NULL, "an account's name" },
	{ "id", QUERY_ID, NULL, "a Message-ID" },
	{ "since", QUERY_SINCE, NULL,
	    "a date (2024-02-29), a time (2024-02-29T12:34Z) or an age (7d)" },
	{ "before", QUERY_BEFORE, NULL,
	    "a date (2024-02-29), a time (2024-02-29T12:34Z) or an age (7d)" },
	{ "larger", QUERY_LARGER, NULL, "a size (500K, 10M)" },
	{ "smaller", QUERY_SMALLER, NULL, "a size (500K, 10M)" },
};
#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

/* What other programs call them. */
static const struct {
	const char *typed, *meant;
} foreign[] = {
	{ "after", "since" },
	{ "newer", "since" },
	{ "date", "since" },
	{ "older", "before" },
	{ "until", "before" },
	{ "sender", "from" },
	{ "recipient", "to" },
	{ "bcc", "cc" },
	{ "attachment", "filename" },
	{ "file", "filename" },
	{ "text", "body" },
	{ "size", "larger" },
	{ "in", "account" },
	{ "message-id", "id" },
	{ "mid", "id" },
};

size_t
query_field_length(const char *at)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-";
	size_t length = strspn(at, letters);

	return at[length] == ':' && at[0] != '-' ? length : 0;
}

static bool
field_is_named(const char *name, const char *typed, size_t length)
{
	return strlen(name) == length && strncasecmp(name, typed, length) == 0;
}

const struct query_field *
query_field_find(const char *name, size_t length)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (field_is_named(fields[i].name, name, length))
			return &fields[i];
	return NULL;
}

const char *
query_field_meant(const char *name, size_t length)
{
	struct evpop_near near = { NULL, 0 };
	char typed[24];

	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		if (field_is_named(foreign[i].typed, name, length))
			return foreign[i].meant;
	snprintf(typed, sizeof(typed), "%.*s", (int)length, name);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		evpop_near_consider(&near, typed, fields[i].name);
	return near.word;
}

/* "10MB" and "10MiB" are read as "10M". */
static bool
field_read_size(const char *text, int64_t *octets_r)
{
	size_t length = strlen(text);
	char digits[32];
	char *unit;

	if (length == 0 || length >= sizeof(digits))
		return false;
	strcpy(digits, text);
	if (length > 3 && strcasecmp(digits + length - 2, "iB") == 0)
		length -= 2;
	else if (length > 1 && strchr("Bb", digits[length - 1]) != NULL)
		length -= 1;
	digits[length] = '\0';
	unit = &digits[length - 1];
	if (*unit != '\0' && strchr("kmg", *unit) != NULL)
		*unit = (char)(*unit - 'a' + 'A');
	return evpop_unit_parse(digits, evpop_unit_sizes, octets_r);
}

bool
query_field_read(const struct query_field *field, const char *text,
    store_query_time time, int64_t now_ms, int64_t *value_r)
{
	switch (field->kind) {
	case QUERY_ATTACHMENT:
		return strcasecmp(text, "attachment") == 0 ||
		       strcasecmp(text, "attachments") == 0;
	case QUERY_SINCE:
	case QUERY_BEFORE:
		return time != NULL && time(text, now_ms, value_r);
	case QUERY_LARGER:
	case QUERY_SMALLER:
		return field_read_size(text, value_r);
	default:
		return text[0] != '\0';
	}
}

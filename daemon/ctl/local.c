#include "daemon/ctl/local.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/control/when.h"

bool
local_parts(const json_t *object, const char *member, struct tm *parts_r)
{
	const char *text = ctl_text(object, member);
	int64_t time_ms;
	time_t seconds;

	if (text == NULL || !when_parse(text, 0, &time_ms))
		return false;
	/* Before 1970, too, the second has begun. */
	seconds = (time_t)((time_ms - ((time_ms % 1000 + 1000) % 1000)) / 1000);
	return localtime_r(&seconds, parts_r) != NULL;
}

void
local_date(const json_t *object, const char *member, char text_r[LOCAL_SIZE])
{
	struct tm parts;

	if (!local_parts(object, member, &parts) ||
	    strftime(text_r, LOCAL_SIZE, "%Y-%m-%d %H:%M", &parts) == 0)
		snprintf(text_r, LOCAL_SIZE, "-");
}

/* Digits where the shape has 0, and nothing behind it. */
static bool
local_has_shape(const char *text, size_t length, const char *shape)
{
	if (length != strlen(shape))
		return false;
	for (size_t i = 0; i < length; i++)
		if (shape[i] == '0' ? text[i] < '0' || text[i] > '9'
				    : text[i] != shape[i] &&
					  !(shape[i] == 'T' && text[i] == ' '))
			return false;
	return true;
}

/* Replace a time by digits; one that no calendar has stays, and is refused. */
static void
local_replace(char *text, size_t length)
{
	static const char *const shapes[] = { "0000-00-00", "0000-00-00T00:00",
		"0000-00-00T00:00:00" };
	int fields[6] = { 0 };
	struct tm tm = { .tm_isdst = -1 };
	char copy[24], digits[24];
	int64_t checked;
	time_t seconds;

	for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		if (!local_has_shape(text, length, shapes[i]))
			continue;
		snprintf(copy, sizeof(copy), "%.*s", (int)length, text);
		if (!when_parse(copy, 0, &checked))
			return;
		for (size_t j = 0, at = 0; j < 6 && at < length; j++) {
			fields[j] = atoi(copy + at);
			at += j == 0 ? 5 : 3;
		}
		tm.tm_year = fields[0] - 1900;
		tm.tm_mon = fields[1] - 1;
		tm.tm_mday = fields[2];
		tm.tm_hour = fields[3];
		tm.tm_min = fields[4];
		tm.tm_sec = fields[5];
		seconds = mktime(&tm);
		/* Long ago, and far ahead, the API's own reading is as good. */
		if (seconds < 0 ||
		    snprintf(digits, sizeof(digits), "%0*lld", (int)length,
			(long long)seconds) != (int)length)
			return;
		memcpy(text, digits, length);
		return;
	}
}

static char *
local_time(const char *text)
{
	char *copy = text != NULL ? strdup(text) : NULL;

	if (copy != NULL)
		local_replace(copy, strlen(copy));
	return copy;
}

/* Where the value of a time begins, if a field of one stands here. */
static size_t
local_field(const char *at)
{
	if (strncasecmp(at, "since:", 6) == 0)
		return 6;
	return strncasecmp(at, "before:", 7) == 0 ? 7 : 0;
}

static char *
local_query(const char *query)
{
	char *copy = query != NULL ? strdup(query) : NULL;
	bool is_quoted = false, begins = true;

	for (char *at = copy; at != NULL && *at != '\0'; at++) {
		size_t skip = begins && !is_quoted ? local_field(at) : 0;

		if (skip > 0) {
			at += skip;
			local_replace(at, strcspn(at, " \t\r\n)"));
		}
		if (*at == '\0')
			break;
		if (*at == '"')
			is_quoted = !is_quoted;
		begins = strchr(" \t\r\n(-", *at) != NULL;
	}
	return copy;
}

/* Without memory it goes as it was typed. */
void
target_time(struct target *target, const char *name, const char *text)
{
	char *meant = local_time(text);

	target_parameter(target, name, meant != NULL ? meant : text);
	free(meant);
}

void
target_query(struct target *target, const char *name, const char *query)
{
	char *meant = local_query(query);

	target_parameter(target, name, meant != NULL ? meant : query);
	free(meant);
}

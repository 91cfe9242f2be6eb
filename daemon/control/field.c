#include "daemon/control/field.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/when.h"
#include "lib/base/hex.h"
#include "lib/base/text.h"

#define REPLACEMENT        "\xef\xbf\xbd"
#define REPLACEMENT_LENGTH 3

void
field_value(json_t *object, const char *name, json_t *value)
{
	/*
	 * If memory is missing the member is left out, and jansson frees the
	 * value.
	 */
	(void)json_object_set_new(object, name, value);
}

/*
 * JSON allows all but NUL to most of its readers; but people look at it in
 * terminals, too.
 */
static bool
is_harmless(uint32_t code_point)
{
	enum evpop_text_kind kind = evpop_text_kind(code_point);

	return code_point == '\n' || code_point == '\t' ||
	       (kind != EVPOP_TEXT_CONTROL && kind != EVPOP_TEXT_DIRECTION);
}

json_t *
json_any_text(const char *bytes, size_t length)
{
	char *text;
	size_t used = 0, step;
	uint32_t code_point;
	json_t *json;

	if (length > SIZE_MAX / REPLACEMENT_LENGTH - 1)
		return NULL;
	text = malloc(length * REPLACEMENT_LENGTH + 1);
	if (text == NULL)
		return NULL;
	while (length > 0) {
		step = evpop_text_decode(bytes, length, &code_point);
		if (step > 0 && is_harmless(code_point)) {
			memcpy(text + used, bytes, step);
			used += step;
		} else {
			memcpy(text + used, REPLACEMENT, REPLACEMENT_LENGTH);
			used += REPLACEMENT_LENGTH;
			step = step > 0 ? step : 1;
		}
		bytes += step;
		length -= step;
	}
	json = json_stringn(text, used);
	free(text);
	return json;
}

void
field_text(json_t *object, const char *name, const char *text)
{
	field_value(object, name,
	    text == NULL ? json_null() : json_any_text(text, strlen(text)));
}

void
field_count(json_t *object, const char *name, uint64_t count)
{
	field_value(object, name,
	    json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count));
}

void
field_tally(json_t *object, const struct tally *tally, size_t count)
{
	for (size_t i = 0; i < count; i++)
		field_count(object, tally_names[i].json,
		    tally_get(tally, (enum tally_figure)i));
}

void
field_time(json_t *object, const char *name, int64_t time_ms)
{
	char text[WHEN_SIZE];

	if (time_ms == 0 || !when_format(time_ms, text))
		field_value(object, name, json_null());
	else
		field_text(object, name, text);
}

void
field_date(json_t *object, bool has_date, int64_t date_ms)
{
	if (has_date)
		field_time(object, "date", date_ms);
	else
		field_value(object, "date", json_null());
}

static bool
is_printable_ascii(const unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (bytes[i] < 0x21 || bytes[i] > 0x7e)
			return false;
	}
	return true;
}

static json_t *
json_hex(const unsigned char *bytes, size_t length)
{
	char *text;
	json_t *json;

	if (length > SIZE_MAX / 2 - 1)
		return NULL;
	text = malloc(length * 2 + 1);
	if (text == NULL)
		return NULL;
	evpop_hex_encode(bytes, length, text);
	json = json_stringn(text, length * 2);
	free(text);
	return json;
}

void
field_unique_id(json_t *object, const unsigned char *unique_id, size_t length)
{
	if (unique_id == NULL) {
		field_value(object, "unique_id", json_null());
		return;
	}
	field_value(object, "unique_id",
	    json_any_text((const char *)unique_id, length));
	if (!is_printable_ascii(unique_id, length))
		field_value(
		    object, "unique_id_hex", json_hex(unique_id, length));
}

void
field_cursor(json_t *object, int64_t cursor)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%lld", (long long)cursor);
	field_text(object, "next_cursor", digits);
}

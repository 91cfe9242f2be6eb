#include "daemon/ctl/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "lib/base/text.h"

#define REPLACEMENT "\xef\xbf\xbd"

static bool
is_line_space(uint32_t code_point)
{
	return code_point == '\n' || code_point == '\t';
}

/*
 * Append one character, or what stands for it; returns the octets used, at
 * most three for each that came.
 */
static size_t
put_clean(char *to, const char *from, size_t step, uint32_t code_point,
    enum text_lines lines)
{
	if (step == 0) {
		memcpy(to, REPLACEMENT, 3);
		return 3;
	}
	if (is_line_space(code_point) || code_point == '\r') {
		to[0] = lines == TEXT_KEEP_LINES && code_point != '\r' ? from[0]
								       : ' ';
		return 1;
	}
	if (evpop_text_kind(code_point) > EVPOP_TEXT_EMPTY ||
	    wcwidth((wchar_t)code_point) < 0) {
		to[0] = '?';
		return 1;
	}
	memcpy(to, from, step);
	return step;
}

char *
text_clean(const char *text, enum text_lines lines)
{
	size_t length = strlen(text), used = 0;
	char *clean;

	if (length > (SIZE_MAX - 1) / 3)
		return NULL;
	clean = malloc(length * 3 + 1);
	if (clean == NULL)
		return NULL;
	while (length > 0) {
		uint32_t code_point = 0;
		size_t step = evpop_text_decode(text, length, &code_point);

		used += put_clean(clean + used, text, step, code_point, lines);
		if (step == 0)
			step = 1;
		text += step;
		length -= step;
	}
	clean[used] = '\0';
	return clean;
}

/* Columns of the character at `text`; its length goes to *step_r. */
static size_t
character_width(const char *text, size_t length, size_t *step_r)
{
	uint32_t code_point = 0;
	int width;

	*step_r = evpop_text_decode(text, length, &code_point);
	if (*step_r == 0) {
		*step_r = 1;
		return 1;
	}
	width = wcwidth((wchar_t)code_point);
	return width > 0 ? (size_t)width : 0;
}

size_t
text_step(const char *text, size_t *step_r)
{
	return character_width(text, strnlen(text, 4), step_r);
}

size_t
text_width(const char *text)
{
	size_t length = strlen(text), width = 0, step;

	for (; length > 0; text += step, length -= step)
		width += character_width(text, length, &step);
	return width;
}

size_t
text_fit(const char *text, size_t columns)
{
	size_t length = strlen(text), fitting = 0, step, width;

	while (fitting < length) {
		width =
		    character_width(text + fitting, length - fitting, &step);
		if (width > columns)
			break;
		columns -= width;
		fitting += step;
	}
	return fitting;
}

char *
text_escape_json(const char *json)
{
	size_t length = strlen(json), used = 0;
	char *safe;

	/* The shortest that becomes \uXXXX has one octet: DEL. */
	if (length > (SIZE_MAX - 1) / 12)
		return NULL;
	safe = malloc(length * 12 + 1);
	if (safe == NULL)
		return NULL;
	while (length > 0) {
		uint32_t code_point = 0;
		size_t step = evpop_text_decode(json, length, &code_point);

		if (step == 0 || is_line_space(code_point) ||
		    evpop_text_kind(code_point) <= EVPOP_TEXT_EMPTY) {
			step = step == 0 ? 1 : step;
			memcpy(safe + used, json, step);
			used += step;
		} else if (code_point < 0x10000) {
			used += (size_t)snprintf(
			    safe + used, 7, "\\u%04x", (unsigned)code_point);
		} else {
			code_point -= 0x10000;
			used +=
			    (size_t)snprintf(safe + used, 13, "\\u%04x\\u%04x",
				(unsigned)(0xd800 + (code_point >> 10)),
				(unsigned)(0xdc00 + (code_point & 0x3ff)));
		}
		json += step;
		length -= step;
	}
	safe[used] = '\0';
	return safe;
}

/*
 * One character of a stream from `text`; 0 where more of it has to come
 * first.
 */
static size_t
take_character(
    const char *text, size_t length, bool last, char *clean, size_t *used)
{
	uint32_t code_point = 0;
	size_t step = evpop_text_decode(text, length, &code_point);

	if (step == 0 && !last && evpop_text_is_partial(text, length))
		return 0;
	if (code_point == '\r') {
		if (length == 1 && !last)
			return 0;
		if (length > 1 && text[1] == '\n')
			return step;
	}
	*used +=
	    put_clean(clean + *used, text, step, code_point, TEXT_KEEP_LINES);
	return step == 0 ? 1 : step;
}

size_t
text_stream_clean(
    struct text_stream *stream, const char *bytes, size_t length, char *clean_r)
{
	bool last = length == 0;
	size_t used = 0, step;

	/* Complete the character that was left, an octet at a time. */
	while (stream->length > 0) {
		step = take_character(stream->partial, stream->length,
		    last && length == 0, clean_r, &used);
		if (step > 0) {
			stream->length -= step;
			memmove(stream->partial, stream->partial + step,
			    stream->length);
			continue;
		}
		if (length == 0)
			return used;
		stream->partial[stream->length++] = *bytes++;
		length--;
	}
	while (length > 0) {
		step = take_character(bytes, length, last, clean_r, &used);
		if (step == 0) {
			memcpy(stream->partial, bytes, length);
			stream->length = length;
			break;
		}
		bytes += step;
		length -= step;
	}
	return used;
}

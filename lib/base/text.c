#include "lib/base/text.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>

size_t
evpop_text_decode(const char *bytes, size_t length, uint32_t *code_point_r)
{
	ucs4_t character;
	int used;

	if (length == 0)
		return 0;
	if ((unsigned char)*bytes < 0x80) {
		*code_point_r = (unsigned char)*bytes;
		return 1;
	}
	used = u8_mbtoucr(&character, (const uint8_t *)bytes, length);
	if (used <= 0)
		return 0;
	*code_point_r = character;
	return (size_t)used;
}

bool
evpop_text_is_partial(const char *bytes, size_t length)
{
	ucs4_t character;

	return length == 0 ||
	       u8_mbtoucr(&character, (const uint8_t *)bytes, length) == -2;
}

bool
evpop_text_is_utf8(const char *text)
{
	return u8_check((const uint8_t *)text, strlen(text)) == NULL;
}

/* White space but the blank, and what shows nothing by itself; in order. */
static const struct text_range {
	uint32_t first, last;
	enum evpop_text_kind kind;
	const char *name;
} text_invisible[] = {
	{ 0x00a0, 0x00a0, EVPOP_TEXT_EMPTY, "no-break space" },
	{ 0x00ad, 0x00ad, EVPOP_TEXT_HIDDEN, "soft hyphen" },
	{ 0x034f, 0x034f, EVPOP_TEXT_EMPTY, "grapheme joiner" },
	{ 0x061c, 0x061c, EVPOP_TEXT_DIRECTION, "direction mark" },
	{ 0x115f, 0x1160, EVPOP_TEXT_EMPTY, "filler" },
	{ 0x1680, 0x1680, EVPOP_TEXT_EMPTY, "space of another width" },
	{ 0x17b4, 0x17b5, EVPOP_TEXT_EMPTY, "inherent vowel" },
	{ 0x180b, 0x180d, EVPOP_TEXT_EMPTY, "vowel separator or selector" },
	{ 0x180e, 0x180e, EVPOP_TEXT_HIDDEN, "vowel separator or selector" },
	{ 0x180f, 0x180f, EVPOP_TEXT_EMPTY, "vowel separator or selector" },
	{ 0x2000, 0x200a, EVPOP_TEXT_EMPTY, "space of another width" },
	{ 0x200b, 0x200b, EVPOP_TEXT_HIDDEN, "zero-width space" },
	{ 0x200c, 0x200c, EVPOP_TEXT_HIDDEN, "zero-width non-joiner" },
	{ 0x200d, 0x200d, EVPOP_TEXT_HIDDEN, "zero-width joiner" },
	{ 0x200e, 0x200f, EVPOP_TEXT_DIRECTION, "direction mark" },
	{ 0x2028, 0x2028, EVPOP_TEXT_HIDDEN, "line separator" },
	{ 0x2029, 0x2029, EVPOP_TEXT_HIDDEN, "paragraph separator" },
	{ 0x202a, 0x202e, EVPOP_TEXT_DIRECTION, "direction mark" },
	{ 0x202f, 0x202f, EVPOP_TEXT_EMPTY, "narrow no-break space" },
	{ 0x205f, 0x205f, EVPOP_TEXT_EMPTY, "space of another width" },
	{ 0x2060, 0x2060, EVPOP_TEXT_HIDDEN, "word joiner" },
	{ 0x2061, 0x2065, EVPOP_TEXT_HIDDEN, "invisible operator" },
	{ 0x2066, 0x206f, EVPOP_TEXT_DIRECTION, "direction mark" },
	{ 0x2800, 0x2800, EVPOP_TEXT_EMPTY, "blank of Braille" },
	{ 0x3000, 0x3000, EVPOP_TEXT_EMPTY, "ideographic space" },
	{ 0x3164, 0x3164, EVPOP_TEXT_EMPTY, "filler" },
	{ 0xfeff, 0xfeff, EVPOP_TEXT_DIRECTION,
	    "byte-order mark, or zero-width no-break space" },
	{ 0xffa0, 0xffa0, EVPOP_TEXT_EMPTY, "filler" },
	{ 0xfff9, 0xfffb, EVPOP_TEXT_HIDDEN, "annotation mark" },
	{ 0xe0000, 0xe007f, EVPOP_TEXT_HIDDEN, "tag or selector" },
	{ 0xe0080, 0xe0fff, EVPOP_TEXT_EMPTY, "tag or selector" },
};

static const struct text_range *
text_find_range(uint32_t code_point)
{
	size_t first = 0,
	       end = sizeof text_invisible / sizeof text_invisible[0];
	size_t middle;

	while (first < end) {
		middle = first + (end - first) / 2;
		if (code_point > text_invisible[middle].last)
			first = middle + 1;
		else if (code_point < text_invisible[middle].first)
			end = middle;
		else
			return &text_invisible[middle];
	}
	return NULL;
}

enum evpop_text_kind
evpop_text_kind(uint32_t code_point)
{
	const struct text_range *range;

	if (code_point < 0xa0)
		return code_point >= 0x20 && code_point < 0x7f
			   ? EVPOP_TEXT_VISIBLE
			   : EVPOP_TEXT_CONTROL;
	range = text_find_range(code_point);
	return range != NULL ? range->kind : EVPOP_TEXT_VISIBLE;
}

bool
evpop_text_find_invisible(
    const char *text, size_t length, struct evpop_text_invisible *found)
{
	const struct text_range *range;
	uint32_t code_point;
	size_t at, step;

	for (at = 0; at < length; at += step) {
		step = evpop_text_decode(text + at, length - at, &code_point);
		if (step == 0)
			return false;
		range = text_find_range(code_point);
		if (range == NULL)
			continue;
		*found = (struct evpop_text_invisible){ at + 1, code_point,
			range->name };
		return true;
	}
	return false;
}

bool
evpop_text_is_ascii(const char *text)
{
	while (isascii((unsigned char)*text) && *text != '\0')
		text++;
	return *text == '\0';
}

bool
evpop_text_equal(const char *one, const char *other)
{
	return one == NULL || other == NULL ? one == other
					    : strcmp(one, other) == 0;
}

bool
evpop_text_begins(const char *bytes, size_t length, const char *word)
{
	const size_t wanted = strlen(word);

	return length >= wanted && strncasecmp(bytes, word, wanted) == 0;
}

bool
evpop_text_is(const char *bytes, size_t length, const char *word)
{
	return length == strlen(word) && strncasecmp(bytes, word, length) == 0;
}

/* How many octets of printable ASCII a text begins with. */
static size_t
text_count_plain(const char *bytes, size_t length)
{
	size_t count = 0;

	while (count < length && bytes[count] >= ' ' && bytes[count] <= '~')
		count++;
	return count;
}

size_t
evpop_text_printable(
    char *dst, size_t dst_size, const void *bytes, size_t length)
{
	const char *from = bytes;
	size_t used = 0, room, step;
	uint32_t code_point;
	bool is_shown;

	if (dst_size == 0)
		return 0;
	for (; length > 0; from += step, length -= step) {
		room = dst_size - 1 - used;
		step = text_count_plain(from, length < room ? length : room);
		memmove(dst + used, from, step);
		used += step;
		if (step > 0)
			continue;
		step = evpop_text_decode(from, length, &code_point);
		is_shown =
		    step > 0 && evpop_text_kind(code_point) <= EVPOP_TEXT_EMPTY;
		/* For each octet that is not shown there is one '?'. */
		if (!is_shown)
			step = 1;
		if (used + step >= dst_size)
			break;
		if (is_shown)
			memmove(dst + used, from, step);
		else
			dst[used] = '?';
		used += step;
	}
	dst[used] = '\0';
	return used;
}

#include "daemon/store/html.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

struct entity {
	const char *name, *text;
};

/* Those that stand inside or between words of mail. */
static const struct entity entities[] = {
	{ "&amp;", "&" },
	{ "&lt;", "<" },
	{ "&gt;", ">" },
	{ "&quot;", "\"" },
	{ "&apos;", "'" },
	{ "&nbsp;", " " },
	{ "&auml;", "\xc3\xa4" },
	{ "&ouml;", "\xc3\xb6" },
	{ "&uuml;", "\xc3\xbc" },
	{ "&Auml;", "\xc3\x84" },
	{ "&Ouml;", "\xc3\x96" },
	{ "&Uuml;", "\xc3\x9c" },
	{ "&szlig;", "\xc3\x9f" },
	{ "&eacute;", "\xc3\xa9" },
	{ "&egrave;", "\xc3\xa8" },
	{ "&agrave;", "\xc3\xa0" },
	{ "&ccedil;", "\xc3\xa7" },
};

/* &#233; and &#xE9; take more octets than any UTF-8 character they name. */
static size_t
numeric_entity(const char *at, size_t left, char *out, size_t *out_length_r)
{
	size_t i = 2;
	bool hex = left > 2 && (at[2] == 'x' || at[2] == 'X');
	gunichar value = 0;

	for (i += hex; i < left && i < 10; i++) {
		int digit = hex ? g_ascii_xdigit_value(at[i])
				: g_ascii_digit_value(at[i]);

		if (digit < 0)
			break;
		value = value * (hex ? 16 : 10) + (gunichar)digit;
	}
	if (i == 2 + (size_t)hex || i >= left || at[i] != ';' ||
	    !g_unichar_validate(value) || value == 0)
		return 0;
	*out_length_r = (size_t)g_unichar_to_utf8(value, out);
	return *out_length_r <= i + 1 ? i + 1 : 0;
}

/* The octets that an entity at `at` takes; 0 if there is none. */
static size_t
entity(const char *at, size_t left, char *out, size_t *out_length_r)
{
	if (left > 3 && at[1] == '#')
		return numeric_entity(at, left, out, out_length_r);
	for (size_t i = 0; i < sizeof(entities) / sizeof(entities[0]); i++) {
		size_t length = strlen(entities[i].name);

		if (left < length || memcmp(at, entities[i].name, length) != 0)
			continue;
		*out_length_r = strlen(entities[i].text);
		memcpy(out, entities[i].text, *out_length_r);
		return length;
	}
	return 0;
}

static bool
starts(const char *at, size_t left, const char *word)
{
	size_t length = strlen(word);

	return left >= length && strncasecmp(at, word, length) == 0;
}

/* Up to and with the first `end` behind `at`; all that is left without one. */
static size_t
up_to(const char *at, size_t left, const char *end)
{
	size_t length = strlen(end);

	for (size_t i = 0; i + length <= left; i++)
		if (starts(at + i, left - i, end))
			return i + length;
	return left;
}

static size_t
markup(const char *at, size_t left)
{
	if (starts(at, left, "<!--"))
		return up_to(at, left, "-->");
	if (starts(at, left, "<script"))
		return up_to(at, left, "</script>");
	if (starts(at, left, "<style"))
		return up_to(at, left, "</style>");
	return up_to(at, left, ">");
}

size_t
store_html_strip(char *text, size_t length)
{
	size_t at = 0, filled = 0;

	while (at < length) {
		char out[8];
		size_t out_length, used = 0;

		if (text[at] == '<' && at + 1 < length &&
		    (g_ascii_isalpha(text[at + 1]) || text[at + 1] == '/' ||
			text[at + 1] == '!' || text[at + 1] == '?')) {
			at += markup(text + at, length - at);
			text[filled++] = ' ';
			continue;
		}
		if (text[at] == '&')
			used = entity(text + at, length - at, out, &out_length);
		if (used == 0) {
			text[filled++] = text[at++];
			continue;
		}
		memcpy(text + filled, out, out_length);
		filled += out_length;
		at += used;
	}
	return filled;
}

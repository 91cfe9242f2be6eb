#include "daemon/store/text.h"

#include <glib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/*
 * Besides C0 and C1, what changes the direction of text or hides in it: it has
 * no place in a table on a terminal.
 */
static bool
is_hidden(gunichar character)
{
	return character == 0x200e || character == 0x200f ||
	       (character >= 0x202a && character <= 0x202e) ||
	       (character >= 0x2066 && character <= 0x2069) ||
	       character == 0xfeff;
}

static bool
is_blank(gunichar character)
{
	return character <= 0x20 || (character >= 0x7f && character <= 0xa0) ||
	       character == 0x2028 || character == 0x2029;
}

/* One character; returns how many octets it takes, and what to write for it. */
static size_t
next(const char *at, size_t left, const char **out_r, size_t *out_length_r,
    bool *blank_r)
{
	unsigned char first = (unsigned char)*at;
	gunichar character;
	size_t used;

	*out_r = at;
	*out_length_r = 1;
	*blank_r = false;
	if (first < 0x80) {
		*blank_r = is_blank(first);
		return 1;
	}
	character = g_utf8_get_char_validated(at, (gssize)left);
	if (character == (gunichar)-1 || character == (gunichar)-2) {
		*out_r = replacement;
		*out_length_r = sizeof(replacement) - 1;
		return 1;
	}
	used = (size_t)g_unichar_to_utf8(character, NULL);
	*out_length_r = is_hidden(character) ? 0 : used;
	*blank_r = is_blank(character);
	return used;
}

char *
store_text_clean(const char *text, size_t length, size_t max)
{
	size_t room = length < max / 3 ? length * 3 : max;
	char *clean = malloc(room + 1);
	size_t at = 0, filled = 0;
	bool gap = false;

	if (clean == NULL)
		return NULL;
	while (at < length) {
		const char *out;
		size_t out_length, used;
		bool blank;

		used = next(text + at, length - at, &out, &out_length, &blank);
		at += used;
		if (blank) {
			gap = filled > 0;
			continue;
		}
		if (out_length == 0)
			continue;
		if (filled + gap + out_length > room)
			break;
		if (gap)
			clean[filled++] = ' ';
		gap = false;
		memcpy(clean + filled, out, out_length);
		filled += out_length;
	}
	clean[filled] = '\0';
	return clean;
}

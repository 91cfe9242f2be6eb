#include "daemon/store/mail/text.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/text.h"

#define FIRST_ROOM ((size_t)256)

static const char replacement[] = "\xef\xbf\xbd"; /* U+FFFD */

/* ---- text that grows ---- */

void
mail_text_init(struct mail_text *text, size_t max)
{
	memset(text, 0, sizeof(*text));
	text->max = max;
}

void
mail_text_free(struct mail_text *text)
{
	free(text->bytes);
	mail_text_init(text, text->max);
}

void
mail_text_clear(struct mail_text *text)
{
	text->length = 0;
	text->is_cut = false;
}

static bool
text_reserve(struct mail_text *text, size_t length)
{
	size_t room = text->room == 0 ? FIRST_ROOM : text->room;
	char *grown;

	while (room < length)
		room *= 2;
	if (room == text->room)
		return true;
	grown = realloc(text->bytes, room);
	if (grown == NULL) {
		text->has_failed = true;
		return false;
	}
	text->bytes = grown;
	text->room = room;
	return true;
}

void
mail_text_add(struct mail_text *text, const char *bytes, size_t length)
{
	if (length > text->max - text->length) {
		length = text->max - text->length;
		text->is_cut = true;
	}
	if (length == 0 || text->has_failed ||
	    !text_reserve(text, text->length + length))
		return;
	memcpy(text->bytes + text->length, bytes, length);
	text->length += length;
}

void
mail_text_shorten(struct mail_text *text, size_t length)
{
	if (length >= text->length)
		return;
	while (
	    length > 0 && ((unsigned char)text->bytes[length] & 0xc0) == 0x80)
		length--;
	text->length = length;
}

void
mail_text_remove(struct mail_text *text, size_t from, size_t to)
{
	if (to == from)
		return;
	memmove(text->bytes + from, text->bytes + to, text->length - to);
	text->length -= to - from;
}

void
mail_text_add_string(struct mail_text *text, const char *string)
{
	mail_text_add(text, string, strlen(string));
}

void
mail_text_add_text(struct mail_text *text, const struct mail_text *other)
{
	if (other->length > 0)
		mail_text_add(text, other->bytes, other->length);
	text->is_cut |= other->is_cut;
	text->has_failed |= other->has_failed;
}

void
mail_text_cut(struct mail_text *text)
{
	text->is_cut = true;
}

void
mail_text_fail(struct mail_text *text, bool has_failed)
{
	text->has_failed |= has_failed;
}

size_t
mail_text_length(const struct mail_text *text)
{
	return text->length;
}

const char *
mail_text_at(const struct mail_text *text, size_t place)
{
	return text->bytes + place;
}

bool
mail_text_has_failed(const struct mail_text *text)
{
	return text->has_failed;
}

bool
mail_text_is_full(const struct mail_text *text)
{
	return text->is_cut || text->has_failed;
}

char *
mail_text_take(struct mail_text *text)
{
	char *bytes;

	mail_text_add(text, "", 1);
	if (text->has_failed)
		mail_text_free(text);
	bytes = text->bytes;
	mail_text_init(text, text->max);
	return bytes;
}

/* ---- text that is fit to show ---- */

/*
 * White space and controls.  What else draws nothing stays: some languages are
 * not written without joiners.
 */
static bool
text_is_blank(uint32_t character)
{
	return character <= 0x20 || (character >= 0x7f && character <= 0xa0) ||
	       character == 0x2028 || character == 0x2029;
}

struct character {
	const char *out; /* what to write for it */
	size_t out_length;
	size_t used; /* octets that it takes */
	bool is_blank;
};

static struct character
text_next(const char *at, size_t left)
{
	struct character next = { at, 1, 1, false };
	unsigned char first = (unsigned char)*at;
	uint32_t character;
	size_t used;

	if (first < 0x80) {
		next.is_blank = text_is_blank(first);
		return next;
	}
	used = evpop_text_decode(at, left, &character);
	if (used == 0) {
		next.out = replacement;
		next.out_length = sizeof(replacement) - 1;
		return next;
	}
	next.used = used;
	if (evpop_text_kind(character) != EVPOP_TEXT_DIRECTION)
		next.out_length = next.used;
	else
		next.out_length = 0;
	next.is_blank = text_is_blank(character);
	return next;
}

char *
mail_text_clean(const char *text, size_t length, size_t max, bool *is_cut_r)
{
	size_t room = length < max / 3 ? length * 3 : max;
	char *clean = malloc(room + 1);
	size_t at = 0, filled = 0;
	bool gap = false;

	if (clean == NULL)
		return NULL;
	while (at < length) {
		struct character next = text_next(text + at, length - at);

		at += next.used;
		if (next.is_blank) {
			gap = filled > 0;
			continue;
		}
		if (next.out_length == 0)
			continue;
		if (filled + gap + next.out_length > room) {
			if (is_cut_r != NULL)
				*is_cut_r = true;
			break;
		}
		if (gap)
			clean[filled++] = ' ';
		gap = false;
		memcpy(clean + filled, next.out, next.out_length);
		filled += next.out_length;
	}
	clean[filled] = '\0';
	return clean;
}

/* Length of the character at `at`; *out_r stands for it, NULL: nothing does. */
static size_t
text_take_shown(
    const char *at, size_t left, const char **out_r, size_t *length_r)
{
	uint32_t character = 0;
	size_t used = evpop_text_decode(at, left, &character);
	enum evpop_text_kind kind =
	    used == 0 ? EVPOP_TEXT_CONTROL : evpop_text_kind(character);

	*out_r = at;
	*length_r = used;
	if (kind == EVPOP_TEXT_DIRECTION) {
		*out_r = NULL;
	} else if (character == '\f' || character == '\v' ||
		   character == 0x85 || character == 0x2028 ||
		   character == 0x2029) {
		*out_r = "\n";
		*length_r = 1;
	} else if (kind == EVPOP_TEXT_CONTROL && character != '\n' &&
		   character != '\t') {
		*out_r = replacement;
		*length_r = sizeof(replacement) - 1;
	}
	return used == 0 ? 1 : used;
}

/* Blanks at the end of the line go, but not the mark of a signature. */
static void
text_end_line(struct mail_text *to, size_t line)
{
	if (to->length - line == 3 && memcmp(to->bytes + line, "-- ", 3) == 0)
		return;
	while (to->length > line && (to->bytes[to->length - 1] == ' ' ||
					to->bytes[to->length - 1] == '\t'))
		to->length--;
}

void
mail_text_add_lines(struct mail_text *to, const char *text, size_t length)
{
	size_t begin = to->length, line = begin;

	while (length > 0 && !mail_text_is_full(to)) {
		const char *out;
		size_t out_length, used;

		if (*text == '\r' && (length == 1 || text[1] == '\n')) {
			text++;
			length--;
			continue;
		}
		used = text_take_shown(text, length, &out, &out_length);
		if (*text == '\r')
			out = "\n", out_length = 1;
		if (out != NULL && *out == '\n')
			text_end_line(to, line);
		if (out != NULL)
			mail_text_add(to, out, out_length);
		if (out != NULL && *out == '\n')
			line = to->length;
		text += used;
		length -= used;
	}
	while (to->length > begin &&
	       strchr(" \t\n", to->bytes[to->length - 1]) != NULL)
		to->length--;
}

char *
mail_text_finish(const struct mail_text *text, size_t max, bool *is_cut_r)
{
	if (text->has_failed)
		return NULL;
	if (text->is_cut && is_cut_r != NULL)
		*is_cut_r = true;
	return mail_text_clean(text->bytes != NULL ? text->bytes : "",
	    text->length, max, is_cut_r);
}

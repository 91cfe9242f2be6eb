#include "tests/dialog/octets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
octets_add(struct octets *octets, const void *bytes, size_t length)
{
	size_t room;

	if (length >= octets->room - octets->length) {
		room = octets->room == 0 ? 64 : octets->room;
		while (room - octets->length <= length)
			room *= 2;
		octets->bytes = realloc(octets->bytes, room);
		if (octets->bytes == NULL)
			abort();
		octets->room = room;
	}
	if (length > 0)
		memcpy(octets->bytes + octets->length, bytes, length);
	octets->length += length;
	octets->bytes[octets->length] = '\0';
}

void
octets_add_text(struct octets *octets, const char *text)
{
	octets_add(octets, text, strlen(text));
}

void
octets_clear(struct octets *octets)
{
	free(octets->bytes);
	memset(octets, 0, sizeof *octets);
}

const char *
octets_text(const struct octets *octets)
{
	return octets->bytes == NULL ? "" : (const char *)octets->bytes;
}

static void
add_base64(struct octets *out, const struct octets *plain)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *at = plain->bytes;
	size_t left = plain->length;
	unsigned long group;
	char quad[4];

	while (left > 0) {
		group = (unsigned long)at[0] << 16;
		if (left > 1)
			group |= (unsigned long)at[1] << 8;
		if (left > 2)
			group |= at[2];
		quad[0] = digits[group >> 18];
		quad[1] = digits[group >> 12 & 63];
		quad[2] = left > 1 ? digits[group >> 6 & 63] : '=';
		quad[3] = left > 2 ? digits[group & 63] : '=';
		octets_add(out, quad, sizeof quad);
		at += left < 3 ? left : 3;
		left -= left < 3 ? left : 3;
	}
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static const char plain_escapes[] = "rntse0\\";
static const char plain_octets[] = "\r\n\t \x1b\0\\";

/* An escape of one character behind the backslash; false if it is none. */
static int
add_plain_escape(struct octets *out, char c)
{
	const char *found = c == '\0' ? NULL : strchr(plain_escapes, c);

	if (found == NULL)
		return 0;
	octets_add(out, &plain_octets[found - plain_escapes], 1);
	return 1;
}

const char *
octets_unescape(
    struct octets *out, const char *text, size_t length, unsigned long counter)
{
	struct octets inside = { NULL, 0, 0 }, *to = out;
	const char *wrong = NULL;
	char number[32];
	size_t i = 0;

	while (i < length && wrong == NULL) {
		if (text[i] != '\\') {
			octets_add(to, &text[i++], 1);
			continue;
		}
		i += 2;
		if (i > length)
			wrong = "a backslash at the end";
		else if (add_plain_escape(to, text[i - 1]))
			continue;
		else if (text[i - 1] == '#') {
			snprintf(number, sizeof number, "%lu", counter);
			octets_add_text(to, number);
		} else if (text[i - 1] == '[' && to == out)
			to = &inside;
		else if (text[i - 1] == ']' && to == &inside) {
			add_base64(out, &inside);
			octets_clear(&inside);
			to = out;
		} else if (text[i - 1] == 'x' && i + 2 <= length &&
			   hex_digit(text[i]) >= 0 &&
			   hex_digit(text[i + 1]) >= 0) {
			number[0] = (char)(hex_digit(text[i]) * 16 +
					   hex_digit(text[i + 1]));
			octets_add(to, number, 1);
			i += 2;
		} else
			wrong = "an unknown escape";
	}
	if (wrong == NULL && to == &inside)
		wrong = "\\[ without \\]";
	octets_clear(&inside);
	return wrong;
}

void
octets_escape(struct octets *out, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	const char *found;
	char escaped[8];
	size_t i;

	for (i = 0; i < length; i++) {
		found = at[i] == ' ' ? NULL
				     : memchr(plain_octets, at[i],
					   sizeof plain_octets - 1);
		if (found != NULL)
			snprintf(escaped, sizeof escaped, "\\%c",
			    plain_escapes[found - plain_octets]);
		else if (at[i] < ' ' || at[i] > '~')
			snprintf(escaped, sizeof escaped, "\\x%02x", at[i]);
		else
			snprintf(escaped, sizeof escaped, "%c", at[i]);
		octets_add_text(out, escaped);
	}
}

int
octets_hold(const struct octets *octets, const struct octets *part)
{
	if (part->length == 0 || part->length > octets->length)
		return 0;
	return memmem(octets->bytes, octets->length, part->bytes,
		   part->length) != NULL;
}

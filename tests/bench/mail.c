#include "tests/bench/mail.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* No line made here is longer. */
#define LINE_MAX_OCTETS 128

static const char *const names[] = {
	[MAIL_BASE64] = "base64",
	[MAIL_TEXT] = "text",
	[MAIL_SHORT] = "short lines",
	[MAIL_DOTS] = "dots",
};
_Static_assert(
    sizeof names / sizeof names[0] == MAIL_KIND_COUNT, "a name for every kind");

const char *
mail_kind_name(enum mail_kind kind)
{
	return names[kind];
}

static uint32_t
next(uint32_t *state)
{
	*state = *state * 1664525u + 1013904223u;
	return *state >> 8;
}

static size_t
base64_line(char *line, uint32_t *state)
{
	static const char letters[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t i;

	for (i = 0; i < 76; i++)
		line[i] = letters[next(state) % 64];
	return 76;
}

/* Words up to a width; a sentence ends about every twelve. */
static size_t
text_line(char *line, uint32_t *state, size_t width)
{
	size_t at = 0, letters;

	if (next(state) % 64 == 0)
		line[at++] = '.';
	while (at < width) {
		for (letters = 2 + next(state) % 8; letters > 0; letters--)
			line[at++] = (char)('a' + next(state) % 26);
		if (next(state) % 12 == 0)
			line[at++] = '.';
		line[at++] = ' ';
	}
	return at;
}

/* "Chapter name ................................ 123" */
static size_t
dots_line(char *line, uint32_t *state)
{
	size_t at = text_line(line, state, 10 + next(state) % 10);

	while (at < 66)
		line[at++] = '.';
	line[at++] = ' ';
	line[at++] = (char)('1' + next(state) % 9);
	return at;
}

static size_t
make_line(enum mail_kind kind, char *line, uint32_t *state)
{
	switch (kind) {
	case MAIL_BASE64:
		return base64_line(line, state);
	case MAIL_TEXT:
		return text_line(line, state, 50 + next(state) % 20);
	case MAIL_SHORT:
		return text_line(line, state, next(state) % 24);
	default:
		return dots_line(line, state);
	}
}

unsigned char *
mail_make(enum mail_kind kind, size_t octets, size_t *length_r)
{
	unsigned char *message = malloc(octets + LINE_MAX_OCTETS);
	char line[LINE_MAX_OCTETS];
	uint32_t state = 20240101;
	size_t at = 0, length;

	if (message == NULL)
		return NULL;
	while (at < octets) {
		length = make_line(kind, line, &state);
		memcpy(message + at, line, length);
		at += length;
		message[at++] = '\r';
		message[at++] = '\n';
	}
	*length_r = at;
	return message;
}

unsigned char *
mail_reply(const unsigned char *message, size_t length, size_t *length_r)
{
	static const char status[] = "+OK message follows\r\n";
	unsigned char *reply;
	size_t at = sizeof status - 1, i;
	bool line_start = true;

	/* At most every third octet begins a line. */
	reply = malloc(sizeof status + length + length / 3 + 4);
	if (reply == NULL)
		return NULL;
	memcpy(reply, status, at);
	for (i = 0; i < length; i++) {
		if (line_start && message[i] == '.')
			reply[at++] = '.';
		reply[at++] = message[i];
		line_start = message[i] == '\n';
	}
	memcpy(reply + at, ".\r\n", 3);
	*length_r = at + 3;
	return reply;
}

#include "daemon/config/ini.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/text.h"

/* Far longer than any key. */
#define KEY_LENGTH_MAX 64

struct reader {
	char *next, *end;
	unsigned line;
	char word[KEY_LENGTH_MAX + 1]; /* that the line begins with */
	const struct config_ini_events *events;
	void *arg;
};

static bool
ini_is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Cuts blanks off both ends, in place. */
static char *
ini_trim(char *text)
{
	size_t length;

	while (ini_is_blank(*text))
		text++;
	length = strlen(text);
	while (length > 0 && ini_is_blank(text[length - 1]))
		length--;
	text[length] = '\0';
	return text;
}

/* Returns why the line is refused, or NULL. */
static const char *
ini_find_bad_bytes(const char *text, size_t length, char *why, size_t size)
{
	uint32_t code_point;
	size_t step;

	if (length > CONFIG_LINE_MAX) {
		(void)snprintf(why, size,
		    "the line has %zu bytes; expected at most %d", length,
		    CONFIG_LINE_MAX);
		return why;
	}
	for (size_t i = 0; i < length; i += step) {
		step = evpop_text_decode(text + i, length - i, &code_point);
		if (step == 0) {
			(void)snprintf(why, size,
			    "expected UTF-8, but byte %zu of the line (0x%02x) "
			    "is not",
			    i + 1, (unsigned char)text[i]);
			return why;
		}
		if (evpop_text_kind(code_point) == EVPOP_TEXT_CONTROL &&
		    code_point != '\t') {
			(void)snprintf(why, size,
			    "expected text, but byte %zu of the line (0x%02x) "
			    "is a control character",
			    i + 1, (unsigned char)text[i]);
			return why;
		}
	}
	return NULL;
}

/*
 * "..." with "" for each quote inside.  Anything else is refused: a wrong guess
 * would only show when a log-in fails.
 */
static const char *
ini_unquote(char *value, bool *quoted_r)
{
	char *from = value, *to = value;
	bool closed = false;

	*quoted_r = false;
	if (*from != '"')
		return NULL;
	for (from++; *from != '\0' && !closed; from++) {
		if (*from == '"' && from[1] != '"') {
			closed = true;
			continue;
		}
		if (*from == '"')
			from++;
		*to++ = *from;
	}
	if (!closed)
		return "a value that begins with a quote must end with one "
		       "(write \"\" for a quote inside)";
	if (*from != '\0') {
		from += strspn(from, " \t");
		return *from == '#' || *from == ';'
			   ? "text after the closing quote; a comment needs a "
			     "line of its own"
			   : "text after the closing quote; quotes surround "
			     "the whole value (write \"\" for a quote "
			     "inside)";
	}
	*to = '\0';
	*quoted_r = true;
	return NULL;
}

static void
ini_report(struct reader *reader, const char *why)
{
	reader->events->bad(reader->line, reader->word, why, reader->arg);
}

/* Lines that follow do not belong to the previous section. */
static void
ini_report_section(struct reader *reader, const char *why)
{
	ini_report(reader, why);
	reader->events->section(reader->line, NULL, reader->arg);
}

/* The line may contain any bytes. */
static void
ini_note_word(struct reader *reader, const char *text)
{
	size_t length = 0;

	while (*text != '\0' && !isalnum((unsigned char)*text))
		text++;
	for (; isalnum((unsigned char)*text) || *text == '_' || *text == '-';
	     text++)
		if (length < KEY_LENGTH_MAX)
			reader->word[length++] = *text;
	reader->word[length] = '\0';
}

/* In the name of a section or a key. */
static bool
ini_find_invisible(const char *text, size_t length, char *why, size_t size)
{
	struct evpop_text_invisible found;

	if (!evpop_text_find_invisible(text, length, &found))
		return false;
	(void)snprintf(why, size,
	    "U+%04X (%s), which is invisible, precedes a name; type the line "
	    "again",
	    found.code_point, found.name);
	if (found.octet > 1)
		(void)snprintf(why, size,
		    "U+%04X (%s), which is invisible, is part of a name; type "
		    "the line again",
		    found.code_point, found.name);
	return true;
}

static void
ini_parse_section(struct reader *reader, char *text)
{
	size_t length = strlen(text);
	char why[160];

	if (ini_find_invisible(text, length, why, sizeof(why))) {
		ini_report_section(reader, why);
		return;
	}
	if (text[length - 1] != ']') {
		ini_report_section(
		    reader, "expected [SECTION], but the ] is missing");
		return;
	}
	text[length - 1] = '\0';
	reader->events->section(reader->line, ini_trim(text + 1), reader->arg);
}

static void
ini_parse_key(struct reader *reader, char *text)
{
	size_t length = strcspn(text, "=:");
	bool is_separated = text[length] != '\0', is_quoted;
	char why[160], *value;
	const char *bad;

	if (ini_find_invisible(text, length, why, sizeof(why))) {
		if (text[strlen(text) - 1] == ']')
			ini_report_section(reader, why);
		else
			ini_report(reader, why);
		return;
	}
	if (!is_separated) {
		reader->events->words(reader->line, text, reader->arg);
		return;
	}
	text[length] = '\0';
	value = ini_trim(text + length + 1);
	text = ini_trim(text);
	if (*text == '\0' || strlen(text) > KEY_LENGTH_MAX ||
	    strpbrk(text, "#;") != NULL) {
		ini_report(reader, "expected KEY = VALUE");
		return;
	}
	bad = ini_unquote(value, &is_quoted);
	if (bad != NULL)
		ini_report(reader, bad);
	else
		reader->events->key(
		    reader->line, text, value, is_quoted, reader->arg);
}

static void
ini_parse_line(struct reader *reader, char *text, size_t length)
{
	char why[128];
	const char *bad = ini_find_bad_bytes(text, length, why, sizeof(why));

	text = ini_trim(text);
	ini_note_word(reader, text);
	if (bad != NULL && *text == '[')
		ini_report_section(reader, bad);
	else if (bad != NULL)
		ini_report(reader, bad);
	else if (*text == '[')
		ini_parse_section(reader, text);
	else if (*text != '\0' && *text != '#' && *text != ';')
		ini_parse_key(reader, text);
}

/* Cuts the next line out of the bytes; returns NULL at their end. */
static char *
ini_next_line(struct reader *reader, size_t *length_r)
{
	char *text = reader->next, *newline;

	if (text >= reader->end)
		return NULL;
	newline = memchr(text, '\n', (size_t)(reader->end - text));
	if (newline == NULL)
		newline = reader->end;
	reader->next = newline + 1;
	reader->line++;
	if (newline > text && newline[-1] == '\r')
		newline--;
	*newline = '\0';
	*length_r = (size_t)(newline - text);
	return text;
}

void
config_ini_parse(char *bytes, size_t length,
    const struct config_ini_events *events, void *arg)
{
	struct reader reader = {
		.next = bytes,
		.end = bytes + length,
		.events = events,
		.arg = arg,
	};
	char *text;

	/* A byte-order mark, as some editors leave it. */
	if (length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		reader.next += 3;
	while ((text = ini_next_line(&reader, &length)) != NULL)
		ini_parse_line(&reader, text, length);
}

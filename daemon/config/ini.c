#include "daemon/config/ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lib/base/guarded.h"
#include "lib/base/text.h"

/* Far longer than any key. */
#define KEY_LENGTH_MAX 64

/*
 * What is read at once: a line of passwords is never in more memory than this,
 * which is guarded, however long the file is.
 */
#define WINDOW ((size_t)2 * CONFIG_LINE_MAX - 1)

struct reader {
	char *window;     /* and a NUL behind it */
	char *next, *end; /* in it: what is not parsed yet */
	bool is_at_end;   /* nothing more is to be read */
	bool has_failed;  /* the reason is in errno */
	const struct config_ini_source *source;
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

/* ---- lines of what is read ---- */

/* Fill the window behind `end`; false where that fails. */
static bool
ini_read_on(struct reader *reader)
{
	const size_t room = (size_t)(reader->window + WINDOW - reader->end);
	size_t got;

	reader->has_failed =
	    !reader->source->read(reader->source->arg, reader->end, room, &got);
	if (reader->has_failed)
		return false;
	reader->is_at_end = got < room;
	reader->end += got;
	return true;
}

/* Read on behind what is left of the window. */
static bool
ini_fill(struct reader *reader)
{
	const size_t left = (size_t)(reader->end - reader->next);

	memmove(reader->window, reader->next, left);
	reader->next = reader->window;
	reader->end = reader->window + left;
	return ini_read_on(reader);
}

static char *
ini_find_newline(const struct reader *reader)
{
	return memchr(reader->next, '\n', (size_t)(reader->end - reader->next));
}

/*
 * A line fills the window, and goes on: its beginning stays where it is, and
 * the rest is counted.
 */
static bool
ini_skip_line(struct reader *reader, size_t *length_r)
{
	char *rest = reader->window + CONFIG_LINE_MAX, *newline, last = 0;

	*length_r = CONFIG_LINE_MAX;
	reader->next = rest;
	while ((newline = ini_find_newline(reader)) == NULL) {
		*length_r += (size_t)(reader->end - reader->next);
		if (reader->end > reader->next)
			last = reader->end[-1];
		reader->next = reader->end = rest;
		if (reader->is_at_end)
			break;
		if (!ini_read_on(reader))
			return false;
	}
	if (newline != NULL) {
		*length_r += (size_t)(newline - reader->next);
		if (newline > reader->next)
			last = newline[-1];
		reader->next = newline + 1;
	}
	*length_r -= last == '\r';
	*rest = '\0';
	return true;
}

/* Cuts the next line out; NULL at the end, or where it cannot be read. */
static char *
ini_next_line(struct reader *reader, size_t *length_r)
{
	char *newline = ini_find_newline(reader), *text;

	if (newline == NULL && !reader->is_at_end) {
		if (!ini_fill(reader))
			return NULL;
		newline = ini_find_newline(reader);
	}
	text = reader->next;
	if (newline == NULL && reader->is_at_end) {
		if (text == reader->end)
			return NULL;
		newline = reader->end;
	}
	reader->line++;
	if (newline == NULL)
		return ini_skip_line(reader, length_r) ? text : NULL;
	reader->next = newline < reader->end ? newline + 1 : newline;
	if (newline > text && newline[-1] == '\r')
		newline--;
	*newline = '\0';
	*length_r = (size_t)(newline - text);
	return text;
}

bool
config_ini_parse(const struct config_ini_source *source,
    const struct config_ini_events *events, void *arg)
{
	static const char mark[] = "\xef\xbb\xbf";
	struct reader reader = {
		.window = evpop_guarded_alloc(WINDOW + 1),
		.source = source,
		.events = events,
		.arg = arg,
	};
	size_t length;
	char *text;

	if (reader.window == NULL) {
		errno = ENOMEM;
		return false;
	}
	reader.next = reader.end = reader.window;
	while ((text = ini_next_line(&reader, &length)) != NULL) {
		/* As some editors leave it. */
		if (reader.line == 1 &&
		    strncmp(text, mark, sizeof(mark) - 1) == 0) {
			text += sizeof(mark) - 1;
			length -= sizeof(mark) - 1;
		}
		ini_parse_line(&reader, text, length);
	}
	evpop_guarded_free(reader.window);
	return !reader.has_failed;
}

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/import.h"
#include "lib/base/mail_lines.h"

struct mbox_reader {
	struct import_sender *sender;
	struct evpop_mail_lines marks;
	unsigned long line, begun;
	bool is_open;  /* a message is under way */
	bool is_empty; /* an empty line is kept back: it may end the message */
	char *quoted;
	size_t room;
};

static bool
reader_is_from(const char *line, size_t length)
{
	return length >= 5 && memcmp(line, "From ", 5) == 0;
}

static bool
reader_is_empty(const char *line, size_t length)
{
	return (length == 1 && line[0] == '\n') ||
	       (length == 2 && line[0] == '\r' && line[1] == '\n');
}

/* A whole line, so that nothing of it is kept back. */
static bool
reader_give(struct mbox_reader *reader, const char *line, size_t length)
{
	char *grown;
	size_t made;

	if (EVPOP_MAIL_LINES_ROOM(length) > reader->room) {
		grown = realloc(reader->quoted, EVPOP_MAIL_LINES_ROOM(length));
		if (grown == NULL) {
			errno = ENOMEM;
			return false;
		}
		reader->quoted = grown;
		reader->room = EVPOP_MAIL_LINES_ROOM(length);
	}
	memset(&reader->marks, 0, sizeof(reader->marks));
	made = evpop_mail_lines_unquote(
	    &reader->marks, line, length, reader->quoted);
	made += evpop_mail_lines_unquote(
	    &reader->marks, "", 0, reader->quoted + made);
	import_bytes(reader->sender, reader->quoted, made);
	return true;
}

/* The line begins a message; what is before the first one is none. */
static bool
reader_begin(struct mbox_reader *reader, import_ended ended, void *arg)
{
	bool goes_on = !reader->is_open || ended(arg, reader->begun);

	reader->is_open = true;
	reader->is_empty = false;
	reader->begun = reader->line;
	import_begin(reader->sender);
	return goes_on;
}

/*
 * The empty line before a "From " ends a message and is no part of it.  Where
 * there is none, the line is text that nobody has quoted.
 */
static bool
reader_take(struct mbox_reader *reader, const char *line, size_t length)
{
	if (!reader->is_open)
		return true;
	if (reader->is_empty && !reader_give(reader, "\n", 1))
		return false;
	reader->is_empty = reader_is_empty(line, length);
	return reader->is_empty || reader_give(reader, line, length);
}

bool
import_mbox(
    FILE *file, struct import_sender *sender, import_ended ended, void *arg)
{
	struct mbox_reader reader = { .sender = sender };
	bool goes_on = true, went_well = true;
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	errno = 0;
	while (goes_on && went_well &&
	       (length = getline(&line, &room, file)) != -1) {
		reader.line++;
		if (reader_is_from(line, (size_t)length) &&
		    (!reader.is_open || reader.is_empty))
			goes_on = reader_begin(&reader, ended, arg);
		else
			went_well = reader_take(&reader, line, (size_t)length);
	}
	if (went_well && goes_on)
		went_well = !ferror(file) && errno != ENOMEM;
	if (went_well && goes_on && reader.is_open)
		(void)ended(arg, reader.begun);
	free(line);
	free(reader.quoted);
	return went_well;
}

/* What came of a dialog against what must have come of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tests/dialog/record.h"

/* Outcomes that are told octet by octet, and not word by word. */
static bool
is_exact(const char *line)
{
	static const char *const kinds[] = { "body ", "entry ", "entries ",
		"stat ", "caps ", "plan " };
	size_t i;

	/* "stat refused ..." is an error as any other. */
	if (strncmp(line, "stat ", 5) == 0 && (line[5] < '0' || line[5] > '9'))
		return false;
	for (i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (strncmp(line, kinds[i], strlen(kinds[i])) == 0)
			return true;
	return false;
}

/* One expected word, or one of several with bars between. */
static bool
word_matches(const char *expected, size_t expected_length, const char *got,
    size_t got_length)
{
	size_t length;

	for (;;) {
		for (length = 0;
		     length < expected_length && expected[length] != '|';
		     length++)
			;
		if (length == got_length && memcmp(expected, got, length) == 0)
			return true;
		if (length == expected_length)
			return false;
		expected += length + 1;
		expected_length -= length + 1;
	}
}

/*
 * Each expected word must be there, in order; the first at the beginning.
 * What stands behind " ~ " must be part of what stands there.
 */
static bool
words_match(const char *expected, const char *got)
{
	const char *expected_text = strstr(expected, " ~ ");
	const char *got_text = strstr(got, " ~ ");
	size_t expected_length, got_length;
	bool first = true, matched;

	if (expected_text != NULL &&
	    (got_text == NULL ||
		strstr(got_text + 3, expected_text + 3) == NULL))
		return false;
	while (*expected != '\0' && expected != expected_text) {
		expected += *expected == ' ';
		expected_length = strcspn(expected, " ");
		do {
			if (*got == '\0' || got == got_text)
				return false;
			got += *got == ' ';
			got_length = strcspn(got, " ");
			matched = word_matches(
			    expected, expected_length, got, got_length);
			got += got_length;
			if (first && !matched)
				return false;
			first = false;
		} while (!matched);
		expected += expected_length;
	}
	return true;
}

static bool
line_matches(const char *expected, const char *got)
{
	return is_exact(expected) || is_exact(got) ? strcmp(expected, got) == 0
						   : words_match(expected, got);
}

/* Whether a line such as "retr 2 io ..." is about a line that the client says.
 */
static bool
is_said(const struct dialog *dialog, const char *line)
{
	const struct dialog_item *item;
	char command[32];
	size_t length = strcspn(line, " "), i;

	if (line[length] == ' ' && line[length + 1] >= '0' &&
	    line[length + 1] <= '9')
		length += 1 + strcspn(line + length + 1, " ");
	for (i = 0; i < dialog->item_count; i++) {
		item = &dialog->items[i];
		snprintf(command, sizeof command, "%s",
		    item->type == DIALOG_HEAR ? octets_text(&item->octets)
					      : "");
		if (strncasecmp(command, line, length) == 0 &&
		    (command[length] == '\0' || command[length] == ' '))
			return true;
	}
	return false;
}

/*
 * The core knows no requests made of several commands, and no plans; and what
 * the client never said, it was never asked for.
 */
static bool
in_view(enum record_view view, const struct dialog *dialog, const char *line)
{
	static const char *const clients[] = { "connect", "login", "client",
		"mechanism", "caps", "capa" };
	size_t i, length = strcspn(line, " ");

	if (view == RECORD_ALL)
		return true;
	for (i = 0; i < sizeof clients / sizeof clients[0]; i++)
		if (strlen(clients[i]) == length &&
		    memcmp(clients[i], line, length) == 0)
			return false;
	return is_exact(line) || strncmp(line, "ignored ", 8) == 0 ||
	       strncmp(line, "closed ", 7) == 0 || is_said(dialog, line);
}

/* Lines of a list that are in view, one after the other. */
struct lines {
	const struct dialog *dialog;
	enum record_view view;
	char *const *lines;
	size_t count, at;
};

static const char *
next_line(struct lines *lines)
{
	const char *line;

	while (lines->at < lines->count) {
		line = lines->lines[lines->at++];
		if (in_view(lines->view, lines->dialog, line))
			return line;
	}
	return NULL;
}

static void
tell_lines(struct octets *why, const char *title, struct lines lines)
{
	const char *line;

	octets_add_text(why, title);
	while ((line = next_line(&lines)) != NULL) {
		octets_add_text(why, "      = ");
		octets_add_text(why, line);
		octets_add_text(why, "\n");
	}
}

static bool
check_lines(const struct record *record, const struct dialog *dialog,
    enum record_view view, struct octets *why)
{
	const struct lines all_expected = { dialog, view, dialog->outcomes,
		dialog->outcome_count, 0 };
	const struct lines all_got = { dialog, view, record->lines,
		record->count, 0 };
	struct lines expected = all_expected, got = all_got;
	const char *expected_line, *got_line;

	do {
		expected_line = next_line(&expected);
		got_line = next_line(&got);
	} while (expected_line != NULL && got_line != NULL &&
		 line_matches(expected_line, got_line));
	if (expected_line == NULL && got_line == NULL)
		return true;
	tell_lines(why, "    expected:\n", all_expected);
	tell_lines(why, "    but got:\n", all_got);
	return false;
}

/* Text for logs and terminals: printable, but for the line ends between. */
static bool
is_printable(const char *text)
{
	for (; *text != '\0'; text++)
		if (((unsigned char)*text < 0x20 && *text != '\n') ||
		    *text == 0x7f)
			return false;
	return true;
}

/* Short words of a test may stand anywhere. */
#define SECRET_MIN 4

static bool
shows(const struct octets *text, const char *secret)
{
	return secret != NULL && strlen(secret) >= SECRET_MIN &&
	       strstr(octets_text(text), secret) != NULL;
}

static bool
complain(struct octets *why, const char *what, const char *text)
{
	octets_add_text(why, what);
	octets_add_text(why, text);
	octets_add_text(why, "\n");
	return false;
}

static bool
check_trace(const struct record *record, const struct dialog *dialog,
    struct octets *why)
{
	const char *trace = octets_text(&record->trace);
	bool well = true;
	size_t i;

	if (!is_printable(trace))
		well = complain(why, "    the trace is not printable: ", trace);
	if (shows(&record->trace, dialog->settings.password) ||
	    shows(&record->trace, dialog->settings.token))
		well = complain(why, "    the trace shows a secret: ", trace);
	for (i = 0; i < dialog->traced_count; i++)
		if (strstr(trace, dialog->traced[i]) == NULL) {
			complain(
			    why, "    the trace lacks: ", dialog->traced[i]);
			well = complain(why, "    the trace: ", trace);
		}
	return well;
}

bool
record_check(const struct record *record, const struct dialog *dialog,
    enum record_view view, struct octets *why)
{
	bool well = check_lines(record, dialog, view, why);
	size_t i;

	for (i = 0; i < record->count; i++)
		if (!is_printable(record->lines[i]))
			well = complain(
			    why, "    not printable: ", record->lines[i]);
	return check_trace(record, dialog, why) && well;
}

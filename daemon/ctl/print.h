/*
 * Prints one object of the API for people.  Fields say which members to show,
 * how, and under which label; table.h prints many objects by the same fields.
 */
#ifndef CTL_PRINT_H
#define CTL_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "daemon/ctl/ctl.h"

/* ---- phrases ---- */

/* A server's error message is the longest. */
#define PHRASE_SIZE 1024

/* Short phrases about one thing, in one line; "" if there are none. */
struct phrase {
	char text[PHRASE_SIZE];
	size_t length;
};

void phrase_begin(struct phrase *phrase_r);

/* Append a phrase, with a comma before all but the first; cut if too long. */
void phrase_add(struct phrase *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- fields ---- */

enum print_kind {
	PRINT_TEXT = 0,
	PRINT_COUNT,
	PRINT_SIZE,     /* "1.5 KiB" */
	PRINT_TIME,     /* the age on a terminal, else the API's text */
	PRINT_DATE,     /* local and short on a terminal, else likewise */
	PRINT_UNIQUE_ID /* in hexadecimal if it is not printable */
};

/* How a column of a table fits into a terminal that is too narrow. */
enum print_fit {
	PRINT_WHOLE = 0,
	PRINT_CUT_END,    /* "The beginn…" */
	PRINT_CUT_MIDDLE, /* "help…-003": names often differ at their end */
	PRINT_WRAP        /* over several lines; only for the last column */
};

enum print_colour {
	PRINT_PLAIN = 0,
	PRINT_GOOD,
	PRINT_WARNING,
	PRINT_BAD,
	PRINT_COLOUR_COUNT
};

/* The sequence that begins a colour, which "\033[0m" ends; NULL for none. */
const char *print_colour_begin(enum print_colour);

/* A field has a member, a form, or a function. */
struct print_field {
	/*
	 * The heading of a column or label of a line; "" continues the line
	 * before.
	 */
	const char *heading;
	const char *member; /* as ctl_member() takes it */
	enum print_kind kind;
	const char *form; /* as print_form() takes it */
	void (*words)(const struct ctl *, const json_t *, struct phrase *);
	enum print_fit fit;
	/*
	 * If a table is too wide for the terminal, columns are left out: first
	 * those of zeros, then the highest number first; 0 is never left out.
	 */
	unsigned drop;
	enum print_colour (*colour)(const json_t *);
};

/*
 * Append a form, filled in from an object.  It consists of phrases separated by
 * "|", in which "{member}" is a text or a count, "{member:size}" a size,
 * "{member:time}" a time, "{member:span}" a number of seconds,
 * "{member:figure}" a figure of a poll with its words (notify/tally.h), and
 * "{s}" the plural ending for the count before it, and "{-s}" the ending of a
 * verb.  A phrase that begins with "?" is left out if its first member is
 * missing or 0; "{member:none}" prints nothing and is only for that.  Commands
 * of evpopctl's begin as ctl_sudo() says.
 */
void print_form(
    const struct ctl *, const char *form, const json_t *, struct phrase *);

#define PRINT_FIELD_COUNT(fields) (sizeof(fields) / sizeof((fields)[0]))

/* The value as text, which may be in *phrase_r; NULL if there is none. */
const char *print_value(const struct ctl *, const struct print_field *,
    const json_t *, struct phrase *phrase_r);

/* A time as PRINT_TIME or PRINT_DATE has it; "-" for none. */
#define PRINT_TIME_SIZE 40
const char *print_time(const struct ctl *, const json_t *, const char *member,
    enum print_kind, char text_r[PRINT_TIME_SIZE]);

/* "Label    value", the value made safe; nothing for a NULL value. */
void print_detail(const struct ctl *, const char *label, const char *value);

/* Print a line for each field that has a value other than a count of 0. */
void print_fields(const struct ctl *, const struct print_field *, size_t count,
    const json_t *);

/* ---- progress ---- */

/*
 * Redraw the progress of long work on the terminal's last line; a `total` of 0
 * is unknown.  Does nothing if the output is no terminal or JSON.
 */
void progress_show(const struct ctl *, const char *what, uint64_t done,
    uint64_t total, const char *unit);
void progress_clear(const struct ctl *);

/* The line itself, as wide as `width` at most; for tests. */
void progress_text(const char *what, uint64_t done, uint64_t total,
    const char *unit, size_t width, char *text_r, size_t size);

#endif

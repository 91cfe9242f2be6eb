#include "daemon/ctl/wrap.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/ctl/text.h"

/* A line that has less room behind its beginning is not broken. */
#define LEAST_ROOM 20

struct beginning {
	size_t quotes; /* octets of quotation marks and their blanks */
	size_t indent; /* columns behind them */
};

/* "* ", "- ", "12. ", "[3] ": octets of such a mark, 0 if there is none. */
static size_t
wrap_mark(const char *text, size_t length)
{
	size_t at = 0;

	if (length > 1 && strchr("*-+", text[0]) != NULL && text[1] == ' ')
		return 2;
	if (length > 0 && text[0] == '[')
		at++;
	while (at < length && at < 5 && text[at] >= '0' && text[at] <= '9')
		at++;
	if (at == 0 || at + 1 >= length || text[at + 1] != ' ' ||
	    strchr(".)]", text[at]) == NULL || (text[at] == ']' && at == 1))
		return 0;
	return at + 2;
}

static struct beginning
wrap_read_beginning(const char *line, size_t length)
{
	struct beginning begin = { 0, 0 };
	size_t at = 0, blanks;

	while (at < length && (line[at] == '>' || line[at] == ' ')) {
		if (line[at++] == '>')
			begin.quotes =
			    at < length && line[at] == ' ' ? at + 1 : at;
	}
	blanks = begin.quotes;
	while (blanks < length && line[blanks] == ' ')
		blanks++;
	begin.indent =
	    blanks - begin.quotes + wrap_mark(line + blanks, length - blanks);
	return begin;
}

/*
 * The octets that go into a line of so many columns: up to a blank, or to a
 * character of a script that is written without them; if there is none, to the
 * end of the word.  *next_r is where the rest begins.
 */
static size_t
wrap_take(const char *text, size_t columns, size_t *next_r)
{
	size_t best = 0, taken = 0, last = 0, at, step, width;

	for (at = 0; text[at] != '\0'; at += step) {
		width = text_step(text + at, &step);
		if (at > 0 &&
		    (text[at] == ' ' || (width > 0 && width + last > 2))) {
			if (best > 0 && taken > columns)
				break;
			best = at;
			if (taken > columns)
				break;
		}
		taken += width;
		if (width > 0)
			last = width;
	}
	if (text[at] == '\0' && (taken <= columns || best == 0))
		best = at;
	*next_r = best + strspn(text + best, " ");
	while (best > 0 && text[best - 1] == ' ')
		best--;
	return best;
}

/* What begins every line but the first. */
struct margin {
	const char *quotes;
	size_t length, indent;
};

/* The first line has room for `first` columns, the others for `room`. */
static void
wrap_lines(FILE *out, const char *text, size_t first, size_t room,
    const struct margin *margin)
{
	size_t used, next;

	for (;;) {
		used = wrap_take(text, first, &next);
		fprintf(out, "%.*s\n", (int)used, text);
		text += next;
		if (*text == '\0')
			return;
		fprintf(out, "%.*s%*s", (int)margin->length, margin->quotes,
		    (int)margin->indent, "");
		first = room;
	}
}

void
wrap_print(FILE *out, const char *line, size_t length, size_t width)
{
	struct beginning begin = wrap_read_beginning(line, length);
	size_t taken = begin.quotes + begin.indent;
	char *copy = strndup(line, length);

	if (copy == NULL || width < taken + LEAST_ROOM ||
	    text_width(copy) <= width) {
		fprintf(out, "%.*s\n", (int)length, line);
	} else {
		fwrite(copy, 1, taken, out);
		wrap_lines(out, copy + taken, width - taken, width - taken,
		    &(struct margin){ copy, begin.quotes, begin.indent });
	}
	free(copy);
}

void
wrap_print_behind(
    FILE *out, const char *text, size_t taken, size_t indent, size_t width)
{
	if (width < taken + LEAST_ROOM || width < indent + LEAST_ROOM)
		fprintf(out, "%s\n", text);
	else
		wrap_lines(out, text, width - taken, width - indent,
		    &(struct margin){ "", 0, indent });
}

#include "daemon/store/mail/flowed.h"

#include <string.h>

struct line {
	const char *text; /* behind quote marks, and without its line end */
	size_t length, quotes;
	bool is_flowed; /* the paragraph goes on */
};

/* The next line; returns what is behind it. */
static const char *
flowed_line(const char *at, const char *end, struct line *line_r)
{
	const char *line_end = memchr(at, '\n', (size_t)(end - at));
	const char *next = line_end == NULL ? end : line_end + 1;

	if (line_end == NULL)
		line_end = end;
	if (line_end > at && line_end[-1] == '\r')
		line_end--;
	line_r->quotes = 0;
	for (; at < line_end && *at == '>'; at++)
		line_r->quotes++;
	/* Section 4.4: a blank was put before what would mean something. */
	if (at < line_end && *at == ' ')
		at++;
	line_r->text = at;
	line_r->length = (size_t)(line_end - at);
	line_r->is_flowed = line_r->length > 0 && line_end[-1] == ' ' &&
			    !(line_r->length == 3 && memcmp(at, "-- ", 3) == 0);
	return next;
}

void
mail_flowed_add(
    struct mail_text *to, const char *text, size_t length, enum mail_flow flow)
{
	const char *end = text + length;
	struct line line, before = { .is_flowed = false };

	while (text < end && !mail_text_is_full(to)) {
		text = flowed_line(text, end, &line);
		if (!before.is_flowed || before.quotes != line.quotes) {
			if (before.text != NULL)
				mail_text_add(to, "\n", 1);
			for (size_t i = 0; i < line.quotes; i++)
				mail_text_add(to, ">", 1);
			if (line.quotes > 0 && line.length > 0)
				mail_text_add(to, " ", 1);
		}
		if (line.is_flowed && flow == MAIL_FLOW_JOINED)
			line.length--;
		mail_text_add(to, line.text, line.length);
		before = line;
	}
	mail_text_add(to, "\n", 1);
}

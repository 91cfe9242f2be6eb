#include "daemon/store/mail/kinds.h"

#include <string.h>

/* "<bold>" is a command, "<<" a character (RFC 1896). */
void
mail_kinds_add_enriched(struct mail_text *to, const char *text, size_t length)
{
	const char *end = text + length;

	while (text < end) {
		const char *open = memchr(text, '<', (size_t)(end - text));
		const char *close;

		if (open == NULL)
			open = end;
		mail_text_add(to, text, (size_t)(open - text));
		if (open == end)
			return;
		if (end - open > 1 && open[1] == '<') {
			mail_text_add(to, " ", 1);
			text = open + 2;
			continue;
		}
		close = memchr(open, '>', (size_t)(end - open));
		text = close == NULL ? end : close + 1;
	}
}

/* Lines are folded within words, and "\n" is a line's end. */
void
mail_kinds_add_folded(struct mail_text *to, const char *text, size_t length)
{
	const char *end = text + length;

	for (const char *at = text; at < end; at++) {
		const char *line = at + (*at == '\r' && end - at > 1);

		if (*line == '\n' && end - line > 1 &&
		    (line[1] == ' ' || line[1] == '\t')) {
			at = line + 1;
			continue;
		}
		if (*at == '\\' && end - at > 1) {
			at++;
			if (*at == 'n' || *at == 'N') {
				mail_text_add(to, "\n", 1);
				continue;
			}
		}
		mail_text_add(to, at, 1);
	}
}

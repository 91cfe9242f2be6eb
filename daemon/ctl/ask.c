#include "daemon/ctl/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "daemon/ctl/text.h"

bool
ask_is_possible(const struct ctl *ctl)
{
	return !ctl->json && isatty(STDIN_FILENO) == 1 &&
	       isatty(STDERR_FILENO) == 1;
}

/* Octet by octet: what follows the line is for the next question. */
static bool
ask_read(char line_r[ASK_LINE])
{
	size_t length = 0;
	ssize_t got;
	char octet;

	for (;;) {
		do
			got = read(STDIN_FILENO, &octet, 1);
		while (got < 0 && errno == EINTR);
		if (got <= 0 && length == 0)
			return false;
		if (got <= 0 || octet == '\n')
			break;
		if (length + 1 < ASK_LINE)
			line_r[length++] = octet;
	}
	while (length > 0 && strchr(" \t\r", line_r[length - 1]) != NULL)
		length--;
	line_r[length] = '\0';
	return true;
}

bool
ask_line(const struct ctl *ctl, const char *question, const char *usual,
    char line_r[ASK_LINE])
{
	char *clean = text_clean(question, TEXT_KEEP_LINES);

	fflush(ctl->out);
	fprintf(ctl->err, "%s", clean != NULL ? clean : "");
	if (usual != NULL)
		fprintf(ctl->err, " [%s]", usual);
	fprintf(ctl->err, ": ");
	fflush(ctl->err);
	free(clean);
	if (!ask_read(line_r)) {
		fprintf(ctl->err, "\n");
		return false;
	}
	if (line_r[0] == '\0' && usual != NULL)
		(void)snprintf(line_r, ASK_LINE, "%s", usual);
	return true;
}

enum ask_answer
ask_yes(const struct ctl *ctl, const char *question, enum ask_answer usual)
{
	char line[ASK_LINE];

	for (;;) {
		if (!ask_line(
			ctl, question, usual == ASK_YES ? "Y/n" : "y/N", line))
			return ASK_END;
		if (strcmp(line, "Y/n") == 0 || strcmp(line, "y/N") == 0)
			return usual;
		if (strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0)
			return ASK_YES;
		if (strcasecmp(line, "n") == 0 || strcasecmp(line, "no") == 0)
			return ASK_NO;
	}
}

#include "daemon/log/line.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/base/text.h"

#define STAMP_SIZE 32

/* Priorities of syslog(3), which the journal uses too. */
static const struct {
	const char *name;
	int priority;
} levels[] = {
	[LOG_LEVEL_ERROR] = { "error", 3 },
	[LOG_LEVEL_WARNING] = { "warning", 4 },
	[LOG_LEVEL_INFO] = { "info", 6 },
	[LOG_LEVEL_DEBUG] = { "debug", 7 },
};

int
log_level_priority(enum log_level level)
{
	return levels[level].priority;
}

/* ---- a line under way ---- */

struct writing {
	char *line;
	size_t length;
};

/* There is always room: each text is bounded. */
static void
line_add(struct writing *writing, const char *text, size_t length)
{
	size_t room = LINE_SIZE - 2 - writing->length;

	if (length > room)
		length = room;
	memcpy(writing->line + writing->length, text, length);
	writing->length += length;
}

static void
line_add_text(struct writing *writing, const char *text)
{
	line_add(writing, text, strlen(text));
}

static size_t
line_end(struct writing *writing)
{
	writing->line[writing->length++] = '\n';
	writing->line[writing->length] = '\0';
	return writing->length;
}

static void
line_stamp(int64_t time_ms, char stamp_r[STAMP_SIZE])
{
	time_t seconds = (time_t)(time_ms / 1000);
	size_t length;
	struct tm tm;

	gmtime_r(&seconds, &tm);
	length = strftime(stamp_r, STAMP_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(stamp_r + length, STAMP_SIZE - length, ".%03dZ",
	    (int)(time_ms % 1000));
}

/* ---- plain ---- */

/* What a terminal cannot show, or a line end, is '?'. */
static void
line_add_printable(struct writing *writing, const char *text)
{
	char clean[LINE_TEXT_SIZE];
	size_t length;

	length = evpop_text_printable(clean, sizeof clean, text, strlen(text));
	line_add(writing, clean, length);
}

size_t
log_line_plain(const struct log_line *line, char line_r[LINE_SIZE])
{
	struct writing writing = { line_r, 0 };
	char stamp[STAMP_SIZE];

	line_stamp(line->time_ms, stamp);
	line_add_text(&writing, stamp);
	line_add_text(&writing, " ");
	line_add_text(&writing, levels[line->level].name);
	line_add_text(&writing, ": ");
	if (line->about.account != NULL) {
		line_add_printable(&writing, line->about.account);
		line_add_text(&writing, ": ");
	}
	line_add_printable(&writing, line->text);
	return line_end(&writing);
}

/* ---- JSON ---- */

/* RFC 8259 section 7; what is not UTF-8 is U+FFFD. */
static void
line_add_escaped(struct writing *writing, const char *text)
{
	size_t length = strnlen(text, LINE_TEXT_SIZE), step;
	uint32_t code_point;
	char escape[8];

	for (; length > 0; text += step, length -= step) {
		step = evpop_text_decode(text, length, &code_point);
		if (step == 0) {
			step = 1;
			line_add_text(writing, "\xef\xbf\xbd");
		} else if (*text == '"' || *text == '\\') {
			line_add_text(writing, "\\");
			line_add(writing, text, 1);
		} else if (code_point < 0x20 || code_point == 0x7f ||
			   (code_point >= 0x80 && code_point < 0xa0)) {
			(void)snprintf(escape, sizeof escape, "\\u%04x",
			    (unsigned)code_point);
			line_add_text(writing, escape);
		} else {
			line_add(writing, text, step);
		}
	}
}

static void
line_add_member(struct writing *writing, const char *name, const char *value)
{
	if (value == NULL)
		return;
	line_add_text(writing, writing->length == 0 ? "{\"" : ",\"");
	line_add_text(writing, name);
	line_add_text(writing, "\":\"");
	line_add_escaped(writing, value);
	line_add_text(writing, "\"");
}

size_t
log_line_json(const struct log_line *line, char line_r[LINE_SIZE])
{
	struct writing writing = { line_r, 0 };
	char stamp[STAMP_SIZE];

	line_stamp(line->time_ms, stamp);
	line_add_member(&writing, "time", stamp);
	line_add_member(&writing, "level", levels[line->level].name);
	line_add_member(&writing, "account", line->about.account);
	line_add_member(&writing, "host", line->about.host);
	line_add_member(&writing, "class", line->about.failure);
	line_add_member(&writing, "message", line->text);
	line_add_text(&writing, "}");
	return line_end(&writing);
}

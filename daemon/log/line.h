/*
 * A log entry as a line: plain, or an object of JSON.  Whatever is in it, there
 * is one line, and it is UTF-8.
 */
#ifndef LOG_LINE_H
#define LOG_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/log/log.h"

/* Of the text; more is cut. */
#define LINE_TEXT_SIZE 1024

/* A control becomes six characters, and there are four texts. */
#define LINE_SIZE (6 * 4 * LINE_TEXT_SIZE + 256)

struct log_line {
	enum log_level level;
	int64_t time_ms; /* Unix time */
	struct log_about about;
	const char *text;
};

/* The priority of syslog(3). */
int log_level_priority(enum log_level);

/* Write it with its end; returns the length. */
size_t log_line_plain(const struct log_line *, char line_r[LINE_SIZE]);
size_t log_line_json(const struct log_line *, char line_r[LINE_SIZE]);

#endif

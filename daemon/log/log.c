#include "daemon/log/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/log/journal.h"
#include "daemon/log/line.h"
#include "lib/base/clock.h"

static atomic_int threshold = LOG_LEVEL_INFO;
static atomic_int chosen = LOG_FORMAT_AUTO;

void
log_set_level(enum log_level level)
{
	atomic_store(&threshold, (int)level);
}

void
log_set_format(enum log_format format)
{
	atomic_store(&chosen, (int)format);
}

/* Whether it is in the journal. */
static bool
log_to_journal(const struct log_line *line, enum log_format format)
{
	switch (format) {
	case LOG_FORMAT_AUTO:
		return journal_hears() && journal_write(line);
	case LOG_FORMAT_JOURNAL:
		return journal_write(line);
	case LOG_FORMAT_PLAIN:
	case LOG_FORMAT_JSON:
		break;
	}
	return false;
}

/* One write for a line, so that lines of threads do not mix. */
static void
log_to_stderr(const struct log_line *line, enum log_format format)
{
	char text[LINE_SIZE];
	size_t length;
	ssize_t written;

	length = format == LOG_FORMAT_JSON ? log_line_json(line, text)
					   : log_line_plain(line, text);
	/* Where standard error is gone there is nobody left to tell. */
	written = write(STDERR_FILENO, text, length);
	(void)written;
}

static void __attribute__((format(printf, 3, 0)))
log_write_arguments(enum log_level level, const struct log_about *about,
    const char *words, va_list arguments)
{
	enum log_format format = (enum log_format)atomic_load(&chosen);
	char text[LINE_TEXT_SIZE];
	const struct log_line line = {
		.level = level,
		.time_ms = evpop_clock_unix_ms(),
		.about = *about,
		.text = text,
	};

	if ((int)level > atomic_load(&threshold))
		return;
	vsnprintf(text, sizeof text, words, arguments);
	if (!log_to_journal(&line, format))
		log_to_stderr(&line, format);
}

void
log_write(enum log_level level, const char *account, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_write_arguments(level, &(struct log_about){ .account = account },
	    format, arguments);
	va_end(arguments);
}

void
log_write_about(enum log_level level, const struct log_about *about,
    const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	log_write_arguments(level, about, format, arguments);
	va_end(arguments);
}

#include "daemon/config/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/text.h"

static void
report_append(struct config_report *report, char *text)
{
	struct config_messages *messages = &report->messages;
	size_t length;
	char **lines = NULL;

	if (text != NULL)
		lines = evpop_array_grow(messages->lines, messages->count,
		    &report->capacity, sizeof(*lines));
	if (lines == NULL) {
		free(text);
		report->no_memory = true;
		return;
	}
	messages->lines = lines;
	length = strlen(text);
	(void)evpop_text_printable(text, length + 1, text, length);
	messages->lines[messages->count++] = text;
}

static void __attribute__((format(printf, 5, 0)))
report_add(struct config_report *report, const char *file, unsigned line,
    const char *mark, const char *format, va_list arguments)
{
	char place[16] = "", *text = NULL, *what = NULL;

	if (report->messages.count > CONFIG_MESSAGES_MAX)
		return;
	if (report->messages.count == CONFIG_MESSAGES_MAX) {
		if (asprintf(&text,
			"%s: %stoo many mistakes; the others are not shown",
			file, mark) < 0)
			text = NULL;
		report_append(report, text);
		return;
	}
	if (vasprintf(&what, format, arguments) < 0)
		what = NULL;
	if (line != 0)
		(void)snprintf(place, sizeof(place), ":%u", line);
	if (what != NULL &&
	    asprintf(&text, "%s%s: %s%s", file, place, mark, what) < 0)
		text = NULL;
	free(what);
	report_append(report, text);
}

void
config_report_error(struct config_report *report, const char *file,
    unsigned line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report->messages.errors++;
	report_add(report, file, line, "", format, arguments);
	va_end(arguments);
}

void
config_report_warning(struct config_report *report, const char *file,
    unsigned line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report_add(report, file, line, "warning: ", format, arguments);
	va_end(arguments);
}

void
config_report_no_memory(struct config_report *report)
{
	report->no_memory = true;
}

size_t
config_report_errors(const struct config_report *report)
{
	return report->messages.errors;
}

struct config_messages
config_report_finish(struct config_report *report, const char *file)
{
	if (report->no_memory)
		config_report_error(report, file, 0, "not enough memory");
	return report->messages;
}

void
config_messages_free(struct config_messages *messages)
{
	for (size_t i = 0; i < messages->count; i++)
		free(messages->lines[i]);
	free(messages->lines);
	*messages = (struct config_messages){ 0 };
}

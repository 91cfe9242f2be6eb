#include "daemon/config/report.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/array.h"
#include "lib/base/text.h"

static bool
make_room(struct config_report *report)
{
	struct config_messages *messages = &report->messages;
	char **lines = evpop_array_grow(
	    messages->lines, messages->count, &report->capacity, sizeof *lines);

	if (lines != NULL)
		messages->lines = lines;
	return lines != NULL;
}

static void
append(struct config_report *report, char *text)
{
	size_t length;

	if (text == NULL || !make_room(report)) {
		free(text);
		report->no_memory = true;
		return;
	}
	length = strlen(text);
	(void)evpop_text_printable(text, length + 1, text, length);
	report->messages.lines[report->messages.count++] = text;
}

static void __attribute__((format(printf, 5, 0)))
add(struct config_report *report, const char *file, unsigned line,
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
		append(report, text);
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
	append(report, text);
}

void
config_report_error(struct config_report *report, const char *file,
    unsigned line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	report->messages.errors++;
	add(report, file, line, "", format, arguments);
	va_end(arguments);
}

void
config_report_warning(struct config_report *report, const char *file,
    unsigned line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	add(report, file, line, "warning: ", format, arguments);
	va_end(arguments);
}

void
config_messages_free(struct config_messages *messages)
{
	for (size_t i = 0; i < messages->count; i++)
		free(messages->lines[i]);
	free(messages->lines);
	*messages = (struct config_messages){ 0 };
}

#include "daemon/log/journal.h"

#ifdef EVPOPD_SYSTEMD

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

/* This file is not where the entry comes from. */
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "lib/base/text.h"

#define FIELDS 5

/* A field's name and "=" before its value. */
#define FIELD_SIZE (2 * LINE_TEXT_SIZE + 64)

struct fields {
	char texts[FIELDS][FIELD_SIZE];
	struct iovec list[FIELDS];
	int count;
};

/*
 * As systemd.exec(5) says to find out: the variable alone is inherited by what
 * is started with its output elsewhere.
 */
bool
journal_hears(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char here[64];
	struct stat status;

	if (stream == NULL || fstat(STDERR_FILENO, &status) != 0)
		return false;
	snprintf(here, sizeof here, "%ju:%ju", (uintmax_t)status.st_dev,
	    (uintmax_t)status.st_ino);
	return strcmp(stream, here) == 0;
}

/* Nothing where the second part of the value is NULL. */
static void
fields_add(struct fields *fields, const char *name, const char *first,
    const char *second)
{
	char *text = fields->texts[fields->count];
	size_t length;
	int begin;

	if (second == NULL)
		return;
	begin = snprintf(text, FIELD_SIZE, "%s=", name);
	snprintf(text + begin, FIELD_SIZE - (size_t)begin, "%s%s%s",
	    first != NULL ? first : "", first != NULL ? ": " : "", second);
	length = (size_t)begin + evpop_text_printable(text + begin,
				     FIELD_SIZE - (size_t)begin, text + begin,
				     strlen(text + begin));
	fields->list[fields->count++] = (struct iovec){ text, length };
}

bool
journal_write(const struct log_line *line)
{
	struct fields fields = { .count = 0 };
	char priority[16];

	snprintf(
	    priority, sizeof priority, "%d", log_level_priority(line->level));
	fields_add(&fields, "MESSAGE", line->about.account, line->text);
	fields_add(&fields, "PRIORITY", NULL, priority);
	fields_add(&fields, "EVPOP_ACCOUNT", NULL, line->about.account);
	fields_add(&fields, "EVPOP_HOST", NULL, line->about.host);
	fields_add(&fields, "EVPOP_CLASS", NULL, line->about.failure);
	return sd_journal_sendv(fields.list, fields.count) == 0;
}

#else

bool
journal_hears(void)
{
	return false;
}

bool
journal_write(const struct log_line *line)
{
	(void)line;
	return false;
}

#endif

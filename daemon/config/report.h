/*
 * Collects what is wrong with a configuration, each with its place.  Texts
 * that come from files are made printable here.
 */
#ifndef CONFIG_REPORT_H
#define CONFIG_REPORT_H

#include <stdbool.h>

#include "daemon/config/config.h"

/* Zeroed: nothing is wrong.  All of it is private. */
struct config_report {
	struct config_messages messages;
	size_t capacity;
	bool no_memory; /* a message was lost, or the reading itself failed */
};

/*
 * More are counted, not kept: a file of another kind read by mistake must not
 * fill the memory.
 */
#define CONFIG_MESSAGES_MAX 10000

/* Where the report is about. */
struct config_report_place {
	struct config_report *report;
	const char *file;
	unsigned line;
};

/* A line of 0 stands for the file as a whole. */
void config_report_error(struct config_report *, const char *file,
    unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void config_report_warning(struct config_report *, const char *file,
    unsigned line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The reading itself has failed. */
void config_report_no_memory(struct config_report *);

/* How many errors there are so far. */
size_t config_report_errors(const struct config_report *);

/* The messages so far, and of `file` that memory was lacking if it was. */
struct config_messages config_report_finish(
    struct config_report *, const char *file);

#endif

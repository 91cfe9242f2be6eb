/*
 * What every command of evpopctl works with: the daemon's socket, the
 * terminal or file it writes to, and how it ends.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes, from sysexits.h; the manual says what each stands for. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_TROUBLE = 1, /* it is told of something that does not work */
	CTL_USAGE = 64,
	CTL_DATA = 65,
	CTL_NOT_FOUND = 66,
	CTL_UNAVAILABLE = 69,
	CTL_SOFTWARE = 70,
	CTL_IO = 74,
	CTL_TEMPORARY = 75,
	CTL_PROTOCOL = 76,
	CTL_NO_PERMISSION = 77,
	CTL_CONFIG = 78
};

struct http;

struct ctl {
	const char *socket;
	bool json;
	/* Of `out`. */
	bool is_terminal, colour;
	size_t width; /* columns; 0: no limit */
	FILE *out, *err;
	struct http *http;
};

/* Look at standard output and the environment; false without memory. */
bool ctl_begin(struct ctl *ctl_r) __attribute__((warn_unused_result));

/*
 * Flush; `code`, or what a failed write makes of it.  A reader that went away
 * is no news to print.
 */
enum ctl_exit ctl_end(struct ctl *, enum ctl_exit code);

/* "evpopctl: ..." on standard error, made safe for a terminal. */
void ctl_warn(const struct ctl *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A line of help below it; nothing for "" and NULL. */
void ctl_hint(const struct ctl *, const char *hint);

/* Print the API's JSON: indented for a terminal, else on one line. */
enum ctl_exit ctl_print_json(struct ctl *, const json_t *);

/* "Label    value", the value made safe; nothing for a NULL value. */
void ctl_print_detail(struct ctl *, const char *label, const char *value);

/* Members of the API's objects; NULL and 0 where there is none. */
const char *ctl_text(const json_t *object, const char *name);
uint64_t ctl_count(const json_t *object, const char *name);

/* A time of the API's for people: how long ago on a terminal; "-" for none. */
#define CTL_TIME_SIZE 40
const char *ctl_time(const struct ctl *, const json_t *object, const char *name,
    char text_r[CTL_TIME_SIZE]);

#endif

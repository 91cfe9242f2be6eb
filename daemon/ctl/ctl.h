/*
 * What every command of evpopctl uses: the terminal or file it writes to, its
 * messages, and how it exits.
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
	CTL_TROUBLE = 1, /* `status` shows a failure */
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

struct client;

struct ctl {
	const char *socket;
	bool json;
	/* Where the passphrase of a key comes from: standard input, usually. */
	int passphrase_fd;
	/* Of `out`. */
	bool is_terminal, colour;
	size_t width; /* columns; 0: no limit */
	FILE *out, *err;
	struct client *client;
};

/* Look at standard output and the environment. */
void ctl_begin(struct ctl *ctl_r);

/*
 * Flush the output.  Returns `code`, or CTL_IO after a failed write, which is
 * reported unless the reader of a pipe has gone.
 */
enum ctl_exit ctl_end(const struct ctl *, enum ctl_exit code);

/* Whether the output is a pipe that nobody reads any more. */
bool ctl_reader_is_gone(const struct ctl *);

/* The same, with another output. */
struct ctl ctl_with_output(const struct ctl *, FILE *out);

/* "evpopctl: ..." on standard error, made safe for a terminal. */
void ctl_warn(const struct ctl *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* A line of help below it; nothing for "" and NULL. */
void ctl_hint(const struct ctl *, const char *hint);
/*
 * What a command of evpopctl's that may be typed next begins with: "sudo ",
 * where this one did, else "".  The second one is for text that is printed
 * from here on: "" where no such command begins.  Hints have it already.
 */
const char *ctl_sudo(void);
const char *ctl_sudo_before(const char *text);
/* What to do where a file may not be read or written; nothing for root. */
void ctl_hint_sudo(const struct ctl *);
/* Says so; CTL_TEMPORARY. */
enum ctl_exit ctl_no_memory(const struct ctl *);

/* Keep the first failure of several as the exit code. */
void ctl_keep_first(enum ctl_exit *first, enum ctl_exit code);

/* Print the API's JSON: indented for a terminal, else on one line. */
enum ctl_exit ctl_print_json(const struct ctl *, const json_t *);
/* Always on one line. */
enum ctl_exit ctl_print_json_line(const struct ctl *, const json_t *);

/*
 * Members of the API's objects; "stored.bytes" is one of an object inside.
 * NULL and 0 where there is none.
 */
const json_t *ctl_member(const json_t *object, const char *name);
const char *ctl_text(const json_t *object, const char *name);
uint64_t ctl_count(const json_t *object, const char *name);
/* Whether the member equals the text. */
bool ctl_is(const json_t *object, const char *name, const char *text);

#endif

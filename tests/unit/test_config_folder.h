/*
 * A temporary folder of configuration files for a test, and what reading them
 * says.
 */
#ifndef TEST_CONFIG_FOLDER_H
#define TEST_CONFIG_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "daemon/config/config.h"

struct folder {
	char path[64];
	char main[96]; /* main.conf in it */
};

/* For cmocka: *state is a struct folder. */
int folder_set_up(void **state);
int folder_tear_down(void **state);

/* Whether folder_expect() looks for files that keys name; set_up: false. */
extern bool folder_looks_for_files;

/* Makes or replaces a file; a name may begin with the folder "d/". */
void folder_write(const struct folder *, const char *name, const void *bytes,
    size_t length, mode_t mode);
/* The same for text, of mode 0600. */
void folder_write_text(
    const struct folder *, const char *name, const char *text);

/* Reads main.conf, which must be without mistakes, or fails the test. */
struct config *folder_read(const struct folder *);

/*
 * Reads main.conf.  Its messages, a line each, with "F" for its path and "D"
 * for the folder's, must be what is expected; so must be whether there is a
 * config.
 */
void folder_expect(const struct folder *, const char *expected);

/* What main.conf holds, and what is expected of it. */
struct row {
	const char *text, *expected;
};
void folder_expect_rows(
    const struct folder *, const struct row *, size_t count);
/* For cmocka's state and an array. */
#define EXPECT_ROWS(state, rows) \
	folder_expect_rows(*(state), rows, sizeof(rows) / sizeof((rows)[0]))

#endif

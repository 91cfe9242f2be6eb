/*
 * A file that appears whole or not at all: written beside its name, synced,
 * and renamed.  What is there already is replaced only on demand; but a device
 * or a pipe is written to.
 */
#ifndef CTL_FILES_H
#define CTL_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct new_file {
	int fd;
	const char *path; /* borrowed */
	char *temporary;  /* NULL: what is there is no regular file */
	bool replaces;    /* what is there by that name */
	int failure;      /* errno of the first that failed; 0: none */
};

/* False with `failure` set: EEXIST where something is there. */
bool new_file_open(struct new_file *file_r, const char *path, bool replaces)
    __attribute__((warn_unused_result));
bool new_file_write(struct new_file *, const char *bytes, size_t length)
    __attribute__((warn_unused_result));
/* Give the file its name; false with `failure` set, and nothing is left. */
bool new_file_finish(struct new_file *) __attribute__((warn_unused_result));
/* Leave nothing behind. */
void new_file_discard(struct new_file *);

#endif

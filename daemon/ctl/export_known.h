/*
 * The files of an export in one folder: how they are named, and which of them
 * an earlier run has left.
 */
#ifndef CTL_EXPORT_KNOWN_H
#define CTL_EXPORT_KNOWN_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/ctl/export.h"

/* A name holds a message's id, and as much of its digest as tells it apart. */
#define EXPORT_NAME_SIZE 96

/* "1764482000.evpop12_0123456789abcdef" of a Maildir. */
void export_name_maildir(
    const struct export_message *, char name_r[EXPORT_NAME_SIZE]);
/* The same with an ending that tells what is in it: ".sealed" or ".eml". */
void export_name_sealed(
    const struct export_message *, char name_r[EXPORT_NAME_SIZE]);
/* "12-0123456789abcdef.eml" */
void export_name_eml(
    const struct export_message *, char name_r[EXPORT_NAME_SIZE]);

struct export_known {
	struct export_known_file *files;
	size_t count, room;
};

/*
 * Read the names in a folder; those of other files are ignored, a folder that
 * is missing has none.  False with errno.
 */
bool export_known_read(struct export_known *, const char *folder)
    __attribute__((warn_unused_result));
/* Once all folders are read. */
void export_known_sort(struct export_known *);
enum export_presence export_known_find(
    const struct export_known *, const struct export_message *);
void export_known_free(struct export_known *);

/* Remove what a run that was cut has left unfinished; false with errno. */
bool export_remove_unfinished(const char *folder)
    __attribute__((warn_unused_result));

/* Unfinished files are named so, and then as the message. */
#define EXPORT_UNFINISHED ".evpopctl-"

#endif

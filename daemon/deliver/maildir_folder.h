/*
 * A folder of mail in the form of Maildir++: one with tmp, new and cur in it,
 * made where it is missing, and those that it is made of.
 */
#ifndef DELIVER_MAILDIR_FOLDER_H
#define DELIVER_MAILDIR_FOLDER_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/deliver/filing.h"
#include "daemon/deliver/path.h"

struct maildir_folder {
	char *path;        /* with the sub-folder, if it is one */
	int root;          /* the Maildir itself */
	int tmp, new, cur; /* as those of `path` */
	dev_t device;
	struct path_owner owner; /* of what is made in it */
};

/*
 * Open that of the letter's path and folder, or make it: below the part of the
 * path that all accounts have in common, which must be there.  False: the
 * letter has its fate.
 */
bool maildir_folder_open(struct maildir_folder *, const struct filing_options *,
    const struct letter *) __attribute__((warn_unused_result));
void maildir_folder_close(struct maildir_folder *);

/* The path of a file in "new" or "cur", for free(); NULL without memory. */
char *maildir_folder_place(
    const struct maildir_folder *, const char *part, const char *name);

#endif

/*
 * The folders on the way to a Maildir or an mbox: what all accounts of a
 * template have in common must be there, so that a typing error makes no
 * folders; what is behind that is made.
 */
#ifndef DELIVER_PATH_H
#define DELIVER_PATH_H

#include <sys/types.h>

#include <stdbool.h>

#include "daemon/deliver/filing.h"

/* Whose it is to be; (uid_t)-1: our own. */
struct path_owner {
	uid_t uid;
	gid_t gid;
};

/*
 * Root delivers for whom a folder belongs to; anybody else has no choice.  The
 * owner stays as it is for us and where there is no such path.
 */
void path_find_owner(const char *path, struct path_owner *owner);
/* That of the folder that the path is in. */
void path_find_owner_above(const char *path, struct path_owner *owner);

/* One folder, durable; `mode` is that of files in it.  False with errno. */
bool path_make_folder(const char *path, mode_t mode, const struct path_owner *)
    __attribute__((warn_unused_result));

/*
 * All that are missing up to the path, which is a folder itself or a file.
 * False: the letter has its fate.
 */
bool path_make(const char *path, bool is_file, const struct filing_options *,
    const struct letter *, struct path_owner *)
    __attribute__((warn_unused_result));

/* The folder that the path is in, for free(); NULL without memory. */
char *path_above(const char *path) __attribute__((warn_unused_result));

/* Make a name in the path's folder durable.  False with errno. */
bool path_sync_above(const char *path) __attribute__((warn_unused_result));

/*
 * A letter has failed by itself: where the path is a template, and nobody's can
 * be reached, that is the fate of the target as a whole.
 */
void path_check_common(const struct filing_options *, const struct letter *);

/* Of a template: the letter's fate says whether something can be made there. */
void path_probe(const struct filing_options *, const struct letter *);

#endif

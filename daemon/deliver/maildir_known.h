/*
 * Which messages are in a Maildir already: put there before a crash, by an
 * attempt of which nothing is known.  Who reads the mail moves files from new
 * to cur and gives them flags, so it takes a look at all names; what was seen
 * is kept, within a bound, so that many messages need one look.
 */
#ifndef DELIVER_MAILDIR_KNOWN_H
#define DELIVER_MAILDIR_KNOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct maildir_folder;
struct maildir_known;

/* A key of a parcel, and the name of its file. */
#define MAILDIR_NAME 160
void maildir_name(
    const char *key, int64_t stored_ms, char name_r[MAILDIR_NAME]);

struct maildir_wanted {
	const char *key;
	bool is_there;
};

/* NULL without memory. */
struct maildir_known *maildir_known_new(void)
    __attribute__((warn_unused_result));
void maildir_known_free(struct maildir_known *);

/*
 * Look for keys in "new" and "cur"; `is_fresh`: not in what was seen before.
 * False with errno.
 */
bool maildir_known_find(struct maildir_known *, const struct maildir_folder *,
    bool is_fresh, struct maildir_wanted *, size_t count)
    __attribute__((warn_unused_result));

#endif

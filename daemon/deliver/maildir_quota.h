/*
 * The quota of a Maildir, as Maildir++ keeps it: "maildirsize" says what may be
 * there, and is added to by whoever adds a message.
 */
#ifndef DELIVER_MAILDIR_QUOTA_H
#define DELIVER_MAILDIR_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct maildir_quota {
	int64_t most_octets, most_messages; /* 0: no limit */
	int64_t octets, messages;
};

/*
 * Read it; without limits where there is no file.  A file that says that all is
 * used up and may be wrong is made anew, from the messages that are there.
 * `more` octets are to be added.
 */
void maildir_quota_read(
    int root, int64_t more, int64_t now_ms, struct maildir_quota *quota_r);

/* Whether a message of so many octets can be added. */
bool maildir_quota_has_room(const struct maildir_quota *, int64_t octets);

/* Say in the file that so much was added. */
void maildir_quota_add(int root, int64_t octets, int64_t messages);

#endif

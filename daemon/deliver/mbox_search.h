/*
 * Whether a message is in an mbox already: by the line X-Evpop-Id in its
 * header, and by nothing that a message may say in its text.
 */
#ifndef DELIVER_MBOX_SEARCH_H
#define DELIVER_MBOX_SEARCH_H

#include <stdbool.h>
#include <sys/types.h>

#include "daemon/deliver/parcel.h"

struct mbox_found {
	bool is_there;
	off_t begin, end; /* of the message, if it is */
	/* Where the file's last message begins, or what may be one cut short.
	 */
	off_t tail;
	bool is_last; /* it is that one */
};

/*
 * From this place on, which is that of a message's beginning if the file was
 * not written anew since; else, or if it is not found there, from the first.
 * False with errno.
 */
bool mbox_search(int fd, off_t from, const char *key,
    struct mbox_found *found_r) __attribute__((warn_unused_result));

#endif

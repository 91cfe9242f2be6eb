/*
 * The lock of an mbox, as readers and other programs that deliver take it: a
 * file beside it, and one of fcntl(2).
 */
#ifndef DELIVER_MBOX_LOCK_H
#define DELIVER_MBOX_LOCK_H

#include <stdbool.h>

#include "daemon/deliver/filing.h"

struct mbox_lock {
	char *path; /* of the file beside it; NULL: there is none */
};

/*
 * Lock the open file of this path; waits a while for who has it.  Where no file
 * can be made beside it, fcntl's lock has to do.  False: the letter has its
 * fate.
 */
bool mbox_lock_take(struct mbox_lock *, const char *path, int fd,
    const struct filing_options *, const struct letter *)
    __attribute__((warn_unused_result));

/* That of fcntl(2) goes when the file is closed: afterwards. */
void mbox_lock_give(struct mbox_lock *);

#endif

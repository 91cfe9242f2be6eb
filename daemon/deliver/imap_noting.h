/*
 * Notes durably where messages are about to be put, before they go.
 */
#ifndef DELIVER_IMAP_NOTING_H
#define DELIVER_IMAP_NOTING_H

#include "daemon/deliver/imap_queue.h"

struct imap_noting;

/*
 * Of all that go to the folder; those that cannot be noted are settled.  `done`
 * runs once, maybe from inside imap_noting_begin(), and may free it.  All is
 * borrowed.  NULL without memory.
 */
struct imap_noting *imap_noting_new(const struct imap_folder *,
    const struct imap_queue *, void (*done)(void *arg), void *arg)
    __attribute__((warn_unused_result));
void imap_noting_begin(struct imap_noting *);
/* Sets the pointer to NULL, which it may be. */
void imap_noting_free(struct imap_noting **);

#endif

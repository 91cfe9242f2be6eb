/*
 * Looks for messages that may be there from earlier attempts, in one folder: by
 * their keys, among what the folder has gained since they were noted; in all of
 * it where it is another folder than it was then.
 */
#ifndef DELIVER_IMAP_LOOK_H
#define DELIVER_IMAP_LOOK_H

#include "daemon/deliver/imap_link.h"
#include "daemon/deliver/imap_queue.h"

struct imap_look;

/* The line in front of messages by which they are found. */
#define IMAP_KEY_FIELD "X-Evpop-Id"

struct imap_look_handler {
	/*
	 * Over: what was found is settled, other items are marked; all but
	 * those for whose sake it is to be looked again after so many ms (0:
	 * there are none).
	 */
	void (*done)(int64_t wait_ms, void *arg);
	/* The server does not let us look: DOWN or WRONG. */
	void (*refused)(const struct imap_verdict *, void *arg);
};

/* Whether there is anything to look for. */
bool imap_look_is_needed(const struct imap_queue *);

/* All is borrowed.  NULL without memory. */
struct imap_look *imap_look_new(struct imap_link *, struct imap_queue *,
    const struct imap_look_handler *, void *arg)
    __attribute__((warn_unused_result));
/* May free it, as any handler may. */
void imap_look_reply(struct imap_look *, const struct imap_reply *);
/* Sets the pointer to NULL, which it may be. */
void imap_look_free(struct imap_look **);

#endif

/*
 * Makes sure that a folder is there: asks for what UIDs it has, and makes it,
 * subscribed, where it is missing.
 */
#ifndef DELIVER_IMAP_MAILBOX_H
#define DELIVER_IMAP_MAILBOX_H

#include "daemon/deliver/imap_link.h"

struct imap_mailbox;

enum imap_mailbox_wish {
	IMAP_MAILBOX_LOOK = 0, /* do not make it */
	IMAP_MAILBOX_FIND,     /* make it where it is missing */
	IMAP_MAILBOX_MAKE      /* it is missing: the server said so */
};

/* One of these runs once; then it may be freed, another command given. */
struct imap_mailbox_handler {
	void (*found)(const struct imap_state *, void *arg);
	/* Only of LOOK. */
	void (*missing)(void *arg);
	void (*refused)(const struct imap_reply *, void *arg);
};

/* All is borrowed.  NULL without memory. */
struct imap_mailbox *imap_mailbox_new(struct imap_link *, const char *sent,
    enum imap_mailbox_wish, const struct imap_mailbox_handler *, void *arg)
    __attribute__((warn_unused_result));
void imap_mailbox_reply(struct imap_mailbox *, const struct imap_reply *);
/* Sets the pointer to NULL, which it may be. */
void imap_mailbox_free(struct imap_mailbox **);

#endif

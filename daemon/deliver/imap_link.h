/*
 * A connection to a server of IMAP, from the first octet until messages can be
 * brought: greeting, capabilities, STARTTLS, log-in, how folders are named.
 * Then its owner gives commands, one at a time.
 *
 * Handlers run from the loop, never from inside a call; in any of them the link
 * may be freed.
 */
#ifndef DELIVER_IMAP_LINK_H
#define DELIVER_IMAP_LINK_H

#include "daemon/deliver/imap_data.h"
#include "daemon/deliver/imap_wire.h"

struct imap_link;

struct imap_link_handler {
	/* Logged in; commands may be given. */
	void (*ready)(void *arg);
	/*
	 * What comes after that: data, continuations, and the end of the
	 * owner's command, tagged, behind which another may be given.
	 */
	void (*reply)(const struct imap_reply *, void *arg);
	/* It is over, DOWN or WRONG, and why; nothing follows. */
	void (*failed)(const struct imap_verdict *, void *arg);
};

/* Setup and handler are borrowed.  NULL without memory. */
struct imap_link *imap_link_new(
    const struct carrier_setup *, const struct imap_link_handler *, void *arg)
    __attribute__((warn_unused_result));
/* Sets the pointer to NULL, which it may be; polite where that takes no time.
 */
void imap_link_free(struct imap_link **);

const struct imap_capabilities *imap_link_capabilities(
    const struct imap_link *);
const struct imap_naming *imap_link_naming(const struct imap_link *);

/* For commands, once it is ready. */
struct imap_wire *imap_link_wire(struct imap_link *);

#endif

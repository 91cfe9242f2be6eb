/*
 * One APPEND with its messages: several where the server takes all of them or
 * none (RFC 3502), without waiting for each where it allows that (RFC 7888).
 */
#ifndef DELIVER_IMAP_APPEND_H
#define DELIVER_IMAP_APPEND_H

#include "daemon/deliver/imap_link.h"
#include "daemon/deliver/imap_queue.h"

/* A larger one goes alone: it is often refused, and takes its time. */
#define IMAP_COMPANY_MOST ((uint64_t)256 * 1024)

struct imap_append;

enum imap_appended {
	/* Settled, or marked to go alone: go on. */
	IMAP_APPENDED = 0,
	/* The folder is not there; nothing is settled. */
	IMAP_APPENDED_MISSING,
	/* Nothing can be appended now; nothing is settled, see the verdict. */
	IMAP_APPENDED_DOWN
};

struct imap_append_handler {
	void (*done)(
	    enum imap_appended, const struct imap_verdict *, void *arg);
	/* It has: so many, with UIDs below this one (0: it does not say). */
	void (*delivered)(
	    size_t count, const struct imap_state *after, void *arg);
};

/* Whether anything is queued for the folder, and noted. */
bool imap_append_is_possible(
    const struct imap_folder *, const struct imap_queue *);

/*
 * Of what is queued for the folder and noted, which is not nothing.  All is
 * borrowed.  NULL without memory.
 */
struct imap_append *imap_append_new(struct imap_link *,
    const struct imap_folder *, struct imap_queue *,
    const struct imap_append_handler *, void *arg)
    __attribute__((warn_unused_result));
/* May free it, as any handler may. */
void imap_append_reply(struct imap_append *, const struct imap_reply *);

/* The server has half of a message: the link is of no use any more. */
bool imap_append_has_half(const struct imap_append *);
/* All is written, so that the messages may be there. */
bool imap_append_is_whole(const struct imap_append *);
/*
 * The connection was lost.  These, and only these, are tried again each by
 * itself: should one be what the server fails at, others go on.
 */
void imap_append_lose(struct imap_append *, const struct imap_verdict *);

/* Sets the pointer to NULL, which it may be. */
void imap_append_free(struct imap_append **);

#endif

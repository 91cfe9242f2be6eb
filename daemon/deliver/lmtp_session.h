/*
 * A connection to a server of LMTP (RFC 2033): opened as the target says, with
 * greeting, LHLO, STARTTLS and log-in; from then on commands of its owner, and
 * replies to them in their order.
 *
 * Handlers run from the loop; the session may be freed in any.
 */
#ifndef DELIVER_LMTP_SESSION_H
#define DELIVER_LMTP_SESSION_H

#include "daemon/deliver/carrier.h"
#include "daemon/deliver/lmtp_reply.h"
#include "daemon/deliver/talk.h"

struct lmtp_session;

/* Commands that may be unanswered: a message, RSET, MAIL, RCPT and DATA. */
#define LMTP_AHEAD 8

struct lmtp_handler {
	/* Mail may be sent; in words to whom. */
	void (*ready)(const char *server, void *arg);
	/* The oldest that was expected is answered; borrowed. */
	void (*replied)(enum lmtp_step, const struct lmtp_reply *, void *arg);
	/* As talk_send() has it. */
	void (*sent)(bool is_whole, void *arg);
	/* It is of no use any more: while opening, or when it was ready. */
	void (*failed)(enum carried, const char *why, void *arg);
	void (*lost)(const char *why, void *arg);
};

/* Begins to connect.  Setup and handler are borrowed.  NULL without memory. */
struct lmtp_session *lmtp_session_new(const struct carrier_setup *,
    const struct lmtp_handler *, void *arg) __attribute__((warn_unused_result));

const struct lmtp_offer *lmtp_session_offer(const struct lmtp_session *);

/* Write a command, and expect its answer behind those before. */
void lmtp_session_command(struct lmtp_session *, enum lmtp_step,
    const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Send a message, after 354, and expect its answer. */
void lmtp_session_send(struct lmtp_session *, struct parcel *);

/* Close and free; sets the pointer to NULL, which it may be. */
void lmtp_session_free(struct lmtp_session **);
/* The same with a QUIT, where nothing is under way. */
void lmtp_session_quit(struct lmtp_session **);

#endif

/*
 * What a server of LMTP answers: replies of one or more lines (RFC 5321 section
 * 4.2), what they mean for a message, and what it offers.
 */
#ifndef DELIVER_LMTP_REPLY_H
#define DELIVER_LMTP_REPLY_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/deliver/carrier.h"

/* Of a reply in words; what is longer is cut. */
#define LMTP_TEXT 512
/* Lines of a reply: a server that goes on is left. */
#define LMTP_LINES 128

struct lmtp_reply {
	unsigned code;                   /* 220; 0: none yet */
	unsigned class, subject, detail; /* 5.1.1 (RFC 3463); 0.0.0: none */
	unsigned lines;
	size_t length;
	/* "550 5.1.1 <x> User doesn't exist", printable, a blank between lines.
	 */
	char text[LMTP_TEXT];
};

enum lmtp_read {
	LMTP_READ_MORE = 0, /* lines follow */
	LMTP_READ_WHOLE,
	LMTP_READ_BROKEN /* it is no reply */
};
/*
 * Take a line.  The reply begins anew by itself behind one that was whole.
 */
enum lmtp_read lmtp_reply_read(
    struct lmtp_reply *, const char *line, size_t length);

/* The step of the dialogue that was answered. */
enum lmtp_step {
	LMTP_GREETING = 0,
	LMTP_LHLO,
	LMTP_STARTTLS,
	LMTP_AUTH,
	LMTP_MAIL,
	LMTP_RCPT,
	LMTP_DATA,
	LMTP_BODY,
	LMTP_RSET
};
/* "the answer to MAIL", for who waits in vain. */
const char *lmtp_step_name(enum lmtp_step);

/* What a reply that is neither 2xx nor wanted means. */
enum carried lmtp_reply_outcome(const struct lmtp_reply *, enum lmtp_step);

/* Whether it asks for a log-in, or another one. */
bool lmtp_reply_wants_login(const struct lmtp_reply *);

/* What LHLO was answered with. */
struct lmtp_offer {
	bool pipelining, starttls, eight_bit, size, utf8;
	char auth[256]; /* mechanisms, upper case, one blank between */
};
/* A line of the reply, its code included; the first names the server. */
void lmtp_offer_read(struct lmtp_offer *, const char *line, size_t length);

/* Whether it can stand between < and > of a command (RFC 5321, 6531). */
bool lmtp_is_address(const char *address);

#endif

/*
 * A dialogue by lines with a server of LMTP or IMAP: connected as a target
 * says, by a socket of this machine or over the network, through its proxy,
 * with TLS from the first octet or later on; lines come in, commands and
 * messages go out, and nobody waits without end.  What is said is its owner's
 * matter.
 *
 * All handlers run from the loop, never from inside a call, and any function
 * may be called in any of them; talk_free() too, and then none follows.
 */
#ifndef DELIVER_TALK_H
#define DELIVER_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <evpop/client.h>

#include "daemon/deliver/carrier.h"
#include "lib/net/choice.h"

struct talk;

/*
 * Octets of a line, its end not counted: a server that goes on without one is
 * left.  IMAP's longest is a list of capabilities.
 */
#define TALK_LINE 8192

struct talk_handler {
	/*
	 * Connected, and TLS spoken where it is from the first octet: the
	 * server greets now.  Again when talk_start_tls() has succeeded.
	 */
	void (*opened)(void *arg);
	/* A line without its end, NUL behind it; borrowed. */
	void (*line)(const char *line, size_t length, void *arg);
	/* Octets asked for by talk_literal(); `left` are still to come. */
	void (*literal)(const unsigned char *octets, size_t length,
	    uint64_t left, void *arg);
	/*
	 * It is over, also where the server closed it: nothing follows.  The
	 * text says what happened, as a sentence without its end; what was
	 * written may have been read.  talk_outcome() says what it means.
	 */
	void (*failed)(const struct evpop_result *, void *arg);
};

/*
 * To the target's server; nothing happens yet.  The setup and the handler are
 * borrowed.  NULL without memory.
 */
struct talk *talk_new(const struct carrier_setup *, const struct talk_handler *,
    void *arg) __attribute__((warn_unused_result));

/* Connect; `opened` or `failed` follows. */
void talk_connect(struct talk *);

/* CARRIED_DOWN, or CARRIED_WRONG where a person has to mend something. */
enum carried talk_outcome(const struct evpop_result *);

/*
 * The server has agreed to STARTTLS: shake hands, `opened` follows.  A server
 * that has said more already has broken the rules, and is left.  From inside
 * `line`.
 */
void talk_start_tls(struct talk *);
bool talk_is_tls(const struct talk *);

/* Write; copied, and sent with what else is written in this turn. */
void talk_write(struct talk *, const void *octets, size_t length);
void talk_print(struct talk *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same of a password: it is wiped once it was sent. */
void talk_write_secret(struct talk *, const void *octets, size_t length);

/*
 * The next so many octets of the server's are no lines: they are given to
 * `literal`.  From inside `line`.
 */
void talk_literal(struct talk *, uint64_t octets);

enum talk_form {
	/*
	 * As SMTP wants it: dots doubled, lone LFs ended as lines are, and
	 * CR LF . CR LF behind it.
	 */
	TALK_DOTTED = 0,
	TALK_COUNTED /* parcel->octets exactly, as they are: a literal */
};

/*
 * Send a parcel, behind all that was written, a piece at a time, as fast as the
 * server takes it.  `sent` runs once all of it is on its way; or with false
 * where it cannot be read (or is not as long as it says): then the server has
 * half of it, and there is nothing left but talk_free().  Whoever writes before
 * that answers a server that speaks out of turn, and the dialogue fails.
 */
void talk_send(struct talk *, struct parcel *, enum talk_form,
    void (*sent)(bool is_whole, void *arg));

/*
 * From now on this is waited for, "the answer to LOGIN", for as long as the
 * target's `timeout`, anew with each call: after that `failed` says what did
 * not come.  NULL: nothing is waited for, and the server may close when it
 * likes.  The words are borrowed.  While a parcel is being sent, it is the
 * server's silence that counts.
 */
void talk_await(struct talk *, enum evpop_phase, const char *what);

/* "127.0.0.1:24", "/run/lmtp", for messages. */
const char *talk_peer(const struct talk *);
/* "TLSv1.3 TLS_AES_256_GCM_SHA384", or "without TLS". */
const char *talk_privacy_name(const struct talk *);

/* Say this as far as that takes no waiting, then close and free; sets the
 * pointer to NULL, which it may be. */
void talk_end(struct talk **, const char *goodbye);
/* Close without a word, and free; sets to NULL. */
void talk_free(struct talk **);

/* For a log-in (login.h): what it can be bound to, and how private it is. */
void talk_bind(struct talk *, struct evpop_channel *channel_r);
enum evpop_privacy talk_privacy(const struct talk *);
/* Whether a client certificate is shown. */
bool talk_shows_certificate(const struct talk *);

#endif

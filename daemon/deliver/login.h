/*
 * A log-in to a target's server by SASL, the stronger mechanisms first, as POP3
 * has it: the password is fetched, shown to nobody without TLS unless that is
 * allowed, and wiped.  How a mechanism is asked for and what answers look like
 * is the owner's matter.
 */
#ifndef DELIVER_LOGIN_H
#define DELIVER_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/deliver/carrier.h"
#include "daemon/deliver/talk.h"

struct login;

/* They run from the loop, or from inside a call of the functions below. */
struct login_handler {
	/*
	 * Ask for this mechanism, and send the initial response with it where
	 * there is one ("=": an empty one).  It is a secret: see
	 * talk_write_secret().
	 */
	void (*start)(const char *mechanism, const char *initial, void *arg);
	/* Send this as a line, maybe empty; "*" gives up. */
	void (*respond)(const char *response, void *arg);
	/*
	 * Ask with user and password as they are, as IMAP's LOGIN does; NULL
	 * where the protocol has nothing of the kind.
	 */
	void (*plain)(const char *user, const char *password, void *arg);
	/*
	 * Over: CARRIED_DELIVERED where it has succeeded, else CARRIED_DOWN or
	 * CARRIED_WRONG, and why.  The login may be freed.
	 */
	void (*done)(enum carried, const char *why, void *arg);
};

/* Whether the target has anything to log in with. */
bool login_is_wanted(const struct config_target *);

/* Setup, talk and handler are borrowed.  NULL without memory. */
struct login *login_new(const struct carrier_setup *, struct talk *,
    const struct login_handler *, void *arg)
    __attribute__((warn_unused_result));

/*
 * Begin, by what the server offers: names with one space between them.
 * `has_plain`: the owner's `plain` is possible now.  `has_initial`: a response
 * may be sent along, where the line is no longer than `line_most` then.
 */
struct login_offer {
	const char *mechanisms;
	bool has_plain, has_initial;
	size_t line_most; /* octets of mechanism and response; 0: any */
};
void login_begin(struct login *, const struct login_offer *);

/* The server's challenge, in base64. */
void login_challenged(struct login *, const char *challenge, size_t length);
/* It says yes; or no, in these words: another mechanism may follow. */
void login_accepted(struct login *);
void login_refused(struct login *, const char *words, bool is_temporary);

/* Stop and free; sets the pointer to NULL, which it may be. */
void login_free(struct login **);

#endif

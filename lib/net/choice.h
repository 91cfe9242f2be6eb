/*
 * The choice of a mechanism: a pure function of the credentials, the offer of
 * the session, and the mechanisms tried before.
 */
#ifndef EVPOP_LIB_NET_CHOICE_H
#define EVPOP_LIB_NET_CHOICE_H

#include <evpop/auth.h>
#include <evpop/proto.h>

#include "lib/auth/exchange.h"

struct evpop_server;

/* How private the connection is. */
enum evpop_privacy {
	EVPOP_PRIVACY_TLS = 0,
	EVPOP_PRIVACY_LOCAL,     /* in clear text, but within this machine */
	EVPOP_PRIVACY_PERMITTED, /* in clear text, by allow_cleartext */
	EVPOP_PRIVACY_NONE       /* in clear text: no password may cross it */
};

/* The server, the channel and what both offer; all of it is borrowed. */
struct evpop_offer {
	const struct evpop_capabilities *capabilities;
	const char *timestamp; /* of the greeting, or NULL */
	struct evpop_exchange_target target;
	enum evpop_privacy privacy;
	const struct evpop_server *server; /* NULL: nothing is remembered */
};

/* The credentials and the mechanisms tried so far, as sets of mechanisms. */
struct evpop_choice {
	const struct evpop_credentials *credentials;
	unsigned int refused; /* beside those that were tried before */
	unsigned int unfit;   /* for this password, or not offered after all */
	bool is_unbound; /* one that was bound to the channel was refused */
};

/* The strongest of those left; false where there is none. */
bool evpop_choice_make(const struct evpop_choice *, const struct evpop_offer *,
    enum evpop_mechanism *mechanism_r) EVPOP_MUST_USE;

/* Whether the server takes it, as far as it said. */
bool evpop_choice_is_offered(const struct evpop_offer *, enum evpop_mechanism);

/* Mechanisms that are refused where this one is: they say the same. */
unsigned int evpop_choice_refusal(enum evpop_mechanism);

/* Why there is none. */
void evpop_choice_explain(const struct evpop_choice *,
    const struct evpop_offer *, struct evpop_result *result_r);

/* The credentials, borrowed, as an exchange is to see them. */
struct evpop_credentials evpop_choice_credentials(
    const struct evpop_choice *, const struct evpop_offer *);

#endif

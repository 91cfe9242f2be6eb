/*
 * One log-in, over as many mechanisms as it takes: which is tried, what is
 * sent for it, and what follows from a refusal.
 */
#ifndef EVPOP_LIB_NET_LOGIN_H
#define EVPOP_LIB_NET_LOGIN_H

#include <evpop/auth.h>
#include <evpop/proto.h>

#include "lib/auth/exchange.h"
#include "lib/net/derive.h"

/*
 * Mechanisms tried in one session, so that no server locks the account for
 * too many failures.
 */
#define EVPOP_LOGIN_ATTEMPTS 3

/* An initial response that makes a longer line is sent apart (RFC 5034
 * section 4). */
#define EVPOP_LOGIN_LINE 255

struct evpop_login {
	struct evpop_credentials credentials; /* owned; wiped when freed */
	unsigned int tried;                   /* mechanisms */
	unsigned int attempts;
	unsigned int initial_refused; /* mechanisms */
	enum evpop_mechanism mechanism;
	struct evpop_exchange *exchange;
	struct evpop_derive_request *key_request; /* NULL: none is pending */
	bool initial_sent, initial_final, challenged;
	bool token_asked, token_told; /* and by the caller */
};

/* What the choice depends on. */
struct evpop_login_offer {
	const struct evpop_capabilities *capabilities;
	const char *timestamp; /* of the greeting, or NULL */
	size_t timestamp_length;
	struct evpop_exchange_target target;
	bool clear; /* a network in clear text: no password may cross it */
	unsigned int initial_works;   /* mechanisms: known to take an */
	unsigned int initial_refused; /* initial response, or not to */
};

/* A copy of the credentials; false without memory. */
bool evpop_login_init(
    struct evpop_login *, const struct evpop_credentials *) EVPOP_MUST_USE;
void evpop_login_clear(struct evpop_login *);

/* The caller has not told the token yet, nor that there is none (NULL). */
bool evpop_login_wants_token(const struct evpop_login *);
bool evpop_login_take_token(
    struct evpop_login *, const char *token) EVPOP_MUST_USE;

/* Choose the strongest mechanism not yet tried; false with the reason. */
bool evpop_login_choose(struct evpop_login *, const struct evpop_login_offer *,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* Whether a refusal of the chosen mechanism would leave another to try. */
bool evpop_login_has_other(
    const struct evpop_login *, const struct evpop_login_offer *);

/*
 * Queue the commands of the chosen mechanism; *parts_r counts them.  With
 * EVPOP_ERROR_AUTH the reason stands in *result_r.
 */
enum evpop_error evpop_login_submit(struct evpop_login *,
    const struct evpop_login_offer *, struct evpop_proto *, void *arg,
    unsigned int *parts_r, struct evpop_result *result_r) EVPOP_MUST_USE;

/*
 * Answer a challenge.  An empty one behind an initial response that said all
 * comes from a server that took no notice of it: it is said again.  Where the
 * exchange wants a key, nothing is answered before evpop_login_take_key().
 */
enum evpop_error evpop_login_challenge(struct evpop_login *,
    const struct evpop_login_offer *, struct evpop_proto *,
    const unsigned char *challenge, size_t length) EVPOP_MUST_USE;

/* The key that the exchange wants, or NULL where it cannot be had. */
enum evpop_error evpop_login_take_key(struct evpop_login *,
    struct evpop_proto *, const unsigned char *key) EVPOP_MUST_USE;

/* The server said +OK: whether it has proved itself; false with the reason. */
bool evpop_login_accepted(
    struct evpop_login *, struct evpop_result *result_r) EVPOP_MUST_USE;

/*
 * The server said no.  True where another try makes sense: the same mechanism
 * without its initial response, or another.  *result is completed with what
 * the mechanism knows of the refusal.
 */
bool evpop_login_refused(struct evpop_login *, const struct evpop_login_offer *,
    struct evpop_result *result) EVPOP_MUST_USE;

#endif

/*
 * One log-in by as many mechanisms as it takes: it chooses the next, queues its
 * commands, and judges a refusal.  It knows the core and what was learned of
 * the server, not the client.
 */
#ifndef EVPOP_LIB_NET_LOGIN_H
#define EVPOP_LIB_NET_LOGIN_H

#include <evpop/auth.h>
#include <evpop/proto.h>

#include "lib/net/choice.h"
#include "lib/net/server.h"

struct evpop_login;

/*
 * Mechanisms tried in one session, so that no server locks the account for
 * too many failures.
 */
#define EVPOP_LOGIN_ATTEMPTS 3

/* With a copy of the credentials, wiped when freed.  NULL without memory. */
struct evpop_login *evpop_login_new(
    const struct evpop_credentials *) EVPOP_MUST_USE;
/* Sets the pointer to NULL, which it may be. */
void evpop_login_free(struct evpop_login **);

/* ---- the token ---- */

/*
 * Whether a token is still waited for, which is asked for at the first call.
 * The client may be freed in that.
 */
bool evpop_login_awaits_token(struct evpop_login *, struct evpop_client *);

/* The token, which is copied, or NULL: there is none.  As
 * evpop_client_token(). */
enum evpop_error evpop_login_take_token(
    struct evpop_login *, const char *token) EVPOP_MUST_USE;

/* ---- an attempt ---- */

/*
 * Choose the strongest mechanism not yet tried and queue its commands, which
 * carry `arg`; *parts_r counts them.  False with the reason if there is none,
 * or if it failed; the commands counted were queued all the same.
 */
bool evpop_login_begin(struct evpop_login *, const struct evpop_offer *,
    struct evpop_proto *, void *arg, unsigned int *parts_r,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* The mechanism under way, or last tried. */
enum evpop_mechanism evpop_login_mechanism(const struct evpop_login *);

/* All that were refused; or else the one whose reply has not come. */
unsigned int evpop_login_tried(const struct evpop_login *);

/* After a refusal: whether it was for the credentials, by any mechanism; and
 * whether the session may go on with another. */
bool evpop_login_is_judged(const struct evpop_login *);
bool evpop_login_may_go_on(const struct evpop_login *);

/* Whether the refusal may be for the initial response, rather than for what it
 * said: without, the same mechanism is tried again. */
bool evpop_login_wants_split(const struct evpop_login *);

/* Whether a refusal of the mechanism under way would leave another to try; and
 * whether a new session would have one. */
bool evpop_login_has_other(
    const struct evpop_login *, const struct evpop_offer *);
bool evpop_login_has_left(
    const struct evpop_login *, const struct evpop_offer *);

/*
 * Answer a challenge.  An empty one behind an initial response that said all
 * comes from a server that took no notice of it: it is said again.  Where the
 * answer wants a key, nothing is sent before evpop_login_take_key().
 */
enum evpop_error evpop_login_challenge(struct evpop_login *,
    const struct evpop_offer *, struct evpop_proto *,
    const unsigned char *challenge, size_t length) EVPOP_MUST_USE;

/* As evpop_exchange_wants_key() and evpop_exchange_take_key(). */
bool evpop_login_wants_key(
    const struct evpop_login *, struct evpop_derivation *);
enum evpop_error evpop_login_take_key(struct evpop_login *,
    struct evpop_proto *, const unsigned char *key) EVPOP_MUST_USE;

/* One of the commands is done. */
void evpop_login_part(struct evpop_login *, const struct evpop_event *);

enum evpop_login_outcome {
	EVPOP_LOGIN_ACCEPTED,
	EVPOP_LOGIN_UNPROVED, /* by somebody who does not know the password */
	EVPOP_LOGIN_REFUSED,  /* the credentials; another way may be left */
	EVPOP_LOGIN_FAILED    /* for another reason */
};

/*
 * All commands of the attempt are done: what it came to.  *result_r is what
 * the server said, and in which words it refused others before.
 */
enum evpop_login_outcome evpop_login_conclude(
    struct evpop_login *, struct evpop_result *result_r);

/*
 * The offer is known now: the refusal of a mechanism that is not offered says
 * nothing about the password.
 */
void evpop_login_reconsider(struct evpop_login *, const struct evpop_offer *);

/* Replace the result of a session that ended by a refusal that came first. */
void evpop_login_prefer_refusal(
    const struct evpop_login *, struct evpop_result *);

/*
 * After an accepted log-in: whether its initial response worked, and whether it
 * was refused before when bound to the channel.
 */
enum evpop_initial evpop_login_initial(const struct evpop_login *);
bool evpop_login_was_unbound(const struct evpop_login *);

#endif

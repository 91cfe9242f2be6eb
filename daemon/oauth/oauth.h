/*
 * Tokens of OAuth 2 for those who log in with them: accounts, and targets under
 * the name "target:NAME".  A refresh token, which stands for the consent of a
 * user, is kept in the store, sealed; access tokens are in guarded memory only.
 * Each is refreshed ahead of its expiry, once for all who wait for it.
 *
 * Everything runs on the loop, and nothing blocks it.
 */
#ifndef OAUTH_OAUTH_H
#define OAUTH_OAUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct config;
struct event_base;
struct evpop_names;
struct oauth;
struct oauth_request;
struct secret_key;
struct store;

struct oauth_options {
	struct event_base *base;
	struct evpop_names *names;
	struct store *store;
	const struct secret_key *key; /* of the daemon, or NULL; held */
	/*
	 * An owner was authorized, or a flow of its has ended in vain; NULL:
	 * nobody wants to know.
	 */
	void (*authorized)(const char *owner, bool is_well, void *arg);
	void *arg;
};

/* All outlive it; nothing of the configuration is kept.  NULL: no memory. */
struct oauth *oauth_new(const struct oauth_options *, const struct config *)
    __attribute__((warn_unused_result));
/*
 * Take over another configuration and key.  Those whose keys are unchanged go
 * on.  False without memory, and nothing has changed.
 */
bool oauth_reload(struct oauth *, const struct config *,
    const struct secret_key *) __attribute__((warn_unused_result));
/* No callback any more; before the store is closed.  Sets to NULL. */
void oauth_free(struct oauth **);

/* ---- for who logs in ---- */

/* Why there is no token. */
enum oauth_trouble {
	OAUTH_WELL = 0, /* there is one */
	OAUTH_LATER,    /* the endpoint, or the store, does not work now */
	OAUTH_PERSON    /* somebody has to do something */
};

/* The token, borrowed; or NULL, and why, in words for people. */
typedef void (*oauth_cb)(
    const char *token, enum oauth_trouble, const char *text, void *arg);

/*
 * Ask for a token that is good now.  `refused` is one that the server has
 * refused, and is not given again; or NULL.  The callback runs once, from the
 * loop, and the request is gone then.  NULL without memory, or where the owner
 * has no OAuth 2.
 */
struct oauth_request *oauth_ask(
    struct oauth *, const char *owner, const char *refused, oauth_cb, void *arg)
    __attribute__((warn_unused_result));
/* No callback; sets the pointer to NULL, which it may be. */
void oauth_cancel(struct oauth_request **);

/* The server has refused even a token that was made for it. */
void oauth_note_refused(struct oauth *, const char *owner);

/* ---- how it stands ---- */

enum oauth_state {
	OAUTH_NONE = 0,    /* no consent, or it was not looked for yet */
	OAUTH_READY,       /* a consent, and no access token yet */
	OAUTH_FRESH,       /* an access token */
	OAUTH_NEAR_EXPIRY, /* the same; it is refreshed with the next log-in */
	OAUTH_EXPIRED,     /* one that is good no more */
	OAUTH_REFUSED,     /* the server has refused it */
	OAUTH_REVOKED,     /* the endpoint gives none: see to it */
	OAUTH_DOWN,        /* the endpoint does not answer as it should */
	OAUTH_PENDING,     /* a user is asked for consent */
	OAUTH_STATE_COUNT
};
/* "near-expiry". */
const char *oauth_state_name(enum oauth_state);

#define OAUTH_TEXT 640
struct oauth_status {
	enum oauth_state state;
	const char *flow;   /* "device", "code", "client-credentials" */
	const char *scope;  /* as it was given, or is asked for; or NULL */
	int64_t granted_ms; /* Unix time; 0: not known */
	int64_t expires_ms; /* of the access token; 0: there is none */
	uint64_t refreshes; /* tokens given by the endpoint since the start */
	/* What is wrong, and what to do, as sentences; "" where all is well. */
	char text[OAUTH_TEXT], advice[OAUTH_TEXT];
};
/* False where the owner has no OAuth 2. */
bool oauth_status(
    const struct oauth *, const char *owner, struct oauth_status *status_r);

/* ---- the consent of a user ---- */

/* What the user is to do; texts are borrowed until the callback returns. */
struct oauth_authorization {
	const char *user_code, *verification_uri; /* of a device */
	const char *verification_uri_complete;    /* or NULL */
	const char *authorization_url;            /* of a code */
	int64_t expires_ms;                       /* Unix time */
};

enum oauth_answer {
	OAUTH_DONE = 0,
	OAUTH_NO_SUCH_OWNER, /* or without OAuth 2 */
	OAUTH_NO_SUCH_FLOW,  /* the text says why */
	OAUTH_NOT_ASKED,     /* no flow is under way to which this belongs */
	OAUTH_FAILED,        /* the endpoint has refused; the text says why */
	OAUTH_UNAVAILABLE    /* it cannot be reached, or there is no memory */
};
/* With OAUTH_DONE there is an authorization, but for the end of a flow. */
typedef void (*oauth_authorize_cb)(enum oauth_answer,
    const struct oauth_authorization *, const char *text, void *arg);

/*
 * Begin a flow; one that is under way for the owner ends.  With `device` the
 * endpoint is asked again and again until the user has answered there.  The
 * callback may run from inside the call; `arg` is given to it once.
 */
void oauth_authorize_device(
    struct oauth *, const char *owner, oauth_authorize_cb, void *arg);
void oauth_authorize_code(struct oauth *, const char *owner,
    const char *redirect_uri, oauth_authorize_cb, void *arg);
/* End that of a code with what the browser brought. */
void oauth_authorize_finish(struct oauth *, const char *owner, const char *code,
    const char *state, oauth_authorize_cb, void *arg);

/* Forget the consent, and the tokens; the provider is not told. */
void oauth_forget(
    struct oauth *, const char *owner, oauth_authorize_cb, void *arg);

#endif

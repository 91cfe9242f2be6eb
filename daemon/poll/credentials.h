/*
 * What a poll logs in with: the user, and the password or token, which is
 * fetched, handed to the sync once, and wiped.
 */
#ifndef POLL_CREDENTIALS_H
#define POLL_CREDENTIALS_H

#include <evpop/sync.h>

#include "daemon/config/config.h"
#include "daemon/secret/secret.h"

struct event_base;
struct credentials;
struct oauth;

/* Where an account's password or token comes from; false: it has none. */
bool credentials_source(
    const struct config_account *, struct secret_source *source_r);

/*
 * A number that is another one once they may have changed: the file of the
 * secret, or the one in which the account is configured.  Nothing can be
 * learned from it.
 */
uint32_t credentials_mark(const struct config_account *);

/* What the secrets are fetched with. */
struct credentials_context {
	struct event_base *base;
	const struct secret_key *key; /* opens what is sealed; or NULL */
	struct oauth *oauth;          /* gives tokens; or NULL */
};

/*
 * Begin to fetch them; the context's key may change when this returns.  `known`
 * runs on the loop, once: with NULL, or with why there are none; never where
 * there is no secret to wait for.  NULL without memory.
 */
struct credentials *credentials_new(const struct credentials_context *,
    const struct config_account *, void (*known)(const char *error, void *arg),
    void *arg) __attribute__((warn_unused_result));

/* Whether all that there is to fetch was fetched, and is still here. */
bool credentials_are_known(const struct credentials *);

/* What a poll ends with that has no secret. */
enum evpop_error credentials_error(const struct credentials *);

/*
 * Start the sync with them, and wipe them; but a token is kept until the server
 * has taken it, so that another one can be got.  *why_r says why not.
 */
enum evpop_error credentials_start(struct credentials *, struct evpop_sync *,
    const char **why_r) __attribute__((warn_unused_result));

/*
 * The sync has ended with this, or what is put in its place: why there was no
 * token.  Credentials may be NULL.
 */
void credentials_conclude(struct credentials *, struct evpop_result *result);

/* Wipe them; `known` does not run any more. */
void credentials_wipe(struct credentials *);

/* Sets the pointer to NULL; NULL is allowed. */
void credentials_free(struct credentials **);

#endif

/*
 * The tokens of one owner: the consent as the store keeps it, sealed, and the
 * access token that was got by it.  It is refreshed when somebody asks and it
 * is near its expiry, expired, or refused by the server; all who wait share one
 * request.
 */
#ifndef OAUTH_TOKEN_H
#define OAUTH_TOKEN_H

#include "daemon/oauth/oauth.h"

struct grant_answer;
struct grant_context;
struct settings;
struct oauth_token;

/* Takes over the settings; the context must stay.  NULL without memory. */
struct oauth_token *token_new(const struct grant_context *, struct settings *)
    __attribute__((warn_unused_result));
/*
 * Who waits is told that it is configured no more.  Sets the pointer to NULL,
 * which it may be.
 */
void token_free(struct oauth_token **);
/* The same without a word. */
void token_drop(struct oauth_token **);

const struct settings *token_settings(const struct oauth_token *);

/* As oauth_ask() and oauth_note_refused(). */
struct oauth_request *token_ask(struct oauth_token *, const char *refused,
    oauth_cb, void *arg) __attribute__((warn_unused_result));
void token_note_refused(struct oauth_token *);

/*
 * A user has consented: the answer's tokens are those of the owner from now on.
 * `kept` says how the store took that.  False, and why, where the answer has
 * nothing to keep.
 */
bool token_take_consent(struct oauth_token *, struct grant_answer *,
    void (*kept)(bool is_well, void *arg), void *arg, const char **why_r)
    __attribute__((warn_unused_result));

/* The consent is no more. */
void token_forget(struct oauth_token *);

void token_status(const struct oauth_token *, struct oauth_status *status_r);

#endif

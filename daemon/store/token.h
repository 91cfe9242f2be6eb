/*
 * What users have consented to by OAuth 2: a refresh token for each owner, who
 * is an account or a target.  It is sealed before it comes here, and the store
 * cannot open it.
 */
#ifndef STORE_TOKEN_H
#define STORE_TOKEN_H

#include "daemon/store/store.h"

struct store_token {
	const char *owner;
	const char *sealed; /* a text of secret/sealed.h */
	int64_t granted_ms; /* when the user consented; Unix time */
};

/* STORE_NOT_FOUND: there is none.  Borrowed until the callback returns. */
typedef void (*store_token_cb)(
    enum store_status, const struct store_token *, void *arg);
void store_token_get(
    struct store *, const char *owner, store_token_cb, void *arg);

/*
 * Replaces the one before; copied.  Durable when answered.  A granted_ms of 0
 * leaves that time as it was.
 */
void store_token_put(
    struct store *, const struct store_token *, store_done_cb, void *arg);

/* STORE_NOT_FOUND: there was none. */
void store_token_forget(
    struct store *, const char *owner, store_done_cb, void *arg);

#endif

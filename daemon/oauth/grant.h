/*
 * One request of a client to an endpoint of OAuth 2: its secret is fetched,
 * where it has one, and goes along.
 */
#ifndef OAUTH_GRANT_H
#define OAUTH_GRANT_H

#include <stdint.h>

struct grant_answer;
struct endpoints;
struct event_base;
struct form;
struct grant;
struct secret_key;
struct settings;
struct store;
struct trouble;

/* What all have in common; borrowed. */
struct grant_context {
	struct event_base *base;
	struct endpoints *endpoints;
	struct store *store;
	const struct secret_key *key; /* NULL: there is none */
};

/*
 * The answer, which may be an error's: or NULL, and why there is none.  Neither
 * is kept.  `retry_after_ms` is how long the endpoint wants to be left alone.
 */
typedef void (*grant_cb)(struct grant_answer *, const struct trouble *,
    int64_t retry_after_ms, void *arg);

/*
 * Post the form, which is taken over and is empty then; the client's id and
 * secret are added.  The settings must stay.  The callback runs once, from the
 * loop, and the grant is gone then.  NULL without memory.
 */
struct grant *grant_begin(const struct grant_context *, const struct settings *,
    const char *url, struct form *, grant_cb, void *arg)
    __attribute__((warn_unused_result));

/* No callback; sets the pointer to NULL, which it may be. */
void grant_cancel(struct grant **);

#endif

/*
 * How a user gives consent: on another device, at a page where a code is typed
 * (RFC 8628), or in a browser that comes back with a code (RFC 6749 section
 * 4.1, with the proof of RFC 7636).
 */
#ifndef OAUTH_FLOW_H
#define OAUTH_FLOW_H

#include "daemon/oauth/oauth.h"

struct grant_answer;
struct flow;
struct grant_context;
struct settings;
struct trouble;

/* Run from the loop; flow_free() is allowed in all but the first. */
struct flow_handler {
	/* The user may be asked; not with a code, where that is known. */
	void (*begun)(const struct oauth_authorization *, void *arg);
	/* It has ended: with tokens, not kept, or in vain. */
	void (*granted)(struct grant_answer *, void *arg);
	void (*failed)(const struct trouble *, void *arg);
};

/* Context, settings and handler must stay.  NULL without memory. */
struct flow *flow_new_device(const struct grant_context *,
    const struct settings *, const struct flow_handler *, void *arg)
    __attribute__((warn_unused_result));
struct flow *flow_new_code(const struct grant_context *,
    const struct settings *, const char *redirect_uri,
    const struct flow_handler *, void *arg) __attribute__((warn_unused_result));

/* What the user is to do; of a device, once it has begun. */
void flow_authorization(
    const struct flow *, struct oauth_authorization *authorization_r);

enum flow_end {
	FLOW_GOES_ON = 0, /* the handler is told how it ends */
	FLOW_ALIEN,       /* the state is not that of this flow */
	FLOW_NO_MEMORY
};
/* What the browser brought, of a code. */
enum flow_end flow_take_code(struct flow *, const char *code, const char *state)
    __attribute__((warn_unused_result));

/* Sets the pointer to NULL, which it may be. */
void flow_free(struct flow **);

#endif

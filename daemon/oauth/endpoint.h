/*
 * Posts forms to the endpoints of OAuth 2: a few at a time to each, the others
 * wait in line.
 */
#ifndef OAUTH_ENDPOINT_H
#define OAUTH_ENDPOINT_H

#include <stdint.h>

struct endpoints;
struct endpoint_request;
struct event_base;
struct evpop_names;
struct form;
struct web_answer;

/* How long an endpoint may take for each step. */
#define ENDPOINT_TIMEOUT_MS 30000

/* All outlive it.  NULL without memory. */
struct endpoints *endpoints_new(struct event_base *, struct evpop_names *,
    uint32_t timeout_ms) __attribute__((warn_unused_result));
/* No callback any more; sets the pointer to NULL, which it may be. */
void endpoints_free(struct endpoints **);

/* Where to, and how; proxy and source_address may be NULL. */
struct endpoint {
	const char *url, *proxy, *source_address;
};

/*
 * Post the form, which is taken over and is empty then.  The callback runs
 * once, from the loop; the request is gone then.  NULL without memory.
 */
typedef void (*endpoint_cb)(const struct web_answer *, void *arg);
struct endpoint_request *endpoint_post(struct endpoints *,
    const struct endpoint *, struct form *, endpoint_cb, void *arg)
    __attribute__((warn_unused_result));

/* No callback; sets the pointer to NULL, which it may be. */
void endpoint_cancel(struct endpoint_request **);

#endif

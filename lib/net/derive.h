/*
 * Keys derived off the loop: a derivation may take half a second, at the
 * server's pleasure.  Threads exist only while something is computed, and no
 * more of them than processors.  For the thread of its event_base, on which
 * callbacks run; libevent need not be told of threads.
 */
#ifndef EVPOP_LIB_NET_DERIVE_H
#define EVPOP_LIB_NET_DERIVE_H

#include "lib/auth/derivation.h"
#include "lib/auth/keys.h"

struct event_base;
struct evpop_derive;
struct evpop_derive_request;

/*
 * The key, borrowed, or NULL where it could not be computed.  The request is
 * over when this runs.  Anything may be freed in it, the evpop_derive too.
 */
typedef void (*evpop_derive_cb)(const unsigned char *key, void *arg);

/* Uses no descriptor and no thread before there is work.  NULL without memory.
 */
struct evpop_derive *evpop_derive_new(struct event_base *) EVPOP_MUST_USE;

/* All requests must be over or cancelled.  NULL is allowed. */
void evpop_derive_free(struct evpop_derive *);

enum evpop_derive_status {
	EVPOP_DERIVE_KNOWN,   /* it was found, and stands in key_r */
	EVPOP_DERIVE_PENDING, /* the callback will run */
	EVPOP_DERIVE_FAILED   /* no memory, or no thread is to be had */
};

/*
 * Look for the key among those kept (keys, or NULL where none are), else have
 * it computed, once for all who ask meanwhile, in the order of asking, and
 * kept.  The derivation is copied as far as needed.  The keys must stay as long
 * as the request.  *request_r is NULL unless it is pending.
 */
enum evpop_derive_status evpop_derive_ask(struct evpop_derive *,
    struct evpop_keys *keys, const struct evpop_derivation *, evpop_derive_cb,
    void *arg, unsigned char key_r[EVPOP_KEY_MAX],
    struct evpop_derive_request **request_r) EVPOP_MUST_USE;

/*
 * The callback will not run.  What nobody waits for is not computed on.  NULL
 * is allowed; a request that is over is not.
 */
void evpop_derive_cancel(struct evpop_derive_request *);

#endif

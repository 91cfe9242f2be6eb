/*
 * What deliveries mean for polls: accounts whose mail piles up fetch no more,
 * and what is delivered may be deleted soon.
 */
#ifndef POLL_OUTLET_H
#define POLL_OUTLET_H

#include "daemon/poll/accounts.h"
#include "daemon/poll/poller.h"

struct outlet;

/* All of them outlive it.  `wake`: something is due.  NULL without memory. */
struct outlet *outlet_new(const struct poller_options *, struct accounts *,
    struct agenda *, void (*wake)(void *arg), void *arg)
    __attribute__((warn_unused_result));
void outlet_free(struct outlet **);

/* Whether an account must not fetch; with the reason. */
bool outlet_is_shut(
    const struct outlet *, const struct account *, struct evpop_result *why_r);

#endif

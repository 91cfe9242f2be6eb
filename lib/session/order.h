/*
 * Which of a plan's fetches come first, and which are left for later.
 */
#ifndef EVPOP_SESSION_ORDER_H
#define EVPOP_SESSION_ORDER_H

#include <evpop/sync.h>

/*
 * Put the fetches in the policy's order, up to its limits on messages and
 * octets; the rest becomes EVPOP_ACTION_LATER.
 */
void evpop_order_fetches(struct evpop_plan *, const struct evpop_listing *,
    const struct evpop_policy *);

#endif

/*
 * What an account's configuration, a person's wish and the account's past come
 * to as the policy of one session.
 */
#ifndef POLL_POLICY_H
#define POLL_POLICY_H

#include <evpop/sync.h>

#include "daemon/poll/run.h"
#include "daemon/store/store.h"

/*
 * A poll is questioned when it would delete so many times what one of the last
 * polls did.
 */
#define POLICY_UNUSUAL 10

/* What of it does not depend on the account's past. */
void policy_of_order(struct evpop_policy *policy_r, const struct run_order *);

/* The rest: whether it is the first poll, and how much is usual. */
void policy_of_past(struct evpop_policy *, const struct store_account *,
    bool baseline, uint32_t delete_guard);

#endif

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

/*
 * So many polls in a row without work let the next one say QUIT at once, where
 * the server takes that.
 */
#define POLICY_QUIET_POLLS 2

/* What of an account and of this poll its past has to do with. */
struct policy_present {
	bool baseline; /* at the first poll */
	uint32_t delete_guard;
	enum poller_wish wish;
};

struct policy_present policy_present(const struct run_order *);

/*
 * The rest: whether it is the first poll, how much is usual, and whether there
 * will be anything at all.
 */
void policy_of_past(struct evpop_policy *, const struct store_account *,
    const struct policy_present *);

#endif

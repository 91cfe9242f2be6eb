/*
 * What an account's configuration, a person's wish and the account's past come
 * to for one session: the client's configuration, the policy, and the context
 * for TLS, which accounts that trust and show the same share, since each costs
 * as much as the certificates it loads.
 */
#ifndef POLL_SETUP_H
#define POLL_SETUP_H

#include <evpop/sync.h>

#include "daemon/config/config.h"
#include "daemon/poll/run.h"
#include "daemon/store/store.h"

/* All but the context for TLS and the memory of servers; borrows strings. */
void setup_client(
    struct evpop_client_config *client_r, const struct config_account *);

/* ---- the policy ---- */

/*
 * A poll that would delete this many times as much as the last polls did waits
 * for a person's confirmation.
 */
#define POLICY_UNUSUAL 10

/* The part of the policy that does not depend on the account's past. */
void policy_of_order(struct evpop_policy *policy_r, const struct run_order *);

/*
 * After this many polls in a row without work the next one sends QUIT in its
 * first flight, if the server takes that.
 */
#define POLICY_QUIET_POLLS 2

/* What the rest depends on, besides the account's past. */
struct policy_present {
	bool baseline; /* at the first poll */
	uint32_t delete_guard;
	uint64_t day_octets; /* to fetch in a day at most; 0: no limit */
	enum poller_wish wish;
};

struct policy_present policy_present(const struct run_order *);

/*
 * The rest: whether it is the first poll, how much is usual, and whether there
 * will be anything at all.
 */
void policy_of_past(struct evpop_policy *, const struct store_account *,
    const struct policy_present *);

/* When the day of this moment began, in local time; both are Unix time. */
int64_t policy_day_ms(int64_t now_ms);

/* So much may be fetched in a day, and so much was fetched in this one. */
void policy_of_day(
    struct evpop_policy *, uint64_t day_octets, uint64_t fetched_octets);

/* ---- TLS ---- */

struct tls_entry;

/* Zeroed, it is empty. */
struct tls_table {
	struct tls_entry *entries;
};

/*
 * The context of an account, made where missing; the table keeps it.  NULL
 * with the reason in *result_r.
 */
struct evpop_tls_context *tls_get(struct tls_table *,
    const struct config_account *, struct evpop_result *result_r)
    __attribute__((warn_unused_result));

/* Forget all, so that changed files are read again; sessions keep theirs. */
void tls_table_clear(struct tls_table *);

#endif

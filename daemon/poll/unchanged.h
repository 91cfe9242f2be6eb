/*
 * An account's last listing, in short: while the server shows the same one,
 * there is nothing to look up, nothing to do and nothing to write.
 */
#ifndef POLL_UNCHANGED_H
#define POLL_UNCHANGED_H

#include <evpop/sync.h>

#include "daemon/notify/tally.h"
#include "daemon/store/store.h"

/* Half of a SHA-256 tells listings apart. */
#define UNCHANGED_DIGEST_SIZE 16

/* Zeroed, nothing is known. */
struct unchanged {
	int64_t account_id; /* of the store; 0: nothing is known */
	/* Of evpop_clock_elapsed_ms(): when there may be something to do. */
	int64_t until_ms;
	uint64_t version; /* store_uids_version() it was compared with */
	uint32_t usual_deletes;
	/* Messages that the policy leaves there, and for a while. */
	uint32_t too_large, waiting;
	unsigned char digest[UNCHANGED_DIGEST_SIZE];
};

/*
 * A session went by this plan for this listing: remember it, if there was
 * nothing to do, nor will be next time.  `version` is of before it was
 * compared; `age_now_ms` is what ages are judged by, and `now_ms` of
 * evpop_clock_elapsed_ms().  At the latest after a day everything is looked up
 * again, and at once where the listing does not tell all, or where ages count
 * and cannot be judged.
 */
void unchanged_note(struct unchanged *, const struct evpop_listing *,
    const struct evpop_plan *, const struct store_account *, uint64_t version,
    int64_t age_now_ms, int64_t now_ms);

/* Whether this is the listing that was remembered, and still nothing is due. */
bool unchanged_is(const struct unchanged *, const struct evpop_listing *,
    uint64_t version, int64_t now_ms);

/* What the policy leaves there, which a session without a plan cannot tell. */
void unchanged_tally(const struct unchanged *, struct tally *);

/* The account's row, if it was remembered. */
bool unchanged_account(
    const struct unchanged *, struct store_account *account_r);

#endif

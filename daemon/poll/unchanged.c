#include "daemon/poll/unchanged.h"

#include <string.h>

/* Ids that are gone, for one, are forgotten at some time. */
#define LOOK_UP_MS INT64_C(86400000)

static bool
unchanged_digest(const struct evpop_listing *listing,
    unsigned char digest_r[UNCHANGED_DIGEST_SIZE])
{
	unsigned char whole[EVPOP_LISTING_DIGEST_SIZE];

	if (evpop_listing_digest(listing, whole) != EVPOP_ERROR_NONE)
		return false;
	memcpy(digest_r, whole, UNCHANGED_DIGEST_SIZE);
	return true;
}

/* What was planned and not done, in a session that was stopped, is work too. */
static bool
unchanged_is_idle(const struct evpop_plan *plan)
{
	return plan->fetches + plan->deletes + plan->later == 0 &&
	       plan->unidentified + plan->seen + plan->adopts == 0 &&
	       plan->held + plan->new_waits == 0;
}

void
unchanged_note(struct unchanged *unchanged, const struct evpop_listing *listing,
    const struct evpop_plan *plan, const struct store_account *account,
    uint64_t version, int64_t age_now_ms, int64_t now_ms)
{
	int64_t wait_ms = LOOK_UP_MS;

	memset(unchanged, 0, sizeof *unchanged);
	if (plan->due_ms != 0 && age_now_ms == STORE_NEVER_MS)
		return;
	if (plan->due_ms != 0 && plan->due_ms < age_now_ms + wait_ms)
		wait_ms = plan->due_ms - age_now_ms;
	if (!unchanged_is_idle(plan) ||
	    !unchanged_digest(listing, unchanged->digest))
		return;
	unchanged->account_id = account->id;
	unchanged->usual_deletes = account->usual_deletes;
	unchanged->too_large = (uint32_t)plan->too_large;
	unchanged->waiting = (uint32_t)plan->waits;
	unchanged->version = version;
	unchanged->until_ms = now_ms + wait_ms;
}

bool
unchanged_is(const struct unchanged *unchanged,
    const struct evpop_listing *listing, uint64_t version, int64_t now_ms)
{
	unsigned char seen[UNCHANGED_DIGEST_SIZE];

	return unchanged->account_id != 0 && version == unchanged->version &&
	       now_ms < unchanged->until_ms &&
	       unchanged_digest(listing, seen) &&
	       memcmp(seen, unchanged->digest, sizeof seen) == 0;
}

void
unchanged_tally(const struct unchanged *unchanged, struct tally *tally)
{
	tally->too_large = unchanged->too_large;
	tally->waiting = unchanged->waiting;
}

bool
unchanged_account(
    const struct unchanged *unchanged, struct store_account *account_r)
{
	*account_r = (struct store_account){
		.id = unchanged->account_id,
		.listed = true,
		.usual_deletes = unchanged->usual_deletes,
	};
	return unchanged->account_id != 0;
}

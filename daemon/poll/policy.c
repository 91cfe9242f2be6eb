#include "daemon/poll/policy.h"

void
policy_of_order(struct evpop_policy *policy, const struct run_order *order)
{
	static const enum evpop_keep keeps[] = {
		[CONFIG_KEEP_FOREVER] = EVPOP_KEEP_FOREVER,
		[CONFIG_KEEP_DELETE] = EVPOP_KEEP_NONE,
		[CONFIG_KEEP_AGE] = EVPOP_KEEP_AGE,
	};
	const struct config_account *account = order->account;

	*policy = (struct evpop_policy){
		.keep = keeps[account->keep.kind],
		.keep_ms = account->keep.age_ms,
		.max_message_octets = account->max_message_size,
		.max_messages = account->max_messages_per_poll,
		.order = account->order == CONFIG_ORDER_NEWEST
			     ? EVPOP_ORDER_NEWEST
			     : EVPOP_ORDER_OLDEST,
		.delete_above_octets = account->delete_above,
		.max_session_deletes = account->max_deletes_per_session,
		.baseline = order->wish == POLLER_WISH_BASELINE,
		.dry_run = order->wish == POLLER_WISH_DRY_RUN,
		.fetch_unidentified = true,
		.verify_deletes = true,
		.expect_nothing =
		    order->expect_nothing && order->wish == POLLER_WISH_POLL,
	};
}

struct policy_present
policy_present(const struct run_order *order)
{
	return (struct policy_present){
		.baseline = order->account->baseline,
		.delete_guard = order->wish == POLLER_WISH_CONFIRM
				    ? 0
				    : order->account->delete_guard,
		.wish = order->wish,
	};
}

void
policy_of_past(struct evpop_policy *policy, const struct store_account *account,
    const struct policy_present *present)
{
	uint64_t usual = (uint64_t)account->usual_deletes * POLICY_UNUSUAL;

	if (present->baseline && !account->listed)
		policy->baseline = true;
	/* As the daemon before it, or the last --once, would have done. */
	if (present->wish == POLLER_WISH_POLL && !policy->baseline &&
	    account->quiet_polls >= POLICY_QUIET_POLLS)
		policy->expect_nothing = true;
	if (present->delete_guard == 0)
		return;
	if (usual < present->delete_guard)
		usual = present->delete_guard;
	policy->max_deletes = usual < UINT32_MAX ? (uint32_t)usual : UINT32_MAX;
}

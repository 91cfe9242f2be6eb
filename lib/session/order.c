#include "lib/session/order.h"

/* Whether another message may be fetched, behind those that are to be. */
static bool
order_has_room(const struct evpop_plan *plan, const struct evpop_policy *policy,
    uint64_t octets)
{
	if (policy->max_messages > 0 && plan->fetches == policy->max_messages)
		return false;
	if (policy->max_octets == 0 ||
	    (policy->may_exceed_first && plan->fetches == 0))
		return true;
	return plan->fetch_octets <= policy->max_octets &&
	       octets <= policy->max_octets - plan->fetch_octets;
}

void
evpop_order_fetches(struct evpop_plan *plan,
    const struct evpop_listing *listing, const struct evpop_policy *policy)
{
	size_t i, at;

	plan->fetches = plan->later = 0;
	plan->fetch_octets = plan->later_octets = 0;
	for (i = 0; i < listing->count; i++) {
		at = policy->order == EVPOP_ORDER_NEWEST
			 ? listing->count - 1 - i
			 : i;
		if (plan->actions[at] != EVPOP_ACTION_FETCH &&
		    plan->actions[at] != EVPOP_ACTION_FETCH_DELETE)
			continue;
		if (plan->later > 0 || !order_has_room(plan, policy,
					   listing->entries[at].octets)) {
			plan->actions[at] = EVPOP_ACTION_LATER;
			plan->later++;
			plan->later_octets += listing->entries[at].octets;
			continue;
		}
		plan->order[plan->fetches++] = (uint32_t)at;
		plan->fetch_octets += listing->entries[at].octets;
	}
}

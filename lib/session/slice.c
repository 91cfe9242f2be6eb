#include "lib/session/slice.h"

#include <assert.h>

void
evpop_slice_set(struct evpop_slice *slice, const struct evpop_plan *plan,
    const struct evpop_policy *policy, uint32_t begun)
{
	uint32_t most = policy->max_messages;

	*slice = (struct evpop_slice){
		.plan = plan,
		.most_fetches = most == 0      ? UINT32_MAX
				: most > begun ? most - begun
					       : 0,
		.most_deletes = policy->max_session_deletes,
	};
}

bool
evpop_slice_deletes(const struct evpop_slice *slice, size_t index)
{
	return slice->plan->actions[index] == EVPOP_ACTION_FETCH_DELETE;
}

static bool
slice_is_full(const struct evpop_slice *slice)
{
	return slice->most_deletes > 0 && slice->deletes >= slice->most_deletes;
}

static bool
slice_may_fetch(const struct evpop_slice *slice)
{
	return slice->fetches < slice->plan->fetches &&
	       slice->fetches < slice->most_fetches;
}

bool
evpop_slice_has_fetched(const struct evpop_slice *slice)
{
	return !slice_may_fetch(slice) ||
	       (slice_is_full(slice) &&
		   evpop_slice_deletes(slice, evpop_slice_next(slice)));
}

uint32_t
evpop_slice_next(const struct evpop_slice *slice)
{
	assert(slice->fetches < slice->plan->fetches);
	return slice->plan->order[slice->fetches];
}

void
evpop_slice_take(struct evpop_slice *slice)
{
	slice->deletes += evpop_slice_deletes(slice, evpop_slice_next(slice));
	slice->fetches++;
}

bool
evpop_slice_take_delete(struct evpop_slice *slice)
{
	if (slice_is_full(slice))
		return false;
	slice->deletes++;
	return true;
}

bool
evpop_slice_has_more(const struct evpop_slice *slice)
{
	return slice_is_full(slice) &&
	       (slice_may_fetch(slice) ||
		   slice->plan->deletes > slice->most_deletes);
}

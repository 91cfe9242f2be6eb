#include "lib/session/slice.h"

#include <assert.h>

/* What a body counts as where LIST was not asked. */
#define USUAL_OCTETS 32768

void
evpop_slice_spend(struct evpop_policy *policy, uint64_t octets)
{
	if (policy->max_octets == 0 || octets == 0)
		return;
	policy->may_exceed_first = false;
	/* With one octet left there is room for no message. */
	policy->max_octets =
	    octets < policy->max_octets ? policy->max_octets - octets : 1;
}

void
evpop_slice_init(struct evpop_slice *slice, const struct evpop_plan *plan,
    const struct evpop_listing *listing, const struct evpop_policy *policy,
    uint32_t begun)
{
	uint32_t most = policy->max_messages;

	*slice = (struct evpop_slice){
		.plan = plan,
		.listing = listing,
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
slice_has_deleted(const struct evpop_slice *slice)
{
	return slice->most_deletes > 0 && slice->deletes >= slice->most_deletes;
}

static bool
slice_may_fetch(const struct evpop_slice *slice)
{
	return slice->begun < slice->plan->fetches &&
	       slice->begun < slice->most_fetches;
}

bool
evpop_slice_has_fetched(const struct evpop_slice *slice)
{
	return !slice_may_fetch(slice) ||
	       (slice_has_deleted(slice) &&
		   evpop_slice_deletes(slice, evpop_slice_next(slice)));
}

uint32_t
evpop_slice_ahead(const struct evpop_slice *slice)
{
	return slice->begun - slice->answered;
}

bool
evpop_slice_is_full(const struct evpop_slice *slice, size_t waiting)
{
	uint32_t ahead = evpop_slice_ahead(slice);

	return ahead + waiting >= EVPOP_SLICE_AHEAD ||
	       (ahead > 1 && slice->octets_ahead >= EVPOP_SLICE_AHEAD_OCTETS);
}

uint32_t
evpop_slice_next(const struct evpop_slice *slice)
{
	assert(slice->begun < slice->plan->fetches);
	return slice->plan->order[slice->begun];
}

void
evpop_slice_begin(struct evpop_slice *slice)
{
	uint32_t index = evpop_slice_next(slice);
	uint32_t *octets = &slice->octets[slice->begun % EVPOP_SLICE_AHEAD];
	uint64_t listed = slice->listing->entries[index].octets;

	assert(evpop_slice_ahead(slice) < EVPOP_SLICE_AHEAD);
	if (listed == 0)
		listed = USUAL_OCTETS;
	/* Noted, since LIST may tell another size before the answer. */
	*octets = listed < UINT32_MAX ? (uint32_t)listed : UINT32_MAX;
	slice->octets_ahead += *octets;
	slice->deletes += evpop_slice_deletes(slice, index);
	slice->begun++;
}

uint32_t
evpop_slice_first(const struct evpop_slice *slice)
{
	assert(slice->answered < slice->begun);
	return slice->plan->order[slice->answered];
}

void
evpop_slice_answer(struct evpop_slice *slice)
{
	assert(slice->answered < slice->begun);
	slice->octets_ahead -=
	    slice->octets[slice->answered++ % EVPOP_SLICE_AHEAD];
}

bool
evpop_slice_take_delete(struct evpop_slice *slice)
{
	if (slice_has_deleted(slice))
		return false;
	slice->deletes++;
	return true;
}

bool
evpop_slice_has_more(const struct evpop_slice *slice)
{
	return slice_has_deleted(slice) &&
	       (slice_may_fetch(slice) ||
		   slice->plan->deletes > slice->most_deletes);
}

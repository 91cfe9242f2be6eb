#include "lib/session/ahead.h"

#include <assert.h>

/* What a body counts for where LIST was not asked. */
#define AHEAD_USUAL_OCTETS 32768

bool
evpop_ahead_is_full(const struct evpop_ahead *ahead, size_t waiting)
{
	return ahead->count + waiting >= EVPOP_AHEAD_MOST ||
	       (ahead->count > 1 && ahead->octets >= EVPOP_AHEAD_OCTETS);
}

void
evpop_ahead_push(struct evpop_ahead *ahead, uint32_t index, uint64_t octets)
{
	struct evpop_ahead_fetch *fetch =
	    &ahead->ring[(ahead->first + ahead->count) % EVPOP_AHEAD_MOST];

	assert(ahead->count < EVPOP_AHEAD_MOST);
	if (octets == 0)
		octets = AHEAD_USUAL_OCTETS;
	fetch->index = index;
	fetch->octets = octets < UINT32_MAX ? (uint32_t)octets : UINT32_MAX;
	ahead->count++;
	ahead->octets += fetch->octets;
}

uint32_t
evpop_ahead_first(const struct evpop_ahead *ahead)
{
	assert(ahead->count > 0);
	return ahead->ring[ahead->first].index;
}

void
evpop_ahead_pop(struct evpop_ahead *ahead)
{
	assert(ahead->count > 0);
	ahead->octets -= ahead->ring[ahead->first].octets;
	ahead->first = (ahead->first + 1) % EVPOP_AHEAD_MOST;
	ahead->count--;
}

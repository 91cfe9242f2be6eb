#include "daemon/poll/state.h"

#include <assert.h>
#include <stddef.h>

static const char *const state_names[] = {
	[POLLER_WAITING] = "waiting",
	[POLLER_QUEUED] = "queued",
	[POLLER_POLLING] = "polling",
	[POLLER_PAUSED] = "paused",
	[POLLER_DISABLED] = "disabled",
};
_Static_assert(sizeof state_names / sizeof state_names[0] == POLLER_STATE_COUNT,
    "every state has a name");

const char *
poller_state_name(enum poller_state state)
{
	assert(state < POLLER_STATE_COUNT);
	return state_names[state];
}

const char *
poller_identity_name(enum poller_identity identity)
{
	static const char *const names[] = {
		[POLLER_IDENTITY_UNKNOWN] = NULL,
		[POLLER_IDENTITY_UNIQUE_ID] = "unique-id",
		[POLLER_IDENTITY_TOP] = "top",
		[POLLER_IDENTITY_BODY] = "body",
	};

	_Static_assert(sizeof names / sizeof names[0] == POLLER_IDENTITY_COUNT,
	    "every identity has a name");
	assert(identity < POLLER_IDENTITY_COUNT);
	return names[identity];
}

const char *
poller_shown_state(enum poller_state state, enum poller_health health)
{
	if (state != POLLER_WAITING || health == POLLER_WELL)
		return poller_state_name(state);
	return health == POLLER_REFUSED ? "refused" : "failing";
}

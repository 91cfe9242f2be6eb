#include "daemon/poll/state.h"

#include <assert.h>

static const char *const state_names[] = {
	[POLLER_WAITING] = "waiting",
	[POLLER_QUEUED] = "queued",
	[POLLER_POLLING] = "polling",
	[POLLER_PAUSED] = "paused",
	[POLLER_DISABLED] = "disabled",
	[POLLER_STOPPED] = "stopped",
};
_Static_assert(sizeof state_names / sizeof state_names[0] == POLLER_STATE_COUNT,
    "every state has a name");

const char *
poller_state_name(enum poller_state state)
{
	assert(state < POLLER_STATE_COUNT);
	return state_names[state];
}

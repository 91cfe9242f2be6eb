#include <string.h>

#include <event2/event.h>

#include "lib/net/deadline.h"
#include "lib/net/loop.h"

static int64_t
nearest(const struct evpop_deadline *deadline)
{
	if (deadline->phase_ms == 0)
		return deadline->session_ms;
	if (deadline->session_ms == 0 ||
	    deadline->phase_ms < deadline->session_ms)
		return deadline->phase_ms;
	return deadline->session_ms;
}

static void
arm(struct evpop_deadline *deadline, int64_t at_ms, int64_t now_ms)
{
	int64_t wait_ms = at_ms > now_ms ? at_ms - now_ms : 0;
	struct timeval wait;

	wait.tv_sec = (time_t)(wait_ms / 1000);
	wait.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000);
	evtimer_add(&deadline->timer, &wait);
	deadline->armed_ms = at_ms;
}

static void
rearm_if_nearer(struct evpop_deadline *deadline)
{
	int64_t at_ms = nearest(deadline);

	if (at_ms != 0 &&
	    (deadline->armed_ms == 0 || at_ms < deadline->armed_ms))
		arm(deadline, at_ms, evpop_loop_now_ms());
}

static void
expired(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_deadline *deadline = arg;
	int64_t now_ms = evpop_loop_now_ms(), at_ms = nearest(deadline);
	bool whole_session;

	(void)fd;
	(void)what;
	deadline->armed_ms = 0;
	if (at_ms == 0)
		return;
	if (now_ms < at_ms) {
		arm(deadline, at_ms, now_ms);
		return;
	}
	whole_session = at_ms == deadline->session_ms;
	evpop_deadline_clear(deadline);
	deadline->callback(whole_session, deadline->arg);
}

bool
evpop_deadline_init(struct evpop_deadline *deadline, struct event_base *base,
    evpop_deadline_cb callback, void *arg)
{
	memset(deadline, 0, sizeof(*deadline));
	deadline->callback = callback;
	deadline->arg = arg;
	return evtimer_assign(&deadline->timer, base, expired, deadline) == 0;
}

void
evpop_deadline_phase(struct evpop_deadline *deadline, int64_t at_ms)
{
	deadline->phase_ms = at_ms;
	rearm_if_nearer(deadline);
}

void
evpop_deadline_session(struct evpop_deadline *deadline, int64_t at_ms)
{
	deadline->session_ms = at_ms;
	rearm_if_nearer(deadline);
}

void
evpop_deadline_clear(struct evpop_deadline *deadline)
{
	deadline->phase_ms = deadline->session_ms = deadline->armed_ms = 0;
	evtimer_del(&deadline->timer);
}

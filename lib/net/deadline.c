#include "lib/net/deadline.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <event2/event.h>

#include "lib/base/clock.h"

static void
deadline_default(int64_t *timeout_ms, int64_t standard_ms)
{
	if (*timeout_ms <= 0)
		*timeout_ms = standard_ms;
}

static void
deadline_complete(struct evpop_timeouts *timeouts)
{
	deadline_default(&timeouts->resolve_ms, EVPOP_TIMEOUT_RESOLVE_MS);
	deadline_default(&timeouts->connect_ms, EVPOP_TIMEOUT_CONNECT_MS);
	deadline_default(&timeouts->handshake_ms, EVPOP_TIMEOUT_HANDSHAKE_MS);
	deadline_default(&timeouts->greeting_ms, EVPOP_TIMEOUT_GREETING_MS);
	deadline_default(&timeouts->login_ms, EVPOP_TIMEOUT_LOGIN_MS);
	deadline_default(&timeouts->command_ms, EVPOP_TIMEOUT_COMMAND_MS);
	deadline_default(&timeouts->send_ms, EVPOP_TIMEOUT_SEND_MS);
	deadline_default(&timeouts->body_ms, EVPOP_TIMEOUT_BODY_MS);
	deadline_default(&timeouts->quit_ms, EVPOP_TIMEOUT_QUIT_MS);
	deadline_default(&timeouts->session_ms, EVPOP_TIMEOUT_SESSION_MS);
}

static int64_t
deadline_of_phase(const struct evpop_timeouts *timeouts, enum evpop_phase phase)
{
	switch (phase) {
	case EVPOP_PHASE_RESOLVE:
		return timeouts->resolve_ms;
	case EVPOP_PHASE_CONNECT:
		return timeouts->connect_ms;
	case EVPOP_PHASE_HANDSHAKE:
		return timeouts->handshake_ms;
	case EVPOP_PHASE_GREETING:
		return timeouts->greeting_ms;
	case EVPOP_PHASE_LOGIN:
		return timeouts->login_ms;
	case EVPOP_PHASE_BODY:
		return timeouts->body_ms;
	case EVPOP_PHASE_QUIT:
		return timeouts->quit_ms;
	default:
		return timeouts->command_ms;
	}
}

/* Which ends first, and when; 0: none is set. */
static int64_t
deadline_nearest(
    const struct evpop_deadline *deadline, enum evpop_overdue *overdue_r)
{
	int64_t at_ms = deadline->session_ms;

	*overdue_r = EVPOP_OVERDUE_SESSION;
	if (deadline->phase_ms != 0 &&
	    (at_ms == 0 || deadline->phase_ms < at_ms)) {
		at_ms = deadline->phase_ms;
		*overdue_r = EVPOP_OVERDUE_PHASE;
	}
	if (deadline->send_ms != 0 &&
	    (at_ms == 0 || deadline->send_ms < at_ms)) {
		at_ms = deadline->send_ms;
		*overdue_r = EVPOP_OVERDUE_SEND;
	}
	return at_ms;
}

static void
deadline_arm(struct evpop_deadline *deadline, int64_t at_ms, int64_t now_ms)
{
	const struct timeval wait = evpop_clock_wait(at_ms - now_ms);

	evtimer_add(&deadline->timer, &wait);
	deadline->armed_ms = at_ms;
}

static void
deadline_arm_if_nearer(struct evpop_deadline *deadline)
{
	enum evpop_overdue overdue;
	int64_t at_ms = deadline_nearest(deadline, &overdue);

	if (at_ms != 0 &&
	    (deadline->armed_ms == 0 || at_ms < deadline->armed_ms))
		deadline_arm(deadline, at_ms, evpop_clock_monotonic_ms());
}

/* "20 s", or "150 ms" where seconds do not come out even. */
static void
deadline_limit_text(char *text, size_t size, int64_t ms)
{
	if (ms % 1000 == 0)
		snprintf(text, size, "%" PRId64 " s", ms / 1000);
	else
		snprintf(text, size, "%" PRId64 " ms", ms);
}

static void
deadline_expired(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_deadline *deadline = arg;
	const struct evpop_timeouts *timeouts = &deadline->timeouts;
	enum evpop_phase phase = deadline->at.phase;
	enum evpop_overdue overdue;
	int64_t now_ms = evpop_clock_monotonic_ms(), at_ms;
	char limit[32];

	(void)fd;
	(void)what;
	at_ms = deadline_nearest(deadline, &overdue);
	deadline->armed_ms = 0;
	if (at_ms == 0)
		return;
	if (now_ms < at_ms) {
		deadline_arm(deadline, at_ms, now_ms);
		return;
	}
	evpop_deadline_clear(deadline);
	deadline_limit_text(limit, sizeof limit,
	    overdue == EVPOP_OVERDUE_SESSION ? timeouts->session_ms
	    : overdue == EVPOP_OVERDUE_SEND
		? timeouts->send_ms
		: deadline_of_phase(timeouts, phase));
	deadline->callback(overdue, phase, limit, deadline->arg);
}

bool
evpop_deadline_init(struct evpop_deadline *deadline, struct event_base *base,
    const struct evpop_timeouts *timeouts, evpop_deadline_cb callback,
    void *arg)
{
	memset(deadline, 0, sizeof *deadline);
	deadline->timeouts = *timeouts;
	deadline_complete(&deadline->timeouts);
	deadline->callback = callback;
	deadline->arg = arg;
	return evtimer_assign(
		   &deadline->timer, base, deadline_expired, deadline) == 0;
}

void
evpop_deadline_start(struct evpop_deadline *deadline)
{
	deadline->session_ms =
	    evpop_clock_monotonic_ms() + deadline->timeouts.session_ms;
	deadline_arm_if_nearer(deadline);
}

static bool
deadline_is_unmoved(
    const struct evpop_progress *then, const struct evpop_progress *now)
{
	return then->phase == now->phase && then->answered == now->answered &&
	       (now->phase != EVPOP_PHASE_BODY ||
		   then->octets_in == now->octets_in);
}

/*
 * A server that is busy sending may well read nothing until it is done: what
 * moves in either direction counts.
 */
static void
deadline_progress_sending(
    struct evpop_deadline *deadline, const struct evpop_progress *progress)
{
	uint64_t octets = progress->octets_in + progress->octets_out;

	if (!progress->is_send_blocked) {
		deadline->send_ms = 0;
		return;
	}
	if (deadline->send_ms != 0 && deadline->send_octets == octets)
		return;
	deadline->send_octets = octets;
	deadline->send_ms =
	    evpop_clock_monotonic_ms() + deadline->timeouts.send_ms;
}

void
evpop_deadline_progress(
    struct evpop_deadline *deadline, const struct evpop_progress *progress)
{
	deadline_progress_sending(deadline, progress);
	if (!deadline_is_unmoved(&deadline->at, progress)) {
		deadline->at = *progress;
		deadline->phase_ms =
		    progress->phase == EVPOP_PHASE_NONE
			? 0
			: evpop_clock_monotonic_ms() +
			      deadline_of_phase(
				  &deadline->timeouts, progress->phase);
	}
	deadline_arm_if_nearer(deadline);
}

enum evpop_phase
evpop_deadline_phase(const struct evpop_deadline *deadline)
{
	return deadline->at.phase;
}

void
evpop_deadline_clear(struct evpop_deadline *deadline)
{
	deadline->phase_ms = deadline->send_ms = 0;
	deadline->session_ms = deadline->armed_ms = 0;
	evtimer_del(&deadline->timer);
}

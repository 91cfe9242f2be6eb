/*
 * A poll of one maildrop.  It is a session (round.c); another one, where that
 * failed and another may not, or where there is more to do than one may do; and
 * a report of them all.
 */
#include <evpop/sync.h>

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/secret.h"
#include "lib/session/attempt.h"
#include "lib/session/round.h"
#include "lib/session/slice.h"

enum sync_step {
	SYNC_IDLE = 0,
	SYNC_RUNNING,   /* a round is under way */
	SYNC_REPEATING, /* another round does what has failed */
	SYNC_REVERSING, /* another one begins at the maildrop's other end */
	SYNC_GOING_ON,  /* another one does what is left */
	SYNC_CLOSED,    /* no round follows; acknowledgements are awaited */
	SYNC_DONE
};

struct evpop_sync {
	struct event_base *base;
	struct evdns_base *dns;
	struct evpop_attempt attempt;
	struct evpop_policy policy;
	struct evpop_caller caller;

	enum sync_step step;
	bool is_given_up; /* by the caller: no other round */
	bool is_reversed;
	struct evpop_round *round;
	bool is_counted;      /* the round is in the report */
	bool is_told;         /* the caller knows what the round has deleted */
	size_t listed_before; /* in the last slice; 0: there was none */
	uint32_t begun;       /* RETRs, of earlier rounds */

	struct event *deferred; /* runs what follows a round from the loop */
	struct evpop_sync_report report; /* without the present round */
	/*
	 * A sync may be freed in its callbacks.  Its memory, and that of its
	 * round, is freed when nobody holds it any more: its caller, until it
	 * is gone; the round's client; and functions that callbacks return to.
	 */
	unsigned int holders;
};

static void sync_over(bool needs_another, void *);

/* ---- callbacks ---- */

static void
sync_note_ignored(struct evpop_sync *sync, const struct evpop_listing *listing)
{
	struct evpop_sync_report *report = &sync->report;

	report->ignored = listing->ignored;
	snprintf(report->ignored_line, sizeof report->ignored_line, "%s",
	    listing->ignored_line == NULL ? "" : listing->ignored_line);
}

static void
sync_listing(const struct evpop_listing *listing, void *arg)
{
	struct evpop_sync *sync = arg;

	/* In a later slice, some messages are deleted already. */
	if (!sync->report.listed)
		sync->report.messages = (uint32_t)listing->count;
	sync->report.listed = true;
	sync->report.sessions++;
	sync_note_ignored(sync, listing);
	if (sync->caller.callbacks->listing != NULL)
		sync->caller.callbacks->listing(
		    sync, listing, sync->caller.arg);
	else
		evpop_sync_known(sync, NULL, 0, 0);
}

static void
sync_planned(const struct evpop_plan *plan, void *arg)
{
	struct evpop_sync *sync = arg;
	struct evpop_sync_report *report = &sync->report;

	report->too_large = (uint32_t)plan->too_large;
	report->later = (uint32_t)plan->later;
	report->later_octets = plan->later_octets;
	report->unidentified = (uint32_t)plan->unidentified;
	report->held = (uint32_t)plan->held;
	report->waiting = (uint32_t)plan->waits;
	report->seen += (uint32_t)plan->seen;
	report->adopted += (uint32_t)plan->adopts;
	report->adopted_octets += plan->adopt_octets;
	/* LIST may have come after the caller got the listing. */
	sync_note_ignored(sync, evpop_round_listing(sync->round));
	evpop_caller_planned(&sync->caller, plan);
}

static const struct evpop_round_callbacks round_callbacks = {
	.listing = sync_listing,
	.planned = sync_planned,
	.over = sync_over,
};

/* ---- life ---- */

static void
sync_hold(struct evpop_sync *sync)
{
	sync->holders++;
}

static void
sync_let_go(void *arg)
{
	struct evpop_sync *sync = arg;

	if (--sync->holders > 0)
		return;
	evpop_round_free(sync->round);
	if (sync->deferred != NULL)
		event_free(sync->deferred);
	evpop_attempt_clear(&sync->attempt);
	free(sync);
}

/* While no function of the round runs. */
static void
sync_drop_round(struct evpop_sync *sync)
{
	struct evpop_round *round = sync->round;

	sync->round = NULL;
	if (round != NULL)
		evpop_round_close(round, sync_let_go, sync);
	evpop_round_free(round);
}

void
evpop_sync_free(struct evpop_sync *sync)
{
	if (sync == NULL || sync->caller.is_gone)
		return;
	sync->caller.is_gone = true;
	sync->step = SYNC_DONE;
	if (sync->round != NULL)
		evpop_round_close(sync->round, sync_let_go, sync);
	sync_let_go(sync);
}

/* ---- the report ---- */

/* Add a round to the report; is_repeated: another one does its work again. */
static void
sync_add_round(struct evpop_sync_report *report, struct evpop_round *round,
    bool is_repeated)
{
	const struct evpop_transfer_tally *tally = evpop_round_tally(round);

	report->octets_in += evpop_client_octets_in(evpop_round_client(round));
	report->octets_out +=
	    evpop_client_octets_out(evpop_round_client(round));
	report->fetched += tally->fetched;
	report->failed += tally->failed;
	report->body_octets += tally->body_octets;
	if (is_repeated)
		return;
	report->failed += tally->cut;
	report->deleted += tally->deleted;
}

void
evpop_sync_progress(struct evpop_sync *sync, struct evpop_sync_report *progress)
{
	*progress = sync->report;
	if (sync->round != NULL && !sync->is_counted)
		sync_add_round(progress, sync->round, false);
}

static bool
sync_awaits_caller(const struct evpop_sync *sync)
{
	return evpop_round_tally(sync->round)->unacknowledged > 0;
}

/* Tell the caller of each deletion that the server has committed. */
static void
sync_tell_deleted(struct evpop_sync *sync)
{
	const struct evpop_transfer *transfer =
	    evpop_round_transfer(sync->round);
	const struct evpop_entry *entry;
	size_t at = 0;

	if (sync->is_told)
		return;
	sync->is_told = true;
	if (evpop_round_outcome(sync->round)->quit != EVPOP_QUIT_COMMITTED)
		return;
	while (!sync->caller.is_gone &&
	       (entry = evpop_transfer_marked(transfer, at++)) != NULL)
		evpop_caller_deleted(&sync->caller, entry);
}

/* Count what the limit on messages, one over all rounds, has left. */
static void
sync_note_later(struct evpop_sync *sync, struct evpop_sync_report *report)
{
	const struct evpop_plan *plan = evpop_round_plan(sync->round);
	uint32_t begun = evpop_round_tally(sync->round)->begun;
	uint32_t most = sync->policy.max_messages;

	if (evpop_round_transfer(sync->round) != NULL && most > 0 &&
	    !sync->is_counted && sync->begun + begun == most)
		report->later = (uint32_t)(plan->later + plan->fetches - begun);
}

static void
sync_done(struct evpop_sync *sync)
{
	struct evpop_sync_report report;

	sync->step = SYNC_DONE;
	evpop_credentials_wipe(&sync->attempt.credentials);
	sync_tell_deleted(sync);
	if (sync->caller.is_gone)
		return;
	evpop_sync_progress(sync, &report);
	sync_note_later(sync, &report);
	report.quit = evpop_round_outcome(sync->round)->quit;
	evpop_attempt_explain(&sync->attempt, &report.result);
	evpop_caller_done(&sync->caller, &report);
}

/* ---- one round after the other ---- */

static bool
sync_make_round(struct evpop_sync *sync, bool is_first)
{
	const struct evpop_round_order order = {
		.base = sync->base,
		.dns = sync->dns,
		.config = &sync->attempt.config,
		.caller = &sync->caller,
		.may_fly = is_first,
		.begun = sync->begun,
	};
	struct evpop_round *round;

	round = evpop_round_new(&order, &round_callbacks, sync);
	if (round == NULL)
		return false;
	/* The former round was needed until now, for its client. */
	sync_drop_round(sync);
	sync_hold(sync);
	sync->round = round;
	sync->is_counted = sync->is_told = false;
	return true;
}

/* Another round follows: count this one. */
static void
sync_count_round(struct evpop_sync *sync, bool is_repeated)
{
	const struct evpop_transfer_tally *tally =
	    evpop_round_tally(sync->round);

	sync_add_round(&sync->report, sync->round, is_repeated);
	sync->is_counted = true;
	if (!is_repeated)
		sync->listed_before = evpop_round_listing(sync->round)->count;
	evpop_slice_spend(&sync->policy, tally->body_octets);
	sync->begun +=
	    is_repeated ? tally->fetched + tally->failed : tally->begun;
}

static void
sync_begin_round(struct evpop_sync *sync)
{
	struct evpop_policy policy = sync->policy;
	enum evpop_error error = EVPOP_ERROR_MEMORY;

	if (sync->is_reversed)
		policy.order = policy.order == EVPOP_ORDER_OLDEST
				   ? EVPOP_ORDER_NEWEST
				   : EVPOP_ORDER_OLDEST;
	memset(&sync->report.result, 0, sizeof sync->report.result);
	if (sync_make_round(sync, false))
		error = evpop_round_start(
		    sync->round, &policy, &sync->attempt.credentials);
	sync->step = SYNC_RUNNING;
	if (error == EVPOP_ERROR_NONE)
		return;
	evpop_result_set(&sync->report.result, error, EVPOP_PHASE_CONNECT,
	    "no memory for a second session");
	sync->step = SYNC_CLOSED;
	event_active(sync->deferred, EV_TIMEOUT, 0);
}

static void
sync_another_round(struct evpop_sync *sync)
{
	bool is_repeated = sync->step != SYNC_GOING_ON;

	if (!is_repeated)
		sync_tell_deleted(sync);
	if (sync->caller.is_gone || sync->is_given_up)
		return;
	sync_count_round(sync, is_repeated);
	sync_begin_round(sync);
}

static void
sync_run_deferred(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_sync *sync = arg;

	(void)fd;
	(void)what;
	if (sync_awaits_caller(sync))
		return;
	sync_hold(sync);
	switch (sync->step) {
	case SYNC_REPEATING:
	case SYNC_REVERSING:
	case SYNC_GOING_ON:
		sync_another_round(sync);
		break;
	case SYNC_CLOSED:
		sync_done(sync);
		break;
	default:
		break;
	}
	sync_let_go(sync);
}

/* The round is over.  What follows runs from the loop. */
static void
sync_set_step(struct evpop_sync *sync, enum sync_step step)
{
	sync->step = step;
	if (!sync_awaits_caller(sync))
		event_active(sync->deferred, EV_TIMEOUT, 0);
}

/* Whether another round may succeed where this one has failed. */
static bool
sync_may_repeat(struct evpop_sync *sync)
{
	const struct evpop_round_outcome *outcome =
	    evpop_round_outcome(sync->round);

	if (outcome->did_its_work || evpop_round_tally(sync->round)->is_cut)
		return false;
	if (evpop_attempt_other_token(&sync->attempt,
		evpop_round_client(sync->round), &outcome->result))
		return true;
	return outcome->end.error != EVPOP_ERROR_NONE &&
	       evpop_attempt_again(&sync->attempt,
		   evpop_round_client(sync->round), &outcome->end);
}

/*
 * The session ended on the first message that was asked for.  If that message
 * is the reason, the others come from the other end.
 */
static bool
sync_may_reverse(struct evpop_sync *sync)
{
	enum evpop_error end = evpop_round_outcome(sync->round)->end.error;
	struct evpop_sync_report report;

	evpop_sync_progress(sync, &report);
	if (sync->is_reversed ||
	    (end != EVPOP_ERROR_IO && end != EVPOP_ERROR_TIMEOUT) ||
	    report.fetched > 0 || sync_awaits_caller(sync) ||
	    !evpop_round_tally(sync->round)->ended_on_message ||
	    evpop_round_plan(sync->round)->fetches <= 1)
		return false;
	sync->is_reversed = true;
	return true;
}

/* Slices would never end where a server only says that it has deleted. */
static bool
sync_listing_shrinks(struct evpop_sync *sync)
{
	return sync->listed_before == 0 ||
	       evpop_round_listing(sync->round)->count < sync->listed_before;
}

/* Whether the slice is committed, and something is left to do. */
static bool
sync_may_go_on(struct evpop_sync *sync)
{
	const struct evpop_transfer *transfer =
	    evpop_round_transfer(sync->round);
	const struct evpop_round_outcome *outcome =
	    evpop_round_outcome(sync->round);

	return evpop_transfer_marked(transfer, 0) != NULL &&
	       !sync_awaits_caller(sync) &&
	       outcome->quit == EVPOP_QUIT_COMMITTED &&
	       outcome->result.error == EVPOP_ERROR_NONE &&
	       evpop_transfer_has_more(transfer) && sync_listing_shrinks(sync);
}

static enum sync_step
sync_choose_step(struct evpop_sync *sync, bool needs_another)
{
	const struct evpop_round_outcome *outcome =
	    evpop_round_outcome(sync->round);

	if (sync->is_given_up) {
		sync->report.result = outcome->result;
		return SYNC_CLOSED;
	}
	if (needs_another)
		return SYNC_REPEATING;
	sync->report.result = outcome->end;
	if (sync_may_repeat(sync))
		return SYNC_REPEATING;
	if (sync_may_reverse(sync))
		return SYNC_REVERSING;
	sync->report.result = outcome->result;
	return sync_may_go_on(sync) ? SYNC_GOING_ON : SYNC_CLOSED;
}

static void
sync_over(bool needs_another, void *arg)
{
	struct evpop_sync *sync = arg;

	sync->step = sync_choose_step(sync, needs_another);
	evpop_transfer_tell_blamed(
	    evpop_round_transfer(sync->round), sync->step == SYNC_REPEATING);
	if (!sync->caller.is_gone)
		sync_set_step(sync, sync->step);
}

/* ---- what the caller does ---- */

struct evpop_sync *
evpop_sync_new(struct event_base *base, struct evdns_base *dns,
    const struct evpop_client_config *config, const struct evpop_policy *policy,
    const struct evpop_sync_callbacks *callbacks, void *arg)
{
	struct evpop_sync *sync;

	sync = calloc(1, sizeof *sync);
	if (sync == NULL)
		return NULL;
	sync_hold(sync);
	sync->base = base;
	sync->dns = dns;
	if (policy != NULL)
		sync->policy = *policy;
	sync->caller = (struct evpop_caller){
		.sync = sync, .callbacks = callbacks, .arg = arg
	};
	sync->deferred = event_new(base, -1, 0, sync_run_deferred, sync);
	if (!evpop_attempt_init(&sync->attempt, config) ||
	    sync->deferred == NULL || !sync_make_round(sync, true)) {
		sync_let_go(sync);
		return NULL;
	}
	return sync;
}

bool
evpop_sync_wants_other_token(const struct evpop_sync *sync)
{
	return sync->attempt.has_other_token;
}

void
evpop_sync_set_policy(
    struct evpop_sync *sync, const struct evpop_policy *policy)
{
	assert(sync->step == SYNC_IDLE);
	sync->policy = *policy;
}

enum evpop_error
evpop_sync_start(
    struct evpop_sync *sync, const struct evpop_credentials *credentials)
{
	enum evpop_error error = EVPOP_ERROR_MEMORY;

	assert(sync->step == SYNC_IDLE);
	if (evpop_credentials_copy(&sync->attempt.credentials, credentials))
		error = evpop_round_start(
		    sync->round, &sync->policy, &sync->attempt.credentials);
	if (error == EVPOP_ERROR_NONE) {
		sync->step = SYNC_RUNNING;
		return error;
	}
	/* Requests that were accepted must not run any more. */
	sync->step = SYNC_DONE;
	sync_drop_round(sync);
	evpop_credentials_wipe(&sync->attempt.credentials);
	return error;
}

static void
sync_known(struct evpop_sync *sync, const struct evpop_known *known,
    size_t count, enum evpop_known_part part, int64_t now_ms)
{
	if (sync->step != SYNC_RUNNING)
		return;
	sync_hold(sync);
	evpop_round_known(sync->round, known, count, part, now_ms);
	sync_let_go(sync);
}

void
evpop_sync_known(struct evpop_sync *sync, const struct evpop_known *known,
    size_t count, int64_t now_ms)
{
	sync_known(sync, known, count, EVPOP_KNOWN_ALL, now_ms);
}

void
evpop_sync_known_batch(struct evpop_sync *sync, const struct evpop_known *known,
    size_t count, bool is_last, int64_t now_ms)
{
	sync_known(sync, known, count,
	    is_last ? EVPOP_KNOWN_LAST : EVPOP_KNOWN_SOME, now_ms);
}

void
evpop_sync_unchanged(struct evpop_sync *sync)
{
	if (sync->step == SYNC_RUNNING)
		evpop_round_unchanged(sync->round);
}

void
evpop_sync_stored(
    struct evpop_sync *sync, const struct evpop_entry *entry, bool durable)
{
	evpop_transfer_stored(
	    evpop_round_transfer(sync->round), entry, durable);
	if (sync->step > SYNC_RUNNING)
		sync_set_step(sync, sync->step);
}

void
evpop_sync_stop(struct evpop_sync *sync)
{
	if (sync->step >= SYNC_CLOSED)
		return;
	sync->is_given_up = true;
	if (sync->step > SYNC_RUNNING)
		sync_set_step(sync, SYNC_CLOSED);
	else
		evpop_round_stop(sync->round);
}

void
evpop_sync_cancel(struct evpop_sync *sync, const struct evpop_result *reason)
{
	if (sync->step >= SYNC_CLOSED)
		return;
	sync->is_given_up = true;
	if (sync->step > SYNC_RUNNING) {
		sync->report.result = *reason;
		sync_set_step(sync, SYNC_CLOSED);
	} else
		evpop_round_cancel(sync->round, reason);
}

void
evpop_sync_resume(struct evpop_sync *sync)
{
	if (sync->round != NULL)
		evpop_client_resume(evpop_round_client(sync->round));
}

const struct evpop_plan *
evpop_sync_plan(const struct evpop_sync *sync)
{
	return sync->round == NULL ? NULL : evpop_round_plan(sync->round);
}

struct evpop_client *
evpop_sync_client(struct evpop_sync *sync)
{
	return sync->round == NULL ? NULL : evpop_round_client(sync->round);
}

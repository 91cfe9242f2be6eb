/* What is on the server, what of it is known, and what follows from that. */
#include <stdlib.h>

#include "lib/session/sync.h"

static void
listed_id(
    struct evpop_client *client, const struct evpop_listed *listed, void *arg)
{
	struct evpop_sync *sync = arg;

	(void)client;
	if (!evpop_listing_add_id(&sync->builder, listed))
		evpop_sync_fail(sync, EVPOP_ERROR_MEMORY,
		    "no memory for the server's listing");
}

static void
listed_size(
    struct evpop_client *client, const struct evpop_listed *listed, void *arg)
{
	struct evpop_sync *sync = arg;

	(void)client;
	if (!evpop_listing_add_size(&sync->builder, listed))
		evpop_sync_fail(sync, EVPOP_ERROR_MEMORY,
		    "no memory for the server's listing");
}

/* The listing is there: what of it is known? */
void
evpop_sync_ask(struct evpop_sync *sync)
{
	struct evpop_listing *listing = &sync->builder.listing;

	if (sync->stopping && !sync->flight) {
		evpop_sync_quit(sync);
		return;
	}
	/* Of a slice that follows another, some are deleted already. */
	if (!sync->report.listed)
		sync->report.messages = (uint32_t)listing->count;
	sync->report.listed = true;
	sync->report.sessions++;
	sync->step = EVPOP_SYNC_ASKING;
	evpop_sync_enter(sync);
	if (sync->callbacks->listing != NULL)
		sync->callbacks->listing(sync, listing, sync->arg);
	else
		evpop_sync_known(sync, NULL, 0, 0);
	(void)evpop_sync_leave(sync);
}

/* The listing has whatever sizes can be had. */
static void
plan_sizes(struct evpop_sync *sync)
{
	const size_t *indices;

	evpop_plan_sizes(sync->plan, &sync->builder.listing, &sync->policy);
	if (evpop_plan_looks(sync->plan, &indices) > 0)
		evpop_sync_look(sync);
	else
		evpop_sync_carry_out(sync);
}

static void
sizes_known(struct evpop_sync *sync, const struct evpop_reply *reply)
{
	/* Without sizes the session goes on: they were only hints. */
	if (reply->result.error == EVPOP_ERROR_NONE)
		evpop_listing_sizes_done(&sync->builder, reply->ignored);
	else if (reply->result.error != EVPOP_ERROR_REFUSED)
		return;
	plan_sizes(sync);
}

static void
list_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_sync *sync = arg;

	(void)client;
	if (sync->step == EVPOP_SYNC_SIZING) {
		sizes_known(sync, reply);
		return;
	}
	if (sync->step != EVPOP_SYNC_LISTING)
		return;
	if (reply->result.error == EVPOP_ERROR_NONE) {
		evpop_listing_sizes_done(&sync->builder, reply->ignored);
		evpop_sync_name(sync);
	} else if (reply->result.error == EVPOP_ERROR_REFUSED) {
		/* Without a listing there is no session to speak of. */
		sync->report.result = reply->result;
		sync->report.result.scope = EVPOP_SCOPE_SESSION;
		evpop_sync_quit(sync);
	}
}

static void
list(struct evpop_sync *sync)
{
	enum evpop_error error;

	error =
	    evpop_client_list(sync->client, 0, listed_size, list_done, sync);
	if (error != EVPOP_ERROR_NONE)
		evpop_sync_not_taken(sync, error);
}

/*
 * A server without UIDL refuses it, and LIST must do.  Whatever ends the
 * session is told by its end.
 */
static void
uidl_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_sync *sync = arg;
	enum evpop_error error;

	(void)client;
	/* It went out with a log-in that was refused. */
	if (sync->step != EVPOP_SYNC_LISTING)
		return;
	if (reply->result.error == EVPOP_ERROR_REFUSED) {
		if (!sync->flight)
			list(sync);
		else if (!sync->given_up)
			evpop_sync_second_session(sync);
		else
			sync->step = EVPOP_SYNC_QUITTING;
	}
	if (reply->result.error != EVPOP_ERROR_NONE)
		return;
	error = evpop_listing_ids_done(&sync->builder, reply->ignored);
	if (error == EVPOP_ERROR_NONE)
		evpop_sync_name(sync);
	else
		evpop_sync_fail(
		    sync, error, "no memory for the server's listing");
}

enum evpop_error
evpop_sync_survey(struct evpop_sync *sync)
{
	return evpop_client_uidl(sync->client, 0, listed_id, uidl_done, sync);
}

/*
 * Deletions that are due without a fetch, in the order of the maildrop, as many
 * as one session may have.
 */
static void
note_deletes(struct evpop_sync *sync)
{
	uint32_t most = sync->policy.max_session_deletes;
	size_t i;

	for (i = 0; i < sync->builder.listing.count; i++) {
		if (most > 0 && sync->deletes_due == most)
			break;
		if (sync->plan->actions[i] == EVPOP_ACTION_DELETE)
			sync->deletes[sync->deletes_due++] = i;
	}
	sync->slice = (uint32_t)sync->deletes_due;
}

/* Another session needs the credentials again. */
static bool
may_be_sliced(const struct evpop_sync *sync)
{
	const struct evpop_plan *plan = sync->plan;
	uint32_t most = sync->policy.max_session_deletes;

	return most > 0 && plan->deletes + plan->fetches > most;
}

static bool
has_work(const struct evpop_sync *sync)
{
	return !sync->stopping && !sync->policy.dry_run &&
	       (sync->plan->fetches > 0 || sync->plan->deletes > 0);
}

static void
report_plan(struct evpop_sync *sync)
{
	struct evpop_sync_report *report = &sync->report;
	const struct evpop_plan *plan = sync->plan;

	report->too_large = (uint32_t)plan->too_large;
	report->later = (uint32_t)plan->later;
	report->unidentified = (uint32_t)plan->unidentified;
	report->held = (uint32_t)plan->held;
	report->seen += (uint32_t)plan->seen;
	report->adopted += (uint32_t)plan->adopts;
	report->adopted_octets += plan->adopt_octets;
}

/* There is nothing to do: in a flight QUIT went out with all the rest. */
static void
take_leave(struct evpop_sync *sync)
{
	if (!sync->flight) {
		evpop_sync_quit(sync);
		return;
	}
	sync->step = EVPOP_SYNC_QUITTING;
	if (sync->left)
		evpop_sync_closed(sync);
}

void
evpop_sync_carry_out(struct evpop_sync *sync)
{
	report_plan(sync);
	if (!may_be_sliced(sync))
		evpop_credentials_wipe(&sync->credentials);
	evpop_sync_enter(sync);
	if (sync->callbacks->planned != NULL)
		sync->callbacks->planned(sync, sync->plan, sync->arg);
	/* It may have been stopped, and the QUIT be under way or over. */
	if (evpop_sync_leave(sync) && sync->step < EVPOP_SYNC_QUITTING) {
		if (sync->flight || sync->policy.dry_run)
			take_leave(sync);
		else {
			sync->step = EVPOP_SYNC_TRANSFER;
			if (!sync->stopping)
				note_deletes(sync);
			evpop_sync_transfer(sync);
		}
	}
}

void
evpop_sync_unchanged(struct evpop_sync *sync)
{
	if (sync->step != EVPOP_SYNC_ASKING)
		return;
	evpop_credentials_wipe(&sync->credentials);
	take_leave(sync);
}

void
evpop_sync_known(struct evpop_sync *sync, const struct evpop_known *known,
    size_t count, int64_t now_ms)
{
	enum evpop_error error;

	/* The session may have ended, or be ending, while it was asked. */
	if (sync->step != EVPOP_SYNC_ASKING)
		return;
	error = evpop_plan_new(&sync->plan, &sync->builder.listing, known,
	    count, &sync->policy, now_ms);
	sync->deletes =
	    calloc(sync->builder.listing.count + 1, sizeof *sync->deletes);
	if (error != EVPOP_ERROR_NONE || sync->deletes == NULL) {
		evpop_sync_fail(
		    sync, EVPOP_ERROR_MEMORY, "no memory for the plan");
		return;
	}
	if (sync->flight && has_work(sync)) {
		evpop_sync_second_session(sync);
		return;
	}
	evpop_sync_enter(sync);
	if (sync->callbacks->matched != NULL)
		sync->callbacks->matched(sync, sync->plan, sync->arg);
	if (!evpop_sync_leave(sync) || sync->step == EVPOP_SYNC_CLOSED ||
	    (sync->stopping && !sync->flight))
		return;
	if (sync->flight || !evpop_plan_wants_sizes(sync->plan, &sync->policy))
		evpop_sync_carry_out(sync);
	else if (sync->builder.listing.unique_ids) {
		sync->step = EVPOP_SYNC_SIZING;
		list(sync);
	} else
		plan_sizes(sync);
}

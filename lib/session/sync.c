/* The life of a session: connect, log in, list, plan, transfer, QUIT. */
#include <evpop/sync.h>

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "lib/session/sync.h"

static void session_closed(
    struct evpop_client *, const struct evpop_result *, void *);

static const struct evpop_client_callbacks client_callbacks = {
	.closed = session_closed,
};

static void
destroy(struct evpop_sync *sync)
{
	if (sync->deferred != NULL)
		event_free(sync->deferred);
	evpop_listing_clear(&sync->builder);
	evpop_plan_free(&sync->plan);
	free(sync->deletes);
	free(sync);
}

void
evpop_sync_enter(struct evpop_sync *sync)
{
	sync->busy++;
}

bool
evpop_sync_leave(struct evpop_sync *sync)
{
	bool lives = !sync->freed;

	if (--sync->busy == 0 && sync->freed)
		destroy(sync);
	return lives;
}

void
evpop_sync_free(struct evpop_sync *sync)
{
	if (sync == NULL || sync->freed)
		return;
	sync->freed = true;
	sync->step = EVPOP_SYNC_DONE;
	evpop_client_free(sync->client);
	sync->client = NULL;
	if (sync->busy == 0)
		destroy(sync);
}

/* Tell of every deletion that the server has committed, then `done`. */
static void
run_done(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_sync *sync = arg;
	const struct evpop_entry *entries = sync->builder.listing.entries;
	size_t i;

	(void)fd;
	(void)what;
	if (sync->step != EVPOP_SYNC_CLOSED || sync->unacknowledged > 0)
		return;
	sync->step = EVPOP_SYNC_DONE;
	evpop_sync_enter(sync);
	for (i = 0; i < sync->deletes_marked && !sync->freed &&
		    sync->report.quit == EVPOP_QUIT_COMMITTED &&
		    sync->callbacks->deleted != NULL;
	     i++)
		sync->callbacks->deleted(
		    sync, &entries[sync->deletes[i]], sync->arg);
	if (!sync->freed)
		sync->callbacks->done(sync, &sync->report, sync->arg);
	(void)evpop_sync_leave(sync);
}

void
evpop_sync_settle(struct evpop_sync *sync)
{
	if (sync->step == EVPOP_SYNC_CLOSED && sync->unacknowledged == 0)
		event_active(sync->deferred, EV_TIMEOUT, 0);
}

static void
session_closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct evpop_sync *sync = arg;
	struct evpop_sync_report *report = &sync->report;
	bool all_done =
	    sync->step == EVPOP_SYNC_QUITTING && sync->deletes_marked == 0;

	/* How a server takes leave matters only where deletions are at stake.
	 */
	if (report->result.error == EVPOP_ERROR_NONE && !all_done)
		report->result = *result;
	report->octets_in = evpop_client_octets_in(client);
	report->octets_out = evpop_client_octets_out(client);
	sync->step = EVPOP_SYNC_CLOSED;
	evpop_sync_settle(sync);
}

void
evpop_sync_fail(
    struct evpop_sync *sync, enum evpop_error error, const char *text)
{
	struct evpop_result result;

	evpop_result_set(&result, error, EVPOP_PHASE_COMMAND, "%s", text);
	evpop_sync_cancel(sync, &result);
}

void
evpop_sync_not_taken(struct evpop_sync *sync, enum evpop_error error)
{
	sync->stopping = true;
	/* A session that is ending takes nothing either; its end says why. */
	if (error == EVPOP_ERROR_MEMORY)
		evpop_sync_fail(sync, error, "no memory for a command");
}

void
evpop_sync_cancel(struct evpop_sync *sync, const struct evpop_result *reason)
{
	if (sync->step >= EVPOP_SYNC_CLOSED || sync->client == NULL)
		return;
	if (sync->report.result.error == EVPOP_ERROR_NONE)
		sync->report.result = *reason;
	sync->stopping = true;
	evpop_client_cancel(sync->client);
}

static void
quit_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_sync *sync = arg;

	(void)client;
	sync->report.quit = reply->quit;
	/* A server may answer that it has not deleted what was marked. */
	if (reply->quit == EVPOP_QUIT_REFUSED && sync->deletes_marked > 0 &&
	    sync->report.result.error == EVPOP_ERROR_NONE)
		sync->report.result = reply->result;
}

void
evpop_sync_quit(struct evpop_sync *sync)
{
	enum evpop_error error;

	error = evpop_client_quit(sync->client, quit_done, sync);
	if (error == EVPOP_ERROR_NONE)
		sync->step = EVPOP_SYNC_QUITTING;
	else
		evpop_sync_not_taken(sync, error);
}

void
evpop_sync_stop(struct evpop_sync *sync)
{
	sync->stopping = true;
	switch (sync->step) {
	case EVPOP_SYNC_TRANSFER:
		evpop_sync_transfer(sync);
		break;
	case EVPOP_SYNC_ASKING:
		evpop_sync_quit(sync);
		break;
	default:
		/* The listing, once complete, is followed by QUIT. */
		break;
	}
}

/* ---- the listing ---- */

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

static void
uidl_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_sync *sync = arg;
	enum evpop_error error;

	(void)client;
	/* A server without UIDL refuses it; whatever ends the session is told
	 * by its end. */
	if (reply->result.error != EVPOP_ERROR_NONE)
		return;
	error = evpop_listing_ids_done(&sync->builder, reply->ignored);
	if (error != EVPOP_ERROR_NONE)
		evpop_sync_fail(
		    sync, error, "no memory for the server's listing");
}

/* The session goes on although LIST was refused: no size is known then. */
static void
list_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_sync *sync = arg;
	struct evpop_listing *listing = &sync->builder.listing;

	(void)client;
	/* It went out with a log-in that was refused. */
	if (sync->step != EVPOP_SYNC_LISTING)
		return;
	if (sync->stopping) {
		evpop_sync_quit(sync);
		return;
	}
	if (reply->result.error == EVPOP_ERROR_NONE)
		evpop_listing_sizes_done(&sync->builder, reply->ignored);
	else if (reply->result.error != EVPOP_ERROR_REFUSED)
		return;
	else if (!listing->unique_ids) {
		sync->report.result = reply->result;
		evpop_sync_quit(sync);
		return;
	}
	sync->report.listed = true;
	sync->report.messages = (uint32_t)listing->count;
	sync->step = EVPOP_SYNC_ASKING;
	evpop_sync_enter(sync);
	sync->callbacks->listing(sync, listing, sync->arg);
	(void)evpop_sync_leave(sync);
}

/* Deletions that are due without a fetch, in the order of the maildrop. */
static void
note_deletes(struct evpop_sync *sync)
{
	size_t i;

	for (i = 0; i < sync->builder.listing.count; i++)
		if (sync->plan->actions[i] == EVPOP_ACTION_DELETE)
			sync->deletes[sync->deletes_due++] = i;
}

void
evpop_sync_known(struct evpop_sync *sync, const struct evpop_known *known,
    size_t count, int64_t now_ms)
{
	struct evpop_sync_report *report = &sync->report;
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
	report->too_large = (uint32_t)sync->plan->too_large;
	report->later = (uint32_t)sync->plan->later;
	report->unidentified = (uint32_t)sync->plan->unidentified;
	note_deletes(sync);
	sync->step = EVPOP_SYNC_TRANSFER;
	evpop_sync_enter(sync);
	if (sync->callbacks->planned != NULL)
		sync->callbacks->planned(sync, sync->plan, sync->arg);
	if (!sync->freed)
		evpop_sync_transfer(sync);
	(void)evpop_sync_leave(sync);
}

/* ---- the beginning ---- */

/*
 * A refused log-in ends the session; commands behind it are cancelled, and a
 * polite QUIT closes.
 */
static void
opened(struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_sync *sync = arg;

	(void)client;
	if (reply->result.error == EVPOP_ERROR_NONE ||
	    sync->report.result.error != EVPOP_ERROR_NONE)
		return;
	sync->report.result = reply->result;
	if (evpop_client_state(sync->client) == EVPOP_STATE_AUTHORIZATION)
		evpop_sync_quit(sync);
}

struct evpop_sync *
evpop_sync_new(struct event_base *base, struct evdns_base *dns,
    const struct evpop_client_config *config, const struct evpop_policy *policy,
    const struct evpop_sync_callbacks *callbacks, void *arg)
{
	struct evpop_sync *sync;

	sync = calloc(1, sizeof *sync);
	if (sync == NULL)
		return NULL;
	sync->base = base;
	sync->policy = *policy;
	sync->callbacks = callbacks;
	sync->arg = arg;
	sync->deferred = event_new(base, -1, 0, run_done, sync);
	sync->client =
	    evpop_client_new(base, dns, config, &client_callbacks, sync);
	if (sync->deferred == NULL || sync->client == NULL) {
		evpop_client_free(sync->client);
		destroy(sync);
		return NULL;
	}
	return sync;
}

enum evpop_error
evpop_sync_start(
    struct evpop_sync *sync, const char *user, const char *password)
{
	struct evpop_client *client = sync->client;
	enum evpop_error error;

	assert(sync->step == EVPOP_SYNC_IDLE);
	error = evpop_client_connect(client, opened, sync);
	if (error == EVPOP_ERROR_NONE)
		error =
		    evpop_client_login(client, user, password, opened, sync);
	if (error == EVPOP_ERROR_NONE)
		error =
		    evpop_client_uidl(client, 0, listed_id, uidl_done, sync);
	if (error == EVPOP_ERROR_NONE)
		error =
		    evpop_client_list(client, 0, listed_size, list_done, sync);
	if (error == EVPOP_ERROR_NONE)
		sync->step = EVPOP_SYNC_LISTING;
	return error;
}

void
evpop_sync_resume(struct evpop_sync *sync)
{
	if (sync->client != NULL)
		evpop_client_resume(sync->client);
}

const struct evpop_plan *
evpop_sync_plan(const struct evpop_sync *sync)
{
	return sync->plan;
}

struct evpop_client *
evpop_sync_client(struct evpop_sync *sync)
{
	return sync->client;
}

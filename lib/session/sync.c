/* The life of a session: connect, log in, list, plan, transfer, QUIT. */
#include <evpop/sync.h>

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "lib/session/sync.h"

static void session_closed(
    struct evpop_client *, const struct evpop_result *, void *);
static void another_session(struct evpop_sync *);

static void
session_trace(
    struct evpop_client *client, bool from_server, const char *line, void *arg)
{
	struct evpop_sync *sync = arg;

	(void)client;
	sync->callbacks->trace(sync, from_server, line, sync->arg);
}

static const struct evpop_client_callbacks client_callbacks = {
	.closed = session_closed,
};
static const struct evpop_client_callbacks tracing_callbacks = {
	.closed = session_closed,
	.trace = session_trace,
};

/* A copy; true with NULL for NULL, and false with NULL without memory. */
static bool
copy(const char **copy_r, const char *text)
{
	*copy_r = text == NULL ? NULL : strdup(text);
	return text == NULL || *copy_r != NULL;
}

/* Proxies may be named with a password. */
static void
forget(const char *copied)
{
	char *text = (char *)(uintptr_t)copied;

	if (text != NULL)
		explicit_bzero(text, strlen(text));
	free(text);
}

static void
destroy(struct evpop_sync *sync)
{
	if (sync->deferred != NULL)
		event_free(sync->deferred);
	evpop_listing_clear(&sync->builder);
	evpop_plan_free(&sync->plan);
	evpop_sync_looks_clear(sync);
	free(sync->deletes);
	evpop_credentials_wipe(&sync->credentials);
	evpop_memory_free(sync->memory);
	evpop_tls_context_free(sync->config.tls_context);
	forget(sync->config.host);
	forget(sync->config.proxy);
	forget(sync->config.source_address);
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

/* Tell of every deletion that the server has committed. */
static void
tell_deleted(struct evpop_sync *sync)
{
	const struct evpop_entry *entries = sync->builder.listing.entries;
	size_t i;

	for (i = 0; i < sync->deletes_marked && !sync->freed &&
		    sync->report.quit == EVPOP_QUIT_COMMITTED &&
		    sync->callbacks->deleted != NULL;
	     i++)
		sync->callbacks->deleted(
		    sync, &entries[sync->deletes[i]], sync->arg);
}

static void
run_done(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_sync *sync = arg;

	(void)fd;
	(void)what;
	if (sync->step != EVPOP_SYNC_CLOSED || sync->unacknowledged > 0)
		return;
	sync->step = EVPOP_SYNC_DONE;
	evpop_sync_enter(sync);
	tell_deleted(sync);
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

void
evpop_sync_closed(struct evpop_sync *sync)
{
	sync->step = EVPOP_SYNC_CLOSED;
	evpop_sync_settle(sync);
}

void
evpop_sync_progress(struct evpop_sync *sync, struct evpop_sync_report *progress)
{
	bool under_way = sync->step > EVPOP_SYNC_IDLE &&
			 sync->step < EVPOP_SYNC_CLOSED && !sync->left;

	*progress = sync->report;
	if (sync->client == NULL || !under_way)
		return;
	progress->octets_in += evpop_client_octets_in(sync->client);
	progress->octets_out += evpop_client_octets_out(sync->client);
}

static void
note_octets(struct evpop_sync *sync)
{
	sync->report.octets_in += evpop_client_octets_in(sync->client);
	sync->report.octets_out += evpop_client_octets_out(sync->client);
}

/*
 * Some servers hang up on a log-in they refuse.  Where the account names
 * several mechanisms, the next one gets a connection of its own.
 */
static bool
try_other_mechanism(struct evpop_sync *sync, const struct evpop_client *client,
    const struct evpop_result *result)
{
	if (evpop_client_again(client) != EVPOP_AGAIN_OTHER_MECHANISM ||
	    sync->given_up)
		return false;
	(void)result;
	sync->credentials.tried |= evpop_client_tried(client);
	evpop_sync_second_session(sync);
	return true;
}

/*
 * With a server that does not delete what it says it has deleted, slices would
 * have no end.
 */
static bool
shrinks(const struct evpop_sync *sync)
{
	return sync->listed_before == 0 ||
	       sync->builder.listing.count < sync->listed_before;
}

/* The slice is committed, and something is left to do. */
static bool
may_go_on(const struct evpop_sync *sync)
{
	return sync->step == EVPOP_SYNC_QUITTING && !sync->stopping &&
	       !sync->flight && sync->deletes_marked > 0 &&
	       sync->unacknowledged == 0 &&
	       sync->report.quit == EVPOP_QUIT_COMMITTED &&
	       sync->report.result.error == EVPOP_ERROR_NONE &&
	       evpop_sync_has_more(sync) && shrinks(sync);
}

/* What a limit over all sessions has left. */
static void
note_later(struct evpop_sync *sync)
{
	if (sync->plan != NULL && sync->policy.max_messages > 0 &&
	    sync->begun == sync->policy.max_messages)
		sync->report.later =
		    (uint32_t)(sync->plan->later + sync->plan->fetches -
			       sync->next_fetch);
}

static void
close_session(struct evpop_sync *sync)
{
	note_octets(sync);
	note_later(sync);
	evpop_sync_closed(sync);
}

static void
next_slice(struct evpop_sync *sync)
{
	evpop_sync_enter(sync);
	tell_deleted(sync);
	sync->deletes_marked = 0;
	sync->listed_before = sync->builder.listing.count;
	if (!sync->freed && !sync->given_up)
		another_session(sync);
	else if (!sync->freed)
		close_session(sync);
	(void)evpop_sync_leave(sync);
}

static void
session_closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct evpop_sync *sync = arg;
	struct evpop_sync_report *report = &sync->report;
	bool all_done =
	    sync->step == EVPOP_SYNC_QUITTING && sync->deletes_marked == 0;

	if (sync->step >= EVPOP_SYNC_CLOSED)
		return;
	if (evpop_client_again(client) == EVPOP_AGAIN_ONE_BY_ONE &&
	    !sync->second && !report->listed && !sync->given_up) {
		sync->config.one_by_one = true;
		evpop_sync_second_session(sync);
		return;
	}
	if (try_other_mechanism(sync, client, result))
		return;
	if (may_go_on(sync)) {
		next_slice(sync);
		return;
	}
	note_octets(sync);
	note_later(sync);
	/* What is known is still asked for; who has given up does not answer.
	 */
	if (sync->flight && sync->step == EVPOP_SYNC_ASKING &&
	    report->result.error == EVPOP_ERROR_NONE) {
		sync->left = true;
		return;
	}
	/* How a server takes leave matters only where deletions are at stake.
	 */
	if (report->result.error == EVPOP_ERROR_NONE && !all_done)
		report->result = *result;
	evpop_sync_closed(sync);
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
	sync->stopping = sync->given_up = true;
	evpop_client_cancel(sync->client);
	/* In a flight the server has taken leave already. */
	if (sync->left)
		evpop_sync_closed(sync);
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
	sync->stopping = sync->given_up = true;
	switch (sync->step) {
	case EVPOP_SYNC_TRANSFER:
		evpop_sync_drop_deletes(sync);
		evpop_sync_transfer(sync);
		break;
	case EVPOP_SYNC_ASKING:
		if (!sync->flight)
			evpop_sync_quit(sync);
		break;
	default:
		/* The listing, once complete, is followed by QUIT. */
		break;
	}
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

/* The whole session is queued, as far as it does not depend on the listing. */
static enum evpop_error
open_session(struct evpop_sync *sync)
{
	struct evpop_client *client = sync->client;
	enum evpop_error error;

	/* What is only looked at, or counted, wants the whole plan. */
	sync->flight = sync->policy.expect_nothing && !sync->policy.dry_run &&
		       !sync->policy.baseline && !sync->second &&
		       evpop_client_takes_flight(client);
	error = evpop_client_connect(client, opened, sync);
	if (error == EVPOP_ERROR_NONE)
		error = evpop_client_login(
		    client, &sync->credentials, opened, sync);
	if (error == EVPOP_ERROR_NONE)
		error = evpop_sync_survey(sync);
	if (error == EVPOP_ERROR_NONE && sync->flight)
		error = evpop_client_quit(client, quit_done, sync);
	if (error == EVPOP_ERROR_NONE)
		sync->step = EVPOP_SYNC_LISTING;
	return error;
}

static bool
make_client(struct evpop_sync *sync)
{
	sync->client = evpop_client_new(sync->base, sync->dns, &sync->config,
	    sync->callbacks->trace != NULL ? &tracing_callbacks
					   : &client_callbacks,
	    sync);
	return sync->client != NULL;
}

static void
another_session(struct evpop_sync *sync)
{
	struct evpop_client *client = sync->client;
	enum evpop_error error = EVPOP_ERROR_MEMORY;

	if (!sync->left)
		note_octets(sync);
	sync->second = true;
	sync->left = sync->stopping = false;
	memset(&sync->report.result, 0, sizeof sync->report.result);
	sync->report.quit = EVPOP_QUIT_NONE;
	evpop_listing_clear(&sync->builder);
	evpop_plan_free(&sync->plan);
	free(sync->deletes);
	sync->deletes = NULL;
	sync->deletes_due = sync->deletes_sent = 0;
	sync->deletes_answered = sync->deletes_marked = 0;
	sync->next_fetch = 0;
	sync->slice = 0;
	if (make_client(sync)) {
		error = open_session(sync);
		evpop_client_free(client);
	} else
		/* What it knows of the server may still be asked for. */
		sync->client = client;
	if (error == EVPOP_ERROR_NONE)
		return;
	evpop_result_set(&sync->report.result, error, EVPOP_PHASE_CONNECT,
	    "no memory for a second session");
	evpop_sync_closed(sync);
}

void
evpop_sync_second_session(struct evpop_sync *sync)
{
	sync->report.listed = false;
	another_session(sync);
}

struct evpop_sync *
evpop_sync_new(struct event_base *base, struct evdns_base *dns,
    const struct evpop_client_config *config, const struct evpop_policy *policy,
    const struct evpop_sync_callbacks *callbacks, void *arg)
{
	struct evpop_sync *sync;
	bool copied;

	sync = calloc(1, sizeof *sync);
	if (sync == NULL)
		return NULL;
	sync->base = base;
	sync->dns = dns;
	if (policy != NULL)
		sync->policy = *policy;
	sync->callbacks = callbacks;
	sync->arg = arg;
	sync->config = *config;
	copied = copy(&sync->config.host, config->host) &
		 copy(&sync->config.proxy, config->proxy) &
		 copy(&sync->config.source_address, config->source_address);
	if (config->tls_context != NULL)
		evpop_tls_context_ref(config->tls_context);
	/* A second session must know what the first has learned. */
	if (config->memory == NULL)
		sync->config.memory = sync->memory = evpop_memory_new();
	sync->deferred = event_new(base, -1, 0, run_done, sync);
	if (!copied || sync->config.host == NULL || sync->deferred == NULL ||
	    sync->config.memory == NULL || !make_client(sync)) {
		destroy(sync);
		return NULL;
	}
	return sync;
}

void
evpop_sync_set_policy(
    struct evpop_sync *sync, const struct evpop_policy *policy)
{
	assert(sync->step == EVPOP_SYNC_IDLE);
	sync->policy = *policy;
}

enum evpop_error
evpop_sync_start(
    struct evpop_sync *sync, const struct evpop_credentials *credentials)
{
	assert(sync->step == EVPOP_SYNC_IDLE);
	if (!evpop_credentials_copy(&sync->credentials, credentials))
		return EVPOP_ERROR_MEMORY;
	return open_session(sync);
}

enum evpop_error
evpop_sync_open(struct evpop_sync *sync, const char *user, const char *password)
{
	return evpop_sync_start(sync,
	    &(struct evpop_credentials){ .user = user, .password = password });
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

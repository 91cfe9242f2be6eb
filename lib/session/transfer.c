/* RETR and DELE, by the plan and ahead of their answers. */
#include <assert.h>

#include "lib/session/sync.h"

static void
dele_done(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_sync *sync = arg;
	size_t index = sync->deletes[sync->deletes_answered++];

	(void)client;
	if (reply->result.error == EVPOP_ERROR_NONE) {
		sync->deletes[sync->deletes_marked++] = index;
		sync->report.deleted++;
	} else if (reply->result.error != EVPOP_ERROR_REFUSED)
		/* The session ended on this, and on none of the bodies. */
		sync->blamed = true;
	evpop_sync_transfer(sync);
}

/* Returns false where nothing more can be handed over now. */
static bool
hand_over_delete(struct evpop_sync *sync)
{
	const struct evpop_entry *entry;
	enum evpop_error error;

	if (sync->deletes_sent == sync->deletes_due ||
	    sync->deletes_sent - sync->deletes_answered == EVPOP_SYNC_AHEAD)
		return false;
	entry =
	    &sync->builder.listing.entries[sync->deletes[sync->deletes_sent]];
	error = evpop_client_dele(sync->client, entry->number, dele_done, sync);
	if (error != EVPOP_ERROR_NONE) {
		evpop_sync_not_taken(sync, error);
		return false;
	}
	sync->deletes_sent++;
	return true;
}

/* Bodies come in the order of their RETRs: this is the one that comes now. */
static const struct evpop_fetch *
current(const struct evpop_sync *sync)
{
	assert(sync->fetch_count > 0);
	return &sync->fetches[sync->fetch_head];
}

static const struct evpop_entry *
entry_of(const struct evpop_sync *sync, const struct evpop_fetch *fetch)
{
	return &sync->builder.listing.entries[fetch->index];
}

static enum evpop_flow
body_begin(
    struct evpop_client *client, uint32_t number, uint64_t octets, void *arg)
{
	struct evpop_sync *sync = arg;
	const struct evpop_fetch *fetch = current(sync);
	enum evpop_flow flow = EVPOP_FLOW_CONTINUE;
	void *message = NULL;

	(void)client;
	(void)octets;
	assert(number == entry_of(sync, fetch)->number);
	sync->begun_body = true;
	evpop_sync_enter(sync);
	if (sync->callbacks->begin != NULL)
		flow = sync->callbacks->begin(sync, entry_of(sync, fetch),
		    sync->plan->actions[fetch->index], &message, sync->arg);
	sync->message = message;
	(void)evpop_sync_leave(sync);
	return flow;
}

static enum evpop_flow
body_data(struct evpop_client *client, const unsigned char *bytes,
    size_t length, void *arg)
{
	struct evpop_sync *sync = arg;
	enum evpop_flow flow = EVPOP_FLOW_CONTINUE;

	(void)client;
	evpop_sync_enter(sync);
	if (sync->callbacks->data != NULL)
		flow = sync->callbacks->data(
		    sync, sync->message, bytes, length, sync->arg);
	if (!sync->freed)
		sync->report.body_octets += length;
	(void)evpop_sync_leave(sync);
	return flow;
}

/* Anything but a refusal is the end of the session, too. */
static void
note_session_error(struct evpop_sync *sync, const struct evpop_result *result)
{
	if (result->error == EVPOP_ERROR_NONE ||
	    result->error == EVPOP_ERROR_REFUSED)
		return;
	sync->stopping = true;
	if (sync->report.result.error == EVPOP_ERROR_NONE)
		sync->report.result = *result;
}

/*
 * The server refuses this message; or the session ends, and of the messages
 * under way this is the one whose turn it was.
 */
static bool
is_to_blame(struct evpop_sync *sync, const struct evpop_result *result)
{
	bool first = !sync->blamed;

	switch (result->error) {
	case EVPOP_ERROR_NONE:
	case EVPOP_ERROR_CANCELLED:
	case EVPOP_ERROR_MEMORY:
		return false;
	case EVPOP_ERROR_REFUSED:
		/* "Come back later" is not about this message. */
		return result->scope == EVPOP_SCOPE_MESSAGE;
	default:
		sync->blamed = true;
		return first;
	}
}

static void
body_end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	struct evpop_sync *sync = arg;
	struct evpop_fetch fetch = *current(sync);
	const struct evpop_entry *entry = entry_of(sync, &fetch);
	bool begun = sync->begun_body, blamed;
	void *message = sync->message;

	(void)client;
	assert(number == entry->number);
	sync->fetch_head = (sync->fetch_head + 1) % EVPOP_SYNC_AHEAD;
	sync->fetch_count--;
	sync->begun_body = false;
	sync->message = NULL;
	sync->ahead_octets -= fetch.octets;
	if (result->error == EVPOP_ERROR_NONE) {
		sync->unacknowledged++;
		sync->deletes_owed += sync->plan->actions[fetch.index] ==
				      EVPOP_ACTION_FETCH_DELETE;
	} else if (begun || result->error == EVPOP_ERROR_REFUSED)
		sync->report.failed++;
	blamed = is_to_blame(sync, result);
	note_session_error(sync, result);
	evpop_sync_enter(sync);
	if (begun)
		sync->callbacks->end(sync, entry, message, result, sync->arg);
	else if (blamed && sync->callbacks->refused != NULL)
		sync->callbacks->refused(sync, entry, result, sync->arg);
	if (!sync->freed)
		evpop_sync_transfer(sync);
	(void)evpop_sync_leave(sync);
}

static const struct evpop_sink body_sink = {
	.begin = body_begin,
	.data = body_data,
	.end = body_end,
};

/* This session fetches no more: all is fetched, or a limit is reached. */
static bool
fetches_end(const struct evpop_sync *sync)
{
	const struct evpop_policy *policy = &sync->policy;
	size_t index;

	if (sync->next_fetch == sync->plan->fetches)
		return true;
	if (policy->max_messages > 0 && sync->begun == policy->max_messages)
		return true;
	index = sync->plan->order[sync->next_fetch];
	return policy->max_session_deletes > 0 &&
	       sync->slice >= policy->max_session_deletes &&
	       sync->plan->actions[index] == EVPOP_ACTION_FETCH_DELETE;
}

static bool
hand_over_fetch(struct evpop_sync *sync)
{
	const struct evpop_entry *entry;
	struct evpop_fetch *fetch;
	enum evpop_error error;
	uint64_t octets;
	size_t index;

	if (sync->stopping || fetches_end(sync) ||
	    sync->fetch_count == EVPOP_SYNC_AHEAD ||
	    (sync->fetch_count > 1 &&
		sync->ahead_octets >= EVPOP_SYNC_AHEAD_OCTETS))
		return false;
	index = sync->plan->order[sync->next_fetch];
	entry = &sync->builder.listing.entries[index];
	fetch = &sync->fetches[(sync->fetch_head + sync->fetch_count) %
			       EVPOP_SYNC_AHEAD];
	octets = entry->octets != 0 ? entry->octets : EVPOP_SYNC_USUAL_OCTETS;
	*fetch = (struct evpop_fetch){ .index = (uint32_t)index,
		.octets = octets < UINT32_MAX ? (uint32_t)octets : UINT32_MAX };
	error =
	    evpop_client_retr(sync->client, entry->number, &body_sink, sync);
	if (error != EVPOP_ERROR_NONE) {
		evpop_sync_not_taken(sync, error);
		return false;
	}
	sync->fetch_count++;
	sync->ahead_octets += fetch->octets;
	sync->next_fetch++;
	sync->begun++;
	sync->slice += sync->plan->actions[index] == EVPOP_ACTION_FETCH_DELETE;
	return true;
}

bool
evpop_sync_has_more(const struct evpop_sync *sync)
{
	const struct evpop_policy *policy = &sync->policy;
	bool fetches =
	    sync->next_fetch < sync->plan->fetches &&
	    (policy->max_messages == 0 || sync->begun < policy->max_messages);

	return policy->max_session_deletes > 0 &&
	       sync->slice >= policy->max_session_deletes &&
	       (fetches || sync->plan->deletes > policy->max_session_deletes);
}

static bool
finished(const struct evpop_sync *sync)
{
	bool fetched = sync->stopping || fetches_end(sync);
	/* The next session must not fetch what this one has not stored yet. */
	bool stored = sync->unacknowledged == 0 || sync->stopping ||
		      !evpop_sync_has_more(sync);

	return fetched && sync->fetch_count == 0 && sync->deletes_owed == 0 &&
	       sync->deletes_answered == sync->deletes_due && stored;
}

/*
 * Nothing is deleted, so nothing depends on how the bodies end that are under
 * way: QUIT goes out behind their RETRs, and saves a round trip.
 */
static bool
only_quit_is_left(const struct evpop_sync *sync)
{
	return !sync->stopping && fetches_end(sync) && sync->slice == 0;
}

void
evpop_sync_drop_deletes(struct evpop_sync *sync)
{
	size_t i, kept = sync->deletes_sent;

	for (i = sync->deletes_sent; i < sync->deletes_due; i++)
		if (sync->plan->actions[sync->deletes[i]] !=
		    EVPOP_ACTION_DELETE)
			sync->deletes[kept++] = sync->deletes[i];
	sync->deletes_due = kept;
}

void
evpop_sync_transfer(struct evpop_sync *sync)
{
	while (sync->step == EVPOP_SYNC_TRANSFER && hand_over_delete(sync))
		;
	while (sync->step == EVPOP_SYNC_TRANSFER && hand_over_fetch(sync))
		;
	if (sync->step == EVPOP_SYNC_TRANSFER &&
	    (only_quit_is_left(sync) || finished(sync)))
		evpop_sync_quit(sync);
}

void
evpop_sync_stored(
    struct evpop_sync *sync, const struct evpop_entry *entry, bool durable)
{
	size_t index = (size_t)(entry - sync->builder.listing.entries);
	bool delete = sync->plan->actions[index] == EVPOP_ACTION_FETCH_DELETE;

	assert(sync->unacknowledged > 0);
	sync->unacknowledged--;
	if (delete)
		sync->deletes_owed--;
	if (durable)
		sync->report.fetched++;
	else
		sync->report.failed++;
	if (durable && delete &&sync->step == EVPOP_SYNC_TRANSFER)
		sync->deletes[sync->deletes_due++] = index;
	evpop_sync_transfer(sync);
	evpop_sync_settle(sync);
}

#include "lib/session/transfer.h"

#include <assert.h>
#include <stdlib.h>

#include "lib/session/doubt.h"
#include "lib/session/marking.h"
#include "lib/session/slice.h"

/* A body that is coming, or has come. */
struct body {
	bool has_begun;
	struct evpop_doubt_body what;
};

/* Which message the session has ended on. */
enum blame {
	BLAME_OPEN = 0, /* the session goes on */
	BLAME_NONE,
	BLAME_OWED, /* one, and the caller is to be told */
	BLAME_TOLD
};

struct evpop_transfer {
	struct evpop_client *client;
	const struct evpop_listing *listing;
	const struct evpop_plan *plan;
	struct evpop_caller *caller;
	const struct evpop_transfer_callbacks *callbacks;
	void *arg;

	bool is_running;        /* until QUIT is to be sent */
	bool is_stopping;       /* nothing more is begun */
	struct body body;       /* of the RETR that is answered next */
	struct body short_body; /* it has ended, and waits for the next reply */
	bool is_proving;        /* NOOP was sent for the short body */
	enum blame blame;
	struct body blamed;
	struct evpop_result blamed_result;
	struct evpop_doubt *doubt;
	bool is_doubted; /* one body at least: nothing is deleted */

	size_t deletes_owed; /* unacknowledged bodies, to be deleted once
				durable */
	struct evpop_slice slice;
	struct evpop_marking *marking;

	struct evpop_transfer_tally tally;
};

static void transfer_go_on(struct evpop_transfer *);
static void transfer_judged(
    const struct evpop_doubt_body *, const struct evpop_result *, void *);
static void transfer_revoked(const struct evpop_result *, void *);

void
evpop_transfer_free(struct evpop_transfer *transfer)
{
	if (transfer == NULL)
		return;
	evpop_marking_free(transfer->marking);
	evpop_doubt_free(transfer->doubt);
	free(transfer);
}

struct evpop_transfer *
evpop_transfer_new(const struct evpop_transfer_order *order,
    const struct evpop_transfer_callbacks *callbacks, void *arg)
{
	struct evpop_transfer *transfer;

	transfer = calloc(1, sizeof *transfer);
	if (transfer == NULL)
		return NULL;
	transfer->marking = evpop_marking_new(order->client, order->listing,
	    order->plan->deletes + order->plan->fetches);
	transfer->doubt = evpop_doubt_new(order->client, order->listing,
	    order->plan, transfer_judged, transfer);
	if (transfer->marking == NULL || transfer->doubt == NULL) {
		evpop_transfer_free(transfer);
		return NULL;
	}
	transfer->client = order->client;
	transfer->listing = order->listing;
	transfer->plan = order->plan;
	evpop_slice_init(&transfer->slice, order->plan, order->listing,
	    order->policy, order->begun);
	transfer->caller = order->caller;
	transfer->callbacks = callbacks;
	transfer->arg = arg;
	return transfer;
}

/* Whether commands are sent and the caller is there. */
static bool
transfer_goes_on(const struct evpop_transfer *transfer)
{
	return transfer->is_running && !transfer->caller->is_gone;
}

/* A command was not taken. */
static void
transfer_fail(struct evpop_transfer *transfer, enum evpop_error error)
{
	transfer->is_stopping = true;
	transfer->callbacks->failed(
	    error, "no memory for a command", transfer->arg);
}

static const struct evpop_entry *
transfer_entry(const struct evpop_transfer *transfer, size_t index)
{
	return &transfer->listing->entries[index];
}

/* ---- the end of a body ---- */

/* Any error but a refusal ends the session. */
static bool
transfer_ends_session(const struct evpop_result *result)
{
	return result->error != EVPOP_ERROR_NONE &&
	       result->error != EVPOP_ERROR_REFUSED &&
	       result->error != EVPOP_ERROR_INCOMPLETE;
}

static void
transfer_tell_end(struct evpop_transfer *transfer,
    const struct evpop_doubt_body *body, const struct evpop_result *result)
{
	if (result->error == EVPOP_ERROR_NONE) {
		transfer->tally.unacknowledged++;
		transfer->deletes_owed +=
		    evpop_slice_deletes(&transfer->slice, body->index);
	} else if (transfer_ends_session(result))
		transfer->tally.cut++;
	else
		transfer->tally.failed++;
	evpop_caller_end(transfer->caller,
	    transfer_entry(transfer, body->index), body->message, result);
}

/*
 * A server that gave less than there is may do so with every message: delete
 * nothing, and unmark what was marked.
 */
static void
transfer_spare_all(
    struct evpop_transfer *transfer, const struct evpop_result *result)
{
	enum evpop_error error = EVPOP_ERROR_NONE;

	transfer->is_doubted = true;
	transfer->callbacks->doubted(result, transfer->arg);
	if (transfer_goes_on(transfer))
		error = evpop_marking_revoke(
		    transfer->marking, transfer_revoked, transfer);
	if (error != EVPOP_ERROR_NONE)
		transfer->callbacks->abandoned(transfer->arg);
}

static void
transfer_judged(const struct evpop_doubt_body *body,
    const struct evpop_result *result, void *arg)
{
	struct evpop_transfer *transfer = arg;

	if (result->error == EVPOP_ERROR_INCOMPLETE && !transfer->is_doubted)
		transfer_spare_all(transfer, result);
	transfer_tell_end(transfer, body, result);
	transfer_go_on(transfer);
}

/* No body is to blame for the end of the session, unless one is already. */
static void
transfer_excuse_bodies(struct evpop_transfer *transfer)
{
	if (transfer->blame == BLAME_OPEN)
		transfer->blame = BLAME_NONE;
}

/* A reply has come, so the short body before it was whole. */
static void
transfer_release(struct evpop_transfer *transfer)
{
	struct body body = transfer->short_body;

	transfer->short_body.has_begun = false;
	if (body.has_begun)
		evpop_doubt_judge(transfer->doubt, &body.what);
}

/*
 * A reply has come, or the session ends.  If what came is no reply, it was the
 * rest of the short body.
 */
static void
transfer_judge(
    struct evpop_transfer *transfer, const struct evpop_result *reason)
{
	struct body body = transfer->short_body;
	struct evpop_result cut;

	if (!body.has_begun)
		return;
	if (reason->error != EVPOP_ERROR_PROTOCOL &&
	    reason->error != EVPOP_ERROR_LIMIT) {
		transfer_release(transfer);
		return;
	}
	transfer->short_body.has_begun = false;
	transfer->tally.is_cut = true;
	transfer_excuse_bodies(transfer);
	evpop_result_set(&cut, EVPOP_ERROR_PROTOCOL, EVPOP_PHASE_BODY,
	    "message %lu was cut: %llu octets were listed and %llu came, and "
	    "what followed was no reply; the server does not stuff a line that "
	    "is a dot",
	    (unsigned long)transfer_entry(transfer, body.what.index)->number,
	    (unsigned long long)body.what.claimed,
	    (unsigned long long)body.what.octets);
	transfer->callbacks->broken(&cut, transfer->arg);
	transfer_tell_end(transfer, &body.what, &cut);
}

static void
transfer_tell_refusal(struct evpop_transfer *transfer, const struct body *body,
    const struct evpop_result *result)
{
	if (body->has_begun) {
		transfer_tell_end(transfer, &body->what, result);
		return;
	}
	transfer->tally.failed++;
	evpop_caller_refused(transfer->caller,
	    transfer_entry(transfer, body->what.index), result);
}

static void
transfer_tell_failure(struct evpop_transfer *transfer, const struct body *body,
    const struct evpop_result *result)
{
	transfer_judge(transfer, result);
	if (!transfer_ends_session(result)) {
		transfer_tell_refusal(transfer, body, result);
		return;
	}
	transfer->is_running = false;
	/* The core has noticed the rest of the body, which came at once. */
	transfer->tally.is_cut |= result->error == EVPOP_ERROR_PROTOCOL &&
				  body->what.octets < body->what.claimed;
	transfer->callbacks->broken(result, transfer->arg);
	/* The message is not to blame, or another one is. */
	if (result->error == EVPOP_ERROR_CANCELLED ||
	    result->error == EVPOP_ERROR_MEMORY ||
	    transfer->blame != BLAME_OPEN) {
		if (body->has_begun)
			transfer_tell_end(transfer, &body->what, result);
		return;
	}
	transfer->blame = BLAME_OWED;
	transfer->blamed = *body;
	transfer->blamed_result = *result;
	transfer->tally.cut += body->has_begun;
	transfer->tally.ended_on_message = true;
}

void
evpop_transfer_tell_blamed(struct evpop_transfer *transfer, bool is_repeated)
{
	const struct evpop_doubt_body *what;
	struct evpop_result result;

	if (transfer == NULL || transfer->blame != BLAME_OWED)
		return;
	transfer->blame = BLAME_TOLD;
	what = &transfer->blamed.what;
	result = transfer->blamed_result;
	if (is_repeated)
		evpop_result_set(&result, EVPOP_ERROR_CANCELLED,
		    EVPOP_PHASE_BODY, "to be fetched again at once: %s",
		    transfer->blamed_result.text);
	if (transfer->blamed.has_begun)
		evpop_caller_end(transfer->caller,
		    transfer_entry(transfer, what->index), what->message,
		    &result);
	else if (!is_repeated)
		evpop_caller_refused(transfer->caller,
		    transfer_entry(transfer, what->index), &result);
}

/* ---- bodies ---- */

static enum evpop_flow
transfer_body_begin(
    struct evpop_client *client, uint32_t number, uint64_t octets, void *arg)
{
	struct evpop_transfer *transfer = arg;
	uint32_t index = evpop_slice_first(&transfer->slice);
	const struct evpop_entry *entry = transfer_entry(transfer, index);
	enum evpop_flow flow;
	void *message = NULL;

	(void)client;
	assert(number == entry->number);
	transfer_release(transfer);
	flow = evpop_caller_begin(transfer->caller, entry,
	    (enum evpop_action)transfer->plan->actions[index], &message);
	transfer->body.has_begun = true;
	transfer->body.what = (struct evpop_doubt_body){
		.index = index,
		.claimed = entry->octets != 0 ? entry->octets : octets,
		.is_empty = true,
		.message = message,
	};
	return flow;
}

static enum evpop_flow
transfer_body_data(struct evpop_client *client, const unsigned char *bytes,
    size_t length, void *arg)
{
	struct evpop_transfer *transfer = arg;
	struct evpop_doubt_body *body = &transfer->body.what;

	(void)client;
	transfer->tally.body_octets += length;
	evpop_doubt_take(body, bytes, length);
	return evpop_caller_data(
	    transfer->caller, body->message, bytes, length);
}

static void
transfer_body_end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	struct evpop_transfer *transfer = arg;
	struct body body = transfer->body;

	(void)client;
	body.what.index = evpop_slice_first(&transfer->slice);
	assert(number == transfer_entry(transfer, body.what.index)->number);
	evpop_slice_answer(&transfer->slice);
	transfer->body = (struct body){ .has_begun = false };
	if (result->error != EVPOP_ERROR_NONE)
		transfer_tell_failure(transfer, &body, result);
	else if (body.what.octets < body.what.claimed)
		transfer->short_body = body;
	else
		evpop_doubt_judge(transfer->doubt, &body.what);
	transfer_go_on(transfer);
}

static const struct evpop_sink transfer_sink = {
	.begin = transfer_body_begin,
	.data = transfer_body_data,
	.end = transfer_body_end,
};

/* Hand over one RETR; false if no more can be handed over now. */
static bool
transfer_hand_over_fetch(struct evpop_transfer *transfer)
{
	const struct evpop_entry *entry;
	enum evpop_error error;

	if (transfer->is_stopping ||
	    evpop_slice_has_fetched(&transfer->slice) ||
	    evpop_slice_is_full(
		&transfer->slice, evpop_doubt_waiting(transfer->doubt)))
		return false;
	entry = transfer_entry(transfer, evpop_slice_next(&transfer->slice));
	error = evpop_client_retr_listed(transfer->client, entry->number,
	    entry->octets, &transfer_sink, transfer);
	if (error != EVPOP_ERROR_NONE) {
		transfer_fail(transfer, error);
		return false;
	}
	evpop_slice_begin(&transfer->slice);
	transfer->tally.begun++;
	return true;
}

/* ---- deletions ---- */

static void
transfer_reply(
    struct evpop_transfer *transfer, const struct evpop_result *result)
{
	transfer->is_running &= !transfer_ends_session(result);
	transfer_judge(transfer, result);
	/* The session ended on this command, not on a body. */
	if (transfer_ends_session(result))
		transfer_excuse_bodies(transfer);
	transfer_go_on(transfer);
}

/* If messages stay marked, there must be no QUIT. */
static void
transfer_revoked(const struct evpop_result *result, void *arg)
{
	struct evpop_transfer *transfer = arg;

	if (result->error == EVPOP_ERROR_NONE)
		transfer->tally.deleted = 0;
	else if (!transfer_ends_session(result))
		transfer->callbacks->abandoned(transfer->arg);
	transfer_reply(transfer, result);
}

static void
transfer_marked(const struct evpop_result *result, void *arg)
{
	struct evpop_transfer *transfer = arg;

	transfer->tally.deleted += result->error == EVPOP_ERROR_NONE;
	transfer_reply(transfer, result);
}

/*
 * Add the deletions that need no fetch, in the order of the maildrop, as many
 * as one session may do.
 */
static void
transfer_note_deletes(struct evpop_transfer *transfer)
{
	size_t i;

	for (i = 0; i < transfer->listing->count; i++)
		if (transfer->plan->actions[i] == EVPOP_ACTION_DELETE &&
		    evpop_slice_take_delete(&transfer->slice))
			evpop_marking_add(transfer->marking, (uint32_t)i);
}

/* ---- all together ---- */

bool
evpop_transfer_has_more(const struct evpop_transfer *transfer)
{
	return evpop_slice_has_more(&transfer->slice);
}

/* Whether every command is answered. */
static bool
transfer_is_idle(const struct evpop_transfer *transfer)
{
	return evpop_slice_ahead(&transfer->slice) == 0 &&
	       !transfer->is_proving &&
	       evpop_doubt_waiting(transfer->doubt) == 0 &&
	       evpop_marking_is_idle(transfer->marking);
}

static void
transfer_proved(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_transfer *transfer = arg;

	(void)client;
	transfer->is_proving = false;
	transfer_reply(transfer, &reply->result);
}

/*
 * The reply to QUIT proves it, too, but it commits deletions and ends the
 * session.
 */
static bool
transfer_quit_proves(const struct evpop_transfer *transfer)
{
	const struct evpop_doubt_body *body = &transfer->short_body.what;

	return !evpop_slice_deletes(&transfer->slice, body->index) &&
	       !evpop_doubt_suspects(body) &&
	       !evpop_transfer_has_more(transfer);
}

/* A short body is whole if a reply follows.  If none is due, ask for one. */
static void
transfer_prove(struct evpop_transfer *transfer)
{
	enum evpop_error error;

	if (!transfer->short_body.has_begun || !transfer_is_idle(transfer) ||
	    transfer_quit_proves(transfer))
		return;
	transfer->is_proving = true;
	error = evpop_client_noop(transfer->client, transfer_proved, transfer);
	if (error != EVPOP_ERROR_NONE)
		transfer_fail(transfer, error);
}

static bool
transfer_is_finished(const struct evpop_transfer *transfer)
{
	bool fetched =
	    transfer->is_stopping || evpop_slice_has_fetched(&transfer->slice);
	bool proved =
	    !transfer->short_body.has_begun || transfer_quit_proves(transfer);
	/* The next session must not fetch what this one has not stored yet. */
	bool stored = transfer->tally.unacknowledged == 0 ||
		      transfer->is_stopping ||
		      !evpop_transfer_has_more(transfer);

	return fetched && transfer_is_idle(transfer) && proved && stored &&
	       transfer->deletes_owed == 0 &&
	       evpop_marking_is_done(transfer->marking);
}

static void
transfer_go_on(struct evpop_transfer *transfer)
{
	enum evpop_error error;

	if (!transfer_goes_on(transfer))
		return;
	error =
	    evpop_marking_send(transfer->marking, transfer_marked, transfer);
	if (error != EVPOP_ERROR_NONE)
		transfer_fail(transfer, error);
	while (transfer_goes_on(transfer) && transfer_hand_over_fetch(transfer))
		;
	if (transfer_goes_on(transfer))
		transfer_prove(transfer);
	if (transfer_goes_on(transfer) && transfer_is_finished(transfer)) {
		transfer->is_running = false;
		transfer->callbacks->finished(transfer->arg);
	}
}

void
evpop_transfer_start(struct evpop_transfer *transfer)
{
	transfer->is_running = true;
	if (!transfer->is_stopping)
		transfer_note_deletes(transfer);
	transfer_go_on(transfer);
}

void
evpop_transfer_stop(struct evpop_transfer *transfer)
{
	transfer->is_stopping = true;
	evpop_marking_drop(transfer->marking, transfer->plan);
	transfer_go_on(transfer);
}

void
evpop_transfer_closed(
    struct evpop_transfer *transfer, const struct evpop_result *result)
{
	if (transfer == NULL)
		return;
	transfer->is_running = false;
	transfer_judge(transfer, result);
}

void
evpop_transfer_stored(struct evpop_transfer *transfer,
    const struct evpop_entry *entry, bool durable)
{
	size_t index = (size_t)(entry - transfer->listing->entries);
	bool deletes = evpop_slice_deletes(&transfer->slice, index);

	assert(transfer->tally.unacknowledged > 0);
	transfer->tally.unacknowledged--;
	transfer->deletes_owed -= deletes;
	transfer->tally.fetched += durable;
	transfer->tally.failed += !durable;
	if (durable && deletes && transfer->is_running && !transfer->is_doubted)
		evpop_marking_add(transfer->marking, (uint32_t)index);
	transfer_go_on(transfer);
}

const struct evpop_transfer_tally *
evpop_transfer_tally(const struct evpop_transfer *transfer)
{
	static const struct evpop_transfer_tally nothing;

	return transfer == NULL ? &nothing : &transfer->tally;
}

const struct evpop_entry *
evpop_transfer_marked(const struct evpop_transfer *transfer, size_t at)
{
	return transfer == NULL ? NULL
				: evpop_marking_entry(transfer->marking, at);
}

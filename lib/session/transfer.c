#include "lib/session/transfer.h"

#include <assert.h>
#include <stdlib.h>

/*
 * Commands that are handed to the client ahead of their answers, and octets of
 * bodies: enough to fill a long fat line, few enough to end soon when asked to.
 */
#define TRANSFER_AHEAD        128
#define TRANSFER_AHEAD_OCTETS 4194304

/* What a body counts for where LIST was not asked. */
#define TRANSFER_USUAL_OCTETS 32768

/* A RETR that is handed over. */
struct fetch {
	uint32_t index; /* of its entry */
	uint32_t octets;
};

struct body {
	bool has_begun;
	uint32_t index;
	uint64_t claimed; /* octets, by the server; 0: not told */
	uint64_t octets;
	void *message; /* the callbacks' */
};

struct evpop_transfer {
	struct evpop_client *client;
	const struct evpop_listing *listing;
	const struct evpop_plan *plan;
	struct evpop_policy policy;
	uint32_t messages_left;
	struct evpop_caller caller;
	const struct evpop_transfer_callbacks *callbacks;
	void *arg;

	bool is_running;                      /* until QUIT is to be sent */
	bool is_stopping;                     /* begin nothing more */
	struct fetch fetches[TRANSFER_AHEAD]; /* ring, as RETRs run */
	size_t first_fetch, fetch_count;
	uint64_t ahead_octets;
	struct body body;         /* of the first of them, whose turn it is */
	struct body short_body;   /* ended, and waits for the next reply */
	bool is_proving;          /* by a command of its own */
	struct evpop_blame blame; /* for the end of the session */

	size_t deletes_owed; /* of these, to be deleted once durable */
	uint32_t slice;      /* messages that this session is to delete */
	struct evpop_marking *marking;

	struct evpop_transfer_tally tally;
	unsigned busy; /* brackets that are open */
	bool is_freed;
};

static void transfer_go_on(struct evpop_transfer *);

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
	if (transfer->marking == NULL) {
		free(transfer);
		return NULL;
	}
	transfer->client = order->client;
	transfer->listing = order->listing;
	transfer->plan = order->plan;
	transfer->policy = *order->policy;
	transfer->messages_left = order->messages_left;
	transfer->caller = *order->caller;
	transfer->callbacks = callbacks;
	transfer->arg = arg;
	return transfer;
}

/* Around all that runs callbacks: it may be freed inside. */
static void
transfer_enter(struct evpop_transfer *transfer)
{
	transfer->busy++;
}

static void
transfer_leave(struct evpop_transfer *transfer)
{
	if (--transfer->busy > 0 || !transfer->is_freed)
		return;
	evpop_marking_free(transfer->marking);
	free(transfer);
}

void
evpop_transfer_free(struct evpop_transfer *transfer)
{
	if (transfer == NULL)
		return;
	transfer_enter(transfer);
	transfer->is_freed = true;
	transfer->is_running = false;
	transfer_leave(transfer);
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

static bool
transfer_deletes(const struct evpop_transfer *transfer, size_t index)
{
	return transfer->plan->actions[index] == EVPOP_ACTION_FETCH_DELETE;
}

/* ---- the end of a body ---- */

/* Anything but a refusal is the end of the session, too. */
static bool
transfer_ends_session(const struct evpop_result *result)
{
	return result->error != EVPOP_ERROR_NONE &&
	       result->error != EVPOP_ERROR_REFUSED;
}

static void
transfer_tell_end(struct evpop_transfer *transfer, const struct body *body,
    const struct evpop_result *result)
{
	if (result->error == EVPOP_ERROR_NONE) {
		transfer->tally.unacknowledged++;
		transfer->deletes_owed +=
		    transfer_deletes(transfer, body->index);
	} else if (transfer_ends_session(result))
		transfer->tally.cut++;
	else
		transfer->tally.failed++;
	evpop_caller_end(&transfer->caller,
	    transfer_entry(transfer, body->index), body->message, result);
}

/* A reply has come, as it should: the body before it was whole. */
static void
transfer_release(struct evpop_transfer *transfer)
{
	static const struct evpop_result whole = { .error = EVPOP_ERROR_NONE };
	struct body body = transfer->short_body;

	transfer->short_body.has_begun = false;
	if (body.has_begun)
		transfer_tell_end(transfer, &body, &whole);
}

/*
 * A reply has come, or the session ends.  Where what has come is none, a body
 * that was too short is to blame.
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
	evpop_blame_excuse_all(&transfer->blame);
	evpop_result_set(&cut, EVPOP_ERROR_PROTOCOL, EVPOP_PHASE_BODY,
	    "message %lu was cut: %llu octets were listed and %llu came, and "
	    "what followed was no reply; the server does not stuff a line that "
	    "is a dot",
	    (unsigned long)transfer_entry(transfer, body.index)->number,
	    (unsigned long long)body.claimed, (unsigned long long)body.octets);
	transfer->callbacks->broken(&cut, transfer->arg);
	if (!transfer->is_freed)
		transfer_tell_end(transfer, &body, &cut);
}

static void
transfer_tell_refusal(struct evpop_transfer *transfer, const struct body *body,
    const struct evpop_result *result)
{
	if (body->has_begun) {
		transfer_tell_end(transfer, body, result);
		return;
	}
	transfer->tally.failed++;
	/* "Come back later" is not about this message. */
	if (result->scope == EVPOP_SCOPE_MESSAGE)
		evpop_caller_refused(&transfer->caller,
		    transfer_entry(transfer, body->index), result);
}

static void
transfer_tell_failure(struct evpop_transfer *transfer, const struct body *body,
    const struct evpop_result *result)
{
	transfer_judge(transfer, result);
	if (transfer->is_freed)
		return;
	if (!transfer_ends_session(result)) {
		transfer_tell_refusal(transfer, body, result);
		return;
	}
	transfer->is_running = false;
	/* The core has seen as much, of what followed at once. */
	transfer->tally.is_cut |= result->error == EVPOP_ERROR_PROTOCOL &&
				  body->octets < body->claimed;
	transfer->callbacks->broken(result, transfer->arg);
	if (transfer->is_freed)
		return;
	if (evpop_blame_place(&transfer->blame,
		transfer_entry(transfer, body->index), body->has_begun,
		body->message, result))
		transfer->tally.cut += body->has_begun;
	else if (body->has_begun)
		transfer_tell_end(transfer, body, result);
}

/* ---- bodies ---- */

/* They come in the order of their RETRs. */
static struct fetch
transfer_current(const struct evpop_transfer *transfer)
{
	assert(transfer->fetch_count > 0);
	return transfer->fetches[transfer->first_fetch];
}

static enum evpop_flow
transfer_body_begin(
    struct evpop_client *client, uint32_t number, uint64_t octets, void *arg)
{
	struct evpop_transfer *transfer = arg;
	uint32_t index = transfer_current(transfer).index;
	const struct evpop_entry *entry = transfer_entry(transfer, index);
	enum evpop_flow flow = EVPOP_FLOW_CONTINUE;
	void *message = NULL;

	(void)client;
	assert(number == entry->number);
	transfer_enter(transfer);
	transfer_release(transfer);
	if (!transfer->is_freed)
		flow = evpop_caller_begin(&transfer->caller, entry,
		    (enum evpop_action)transfer->plan->actions[index],
		    &message);
	transfer->body = (struct body){
		.has_begun = true,
		.index = index,
		.claimed = transfer->is_freed   ? 0
			   : entry->octets != 0 ? entry->octets
						: octets,
		.message = message,
	};
	transfer_leave(transfer);
	return flow;
}

static enum evpop_flow
transfer_body_data(struct evpop_client *client, const unsigned char *bytes,
    size_t length, void *arg)
{
	struct evpop_transfer *transfer = arg;
	enum evpop_flow flow;

	(void)client;
	transfer->tally.body_octets += length;
	transfer->body.octets += length;
	transfer_enter(transfer);
	flow = evpop_caller_data(
	    &transfer->caller, transfer->body.message, bytes, length);
	transfer_leave(transfer);
	return flow;
}

static void
transfer_body_end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	struct evpop_transfer *transfer = arg;
	struct fetch fetch = transfer_current(transfer);
	struct body body = transfer->body;

	(void)client;
	assert(number == transfer_entry(transfer, fetch.index)->number);
	transfer->first_fetch = (transfer->first_fetch + 1) % TRANSFER_AHEAD;
	transfer->fetch_count--;
	transfer->ahead_octets -= fetch.octets;
	transfer->body = (struct body){ .has_begun = false };
	body.index = fetch.index;
	transfer_enter(transfer);
	if (result->error != EVPOP_ERROR_NONE)
		transfer_tell_failure(transfer, &body, result);
	else if (body.octets < body.claimed)
		transfer->short_body = body;
	else
		transfer_tell_end(transfer, &body, result);
	if (!transfer->is_freed)
		transfer_go_on(transfer);
	transfer_leave(transfer);
}

static const struct evpop_sink transfer_sink = {
	.begin = transfer_body_begin,
	.data = transfer_body_data,
	.end = transfer_body_end,
};

/* This session fetches no more: all is fetched, or a limit is reached. */
static bool
transfer_has_fetched(const struct evpop_transfer *transfer)
{
	const struct evpop_policy *policy = &transfer->policy;
	size_t index;

	if (transfer->tally.begun == transfer->plan->fetches)
		return true;
	if (policy->max_messages > 0 &&
	    transfer->tally.begun >= transfer->messages_left)
		return true;
	index = transfer->plan->order[transfer->tally.begun];
	return policy->max_session_deletes > 0 &&
	       transfer->slice >= policy->max_session_deletes &&
	       transfer_deletes(transfer, index);
}

/* Returns false where nothing more can be handed over now. */
static bool
transfer_hand_over_fetch(struct evpop_transfer *transfer)
{
	const struct evpop_entry *entry;
	struct fetch *fetch;
	enum evpop_error error;
	uint64_t octets;
	size_t index;

	if (transfer->is_stopping || transfer_has_fetched(transfer) ||
	    transfer->fetch_count == TRANSFER_AHEAD ||
	    (transfer->fetch_count > 1 &&
		transfer->ahead_octets >= TRANSFER_AHEAD_OCTETS))
		return false;
	index = transfer->plan->order[transfer->tally.begun];
	entry = transfer_entry(transfer, index);
	fetch =
	    &transfer->fetches[(transfer->first_fetch + transfer->fetch_count) %
			       TRANSFER_AHEAD];
	octets = entry->octets != 0 ? entry->octets : TRANSFER_USUAL_OCTETS;
	*fetch = (struct fetch){ .index = (uint32_t)index,
		.octets = octets < UINT32_MAX ? (uint32_t)octets : UINT32_MAX };
	error = evpop_client_retr_listed(transfer->client, entry->number,
	    entry->octets, &transfer_sink, transfer);
	if (error != EVPOP_ERROR_NONE) {
		transfer_fail(transfer, error);
		return false;
	}
	transfer->fetch_count++;
	transfer->ahead_octets += fetch->octets;
	transfer->tally.begun++;
	transfer->slice += transfer_deletes(transfer, index);
	return true;
}

/* ---- deletions ---- */

static void
transfer_reply(
    struct evpop_transfer *transfer, const struct evpop_result *result)
{
	transfer_enter(transfer);
	transfer->is_running &= !transfer_ends_session(result);
	transfer_judge(transfer, result);
	/* The session ended on this, and on none of the bodies. */
	if (transfer_ends_session(result))
		evpop_blame_excuse_all(&transfer->blame);
	if (!transfer->is_freed)
		transfer_go_on(transfer);
	transfer_leave(transfer);
}

static void
transfer_marked(const struct evpop_result *result, void *arg)
{
	struct evpop_transfer *transfer = arg;

	transfer->tally.deleted += result->error == EVPOP_ERROR_NONE;
	transfer_reply(transfer, result);
}

/*
 * Deletions that are due without a fetch, in the order of the maildrop, as many
 * as one session may have.
 */
static void
transfer_note_deletes(struct evpop_transfer *transfer)
{
	uint32_t most = transfer->policy.max_session_deletes;
	size_t i;

	for (i = 0; i < transfer->listing->count; i++) {
		if (most > 0 && transfer->slice == most)
			break;
		if (transfer->plan->actions[i] != EVPOP_ACTION_DELETE)
			continue;
		evpop_marking_add(transfer->marking, (uint32_t)i);
		transfer->slice++;
	}
}

/* ---- all together ---- */

bool
evpop_transfer_has_more(const struct evpop_transfer *transfer)
{
	const struct evpop_policy *policy = &transfer->policy;
	uint32_t most = policy->max_session_deletes;
	bool fetches = transfer->tally.begun < transfer->plan->fetches &&
		       (policy->max_messages == 0 ||
			   transfer->tally.begun < transfer->messages_left);

	return most > 0 && transfer->slice >= most &&
	       (fetches || transfer->plan->deletes > most);
}

/* Nothing was asked that has not been answered. */
static bool
transfer_is_idle(const struct evpop_transfer *transfer)
{
	return transfer->fetch_count == 0 && !transfer->is_proving &&
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

/* QUIT proves as much, but commits what was deleted. */
static bool
transfer_quit_proves(const struct evpop_transfer *transfer)
{
	return !transfer_deletes(transfer, transfer->short_body.index) &&
	       !evpop_transfer_has_more(transfer);
}

/* A short body is whole if the next reply comes, and none is due. */
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
	bool fetched = transfer->is_stopping || transfer_has_fetched(transfer);
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
	enum evpop_error error = EVPOP_ERROR_NONE;

	transfer_enter(transfer);
	if (transfer->is_running)
		error = evpop_marking_send(
		    transfer->marking, transfer_marked, transfer);
	if (error != EVPOP_ERROR_NONE)
		transfer_fail(transfer, error);
	while (transfer->is_running && transfer_hand_over_fetch(transfer))
		;
	if (transfer->is_running)
		transfer_prove(transfer);
	if (transfer->is_running && transfer_is_finished(transfer)) {
		transfer->is_running = false;
		transfer->callbacks->finished(transfer->arg);
	}
	transfer_leave(transfer);
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
	transfer->is_running = false;
	transfer_enter(transfer);
	transfer_judge(transfer, result);
	transfer_leave(transfer);
}

void
evpop_transfer_settle(struct evpop_transfer *transfer, bool is_repeated)
{
	transfer_enter(transfer);
	evpop_blame_tell(&transfer->blame, &transfer->caller, is_repeated);
	transfer_leave(transfer);
}

void
evpop_transfer_stored(struct evpop_transfer *transfer,
    const struct evpop_entry *entry, bool durable)
{
	size_t index = (size_t)(entry - transfer->listing->entries);
	bool deletes = transfer_deletes(transfer, index);

	assert(transfer->tally.unacknowledged > 0);
	transfer->tally.unacknowledged--;
	transfer->deletes_owed -= deletes;
	transfer->tally.fetched += durable;
	transfer->tally.failed += !durable;
	if (durable && deletes && transfer->is_running)
		evpop_marking_add(transfer->marking, (uint32_t)index);
	transfer_go_on(transfer);
}

const struct evpop_transfer_tally *
evpop_transfer_tally(const struct evpop_transfer *transfer)
{
	return &transfer->tally;
}

const struct evpop_marking *
evpop_transfer_marking(const struct evpop_transfer *transfer)
{
	return transfer->marking;
}

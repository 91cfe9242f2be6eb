#include "daemon/poll/deposit.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/log/log.h"
#include "daemon/notify/notify.h"
#include "daemon/poll/changes.h"
#include "daemon/poll/failures.h"
#include "daemon/poll/known.h"

struct deposit {
	struct store *store;
	struct notify *notify;
	struct evpop_sync *sync;
	const char *name;
	struct deposit_owner owner;
	int64_t account_id;
	bool dry_run;

	struct known *known;
	uint64_t setting;        /* of the clock, for ages */
	size_t sync_octets;      /* that the sync holds */
	size_t unwritten_octets; /* that changes hold */
	struct changes *changes;
	bool is_listed; /* waits for changes to ask what is known */

	/* Of this session; NULL while nothing needs it. */
	struct store_identity *identity;
	bool has_gone; /* some known message is not listed */
	/* Of this session, without a unique-id: durable, and deleted. */
	uint32_t nameless, nameless_deleted;

	const struct evpop_listing *listing;
	uint32_t stored, adopted, deleted;
	struct failures *failures;
	struct notify_subscription drained; /* while the session is paused */
	unsigned waiting; /* other answers owed by the store */
	enum store_status worst;
	store_done_cb closed; /* set once closing */
	void *closed_arg;
};

/* A body under way; `body` is NULL once it is handed in. */
struct deposit_message {
	struct deposit *deposit;
	const struct evpop_entry *entry;
	struct store_body *body;
	bool nameless;
	uint64_t octets;
	bool is_empty; /* but for line ends */
};

/* An identity that the store still works on. */
struct deposit_settlement {
	struct deposit *deposit;
	struct store_identity *identity;
};

static void deposit_known(enum store_status, const struct evpop_known *,
    size_t count, bool is_last, void *);
static void deposit_changed(enum store_status, void *);
static void deposit_failure_noted(enum store_status, void *);

struct deposit *
deposit_new(struct store *store, struct notify *notify, const char *name,
    const struct deposit_owner *owner)
{
	struct deposit *deposit;

	deposit = calloc(1, sizeof *deposit);
	if (deposit == NULL)
		return NULL;
	deposit->store = store;
	deposit->notify = notify;
	deposit->name = name;
	deposit->owner = *owner;
	deposit->known = known_new(store, deposit_known, deposit);
	deposit->changes = changes_new(store, deposit_changed, deposit);
	deposit->failures =
	    failures_new(store, name, deposit_failure_noted, deposit);
	if (deposit->known == NULL || deposit->changes == NULL ||
	    deposit->failures == NULL)
		deposit_free(&deposit);
	return deposit;
}

void
deposit_set_sync(struct deposit *deposit, struct evpop_sync *sync)
{
	deposit->sync = sync;
}

void
deposit_set_account(
    struct deposit *deposit, const struct store_account *account, bool dry_run)
{
	deposit->account_id = account->id;
	deposit->setting = account->setting;
	deposit->dry_run = dry_run;
	changes_set_account(deposit->changes, account->id);
	failures_set_account(deposit->failures, account->id);
}

int64_t
deposit_age_now_ms(const struct deposit *deposit)
{
	return store_age_now_ms(deposit->store, deposit->setting);
}

static void
deposit_note_failure(struct deposit *deposit, enum store_status status)
{
	if (status == STORE_OK)
		return;
	deposit->worst = status;
	if (deposit->closed == NULL)
		deposit->owner.failed(status, deposit->owner.arg);
}

/* An answer of the store has come: the last one, once closing, settles it. */
static void
deposit_close_if_settled(struct deposit *deposit)
{
	store_done_cb closed = deposit->closed;

	if (closed == NULL || deposit->waiting > 0 ||
	    known_is_pending(deposit->known) ||
	    changes_are_pending(deposit->changes) ||
	    failures_are_pending(deposit->failures))
		return;
	deposit->closed = NULL;
	closed(deposit->worst, deposit->closed_arg);
}

/* ---- what is known ---- */

/*
 * Not before what became of the last slice is written: a deletion that is only
 * owed, of a message that is not listed, looks like a change of its id.
 */
static void
deposit_ask_if_written(struct deposit *deposit)
{
	if (!deposit->is_listed || changes_are_pending(deposit->changes) ||
	    known_is_pending(deposit->known) || deposit->closed != NULL)
		return;
	deposit->is_listed = false;
	known_read(deposit->known, deposit->account_id);
}

/* Less than before is never too much. */
static void
deposit_hold_less(struct deposit *deposit)
{
	if (deposit->unwritten_octets == 0 ||
	    changes_are_pending(deposit->changes))
		return;
	deposit->unwritten_octets = 0;
	(void)deposit->owner.hold(deposit->sync_octets, deposit->owner.arg);
}

static void
deposit_changed(enum store_status status, void *arg)
{
	struct deposit *deposit = arg;

	deposit_note_failure(deposit, status);
	deposit_hold_less(deposit);
	deposit_ask_if_written(deposit);
	deposit_close_if_settled(deposit);
}

/*
 * Ids of those that are gone are the batch's.  What was asked for before there
 * was another listing says nothing of that one.
 */
static void
deposit_known(enum store_status status, const struct evpop_known *known,
    size_t count, bool is_last, void *arg)
{
	struct deposit *deposit = arg;
	size_t i;

	deposit_note_failure(deposit, status);
	for (i = 0; i < count && !deposit->has_gone; i++)
		deposit->has_gone = known[i].state == EVPOP_KNOWN_GONE;
	if (status == STORE_OK && deposit->closed == NULL &&
	    !deposit->is_listed)
		evpop_sync_known_batch(deposit->sync, known, count, is_last,
		    deposit_age_now_ms(deposit));
	else
		known_stop(deposit->known);
	changes_write(deposit->changes);
	deposit_ask_if_written(deposit);
	deposit_close_if_settled(deposit);
}

static void
deposit_listed(
    struct evpop_sync *sync, const struct evpop_listing *listing, void *arg)
{
	struct deposit *deposit = arg;

	(void)sync;
	deposit->listing = listing;
	deposit->owner.listed(listing, deposit->owner.arg);
}

static void
deposit_gone(
    struct evpop_sync *sync, const struct evpop_known *known, void *arg)
{
	struct deposit *deposit = arg;

	(void)sync;
	deposit->has_gone = true;
	if (!deposit->dry_run)
		changes_gone(
		    deposit->changes, known, deposit_age_now_ms(deposit));
}

static bool
deposit_hold(struct evpop_sync *sync, size_t octets, void *arg)
{
	struct deposit *deposit = arg;

	(void)sync;
	deposit->sync_octets = octets;
	return deposit->owner.hold(
	    octets + deposit->unwritten_octets, deposit->owner.arg);
}

/* All that is seen or adopted becomes one operation of the store. */
static bool
deposit_hold_changes(struct deposit *deposit, const struct evpop_plan *plan)
{
	size_t octets = (plan->seen + plan->adopts) * CHANGES_OCTETS;
	struct evpop_result result;

	deposit->unwritten_octets += octets;
	if (octets == 0 || deposit->owner.hold(
			       deposit->sync_octets + deposit->unwritten_octets,
			       deposit->owner.arg))
		return true;
	evpop_result_set(&result, EVPOP_ERROR_LIMIT, EVPOP_PHASE_COMMAND,
	    "no memory is left to note %zu unique-ids",
	    plan->seen + plan->adopts);
	evpop_sync_cancel(deposit->sync, &result);
	return false;
}

static void
deposit_planned(
    struct evpop_sync *sync, const struct evpop_plan *plan, void *arg)
{
	struct deposit *deposit = arg;

	(void)sync;
	deposit->owner.planned(plan, deposit->owner.arg);
	if (!deposit->dry_run && deposit_hold_changes(deposit, plan))
		changes_planned(deposit->changes, deposit->listing, plan);
}

static void
deposit_committed(
    struct evpop_sync *sync, const struct evpop_entry *entry, void *arg)
{
	struct deposit *deposit = arg;

	(void)sync;
	deposit->deleted++;
	if (entry->unique_id == NULL)
		deposit->nameless_deleted++;
	else
		changes_deleted(deposit->changes, entry);
}

/* ---- identities ---- */

static void
deposit_settled(enum store_status status, void *arg)
{
	struct deposit_settlement *settlement = arg;
	struct deposit *deposit = settlement->deposit;

	store_identity_free(&settlement->identity);
	free(settlement);
	deposit->waiting--;
	deposit_note_failure(deposit, status);
	deposit_close_if_settled(deposit);
}

/*
 * A session is over.  If all that came without a unique-id is deleted on the
 * server, what comes later is something else, though its bytes be the same.
 */
static void
deposit_settle_identity(struct deposit *deposit)
{
	struct deposit_settlement *settlement = NULL;
	bool all = deposit->nameless > 0 &&
		   deposit->nameless == deposit->nameless_deleted;

	deposit->nameless = deposit->nameless_deleted = 0;
	deposit->has_gone = false;
	if (all)
		settlement = malloc(sizeof *settlement);
	/* Without memory they stay known, and an equal one is not stored. */
	if (settlement == NULL) {
		store_identity_free(&deposit->identity);
		return;
	}
	*settlement = (struct deposit_settlement){ deposit, deposit->identity };
	deposit->identity = NULL;
	deposit->waiting++;
	store_identity_deleted(
	    deposit->store, settlement->identity, deposit_settled, settlement);
}

/*
 * Bodies are compared by their bytes where there is no id, and where a known
 * message may come under another one.  False where that is so and there is no
 * memory for it.
 */
static bool
deposit_identify(struct deposit *deposit, const struct evpop_entry *entry)
{
	if (entry->unique_id != NULL && !deposit->has_gone)
		return true;
	if (deposit->identity == NULL)
		deposit->identity =
		    store_identity_new(deposit->store, deposit->account_id);
	return deposit->identity != NULL;
}

void
deposit_look_up(struct deposit *deposit)
{
	deposit_settle_identity(deposit);
	changes_write(deposit->changes);
	deposit->is_listed = true;
	deposit_ask_if_written(deposit);
}

/* ---- bodies ---- */

static enum evpop_flow
deposit_begin(struct evpop_sync *sync, const struct evpop_entry *entry,
    enum evpop_action action, void **message_r, void *arg)
{
	struct deposit *deposit = arg;
	struct store_body_meta meta = {
		.account_id = deposit->account_id,
		.unique_id = entry->unique_id,
		.unique_id_length = entry->unique_id_length,
		.occurrence = entry->occurrence,
		.state = action == EVPOP_ACTION_FETCH_DELETE ? STORE_UID_DELETE
							     : STORE_UID_STORED,
		.octets_hint = entry->octets,
	};
	struct deposit_message *message;

	(void)sync;
	*message_r = NULL;
	message = calloc(1, sizeof *message);
	if (message != NULL && deposit_identify(deposit, entry)) {
		meta.identity = deposit->identity;
		message->body = store_body_new(deposit->store, &meta);
	}
	if (message == NULL || message->body == NULL) {
		free(message);
		deposit_note_failure(deposit, STORE_MEMORY);
		return EVPOP_FLOW_CONTINUE;
	}
	message->deposit = deposit;
	message->entry = entry;
	message->nameless = entry->unique_id == NULL;
	message->is_empty = true;
	*message_r = message;
	return EVPOP_FLOW_CONTINUE;
}

static void
deposit_look_at(
    struct deposit_message *message, const unsigned char *bytes, size_t length)
{
	size_t i;

	message->octets += length;
	for (i = 0; i < length && message->is_empty; i++)
		message->is_empty = bytes[i] == '\r' || bytes[i] == '\n';
}

/* The store takes bodies again. */
static void
deposit_drained(const struct notify_event *event, void *arg)
{
	struct deposit *deposit = arg;

	(void)event;
	notify_leave(&deposit->drained);
	evpop_sync_resume(deposit->sync);
}

static enum evpop_flow
deposit_data(struct evpop_sync *sync, void *begun, const unsigned char *bytes,
    size_t length, void *arg)
{
	struct deposit_message *message = begun;
	struct deposit *deposit = arg;

	(void)sync;
	if (message == NULL)
		return EVPOP_FLOW_CONTINUE;
	deposit_look_at(message, bytes, length);
	if (store_body_append(message->body, bytes, length) ==
	    STORE_FLOW_CONTINUE)
		return EVPOP_FLOW_CONTINUE;
	notify_leave(&deposit->drained);
	notify_subscribe(deposit->notify, &deposit->drained,
	    NOTIFY_BIT(NOTIFY_STORE_DRAINED), deposit_drained, deposit);
	return EVPOP_FLOW_PAUSE;
}

static void
deposit_body_committed(enum store_status status, int64_t message_id,
    enum store_taken taken, void *arg)
{
	struct deposit_message *message = arg;
	struct deposit *deposit = message->deposit;

	deposit_note_failure(deposit, status);
	if (status == STORE_OK && taken == STORE_TAKEN_NEW)
		notify_publish(deposit->notify,
		    &(struct notify_event){ .kind = NOTIFY_MESSAGE_STORED,
			.account = deposit->name,
			.message = { message_id, message->octets } });
	if (status == STORE_OK) {
		deposit->stored += taken == STORE_TAKEN_NEW;
		deposit->adopted += taken == STORE_TAKEN_ADOPTED;
		deposit->nameless += message->nameless;
	}
	FAILPOINT("acknowledgement begun");
	evpop_sync_stored(deposit->sync, message->entry, status == STORE_OK);
	FAILPOINT("acknowledgement done");
	free(message);
}

/* ---- what fails ---- */

static void
deposit_failure_noted(enum store_status status, void *arg)
{
	struct deposit *deposit = arg;

	deposit_note_failure(deposit, status);
	deposit_close_if_settled(deposit);
}

static void
deposit_refused(struct evpop_sync *sync, const struct evpop_entry *entry,
    const struct evpop_result *result, void *arg)
{
	struct deposit *deposit = arg;

	(void)sync;
	failures_add(deposit->failures,
	    &(struct failures_message){ .entry = entry }, result);
}

static void
deposit_trace(
    struct evpop_sync *sync, bool from_server, const char *line, void *arg)
{
	struct deposit *deposit = arg;

	(void)sync;
	failures_trace(deposit->failures, from_server, line);
}

static void
deposit_end(struct evpop_sync *sync, const struct evpop_entry *entry,
    void *begun, const struct evpop_result *result, void *arg)
{
	struct deposit_message *message = begun;
	struct deposit *deposit = arg;

	/* There was no memory for it. */
	if (message == NULL) {
		if (result->error == EVPOP_ERROR_NONE)
			evpop_sync_stored(sync, entry, false);
		return;
	}
	if (result->error == EVPOP_ERROR_NONE) {
		failures_given(deposit->failures);
		store_body_commit(
		    message->body, deposit_body_committed, message);
		return;
	}
	failures_add(deposit->failures,
	    &(struct failures_message){ .entry = entry,
		.body = message->body,
		.octets = message->octets,
		.is_empty = message->is_empty },
	    result);
	free(message);
}

static void
deposit_done(
    struct evpop_sync *sync, const struct evpop_sync_report *report, void *arg)
{
	struct deposit *deposit = arg;

	(void)sync;
	notify_leave(&deposit->drained);
	deposit->owner.done(report, deposit->owner.arg);
}

const struct evpop_sync_callbacks deposit_callbacks = {
	.listing = deposit_listed,
	.gone = deposit_gone,
	.planned = deposit_planned,
	.begin = deposit_begin,
	.data = deposit_data,
	.end = deposit_end,
	.refused = deposit_refused,
	.trace = deposit_trace,
	.deleted = deposit_committed,
	.hold = deposit_hold,
	.done = deposit_done,
};

uint32_t
deposit_stored(const struct deposit *deposit)
{
	return deposit->stored;
}

uint32_t
deposit_adopted(const struct deposit *deposit)
{
	return deposit->adopted;
}

uint32_t
deposit_deleted(const struct deposit *deposit)
{
	return deposit->deleted;
}

bool
deposit_was_refused(const struct deposit *deposit, struct evpop_result *result)
{
	return failures_are_of_account(deposit->failures, result);
}

bool
deposit_wrote(const struct deposit *deposit)
{
	return changes_were_written(deposit->changes);
}

void
deposit_close(struct deposit *deposit, store_done_cb closed, void *arg)
{
	assert(deposit->closed == NULL);
	deposit->closed = closed;
	deposit->closed_arg = arg;
	deposit_settle_identity(deposit);
	changes_write(deposit->changes);
	failures_settle(deposit->failures);
	deposit_close_if_settled(deposit);
}

void
deposit_free(struct deposit **deposit)
{
	if (*deposit == NULL)
		return;
	notify_leave(&(*deposit)->drained);
	store_identity_free(&(*deposit)->identity);
	known_free(&(*deposit)->known);
	changes_free(&(*deposit)->changes);
	failures_free(&(*deposit)->failures);
	free(*deposit);
	*deposit = NULL;
}

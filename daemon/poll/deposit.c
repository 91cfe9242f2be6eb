#include "daemon/poll/deposit.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/notify/notify.h"
#include "daemon/poll/failures.h"
#include "daemon/poll/findings.h"
#include "daemon/poll/known.h"
#include "daemon/poll/ledger.h"
#include "lib/base/clock.h"

struct deposit {
	struct store *store;
	struct notify *notify;
	struct evpop_sync *sync;
	const char *name;
	struct deposit_owner owner;
	int64_t account_id;
	uint64_t setting; /* of the clock, for ages */
	const struct evpop_policy *policy;
	bool is_closed; /* the sync is done */

	struct known *known;
	const struct evpop_listing *listing;
	struct poller_plan *plan; /* of a dry run */

	/* Memory, in octets. */
	struct ledger_share *share;
	size_t sync_octets;      /* that the sync holds */
	size_t unwritten_octets; /* that changes hold */
	bool is_overdrawn;

	/* Of this session; NULL while nothing needs it. */
	struct store_identity *identity;
	bool has_gone; /* some known message is not listed */
	/* Of this session, without a unique-id: durable, and deleted. */
	uint32_t nameless, nameless_deleted;
	unsigned settlements; /* of identities, that the store works on */

	uint32_t stored, adopted, deleted;
	struct failures *failures;
	struct notify_subscription drained; /* while the session is paused */
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

static void deposit_known(
    const struct evpop_known *, size_t count, bool is_last, void *);
static void deposit_answered(enum store_status, void *);
static void deposit_overdrawn(void *);

struct deposit *
deposit_new(const struct deposit_order *order)
{
	static const struct known_callbacks known_callbacks = {
		.batch = deposit_known,
		.answered = deposit_answered,
	};
	struct deposit *deposit;

	deposit = calloc(1, sizeof *deposit);
	if (deposit == NULL)
		return NULL;
	deposit->store = order->store;
	deposit->notify = order->notify;
	deposit->name = order->name;
	deposit->policy = order->policy;
	deposit->owner = order->owner;
	deposit->share = ledger_open(order->ledger, deposit_overdrawn, deposit);
	deposit->known = known_new(order->store, &known_callbacks, deposit);
	deposit->failures = failures_new(order->store, order->notify,
	    order->name, deposit_answered, deposit);
	if (deposit->share == NULL || deposit->known == NULL ||
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
    struct deposit *deposit, const struct store_account *account)
{
	deposit->account_id = account->id;
	deposit->setting = account->setting;
	known_set_account(deposit->known, account->id);
	failures_set_account(deposit->failures, account->id);
}

int64_t
deposit_age_now_ms(const struct deposit *deposit)
{
	return store_age_now_ms(deposit->store, deposit->setting);
}

/* ---- memory ---- */

/* Whether the poll may hold what it has come to.  Less is never too much. */
static bool
deposit_may_hold(struct deposit *deposit)
{
	int64_t more =
	    (int64_t)(deposit->sync_octets + deposit->unwritten_octets) -
	    (int64_t)ledger_share_held(deposit->share);

	if (ledger_charge(deposit->share, more) || more <= 0)
		return true;
	deposit->is_overdrawn = true;
	return false;
}

/* It holds most of what there is for all, and others go on with that. */
static void
deposit_overdrawn(void *arg)
{
	struct deposit *deposit = arg;
	struct evpop_result result;

	deposit->is_overdrawn = true;
	evpop_result_set(&result, EVPOP_ERROR_LIMIT, EVPOP_PHASE_NONE,
	    "no memory left for listings");
	if (!deposit->is_closed)
		evpop_sync_cancel(deposit->sync, &result);
}

static bool
deposit_hold(struct evpop_sync *sync, size_t octets, void *arg)
{
	struct deposit *deposit = arg;

	(void)sync;
	deposit->sync_octets = octets;
	return deposit_may_hold(deposit);
}

/* All that is seen, waits or is adopted becomes one operation of the store. */
static bool
deposit_hold_changes(struct deposit *deposit, const struct evpop_plan *plan)
{
	size_t changes = plan->seen + plan->adopts + plan->new_waits;
	struct evpop_result result;

	deposit->unwritten_octets += changes * KNOWN_CHANGE_OCTETS;
	if (changes == 0 || deposit_may_hold(deposit))
		return true;
	evpop_result_set(&result, EVPOP_ERROR_LIMIT, EVPOP_PHASE_COMMAND,
	    "no memory left for %zu unique-ids", changes);
	evpop_sync_cancel(deposit->sync, &result);
	return false;
}

/* ---- what the store answers ---- */

bool
deposit_is_settled(const struct deposit *deposit)
{
	return deposit->settlements == 0 && !known_is_pending(deposit->known) &&
	       !failures_are_pending(deposit->failures);
}

static void
deposit_answered(enum store_status status, void *arg)
{
	struct deposit *deposit = arg;

	if (deposit->unwritten_octets > 0 &&
	    !known_is_writing(deposit->known)) {
		deposit->unwritten_octets = 0;
		(void)deposit_may_hold(deposit);
	}
	deposit->owner.answered(status, deposit->owner.arg);
}

/* Ids of those that are gone are the batch's. */
static void
deposit_known(
    const struct evpop_known *known, size_t count, bool is_last, void *arg)
{
	struct deposit *deposit = arg;
	size_t i;

	for (i = 0; i < count && !deposit->has_gone; i++)
		deposit->has_gone = known[i].state == EVPOP_KNOWN_GONE;
	evpop_sync_known_batch(
	    deposit->sync, known, count, is_last, deposit_age_now_ms(deposit));
}

/* ---- listing and plan ---- */

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
	/* What waits is recognised by its bytes once it is fetched. */
	if (!deposit->policy->dry_run)
		known_note_gone(deposit->known, known,
		    deposit_age_now_ms(deposit) -
			deposit->policy->fetch_after_ms);
}

static void
deposit_planned(
    struct evpop_sync *sync, const struct evpop_plan *plan, void *arg)
{
	struct deposit *deposit = arg;

	(void)sync;
	if (deposit->policy->dry_run) {
		poller_plan_free(&deposit->plan);
		deposit->plan = poller_plan_new(deposit->listing, plan,
		    deposit->policy->fetch_after_ms, evpop_clock_unix_ms());
	} else if (deposit_hold_changes(deposit, plan))
		known_note_plan(deposit->known, deposit->listing, plan);
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
		known_note_deleted(deposit->known, entry);
}

/* ---- identities ---- */

static void
deposit_settled(enum store_status status, void *arg)
{
	struct deposit_settlement *settlement = arg;
	struct deposit *deposit = settlement->deposit;

	store_identity_free(&settlement->identity);
	free(settlement);
	deposit->settlements--;
	deposit_answered(status, deposit);
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
	deposit->settlements++;
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
		deposit->identity = store_identity_new(deposit->account_id);
	return deposit->identity != NULL;
}

void
deposit_look_up(struct deposit *deposit)
{
	deposit_settle_identity(deposit);
	known_look_up(deposit->known);
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
		deposit_answered(STORE_MEMORY, deposit);
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

	deposit_answered(status, deposit);
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

/* The store's digests may be keyed. */
static void
deposit_header(struct evpop_sync *sync, struct evpop_header *header, void *arg)
{
	const struct deposit *deposit = arg;

	(void)sync;
	store_key_digest(deposit->store, header->digest);
	store_key_digest(deposit->store, header->whole_digest);
}

const struct evpop_sync_callbacks *
deposit_callbacks(bool with_transcript)
{
#define CALLBACKS                                                           \
	.listing = deposit_listed, .gone = deposit_gone,                    \
	.planned = deposit_planned, .begin = deposit_begin,                 \
	.header = deposit_header, .data = deposit_data, .end = deposit_end, \
	.refused = deposit_refused, .deleted = deposit_committed,           \
	.hold = deposit_hold, .done = deposit_done
	static const struct evpop_sync_callbacks callbacks = { CALLBACKS };
	static const struct evpop_sync_callbacks tracing = { CALLBACKS,
		.trace = deposit_trace };

	return with_transcript ? &tracing : &callbacks;
}

/* ---- what came of it ---- */

void
deposit_tally(const struct deposit *deposit,
    const struct evpop_sync_report *report, struct tally *tally)
{
	*tally = (struct tally){
		.messages = report->messages,
		.fetched = deposit->stored,
		.adopted = report->adopted + deposit->adopted,
		.deleted = deposit->deleted,
		.failed = report->failed,
		.too_large = report->too_large,
		.later = report->later,
		.later_octets = report->later_octets,
		.waiting = report->waiting,
		.seen = report->seen,
		.held = report->held,
		.body_octets = report->body_octets,
		.adopted_octets = report->adopted_octets,
		.octets_in = report->octets_in,
		.octets_out = report->octets_out,
	};
}

bool
deposit_is_overdrawn(const struct deposit *deposit)
{
	return deposit->is_overdrawn;
}

bool
deposit_was_refused(const struct deposit *deposit, struct evpop_result *result)
{
	return failures_are_of_account(deposit->failures, result);
}

bool
deposit_has_changed(const struct deposit *deposit)
{
	return known_has_changed(deposit->known);
}

struct poller_plan *
deposit_take_plan(struct deposit *deposit)
{
	struct poller_plan *plan = deposit->plan;

	deposit->plan = NULL;
	return plan;
}

void
deposit_close(struct deposit *deposit)
{
	assert(!deposit->is_closed);
	deposit->is_closed = true;
	known_stop(deposit->known);
	deposit_settle_identity(deposit);
	known_write(deposit->known);
	failures_settle(deposit->failures);
}

void
deposit_free(struct deposit **deposit)
{
	if (*deposit == NULL)
		return;
	notify_leave(&(*deposit)->drained);
	store_identity_free(&(*deposit)->identity);
	known_free(&(*deposit)->known);
	failures_free(&(*deposit)->failures);
	ledger_close(&(*deposit)->share);
	poller_plan_free(&(*deposit)->plan);
	free(*deposit);
	*deposit = NULL;
}

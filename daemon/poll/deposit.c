#include "daemon/poll/deposit.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/store/clock.h"

struct deposit {
	struct store *store;
	struct evpop_sync *sync;
	store_done_cb failed;
	void *failed_arg;
	int64_t account_id;

	const struct store_uid *uids; /* while the sync is told of them */
	size_t uid_count;

	struct store_uid_change *changes; /* owed to the store */
	size_t change_count, change_room;

	uint32_t stored; /* bodies that are durable */
	bool paused;
	unsigned waiting; /* answers owed by the store */
	enum store_status worst;
	store_done_cb closed; /* set once closing */
	void *closed_arg;
};

/* A body under way; `body` is NULL once it is handed in. */
struct deposit_message {
	struct deposit *deposit;
	const struct evpop_entry *entry;
	struct store_body *body;
};

struct deposit *
deposit_new(struct store *store, struct evpop_sync *sync, store_done_cb failed,
    void *arg)
{
	struct deposit *deposit;

	deposit = calloc(1, sizeof *deposit);
	if (deposit == NULL)
		return NULL;
	deposit->store = store;
	deposit->sync = sync;
	deposit->failed = failed;
	deposit->failed_arg = arg;
	return deposit;
}

void
deposit_set_account(struct deposit *deposit, int64_t account_id)
{
	deposit->account_id = account_id;
}

static void
note_failure(struct deposit *deposit, enum store_status status)
{
	if (status == STORE_OK)
		return;
	deposit->worst = status;
	if (deposit->closed == NULL)
		deposit->failed(status, deposit->failed_arg);
}

static void
close_if_settled(struct deposit *deposit)
{
	store_done_cb closed = deposit->closed;

	if (closed == NULL || deposit->waiting > 0)
		return;
	deposit->closed = NULL;
	closed(deposit->worst, deposit->closed_arg);
}

/* ---- what is known ---- */

static const enum evpop_known_state known_states[] = {
	[STORE_UID_STORED] = EVPOP_KNOWN_STORED,
	[STORE_UID_DELETE] = EVPOP_KNOWN_DELETE,
	[STORE_UID_SEEN] = EVPOP_KNOWN_SEEN,
	[STORE_UID_DELETED] = EVPOP_KNOWN_DELETED,
};

static void
uids_known(enum store_status status, const struct store_uid *uids, size_t count,
    void *arg)
{
	struct deposit *deposit = arg;
	struct evpop_known *known = NULL;
	size_t i;

	deposit->waiting--;
	if (status == STORE_OK) {
		known = calloc(count + 1, sizeof *known);
		if (known == NULL)
			status = STORE_MEMORY;
	}
	if (status != STORE_OK) {
		note_failure(deposit, status);
		close_if_settled(deposit);
		return;
	}
	for (i = 0; i < count; i++)
		known[i] = (struct evpop_known){
			.unique_id = uids[i].unique_id,
			.unique_id_length = uids[i].unique_id_length,
			.occurrence = uids[i].occurrence,
			.state = known_states[uids[i].state],
			.stored_ms = uids[i].stored_ms,
		};
	deposit->uids = uids;
	deposit->uid_count = count;
	if (deposit->closed == NULL)
		evpop_sync_known(
		    deposit->sync, known, count, store_clock_unix_ms());
	deposit->uids = NULL;
	free(known);
	close_if_settled(deposit);
}

void
deposit_listing(struct deposit *deposit)
{
	deposit->waiting++;
	store_uids(deposit->store, deposit->account_id, uids_known, deposit);
}

/* Note a change; false without memory. */
static bool
note_change(struct deposit *deposit, const struct store_uid_change *change)
{
	struct store_uid_change *grown;
	size_t room;

	if (deposit->change_count == deposit->change_room) {
		room =
		    deposit->change_room == 0 ? 16 : deposit->change_room * 2;
		grown = reallocarray(
		    deposit->changes, room, sizeof *deposit->changes);
		if (grown == NULL) {
			note_failure(deposit, STORE_MEMORY);
			return false;
		}
		deposit->changes = grown;
		deposit->change_room = room;
	}
	deposit->changes[deposit->change_count++] = *change;
	return true;
}

static void
changes_written(enum store_status status, void *arg)
{
	struct deposit *deposit = arg;

	FAILPOINT("unique-id changes written");
	deposit->waiting--;
	note_failure(deposit, status);
	close_if_settled(deposit);
}

static void
write_changes(struct deposit *deposit)
{
	if (deposit->change_count == 0)
		return;
	deposit->waiting++;
	store_uids_change(deposit->store, deposit->account_id, deposit->changes,
	    deposit->change_count, changes_written, deposit);
	deposit->change_count = 0;
}

/*
 * What is no longer listed counts as deleted.  Its id is forgotten later, for
 * a listing may be wrong for a while.
 */
void
deposit_planned(struct deposit *deposit, const struct evpop_plan *plan)
{
	int64_t now_ms = store_clock_unix_ms();
	struct store_uid_change change;
	const struct store_uid *uid;
	size_t i;

	for (i = 0; i < deposit->uid_count; i++) {
		uid = &deposit->uids[i];
		if (!plan->gone[i])
			continue;
		change = (struct store_uid_change){
			.unique_id = uid->unique_id,
			.unique_id_length = uid->unique_id_length,
			.occurrence = uid->occurrence,
			.forget = uid->state == STORE_UID_DELETED,
			.state = STORE_UID_DELETED,
		};
		if (change.forget &&
		    now_ms - uid->stored_ms < DEPOSIT_REMEMBER_MS)
			continue;
		if (!note_change(deposit, &change))
			break;
	}
	write_changes(deposit);
}

void
deposit_deleted(struct deposit *deposit, const struct evpop_entry *entry)
{
	const struct store_uid_change change = {
		.unique_id = entry->unique_id,
		.unique_id_length = entry->unique_id_length,
		.occurrence = entry->occurrence,
		.state = STORE_UID_DELETED,
	};

	/* The next listing tells as much, should there be no memory now. */
	if (entry->unique_id != NULL)
		(void)note_change(deposit, &change);
}

/* ---- bodies ---- */

enum evpop_flow
deposit_begin(struct deposit *deposit, const struct evpop_entry *entry,
    enum evpop_action action, void **message_r)
{
	const struct store_body_meta meta = {
		.account_id = deposit->account_id,
		.unique_id = entry->unique_id,
		.unique_id_length = entry->unique_id_length,
		.occurrence = entry->occurrence,
		.state = action == EVPOP_ACTION_FETCH_DELETE ? STORE_UID_DELETE
							     : STORE_UID_STORED,
		.octets_hint = entry->octets,
	};
	struct deposit_message *message;

	*message_r = NULL;
	message = calloc(1, sizeof *message);
	if (message != NULL)
		message->body = store_body_new(deposit->store, &meta);
	if (message == NULL || message->body == NULL) {
		free(message);
		note_failure(deposit, STORE_MEMORY);
		return EVPOP_FLOW_CONTINUE;
	}
	message->deposit = deposit;
	message->entry = entry;
	*message_r = message;
	return EVPOP_FLOW_CONTINUE;
}

enum evpop_flow
deposit_data(struct deposit *deposit, void *arg, const unsigned char *bytes,
    size_t length)
{
	struct deposit_message *message = arg;

	if (message == NULL || store_body_append(message->body, bytes,
				   length) == STORE_FLOW_CONTINUE)
		return EVPOP_FLOW_CONTINUE;
	deposit->paused = true;
	return EVPOP_FLOW_PAUSE;
}

static void
body_committed(enum store_status status, int64_t message_id,
    enum store_taken taken, void *arg)
{
	struct deposit_message *message = arg;
	struct deposit *deposit = message->deposit;

	(void)message_id;
	(void)taken;
	note_failure(deposit, status);
	deposit->stored += status == STORE_OK;
	FAILPOINT("acknowledgement begun");
	evpop_sync_stored(deposit->sync, message->entry, status == STORE_OK);
	FAILPOINT("acknowledgement done");
	free(message);
}

void
deposit_end(struct deposit *deposit, const struct evpop_entry *entry, void *arg,
    const struct evpop_result *result)
{
	struct deposit_message *message = arg;

	/* There was no memory for it. */
	if (message == NULL) {
		if (result->error == EVPOP_ERROR_NONE)
			evpop_sync_stored(deposit->sync, entry, false);
		return;
	}
	if (result->error == EVPOP_ERROR_NONE) {
		store_body_commit(message->body, body_committed, message);
		return;
	}
	store_body_abort(message->body);
	free(message);
}

uint32_t
deposit_stored(const struct deposit *deposit)
{
	return deposit->stored;
}

void
deposit_drained(struct deposit *deposit)
{
	if (!deposit->paused)
		return;
	deposit->paused = false;
	evpop_sync_resume(deposit->sync);
}

void
deposit_close(struct deposit *deposit, store_done_cb closed, void *arg)
{
	assert(deposit->closed == NULL);
	deposit->closed = closed;
	deposit->closed_arg = arg;
	write_changes(deposit);
	close_if_settled(deposit);
}

void
deposit_free(struct deposit **deposit)
{
	if (*deposit == NULL)
		return;
	free((*deposit)->changes);
	free(*deposit);
	*deposit = NULL;
}

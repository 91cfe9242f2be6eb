/* Bodies on their way into the store, and those that fail. */
#include "daemon/poll/deposit.h"

#include <assert.h>
#include <stdlib.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/log/log.h"
#include "daemon/poll/deposit_internal.h"

/* A body under way; `body` is NULL once it is handed in. */
struct deposit_message {
	struct deposit *deposit;
	const struct evpop_entry *entry;
	struct store_body *body;
	bool nameless;
};

struct deposit *
deposit_new(struct store *store, struct evpop_sync *sync, const char *name,
    store_done_cb failed, void *arg)
{
	struct deposit *deposit;

	deposit = calloc(1, sizeof *deposit);
	if (deposit == NULL)
		return NULL;
	deposit->store = store;
	deposit->sync = sync;
	deposit->name = name;
	deposit->failed = failed;
	deposit->failed_arg = arg;
	return deposit;
}

void
deposit_set_account(struct deposit *deposit, int64_t account_id, bool dry_run)
{
	deposit->account_id = account_id;
	deposit->dry_run = dry_run;
}

void
deposit_note_failure(struct deposit *deposit, enum store_status status)
{
	if (status == STORE_OK)
		return;
	deposit->worst = status;
	if (deposit->closed == NULL)
		deposit->failed(status, deposit->failed_arg);
}

void
deposit_close_if_settled(struct deposit *deposit)
{
	store_done_cb closed = deposit->closed;

	if (closed == NULL || deposit->waiting > 0)
		return;
	deposit->closed = NULL;
	closed(deposit->worst, deposit->closed_arg);
}

/* ---- bodies ---- */

enum evpop_flow
deposit_begin(struct deposit *deposit, const struct evpop_entry *entry,
    enum evpop_action action, void **message_r)
{
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
	deposit_note_failure(deposit, status);
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

struct deposit_failure {
	struct deposit *deposit;
	uint32_t number;
};

static void
failure_noted(
    enum store_status status, unsigned attempts, bool quarantined, void *arg)
{
	struct deposit_failure *failure = arg;
	struct deposit *deposit = failure->deposit;

	if (status == STORE_OK && quarantined)
		log_write(LOG_LEVEL_ERROR, deposit->name,
		    "message %lu failed %u times and is skipped from now on; "
		    "see \"evpopctl quarantine\"",
		    (unsigned long)failure->number, attempts);
	free(failure);
	deposit->waiting--;
	deposit_note_failure(deposit, status);
	deposit_close_if_settled(deposit);
}

/* What ended for a reason of ours says nothing of the message. */
static bool
is_its_own_fault(const struct evpop_result *result)
{
	return result->error != EVPOP_ERROR_CANCELLED &&
	       result->error != EVPOP_ERROR_MEMORY;
}

/* Takes the body, or NULL where none of it came. */
static void
note_message_failure(struct deposit *deposit, const struct evpop_entry *entry,
    struct store_body *body, const struct evpop_result *result)
{
	char transcript[TRANSCRIPT_SIZE + 1];
	struct deposit_failure *failure = NULL;

	log_write(LOG_LEVEL_WARNING, deposit->name,
	    "message %lu was not fetched: %s", (unsigned long)entry->number,
	    result->text);
	/* Without an id it could not be told from others the next time. */
	if (entry->unique_id != NULL && is_its_own_fault(result))
		failure = malloc(sizeof *failure);
	if (failure == NULL) {
		if (body != NULL)
			store_body_abort(body);
		return;
	}
	failure->deposit = deposit;
	failure->number = entry->number;
	transcript_text(&deposit->transcript, transcript);
	deposit->waiting++;
	store_failure(deposit->store,
	    &(struct store_failure){
		.account_id = deposit->account_id,
		.unique_id = entry->unique_id,
		.unique_id_length = entry->unique_id_length,
		.occurrence = entry->occurrence,
		.reason = result->text,
		.transcript = transcript,
		.body = body,
		.attempts_most = DEPOSIT_ATTEMPTS,
	    },
	    failure_noted, failure);
}

void
deposit_refused(struct deposit *deposit, const struct evpop_entry *entry,
    const struct evpop_result *result)
{
	note_message_failure(deposit, entry, NULL, result);
}

void
deposit_trace(struct deposit *deposit, bool from_server, const char *line)
{
	transcript_add(&deposit->transcript, from_server, line);
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
	note_message_failure(deposit, entry, message->body, result);
	free(message);
}

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

bool
deposit_wrote(const struct deposit *deposit)
{
	return deposit->wrote;
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
	deposit_settle_identity(deposit);
	deposit_write_changes(deposit);
	deposit_close_if_settled(deposit);
}

void
deposit_free(struct deposit **deposit)
{
	if (*deposit == NULL)
		return;
	store_identity_free(&(*deposit)->identity);
	deposit_drop_ids(*deposit);
	free((*deposit)->changes);
	free(*deposit);
	*deposit = NULL;
}

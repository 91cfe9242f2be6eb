/* An account is polled by evpop_sync, as the daemon does it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/model_world.h"

/* How an owner may spoil his own session. */
enum spoil {
	SPOIL_NOTHING = 0,
	SPOIL_CANCEL,
	SPOIL_STOP,
	SPOIL_FREE
};

/* False where the sync is gone. */
static bool
poll_spoil(struct model_account *account)
{
	const struct evpop_result reason = { .error = EVPOP_ERROR_CANCELLED,
		.text = "the owner's wish" };

	switch ((enum spoil)model_account_fault(account, 4)) {
	case SPOIL_CANCEL:
		account->was_cancelled = true;
		evpop_sync_cancel(account->sync, &reason);
		return true;
	case SPOIL_STOP:
		evpop_sync_stop(account->sync);
		return true;
	case SPOIL_FREE:
		evpop_sync_free(account->sync);
		account->sync = NULL;
		account->unacknowledged_count = 0;
		model_account_done(account, MODEL_OUTCOME_FREED);
		return false;
	default:
		return true;
	}
}

/* Now or later, as it happens. */
static bool
poll_is_prompt(struct model_account *account)
{
	return model_pick(account->world->choice, 3) < 2;
}

static enum evpop_flow
poll_flow(struct model_account *account)
{
	if (model_pick(account->world->choice, 12) < 11)
		return EVPOP_FLOW_CONTINUE;
	account->acts |= MODEL_ACT_RESUME;
	return EVPOP_FLOW_PAUSE;
}

static void
poll_tell_known(struct model_account *account)
{
	evpop_sync_known(
	    account->sync, account->known, account->known_count, 1700000000000);
}

static void
poll_listing(
    struct evpop_sync *sync, const struct evpop_listing *listing, void *arg)
{
	struct model_account *account = arg;
	bool same;

	account->listing = listing;
	account->has_listed =
	    evpop_listing_digest(listing, account->listed) == EVPOP_ERROR_NONE;
	account->had_work = true;
	same = account->has_listed && account->has_digest &&
	       memcmp(account->digest, account->listed,
		   sizeof account->digest) == 0;
	if (!poll_spoil(account))
		return;
	if (same && account->plan->skips_unchanged) {
		account->had_work = false;
		evpop_sync_unchanged(sync);
	} else if (poll_is_prompt(account))
		poll_tell_known(account);
	else
		account->acts |= MODEL_ACT_KNOWN;
}

static void
poll_name(
    struct model_account *account, size_t n, const struct evpop_entry *entry)
{
	struct model_known *kept = &account->kept[n];
	struct evpop_known *known = &account->known[n];

	if (entry->unique_id_length > sizeof kept->id)
		model_broken("an id longer than any");
	memcpy(kept->id, entry->unique_id, entry->unique_id_length);
	known->unique_id = kept->id;
	known->unique_id_length = entry->unique_id_length;
	known->occurrence = entry->occurrence;
}

/* A message that is known has got another id. */
static void
poll_adopt(struct model_account *account, const struct evpop_entry *entry,
    const struct evpop_adoption *adoption)
{
	const struct model_connection *connection =
	    model_account_connection(account);
	size_t n = adoption->known;

	if (n >= account->known_count)
		model_broken("what was never known is known again");
	if (!connection->misleads &&
	    (entry->number > connection->listed_count ||
		account->kept[n].message !=
		    connection->listed[entry->number - 1]))
		model_broken("message %u of account %u is taken for another",
		    entry->number, account->number);
	poll_name(account, n, entry);
}

static void
poll_planned(struct evpop_sync *sync, const struct evpop_plan *plan, void *arg)
{
	struct model_account *account = arg;

	size_t i;

	(void)sync;
	account->had_work = plan->fetches > 0 || plan->deletes > 0;
	for (i = 0; i < account->listing->count; i++)
		if (plan->actions[i] == EVPOP_ACTION_ADOPT)
			poll_adopt(account, &account->listing->entries[i],
			    evpop_plan_adoption(plan, i));
	(void)poll_spoil(account);
}

/* The message of this number, by the connection under way. */
static struct model_message *
poll_message(struct model_account *account, uint32_t number)
{
	struct model_connection *connection = model_account_connection(account);

	if (number == 0 || number > connection->listed_count)
		return NULL;
	return connection->listed[number - 1];
}

static enum evpop_flow
poll_begin(struct evpop_sync *sync, const struct evpop_entry *entry,
    enum evpop_action action, void **message_r, void *arg)
{
	struct model_account *account = arg;

	(void)sync;
	(void)action;
	account->receiving = poll_message(account, entry->number);
	account->received = 0;
	account->differs = account->receiving == NULL;
	*message_r = account;
	return poll_spoil(account) ? poll_flow(account) : EVPOP_FLOW_CONTINUE;
}

static enum evpop_flow
poll_data(struct evpop_sync *sync, void *message, const unsigned char *bytes,
    size_t length, void *arg)
{
	struct model_account *account = arg;
	const struct model_message *receiving = account->receiving;

	(void)sync;
	if (message != account)
		model_broken("a body is handed to another");
	if (receiving != NULL &&
	    (length > receiving->length - account->received ||
		memcmp(receiving->text + account->received, bytes, length) !=
		    0))
		account->differs = true;
	if (!account->differs)
		account->received += length;
	return poll_flow(account);
}

static void
poll_remember(struct model_account *account, const struct evpop_entry *entry,
    struct model_message *message)
{
	struct model_known *kept;
	size_t n = account->known_count;

	if (entry->unique_id == NULL || n == MODEL_MESSAGES)
		return;
	kept = &account->kept[n];
	kept->message = message;
	model_message_digest(message, kept->digest);
	account->known[n] = (struct evpop_known){
		.header_digest = kept->digest,
		.state = EVPOP_KNOWN_STORED,
		.stored_ms = 1600000000000,
		.octets = message->length,
	};
	poll_name(account, n, entry);
	account->known_count++;
}

/* Headers can be looked at: TOP is there, and broke no session before. */
static bool
poll_may_top(const struct model_account *account)
{
	return account->plan->traits.has_top &&
	       evpop_client_can_top(evpop_sync_client(account->sync));
}

/* The oldest body that was not acknowledged is, or cannot be, stored. */
static void
poll_store(struct model_account *account)
{
	const struct evpop_entry *entry = account->unacknowledged[0];
	struct model_message *message = account->arrived[0];
	bool durable = model_account_fault(account, 4) != 3;
	size_t left = --account->unacknowledged_count;

	memmove(account->unacknowledged, account->unacknowledged + 1,
	    left * sizeof account->unacknowledged[0]);
	memmove(account->arrived, account->arrived + 1,
	    left * sizeof account->arrived[0]);
	if (durable && message != NULL) {
		if (message->is_stored && model_plan_is_sound(account->plan) &&
		    account->plan->traits.has_uidl &&
		    (poll_may_top(account) ||
			(!account->plan->policy.verify_deletes &&
			    !account->plan->traits.renews_ids)))
			model_broken(
			    "message %u of account %u is fetched twice",
			    message->serial, account->number);
		message->is_stored = true;
		message->deliveries++;
		poll_remember(account, entry, message);
	}
	evpop_sync_stored(account->sync, entry, durable);
}

static void
poll_end(struct evpop_sync *sync, const struct evpop_entry *entry,
    void *message, const struct evpop_result *result, void *arg)
{
	struct model_account *account = arg;
	struct model_message *receiving = account->receiving;
	const struct model_connection *connection =
	    model_account_connection(account);
	size_t n = account->unacknowledged_count;
	char line[24];

	(void)sync;
	if (message != account)
		model_broken("a body ends for another");
	snprintf(line, sizeof line, "RETR %u", entry->number);
	model_check_reply(account, result, line);
	if (result->error != EVPOP_ERROR_NONE) {
		(void)poll_spoil(account);
		return;
	}
	if (!connection->misleads &&
	    (account->differs || account->received != receiving->length))
		model_broken("message %u of account %u arrives as another",
		    entry->number, account->number);
	if (n == MODEL_MESSAGES)
		model_broken("more bodies than messages");
	account->unacknowledged[n] = entry;
	account->arrived[n] = receiving;
	account->unacknowledged_count++;
	if (!poll_spoil(account))
		return;
	if (poll_is_prompt(account))
		poll_store(account);
	else
		account->acts |= MODEL_ACT_STORED;
}

static void
poll_deleted(
    struct evpop_sync *sync, const struct evpop_entry *entry, void *arg)
{
	struct model_account *account = arg;
	const struct model_message *message =
	    poll_message(account, entry->number);
	size_t i;

	(void)sync;
	if (!model_account_connection(account)->misleads &&
	    (message == NULL || message->is_there))
		model_broken("message %u of account %u is said to be deleted",
		    entry->number, account->number);
	for (i = 0; i < account->known_count; i++)
		if (account->kept[i].message == message)
			account->known[i].state = EVPOP_KNOWN_DELETED;
}

/* After a good poll of a sound account nothing is left to be fetched. */
static void
poll_check(
    const struct model_account *account, const struct evpop_sync_report *report)
{
	const struct model_maildrop *maildrop = &account->server.maildrop;
	const struct model_message *message;
	size_t i;

	if (!model_plan_is_sound(account->plan) ||
	    !account->plan->traits.has_uidl ||
	    account->plan->traits.at != NULL ||
	    report->result.error != EVPOP_ERROR_NONE)
		return;
	for (i = 0; i < maildrop->count; i++) {
		message = &maildrop->messages[i];
		if (!message->is_stored)
			model_broken("message %u of account %u is left behind",
			    message->serial, account->number);
		if (account->plan->policy.keep == EVPOP_KEEP_NONE &&
		    account->plan->traits.farewell == MODEL_FAREWELL &&
		    message->is_there)
			model_broken("message %u of account %u is not deleted",
			    message->serial, account->number);
	}
}

static void
poll_done(
    struct evpop_sync *sync, const struct evpop_sync_report *report, void *arg)
{
	struct model_account *account = arg;

	if (account->unacknowledged_count > 0)
		model_broken("a poll is done before its bodies are");
	model_check_end(account, &report->result);
	account->has_digest = report->result.error == EVPOP_ERROR_NONE &&
			      account->has_listed && !account->had_work;
	memcpy(account->digest, account->listed, sizeof account->digest);
	poll_check(account, report);
	model_account_show(account, true, report->result.text);
	model_account_done(account, (int)report->result.error);
	evpop_sync_free(sync);
	account->sync = NULL;
}

static void
poll_trace(
    struct evpop_sync *sync, bool from_server, const char *line, void *arg)
{
	(void)sync;
	model_account_show(arg, from_server, line);
}

static const struct evpop_sync_callbacks callbacks = {
	.trace = poll_trace,
	.listing = poll_listing,
	.planned = poll_planned,
	.begin = poll_begin,
	.data = poll_data,
	.end = poll_end,
	.deleted = poll_deleted,
	.done = poll_done,
};

void
model_poll_start(struct model_account *account)
{
	struct evpop_client_config config;
	struct evpop_credentials credentials;

	model_account_config(account, &config);
	model_account_credentials(account, &credentials);
	account->was_cancelled = false;
	account->unacknowledged_count = 0;
	account->sync = evpop_sync_new(account->world->base, NULL, &config,
	    &account->plan->policy, &callbacks, account);
	if (account->sync == NULL ||
	    evpop_sync_start(account->sync, &credentials) != EVPOP_ERROR_NONE)
		model_broken("a poll does not begin");
}

void
model_poll_act(struct model_account *account, enum model_act act)
{
	struct evpop_client *client = evpop_sync_client(account->sync);

	switch (act) {
	case MODEL_ACT_KNOWN:
		poll_tell_known(account);
		break;
	case MODEL_ACT_STORED:
		while (
		    account->sync != NULL && account->unacknowledged_count > 0)
			poll_store(account);
		break;
	case MODEL_ACT_RESUME:
		evpop_sync_resume(account->sync);
		break;
	case MODEL_ACT_TOKEN:
		/* The session may have ended meanwhile. */
		if (evpop_client_token(client, account->token) ==
		    EVPOP_ERROR_MEMORY)
			abort();
		break;
	}
}

void
model_poll_free(struct model_account *account)
{
	evpop_sync_free(account->sync);
	account->sync = NULL;
}

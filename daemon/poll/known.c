/* What is known of an account's unique-ids, and what becomes of it. */
#include <stdlib.h>
#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/poll/deposit_internal.h"
#include "daemon/store/clock.h"

/* An identity that the store still works on. */
struct deposit_settlement {
	struct deposit *deposit;
	struct store_identity *identity;
};

/* An id of a listing that may be gone before its change is handed over. */
struct deposit_id {
	struct deposit_id *next;
	unsigned char bytes[];
};

static const enum evpop_known_state known_states[] = {
	[STORE_UID_STORED] = EVPOP_KNOWN_STORED,
	[STORE_UID_DELETE] = EVPOP_KNOWN_DELETE,
	[STORE_UID_SEEN] = EVPOP_KNOWN_SEEN,
	[STORE_UID_DELETED] = EVPOP_KNOWN_DELETED,
	[STORE_UID_GONE] = EVPOP_KNOWN_GONE,
	[STORE_UID_QUARANTINED] = EVPOP_KNOWN_SEEN,
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
		deposit_note_failure(deposit, status);
		deposit_close_if_settled(deposit);
		return;
	}
	for (i = 0; i < count; i++)
		known[i] = (struct evpop_known){
			.unique_id = uids[i].unique_id,
			.unique_id_length = uids[i].unique_id_length,
			.occurrence = uids[i].occurrence,
			.state = known_states[uids[i].state],
			.stored_ms = uids[i].stored_ms,
			.octets = uids[i].octets,
			.header_digest = uids[i].header_digest,
			.listed_octets = uids[i].listed_octets,
			.lines = uids[i].lines,
			.added_octets = uids[i].added_octets,
		};
	deposit->uids = uids;
	deposit->uid_count = count;
	if (deposit->closed == NULL)
		evpop_sync_known(
		    deposit->sync, known, count, store_clock_unix_ms());
	deposit->uids = NULL;
	free(known);
	deposit_close_if_settled(deposit);
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
			deposit_note_failure(deposit, STORE_MEMORY);
			return false;
		}
		deposit->changes = grown;
		deposit->change_room = room;
	}
	deposit->changes[deposit->change_count++] = *change;
	return true;
}

/*
 * Not before what became of the last slice is written: a deletion that is only
 * owed, of a message that is not listed, looks like a change of its id.
 */
static void
ask_if_written(struct deposit *deposit)
{
	if (!deposit->listed || deposit->writes > 0 || deposit->closed != NULL)
		return;
	deposit->listed = false;
	deposit->waiting++;
	store_uids(deposit->store, deposit->account_id, uids_known, deposit);
}

static void
changes_written(enum store_status status, void *arg)
{
	struct deposit *deposit = arg;

	FAILPOINT("unique-id changes written");
	deposit->waiting--;
	deposit->writes--;
	deposit_note_failure(deposit, status);
	ask_if_written(deposit);
	deposit_close_if_settled(deposit);
}

void
deposit_write_changes(struct deposit *deposit)
{
	if (deposit->change_count == 0)
		return;
	deposit->waiting++;
	deposit->writes++;
	deposit->wrote = true;
	store_uids_change(deposit->store, deposit->account_id, deposit->changes,
	    deposit->change_count, changes_written, deposit);
	deposit->change_count = 0;
	deposit_drop_ids(deposit);
}

void
deposit_drop_ids(struct deposit *deposit)
{
	struct deposit_id *id;

	while ((id = deposit->ids) != NULL) {
		deposit->ids = id->next;
		free(id);
	}
}

/* NULL without memory. */
static const unsigned char *
keep_id(struct deposit *deposit, const unsigned char *bytes, size_t length)
{
	struct deposit_id *id = malloc(sizeof *id + length + 1);

	if (id == NULL)
		return NULL;
	if (length > 0)
		memcpy(id->bytes, bytes, length);
	id->next = deposit->ids;
	deposit->ids = id;
	return id->bytes;
}

/* What its message is to the account once it is no longer listed. */
static enum store_uid_state
state_when_gone(const struct store_uid *uid)
{
	switch (uid->state) {
	case STORE_UID_STORED:
	case STORE_UID_GONE:
		return STORE_UID_GONE;
	default:
		return STORE_UID_DELETED;
	}
}

static bool
note_gone(struct deposit *deposit, const struct store_uid *uid, int64_t now_ms)
{
	const struct store_uid_change change = {
		.unique_id = uid->unique_id,
		.unique_id_length = uid->unique_id_length,
		.occurrence = uid->occurrence,
		.forget = uid->state == state_when_gone(uid),
		.state = state_when_gone(uid),
	};

	if (change.forget && now_ms - uid->stored_ms < DEPOSIT_REMEMBER_MS)
		return true;
	return note_change(deposit, &change);
}

/*
 * What is no longer listed is gone.  Its id is forgotten later, for a listing
 * may be wrong for a while.
 */
void
deposit_matched(struct deposit *deposit, const struct evpop_plan *plan)
{
	int64_t now_ms = store_clock_unix_ms();
	const struct store_uid *uid;
	bool noted = true;
	size_t i;

	for (i = 0; i < deposit->uid_count && noted; i++) {
		uid = &deposit->uids[i];
		if (uid->state == STORE_UID_GONE || plan->gone[i])
			deposit->gone = true;
		if (plan->gone[i] && !deposit->dry_run)
			noted = note_gone(deposit, uid, now_ms);
	}
	deposit_write_changes(deposit);
}

static bool
note_seen(struct deposit *deposit, const struct evpop_entry *entry)
{
	return note_change(
	    deposit, &(struct store_uid_change){
			 .unique_id = entry->unique_id,
			 .unique_id_length = entry->unique_id_length,
			 .occurrence = entry->occurrence,
			 .state = STORE_UID_SEEN,
		     });
}

static bool
note_adoption(struct deposit *deposit, const struct evpop_entry *entry,
    const struct evpop_adoption *adoption)
{
	struct store_uid_change change = {
		.unique_id = entry->unique_id,
		.unique_id_length = entry->unique_id_length,
		.occurrence = entry->occurrence,
		.adopt = true,
		.from_id = adoption->unique_id,
		.from_id_length = adoption->unique_id_length,
		.from_occurrence = adoption->occurrence,
		.state = STORE_UID_STORED,
	};

	/* The server lists it again, after a while. */
	if (entry->occurrence == adoption->occurrence &&
	    entry->unique_id_length == adoption->unique_id_length &&
	    memcmp(entry->unique_id, adoption->unique_id,
		entry->unique_id_length) == 0)
		change.adopt = false;
	return note_change(deposit, &change);
}

void
deposit_planned(struct deposit *deposit, const struct evpop_listing *listing,
    const struct evpop_plan *plan)
{
	const struct evpop_entry *entry;
	bool noted = true;
	size_t i;

	if (deposit->dry_run || plan->seen + plan->adopts == 0)
		return;
	for (i = 0; i < listing->count && noted; i++) {
		entry = &listing->entries[i];
		if (plan->actions[i] == EVPOP_ACTION_SEEN)
			noted = note_seen(deposit, entry);
		else if (plan->actions[i] == EVPOP_ACTION_ADOPT)
			noted = note_adoption(
			    deposit, entry, evpop_plan_adoption(plan, i));
	}
	deposit_write_changes(deposit);
}

/* ---- identities ---- */

static void
settled(enum store_status status, void *arg)
{
	struct deposit_settlement *settlement = arg;
	struct deposit *deposit = settlement->deposit;

	store_identity_free(&settlement->identity);
	free(settlement);
	deposit->waiting--;
	deposit_note_failure(deposit, status);
	deposit_close_if_settled(deposit);
}

void
deposit_settle_identity(struct deposit *deposit)
{
	struct deposit_settlement *settlement = NULL;
	bool all = deposit->nameless > 0 &&
		   deposit->nameless == deposit->nameless_deleted;

	deposit->nameless = deposit->nameless_deleted = 0;
	deposit->gone = false;
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
	    deposit->store, settlement->identity, settled, settlement);
}

bool
deposit_identify(struct deposit *deposit, const struct evpop_entry *entry)
{
	if (entry->unique_id != NULL && !deposit->gone)
		return true;
	if (deposit->identity == NULL)
		deposit->identity =
		    store_identity_new(deposit->store, deposit->account_id);
	return deposit->identity != NULL;
}

void
deposit_listing(struct deposit *deposit)
{
	deposit_settle_identity(deposit);
	deposit_write_changes(deposit);
	deposit->listed = true;
	ask_if_written(deposit);
}

void
deposit_deleted(struct deposit *deposit, const struct evpop_entry *entry)
{
	struct store_uid_change change = {
		.unique_id_length = entry->unique_id_length,
		.occurrence = entry->occurrence,
		.state = STORE_UID_DELETED,
	};

	if (entry->unique_id == NULL) {
		deposit->nameless_deleted++;
		return;
	}
	/* The next listing tells as much, should there be no memory now. */
	change.unique_id =
	    keep_id(deposit, entry->unique_id, entry->unique_id_length);
	if (change.unique_id != NULL)
		(void)note_change(deposit, &change);
}

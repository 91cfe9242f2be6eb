#include "daemon/poll/changes.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/failpoint/failpoint.h"

/* An id that may be gone before its change is handed over. */
struct changes_id {
	struct changes_id *next;
	unsigned char bytes[];
};

struct changes {
	struct store *store;
	int64_t account_id;
	store_done_cb written;
	void *arg;
	struct store_uid_change *noted;
	size_t count, room;
	struct changes_id *ids; /* of some that are noted */
	unsigned pending;       /* hand-overs without an answer */
	bool were_written;
};

struct changes *
changes_new(struct store *store, store_done_cb written, void *arg)
{
	struct changes *changes;

	changes = calloc(1, sizeof *changes);
	if (changes == NULL)
		return NULL;
	changes->store = store;
	changes->written = written;
	changes->arg = arg;
	return changes;
}

void
changes_set_account(struct changes *changes, int64_t account_id)
{
	changes->account_id = account_id;
}

/* The ids are borrowed until the hand-over.  False without memory. */
static bool
changes_note(struct changes *changes, const struct store_uid_change *change)
{
	struct store_uid_change *grown;
	size_t room;

	if (changes->count == changes->room) {
		room = changes->room == 0 ? 16 : changes->room * 2;
		grown = reallocarray(changes->noted, room, sizeof *grown);
		if (grown == NULL) {
			changes->written(STORE_MEMORY, changes->arg);
			return false;
		}
		changes->noted = grown;
		changes->room = room;
	}
	changes->noted[changes->count++] = *change;
	return true;
}

static void
changes_drop_ids(struct changes *changes)
{
	struct changes_id *id;

	while ((id = changes->ids) != NULL) {
		changes->ids = id->next;
		free(id);
	}
}

static void
changes_answered(enum store_status status, void *arg)
{
	struct changes *changes = arg;

	FAILPOINT("unique-id changes written");
	changes->pending--;
	changes->written(status, changes->arg);
}

void
changes_write(struct changes *changes)
{
	size_t count = changes->count;

	if (count == 0)
		return;
	changes->count = 0;
	changes->pending++;
	changes->were_written = true;
	store_uids_change(changes->store, changes->account_id, changes->noted,
	    count, changes_answered, changes);
	changes_drop_ids(changes);
}

/* ---- what becomes of what is known ---- */

/* What its message is to the account once it is no longer listed. */
static enum store_uid_state
changes_state_when_gone(const struct evpop_known *known)
{
	return known->state == EVPOP_KNOWN_STORED ||
		       known->state == EVPOP_KNOWN_GONE
		   ? STORE_UID_GONE
		   : STORE_UID_DELETED;
}

/* An id is forgotten later, for a listing may be wrong for a while. */
void
changes_gone(
    struct changes *changes, const struct evpop_known *known, int64_t now_ms)
{
	const struct store_uid_change change = {
		.unique_id = known->unique_id,
		.unique_id_length = known->unique_id_length,
		.occurrence = known->occurrence,
		.forget = known->state == EVPOP_KNOWN_GONE ||
			  known->state == EVPOP_KNOWN_DELETED,
		.state = changes_state_when_gone(known),
	};

	if (store_uid_is_kept(known->unique_id, known->unique_id_length))
		return;
	if (change.forget && now_ms - known->stored_ms < CHANGES_REMEMBER_MS)
		return;
	(void)changes_note(changes, &change);
}

static bool
changes_note_seen(struct changes *changes, const struct evpop_entry *entry)
{
	return changes_note(
	    changes, &(struct store_uid_change){
			 .unique_id = entry->unique_id,
			 .unique_id_length = entry->unique_id_length,
			 .occurrence = entry->occurrence,
			 .state = STORE_UID_SEEN,
		     });
}

static bool
changes_note_adoption(struct changes *changes, const struct evpop_entry *entry,
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
	return changes_note(changes, &change);
}

void
changes_planned(struct changes *changes, const struct evpop_listing *listing,
    const struct evpop_plan *plan)
{
	const struct evpop_entry *entry;
	bool noted = true;
	size_t i;

	if (plan->seen + plan->adopts == 0)
		return;
	for (i = 0; i < listing->count && noted; i++) {
		entry = &listing->entries[i];
		if (plan->actions[i] == EVPOP_ACTION_SEEN)
			noted = changes_note_seen(changes, entry);
		else if (plan->actions[i] == EVPOP_ACTION_ADOPT)
			noted = changes_note_adoption(
			    changes, entry, evpop_plan_adoption(plan, i));
	}
	changes_write(changes);
}

/* The next listing tells as much, should there be no memory now. */
void
changes_deleted(struct changes *changes, const struct evpop_entry *entry)
{
	struct changes_id *id;

	id = malloc(sizeof *id + entry->unique_id_length + 1);
	if (id == NULL)
		return;
	if (entry->unique_id_length > 0)
		memcpy(id->bytes, entry->unique_id, entry->unique_id_length);
	id->next = changes->ids;
	changes->ids = id;
	(void)changes_note(
	    changes, &(struct store_uid_change){
			 .unique_id = id->bytes,
			 .unique_id_length = entry->unique_id_length,
			 .occurrence = entry->occurrence,
			 .state = STORE_UID_DELETED,
		     });
}

bool
changes_are_pending(const struct changes *changes)
{
	return changes->pending > 0;
}

bool
changes_were_written(const struct changes *changes)
{
	return changes->were_written;
}

void
changes_free(struct changes **changes)
{
	if (*changes == NULL)
		return;
	changes_drop_ids(*changes);
	free((*changes)->noted);
	free(*changes);
	*changes = NULL;
}

#include "daemon/poll/known.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "lib/base/array.h"

/* An id that may be gone before its change is written. */
struct known_id {
	struct known_id *next;
	unsigned char bytes[];
};

struct known {
	struct store *store;
	const struct known_callbacks *callbacks;
	void *arg;
	int64_t account_id;

	bool is_wanted;  /* a look-up waits for changes to be written */
	bool is_reading; /* the store owes a batch */
	bool is_stopped; /* nobody wants the batches that are still to come */

	struct store_uid_change *changes; /* noted, and not yet written */
	size_t count, room;
	struct known_id *ids; /* of some of these */
	unsigned writing;     /* hand-overs without an answer */
	bool has_changed;
};

struct known *
known_new(
    struct store *store, const struct known_callbacks *callbacks, void *arg)
{
	struct known *known;

	known = calloc(1, sizeof *known);
	if (known == NULL)
		return NULL;
	known->store = store;
	known->callbacks = callbacks;
	known->arg = arg;
	return known;
}

void
known_set_account(struct known *known, int64_t account_id)
{
	known->account_id = account_id;
}

static void
known_drop_ids(struct known *known)
{
	struct known_id *id;

	while ((id = known->ids) != NULL) {
		known->ids = id->next;
		free(id);
	}
}

void
known_free(struct known **known)
{
	if (*known == NULL)
		return;
	known_drop_ids(*known);
	free((*known)->changes);
	free(*known);
	*known = NULL;
}

bool
known_is_pending(const struct known *known)
{
	return known->is_reading || known->writing > 0;
}

bool
known_is_writing(const struct known *known)
{
	return known->writing > 0;
}

bool
known_has_changed(const struct known *known)
{
	return known->has_changed;
}

/* ---- reading ---- */

static void known_read_if_written(struct known *);

/* Ids and digests stay the store's.  NULL without memory. */
static struct evpop_known *
known_translate(const struct store_uid *uids, size_t count)
{
	static const enum evpop_known_state states[] = {
		[STORE_UID_STORED] = EVPOP_KNOWN_STORED,
		[STORE_UID_DELETE] = EVPOP_KNOWN_DELETE,
		[STORE_UID_SEEN] = EVPOP_KNOWN_SEEN,
		[STORE_UID_DELETED] = EVPOP_KNOWN_DELETED,
		[STORE_UID_GONE] = EVPOP_KNOWN_GONE,
		[STORE_UID_QUARANTINED] = EVPOP_KNOWN_SEEN,
		[STORE_UID_WAITING] = EVPOP_KNOWN_WAITING,
	};
	struct evpop_known *batch;
	size_t i;

	batch = calloc(count + 1, sizeof *batch);
	for (i = 0; batch != NULL && i < count; i++)
		batch[i] = (struct evpop_known){
			.unique_id = uids[i].unique_id,
			.unique_id_length = uids[i].unique_id_length,
			.occurrence = uids[i].occurrence,
			.state = states[uids[i].state],
			.stored_ms = uids[i].stored_ms,
			.octets = uids[i].octets,
			.header_digest = uids[i].header_digest,
			.listed_octets = uids[i].listed_octets,
			.lines = uids[i].lines,
			.added_octets = uids[i].added_octets,
		};
	return batch;
}

/*
 * The store is asked for the next batch before this one is handed on, and reads
 * it meanwhile.
 */
static void
known_came(enum store_status status, const struct store_uid *uids, size_t count,
    bool more, void *arg)
{
	struct known *known = arg;
	struct evpop_known *batch = NULL;

	if (status == STORE_OK) {
		batch = known_translate(uids, count);
		if (batch == NULL)
			status = STORE_MEMORY;
	}
	known->is_reading = more && status == STORE_OK && !known->is_stopped;
	if (known->is_reading)
		store_uids(known->store, known->account_id, &uids[count - 1],
		    known_came, known);
	if (status == STORE_OK && !known->is_stopped)
		known->callbacks->batch(
		    batch, count, !known->is_reading, known->arg);
	known_write(known);
	free(batch);
	known_read_if_written(known);
	known->callbacks->answered(status, known->arg);
}

/*
 * A deletion that is owed, of a message that is not listed, looks like a change
 * of its id: what became of it is written first.
 */
static void
known_read_if_written(struct known *known)
{
	if (!known->is_wanted || known_is_pending(known))
		return;
	known->is_wanted = known->is_stopped = false;
	known->is_reading = true;
	store_uids(known->store, known->account_id, NULL, known_came, known);
}

void
known_look_up(struct known *known)
{
	known_write(known);
	known->is_wanted = known->is_stopped = true;
	known_read_if_written(known);
}

void
known_stop(struct known *known)
{
	known->is_wanted = false;
	known->is_stopped = true;
}

/* ---- writing ---- */

/* The ids are borrowed until known_write().  False without memory. */
static bool
known_note(struct known *known, const struct store_uid_change *change)
{
	struct store_uid_change *changes;

	changes = evpop_array_grow(
	    known->changes, known->count, &known->room, sizeof *changes);
	if (changes == NULL) {
		known->callbacks->answered(STORE_MEMORY, known->arg);
		return false;
	}
	known->changes = changes;
	known->changes[known->count++] = *change;
	return true;
}

static void
known_written(enum store_status status, void *arg)
{
	struct known *known = arg;

	FAILPOINT("unique-id changes written");
	known->writing--;
	known_read_if_written(known);
	known->callbacks->answered(status, known->arg);
}

void
known_write(struct known *known)
{
	size_t count = known->count;

	if (count == 0)
		return;
	known->count = 0;
	known->writing++;
	known->has_changed = true;
	store_uids_change(known->store, known->account_id, known->changes,
	    count, known_written, known);
	known_drop_ids(known);
}

/* What its message is to the account once it is no longer listed. */
static enum store_uid_state
known_state_when_gone(const struct evpop_known *gone)
{
	return gone->state == EVPOP_KNOWN_STORED ||
		       gone->state == EVPOP_KNOWN_GONE ||
		       gone->state == EVPOP_KNOWN_WAITING
		   ? STORE_UID_GONE
		   : STORE_UID_DELETED;
}

/*
 * A listing may be wrong for a while, so that an id is forgotten later.  What
 * has only waited is forgotten at once: it was deleted before it was fetched.
 */
void
known_note_gone(
    struct known *known, const struct evpop_known *gone, int64_t now_ms)
{
	bool has_waited =
	    gone->state == EVPOP_KNOWN_WAITING && gone->octets == 0;
	const struct store_uid_change change = {
		.unique_id = gone->unique_id,
		.unique_id_length = gone->unique_id_length,
		.occurrence = gone->occurrence,
		.forget = gone->state == EVPOP_KNOWN_GONE ||
			  gone->state == EVPOP_KNOWN_DELETED || has_waited,
		.state = known_state_when_gone(gone),
	};

	if (store_uid_is_kept(gone->unique_id, gone->unique_id_length))
		return;
	if (change.forget && !has_waited &&
	    now_ms - gone->stored_ms < KNOWN_REMEMBER_MS)
		return;
	(void)known_note(known, &change);
}

static bool
known_note_state(struct known *known, const struct evpop_entry *entry,
    enum store_uid_state state)
{
	return known_note(
	    known, &(struct store_uid_change){
		       .unique_id = entry->unique_id,
		       .unique_id_length = entry->unique_id_length,
		       .occurrence = entry->occurrence,
		       .state = state,
		   });
}

static bool
known_note_adoption(struct known *known, const struct evpop_entry *entry,
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
	return known_note(known, &change);
}

void
known_note_plan(struct known *known, const struct evpop_listing *listing,
    const struct evpop_plan *plan)
{
	const struct evpop_entry *entry;
	bool noted = true;
	size_t i;

	if (plan->seen + plan->adopts + plan->new_waits == 0)
		return;
	for (i = 0; i < listing->count && noted; i++) {
		entry = &listing->entries[i];
		if (plan->actions[i] == EVPOP_ACTION_SEEN)
			noted = known_note_state(known, entry, STORE_UID_SEEN);
		else if (plan->actions[i] == EVPOP_ACTION_WAIT &&
			 evpop_plan_waits_since(plan, i) == 0)
			noted =
			    known_note_state(known, entry, STORE_UID_WAITING);
		else if (plan->actions[i] == EVPOP_ACTION_ADOPT)
			noted = known_note_adoption(
			    known, entry, evpop_plan_adoption(plan, i));
	}
	known_write(known);
}

/* Without memory the next listing tells as much. */
void
known_note_deleted(struct known *known, const struct evpop_entry *entry)
{
	struct known_id *id;

	id = malloc(sizeof *id + entry->unique_id_length + 1);
	if (id == NULL)
		return;
	if (entry->unique_id_length > 0)
		memcpy(id->bytes, entry->unique_id, entry->unique_id_length);
	id->next = known->ids;
	known->ids = id;
	(void)known_note(known, &(struct store_uid_change){
				    .unique_id = id->bytes,
				    .unique_id_length = entry->unique_id_length,
				    .occurrence = entry->occurrence,
				    .state = STORE_UID_DELETED,
				});
}

#include "daemon/store/identity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/arena.h"
#include "daemon/store/column.h"
#include "daemon/store/private.h"
#include "daemon/store/tally.h"

/* A message of the account that is no longer listed. */
struct candidate {
	unsigned char digest[STORE_DIGEST_SIZE];
	const unsigned char *id;
	size_t id_length;
	uint32_t occurrence;
	bool taken;
};

struct store_identity {
	int64_t account_id;
	size_t holders; /* the loop's */

	/* The writer's. */
	struct store_tally tally;
	bool loaded;
	struct candidate *candidates; /* sorted by digest */
	size_t count, room;
	struct store_arena arena;
};

/* ---- the handle ---- */

struct store_identity *
store_identity_new(struct store *store, int64_t account_id)
{
	struct store_identity *identity = calloc(1, sizeof(*identity));

	(void)store;
	if (identity == NULL)
		return NULL;
	identity->account_id = account_id;
	identity->holders = 1;
	return identity;
}

struct store_identity *
store_identity_hold(struct store_identity *identity)
{
	if (identity != NULL)
		identity->holders++;
	return identity;
}

static void
drop_candidates(struct store_identity *identity)
{
	store_arena_free(&identity->arena);
	free(identity->candidates);
	memset(&identity->arena, 0, sizeof(identity->arena));
	identity->candidates = NULL;
	identity->count = identity->room = 0;
	identity->loaded = false;
}

void
store_identity_release(struct store_identity *identity)
{
	if (identity == NULL || --identity->holders > 0)
		return;
	drop_candidates(identity);
	store_tally_free(&identity->tally);
	free(identity);
}

void
store_identity_free(struct store_identity **identity)
{
	store_identity_release(*identity);
	*identity = NULL;
}

/* ---- bodies without a unique-id ---- */

bool
store_identity_count(struct store_identity *identity,
    const unsigned char digest[STORE_DIGEST_SIZE], bool owed,
    uint32_t *occurrence_r)
{
	struct store_tally_entry *entry =
	    store_tally_get(&identity->tally, digest);

	if (entry == NULL)
		return false;
	*occurrence_r = entry->count++;
	entry->owed |= owed;
	return true;
}

void
store_identity_uncount(struct store_identity *identity,
    const unsigned char digest[STORE_DIGEST_SIZE])
{
	struct store_tally_entry *entry =
	    store_tally_get(&identity->tally, digest);

	assert(entry != NULL && entry->count > 0);
	entry->count--;
}

/* ---- messages that are no longer listed ---- */

static bool
make_room(struct store_identity *identity)
{
	size_t room = identity->room * 2 + 16;
	struct candidate *grown;

	if (identity->count < identity->room)
		return true;
	grown = reallocarray(identity->candidates, room, sizeof(*grown));
	if (grown == NULL)
		return false;
	identity->candidates = grown;
	identity->room = room;
	return true;
}

static enum store_status
take_candidate(struct store_identity *identity, sqlite3_stmt *from)
{
	struct candidate *candidate;

	if (sqlite3_column_bytes(from, 2) != STORE_DIGEST_SIZE)
		return STORE_OK;
	if (!make_room(identity))
		return STORE_MEMORY;
	candidate = &identity->candidates[identity->count++];
	memset(candidate, 0, sizeof(*candidate));
	memcpy(
	    candidate->digest, sqlite3_column_blob(from, 2), STORE_DIGEST_SIZE);
	candidate->occurrence = (uint32_t)sqlite3_column_int64(from, 1);
	return store_column_blob(&identity->arena, from, 0, &candidate->id,
		   &candidate->id_length)
		   ? STORE_OK
		   : STORE_MEMORY;
}

static enum store_status
load_candidates(struct store_identity *identity, struct store_db *db)
{
	static const char sql[] =
	    "SELECT uid.unique_id, uid.occurrence, message.digest"
	    " FROM uid INDEXED BY uid_gone"
	    " JOIN message ON message.id = uid.message"
	    " WHERE uid.account = ?1 AND uid.state = 4"
	    " ORDER BY message.digest, message.id";
	enum store_status taken = STORE_OK, status;
	struct store_use use;

	store_use(&use, db, sql);
	store_bind_int(&use, 1, identity->account_id);
	while (taken == STORE_OK && store_next(&use))
		taken = take_candidate(identity, use.statement);
	status = store_end(&use);
	if (status == STORE_OK)
		status = taken;
	if (status != STORE_OK)
		drop_candidates(identity);
	identity->loaded = status == STORE_OK;
	return status;
}

/* The first candidate that is not below the digest. */
static size_t
lower_bound(const struct store_identity *identity,
    const unsigned char digest[STORE_DIGEST_SIZE])
{
	size_t low = 0, high = identity->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(identity->candidates[middle].digest, digest,
			STORE_DIGEST_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum store_status
store_identity_find(struct store_identity *identity, struct store_db *db,
    const unsigned char digest[STORE_DIGEST_SIZE], struct store_unique *from_r,
    struct store_unique_row *row_r)
{
	enum store_status status = STORE_OK;

	memset(row_r, 0, sizeof(*row_r));
	if (!identity->loaded)
		status = load_candidates(identity, db);
	for (size_t i = lower_bound(identity, digest);
	     status == STORE_OK && i < identity->count &&
	     memcmp(identity->candidates[i].digest, digest,
		 STORE_DIGEST_SIZE) == 0;
	     i++) {
		struct candidate *candidate = &identity->candidates[i];

		if (candidate->taken)
			continue;
		candidate->taken = true;
		from_r->account_id = identity->account_id;
		from_r->id = candidate->id;
		from_r->id_length = candidate->id_length;
		from_r->occurrence = candidate->occurrence;
		/* It may have been adopted or listed again since the load. */
		status = store_unique_look_up(db, from_r, row_r);
		if (status == STORE_OK && row_r->state == STORE_UID_GONE &&
		    store_unique_is(row_r, row_r->octets, digest))
			return STORE_OK;
		row_r->found = false;
	}
	return status;
}

bool
store_identity_add(
    struct store_identity *identity, const struct store_unique_former *former)
{
	struct candidate *at;
	char id[STORE_UNIQUE_BODY_ID], *kept;

	if (!identity->loaded)
		return true;
	store_unique_body_id(former->digest, id);
	kept = store_arena_copy(&identity->arena, id, sizeof(id) - 1);
	if (kept == NULL || !make_room(identity))
		return false;
	at = &identity->candidates[lower_bound(identity, former->digest)];
	memmove(at + 1, at,
	    (size_t)(identity->candidates + identity->count - at) *
		sizeof(*at));
	identity->count++;
	memset(at, 0, sizeof(*at));
	memcpy(at->digest, former->digest, STORE_DIGEST_SIZE);
	at->id = (const unsigned char *)kept;
	at->id_length = sizeof(id) - 1;
	at->occurrence = former->occurrence;
	return true;
}

void
store_identity_undone(struct store_identity *identity)
{
	drop_candidates(identity);
}

/* ---- deletions that the server confirmed ---- */

struct deleted_op {
	struct store_op op;
	struct store_identity *identity;
	store_done_cb done;
	void *arg;
};

static enum store_status
forget_owed(
    struct store_db *db, int64_t account_id, const char *id, uint32_t count)
{
	static const char sql[] =
	    "DELETE FROM uid WHERE account = ?1 AND unique_id = ?2"
	    " AND occurrence < ?3 AND state IN (1, 3)";
	struct store_use use;

	_Static_assert(STORE_UID_DELETE == 1 && STORE_UID_DELETED == 3,
	    "the statement knows them by number");
	store_use(&use, db, sql);
	store_bind_int(&use, 1, account_id);
	store_bind_blob(&use, 2, id, STORE_UNIQUE_BODY_ID - 1);
	store_bind_int(&use, 3, count);
	return store_run(&use);
}

/* The next session counts what is left from 0. */
static enum store_status
close_gaps(struct store_db *db, int64_t account_id, const char *id)
{
	static const char sql[] =
	    "UPDATE uid SET occurrence = ?3 WHERE account = ?1"
	    " AND unique_id = ?2 AND occurrence = (SELECT min(occurrence)"
	    "  FROM uid WHERE account = ?1 AND unique_id = ?2"
	    "  AND occurrence >= ?3)";
	enum store_status status;
	uint32_t occurrence = 0;

	do {
		struct store_use use;

		store_use(&use, db, sql);
		store_bind_int(&use, 1, account_id);
		store_bind_blob(&use, 2, id, STORE_UNIQUE_BODY_ID - 1);
		store_bind_int(&use, 3, occurrence++);
		status = store_run(&use);
	} while (status == STORE_OK && sqlite3_changes(db->handle) > 0);
	return status;
}

static enum store_status
write_deleted(struct store_writer *writer, struct store_op *op)
{
	struct store_identity *identity = ((struct deleted_op *)op)->identity;
	const struct store_tally *tally = &identity->tally;
	enum store_status status = STORE_OK;

	for (size_t i = 0; status == STORE_OK && i < tally->room; i++) {
		const struct store_tally_entry *entry = &tally->entries[i];
		char id[STORE_UNIQUE_BODY_ID];

		if (!entry->used || !entry->owed)
			continue;
		store_unique_body_id(entry->digest, id);
		status = forget_owed(
		    &writer->db, identity->account_id, id, entry->count);
		if (status == STORE_OK)
			status =
			    close_gaps(&writer->db, identity->account_id, id);
	}
	return status;
}

static void
answer_deleted(struct store *store, struct store_op *op)
{
	struct deleted_op *deleted = (struct deleted_op *)op;

	(void)store;
	if (deleted->done != NULL)
		deleted->done(op->status, deleted->arg);
}

static void
free_deleted(struct store_op *op)
{
	store_identity_release(((struct deleted_op *)op)->identity);
	free(op);
}

static const struct store_op_type deleted_type = {
	.kind = STORE_OP_IDENTITY_DELETED,
	.write = write_deleted,
	.answer = answer_deleted,
	.free = free_deleted,
};

void
store_identity_deleted(struct store *store, struct store_identity *identity,
    store_done_cb done, void *arg)
{
	struct deleted_op *op = calloc(1, sizeof(*op));

	if (op == NULL) {
		if (done != NULL)
			done(STORE_MEMORY, arg);
		return;
	}
	op->op.type = &deleted_type;
	op->identity = store_identity_hold(identity);
	op->done = done;
	op->arg = arg;
	store_op_submit(store, &op->op);
}

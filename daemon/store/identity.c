#include "daemon/store/identity.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/private.h"
#include "daemon/store/writer.h"

/* How often the session had bodies of a digest: a table that only grows. */
struct digest_count {
	unsigned char digest[STORE_DIGEST_SIZE];
	uint32_t count;
	bool is_used, is_owed;
};

struct digest_counts {
	struct digest_count *entries;
	size_t room, count; /* room is 0 or a power of two */
};

struct store_identity {
	int64_t account_id;
	size_t holders; /* the loop's */

	/* The writer's. */
	struct digest_counts counts;
	unsigned char *found; /* the id that was found last */
};

/* ---- counts of digests ---- */

#define FIRST_ROOM 64

/* The entry, or the empty one where it belongs.  The digest is a good hash. */
static struct digest_count *
counts_find(struct digest_count *entries, size_t room,
    const unsigned char digest[STORE_DIGEST_SIZE])
{
	size_t at;

	memcpy(&at, digest, sizeof(at));
	for (at &= room - 1; entries[at].is_used; at = (at + 1) & (room - 1))
		if (memcmp(entries[at].digest, digest, STORE_DIGEST_SIZE) == 0)
			break;
	return &entries[at];
}

static bool
counts_grow(struct digest_counts *counts)
{
	size_t room = counts->room == 0 ? FIRST_ROOM : counts->room * 2;
	struct digest_count *grown = calloc(room, sizeof(*grown));

	if (grown == NULL)
		return false;
	for (size_t i = 0; i < counts->room; i++)
		if (counts->entries[i].is_used)
			*counts_find(grown, room, counts->entries[i].digest) =
			    counts->entries[i];
	free(counts->entries);
	counts->entries = grown;
	counts->room = room;
	return true;
}

/* The count of a digest, made where missing; NULL without memory. */
static struct digest_count *
counts_get(
    struct digest_counts *counts, const unsigned char digest[STORE_DIGEST_SIZE])
{
	struct digest_count *entry = NULL;

	if (counts->room > 0)
		entry = counts_find(counts->entries, counts->room, digest);
	if (entry != NULL && entry->is_used)
		return entry;
	if (entry == NULL || counts->count >= counts->room / 2) {
		if (!counts_grow(counts))
			return NULL;
		entry = counts_find(counts->entries, counts->room, digest);
	}
	memcpy(entry->digest, digest, STORE_DIGEST_SIZE);
	entry->is_used = true;
	counts->count++;
	return entry;
}

static void
counts_free(struct digest_counts *counts)
{
	free(counts->entries);
	memset(counts, 0, sizeof(*counts));
}

/* ---- the handle ---- */

struct store_identity *
store_identity_new(int64_t account_id)
{
	struct store_identity *identity = calloc(1, sizeof(*identity));

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

void
store_identity_release(struct store_identity *identity)
{
	if (identity == NULL || --identity->holders > 0)
		return;
	free(identity->found);
	counts_free(&identity->counts);
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
	struct digest_count *entry = counts_get(&identity->counts, digest);

	if (entry == NULL)
		return false;
	*occurrence_r = entry->count++;
	entry->is_owed |= owed;
	return true;
}

void
store_identity_uncount(struct store_identity *identity,
    const unsigned char digest[STORE_DIGEST_SIZE])
{
	struct digest_count *entry = counts_get(&identity->counts, digest);

	assert(entry != NULL && entry->count > 0);
	entry->count--;
}

/* ---- messages that are no longer listed ---- */

/*
 * Rows without a header digest match as well, and so do rows whose digest is of
 * the whole header: they may come from an earlier version.  With "= ?1" SQLite
 * would walk through all of the account's ids.
 */
#define GONE_SELECT(header)                                       \
	"SELECT uid.unique_id, uid.occurrence"                    \
	" FROM uid LEFT JOIN message ON message.id = uid.message" \
	" LEFT JOIN tombstone ON tombstone.id = uid.message"      \
	" WHERE uid.account BETWEEN ?1 AND ?1 AND uid.state = 4"  \
	" AND uid.octets = ?2"                                    \
	" AND uid.header_digest " header                          \
	" AND coalesce(message.digest, tombstone.digest) = ?3 LIMIT 1"

static enum store_status
identity_take_id(struct store_identity *identity, struct sql_statement *from,
    struct store_unique *unique_r)
{
	size_t length;
	const void *id = sql_column_blob(from, 0, &length);
	unsigned char *found = realloc(identity->found, length + 1);

	if (found == NULL)
		return STORE_MEMORY;
	identity->found = found;
	if (length > 0)
		memcpy(found, id, length);
	*unique_r = store_unique_make(identity->account_id, found, length,
	    (uint32_t)sql_column_int(from, 1));
	return STORE_OK;
}

static enum store_status
identity_find_gone(struct store_identity *identity, struct sql_db *db,
    const struct store_identity_body *body, const unsigned char *header_digest,
    struct store_unique *from_r, bool *found_r)
{
	static const char same_header[] = GONE_SELECT("= ?4");
	static const char no_header[] = GONE_SELECT("IS NULL");
	enum store_status taken = STORE_OK, status;
	struct sql_statement use;

	sql_prepare(&use, db, header_digest != NULL ? same_header : no_header);
	sql_bind_int(&use, 1, identity->account_id);
	sql_bind_int(&use, 2, (int64_t)body->octets);
	sql_bind_blob(&use, 3, body->digest, STORE_DIGEST_SIZE);
	if (header_digest != NULL)
		sql_bind_blob(&use, 4, header_digest, STORE_HEADER_DIGEST_SIZE);
	*found_r = sql_step(&use);
	if (*found_r)
		taken = identity_take_id(identity, &use, from_r);
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

enum store_status
store_identity_find(struct store_identity *identity, struct sql_db *db,
    const struct store_identity_body *body, struct store_unique *from_r,
    struct store_unique_row *row_r)
{
	enum store_status status = STORE_OK;
	bool found = false;

	memset(row_r, 0, sizeof(*row_r));
	if (body->header_digest != NULL)
		status = identity_find_gone(
		    identity, db, body, body->header_digest, from_r, &found);
	if (status == STORE_OK && !found && body->whole_header_digest != NULL)
		status = identity_find_gone(identity, db, body,
		    body->whole_header_digest, from_r, &found);
	if (status == STORE_OK && !found)
		status = identity_find_gone(
		    identity, db, body, NULL, from_r, &found);
	if (status == STORE_OK && found)
		status = store_unique_look_up(db, from_r, row_r);
	return status;
}

/* ---- deletions that the server confirmed ---- */

struct deleted_op {
	struct store_op op;
	struct store_identity *identity;
	store_done_cb done;
	void *arg;
};

static enum store_status
identity_forget_owed(
    struct sql_db *db, int64_t account_id, const char *id, uint32_t count)
{
	static const char sql[] =
	    "DELETE FROM uid WHERE account = ?1 AND unique_id = ?2"
	    " AND occurrence < ?3 AND state IN (1, 3)";
	struct sql_statement use;

	_Static_assert(STORE_UID_DELETE == 1 && STORE_UID_DELETED == 3,
	    "the statement knows them by number");
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, account_id);
	sql_bind_blob(&use, 2, id, STORE_UNIQUE_BODY_ID - 1);
	sql_bind_int(&use, 3, count);
	return sql_run(&use);
}

/* The next session counts what is left from 0. */
static enum store_status
identity_close_gaps(struct sql_db *db, int64_t account_id, const char *id)
{
	static const char sql[] =
	    "UPDATE uid SET occurrence = ?3 WHERE account = ?1"
	    " AND unique_id = ?2 AND occurrence = (SELECT min(occurrence)"
	    "  FROM uid WHERE account = ?1 AND unique_id = ?2"
	    "  AND occurrence >= ?3)";
	enum store_status status;
	uint32_t occurrence = 0;

	do {
		struct sql_statement use;

		sql_prepare(&use, db, sql);
		sql_bind_int(&use, 1, account_id);
		sql_bind_blob(&use, 2, id, STORE_UNIQUE_BODY_ID - 1);
		sql_bind_int(&use, 3, occurrence++);
		status = sql_run(&use);
	} while (status == STORE_OK && sql_changes(db) > 0);
	return status;
}

static enum store_status
deleted_write(struct store_writer *writer, struct store_op *op)
{
	struct store_identity *identity = ((struct deleted_op *)op)->identity;
	const struct digest_counts *counts = &identity->counts;
	enum store_status status = STORE_OK;

	for (size_t i = 0; status == STORE_OK && i < counts->room; i++) {
		const struct digest_count *entry = &counts->entries[i];
		char id[STORE_UNIQUE_BODY_ID];

		if (!entry->is_used || !entry->is_owed)
			continue;
		store_unique_body_id(entry->digest, id);
		status = identity_forget_owed(store_writer_db(writer),
		    identity->account_id, id, entry->count);
		if (status == STORE_OK)
			status = identity_close_gaps(
			    store_writer_db(writer), identity->account_id, id);
	}
	return status;
}

static void
deleted_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct deleted_op *deleted = (struct deleted_op *)op;

	(void)store;
	if (deleted->done != NULL)
		deleted->done(status, deleted->arg);
}

static void
deleted_clear(struct store_op *op)
{
	store_identity_release(((struct deleted_op *)op)->identity);
}

static const struct store_op_type deleted_type = {
	.write = deleted_write,
	.answer = deleted_answer,
	.clear = deleted_clear,
};

void
store_identity_deleted(struct store *store, struct store_identity *identity,
    store_done_cb done, void *arg)
{
	struct deleted_op *op = store_op_new(&deleted_type, sizeof(*op));

	if (op == NULL) {
		if (done != NULL)
			done(STORE_MEMORY, arg);
		return;
	}
	op->identity = store_identity_hold(identity);
	op->done = done;
	op->arg = arg;
	store_submit(store, &op->op);
}

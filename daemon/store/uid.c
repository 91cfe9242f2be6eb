#include <stdlib.h>
#include <string.h>

#include "daemon/store/column.h"
#include "daemon/store/private.h"
#include "daemon/store/unique.h"
#include "daemon/store/writer.h"
#include "lib/base/arena.h"

/* ---- changes ---- */

struct change_op {
	struct store_op op;
	int64_t account_id;
	store_done_cb done;
	void *arg;
	unsigned char *bytes; /* of all the ids */
	size_t count;
	struct store_uid_change changes[];
};

/* The message is GONE no more: it is listed again, under another id. */
static enum store_status
adopt(struct store_db *db, const struct store_unique *from,
    const struct store_unique *to)
{
	struct store_unique_row row;
	enum store_status status = store_unique_look_up(db, from, &row);

	if (status != STORE_OK || !row.found)
		return status;
	if (row.state == STORE_UID_GONE) {
		row.state = STORE_UID_STORED;
		row.stored_ms = row.message_stored_ms;
	}
	return store_unique_move(db, from, to, &row);
}

static enum store_status
apply(struct store_db *db, int64_t account_id,
    const struct store_uid_change *change)
{
	const struct store_unique unique = { .account_id = account_id,
		.id = change->unique_id,
		.id_length = change->unique_id_length,
		.occurrence = change->occurrence };
	const struct store_unique from = { .account_id = account_id,
		.id = change->from_id,
		.id_length = change->from_id_length,
		.occurrence = change->from_occurrence };

	if (change->forget)
		return store_unique_forget(db, &unique);
	if (change->adopt)
		return adopt(db, &from, &unique);
	return store_unique_set_state(db, &unique, change->state);
}

static enum store_status
changes_write(struct store_writer *writer, struct store_op *op)
{
	static const char account[] = "SELECT 1 FROM account WHERE id = ?1";
	struct change_op *changes = (struct change_op *)op;
	enum store_status status;
	struct sql_statement use;
	bool found;

	sql_prepare(&use, store_writer_db(writer)->sql, account);
	sql_bind_int(&use, 1, changes->account_id);
	found = sql_step(&use);
	status = sql_end(&use);
	if (status == STORE_OK && !found)
		(void)store_op_fail(op, STORE_NOT_FOUND);
	for (size_t i = 0; status == STORE_OK && found && i < changes->count;
	     i++)
		status = apply(store_writer_db(writer), changes->account_id,
		    &changes->changes[i]);
	return status;
}

static void
changes_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct change_op *changes = (struct change_op *)op;

	(void)store;
	if (changes->done != NULL)
		changes->done(status, changes->arg);
}

static void
changes_clear(struct store_op *op)
{
	free(((struct change_op *)op)->bytes);
}

static const struct store_op_type change_type = {
	.write = changes_write,
	.answer = changes_answer,
	.clear = changes_clear,
};

static void
copy_id(unsigned char **to, const unsigned char **id, size_t length)
{
	if (length > 0)
		memcpy(*to, *id, length);
	*id = *to;
	*to += length;
}

static struct change_op *
copy_changes(const struct store_uid_change *changes, size_t count)
{
	struct change_op *copy =
	    calloc(1, sizeof(*copy) + count * sizeof(*changes));
	unsigned char *at;
	size_t length = 0;

	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		copy->changes[i] = changes[i];
		if (!changes[i].adopt)
			copy->changes[i].from_id_length = 0;
		length += changes[i].unique_id_length +
			  copy->changes[i].from_id_length;
	}
	copy->bytes = at = malloc(length + 1);
	if (copy->bytes == NULL) {
		free(copy);
		return NULL;
	}
	for (size_t i = 0; i < count; i++) {
		struct store_uid_change *change = &copy->changes[i];

		copy_id(&at, &change->unique_id, change->unique_id_length);
		copy_id(&at, &change->from_id, change->from_id_length);
	}
	copy->count = count;
	return copy;
}

void
store_uids_change(struct store *store, int64_t account_id,
    const struct store_uid_change *changes, size_t count, store_done_cb done,
    void *arg)
{
	struct change_op *op = copy_changes(changes, count);

	if (op == NULL) {
		if (done != NULL)
			done(STORE_MEMORY, arg);
		return;
	}
	op->op.type = &change_type;
	op->account_id = account_id;
	op->done = done;
	op->arg = arg;
	store_submit(store, &op->op);
}

/* ---- what is known ---- */

struct uids_op {
	struct store_op op;
	int64_t account_id;
	store_uids_cb done;
	void *arg;
	struct evpop_arena arena;
	struct store_uid *uids;
	size_t count, room;
	size_t octets; /* of memory that they take */
	bool more;
	bool from_first;
	uint32_t after_occurrence;
	size_t after_length;
	unsigned char after_id[];
};

/* False without memory. */
static bool
make_room(struct uids_op *uids)
{
	size_t room = uids->room * 2 + 64;
	struct store_uid *grown;

	if (uids->count < uids->room)
		return true;
	grown = realloc(uids->uids, room * sizeof(*grown));
	if (grown == NULL)
		return false;
	uids->uids = grown;
	uids->room = room;
	return true;
}

static enum store_status
take_uid(struct uids_op *uids, struct sql_statement *from)
{
	const unsigned char *digest;
	struct store_uid *uid;
	size_t length;
	int64_t state = sql_column_int(from, 2);

	if (state < 0 || state > STORE_UID_QUARANTINED)
		return STORE_DAMAGED;
	if (!make_room(uids))
		return STORE_MEMORY;
	uid = &uids->uids[uids->count++];
	uid->occurrence = (uint32_t)sql_column_int(from, 1);
	uid->state = (enum store_uid_state)state;
	uid->message_id = sql_column_int(from, 3);
	uid->stored_ms = sql_column_int(from, 4);
	uid->octets = (uint64_t)sql_column_int(from, 5);
	uid->listed_octets = (uint64_t)sql_column_int(from, 7);
	uid->lines = (uint64_t)sql_column_int(from, 8);
	uid->added_octets = (uint64_t)sql_column_int(from, 9);
	if (!store_column_blob(&uids->arena, from, 0, &uid->unique_id,
		&uid->unique_id_length) ||
	    !store_column_blob(&uids->arena, from, 6, &digest, &length))
		return STORE_MEMORY;
	uid->header_digest = length == STORE_HEADER_DIGEST_SIZE ? digest : NULL;
	uids->octets += sizeof(*uid) + uid->unique_id_length + length;
	return STORE_OK;
}

#define UIDS_SELECT                                                        \
	"SELECT unique_id, occurrence, state, message, stored_ms, octets," \
	" header_digest, listed_octets, lines, added_octets FROM uid"      \
	" WHERE account = ?1"

static enum store_status
uids_read(struct store_db *db, struct store_op *op)
{
	static const char first[] =
	    UIDS_SELECT " ORDER BY unique_id, occurrence";
	static const char next[] =
	    UIDS_SELECT " AND (unique_id, occurrence) > (?2, ?3)"
			" ORDER BY unique_id, occurrence";
	struct uids_op *uids = (struct uids_op *)op;
	enum store_status taken = STORE_OK, status;
	struct sql_statement use;

	sql_prepare(&use, db->sql, uids->from_first ? first : next);
	sql_bind_int(&use, 1, uids->account_id);
	if (!uids->from_first) {
		sql_bind_blob(&use, 2, uids->after_id, uids->after_length);
		sql_bind_int(&use, 3, uids->after_occurrence);
	}
	while (taken == STORE_OK && !uids->more && sql_step(&use)) {
		uids->more = uids->octets >= STORE_UIDS_OCTETS;
		if (!uids->more)
			taken = take_uid(uids, &use);
	}
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static void
uids_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct uids_op *uids = (struct uids_op *)op;

	(void)store;
	if (status == STORE_OK)
		uids->done(
		    STORE_OK, uids->uids, uids->count, uids->more, uids->arg);
	else
		uids->done(status, NULL, 0, false, uids->arg);
}

static void
uids_clear(struct store_op *op)
{
	struct uids_op *uids = (struct uids_op *)op;

	evpop_arena_free(&uids->arena);
	free(uids->uids);
}

static const struct store_op_type uids_type = {
	.lane = STORE_LANE_POLLS,
	.read = uids_read,
	.answer = uids_answer,
	.clear = uids_clear,
};

void
store_uids(struct store *store, int64_t account_id,
    const struct store_uid *after, store_uids_cb done, void *arg)
{
	size_t length = after != NULL ? after->unique_id_length : 0;
	struct uids_op *uids = calloc(1, sizeof(*uids) + length + 1);

	if (uids == NULL) {
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	uids->op.type = &uids_type;
	uids->account_id = account_id;
	uids->from_first = after == NULL;
	if (after != NULL) {
		uids->after_occurrence = after->occurrence;
		uids->after_length = length;
		if (length > 0)
			memcpy(uids->after_id, after->unique_id, length);
	}
	uids->done = done;
	uids->arg = arg;
	store_submit(store, &uids->op);
}

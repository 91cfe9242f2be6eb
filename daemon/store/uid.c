#include "daemon/store/owed.h"
#include "daemon/store/private.h"
#include "daemon/store/unique.h"
#include "daemon/store/writer.h"

/* ---- changes ---- */

struct change_op {
	struct store_op op;
	int64_t account_id;
	store_done_cb done;
	void *arg;
	size_t count;
	struct store_uid_change changes[];
};

/* The message is GONE no more: it is listed again, under another id. */
static enum store_status
change_adopt(struct store_writer *writer, const struct store_unique *from,
    const struct store_unique *to)
{
	struct sql_db *db = store_writer_db(writer);
	struct store_unique_row row;
	enum store_status status = store_unique_look_up(db, from, &row);

	if (status != STORE_OK || !row.found)
		return status;
	if (row.state == STORE_UID_GONE) {
		row.state = STORE_UID_STORED;
		row.stored_ms = row.message_stored_ms;
	}
	status = store_owed_again(
	    writer, to->account_id, row.message_id, &row.state);
	return status == STORE_OK ? store_unique_move(db, from, to, &row)
				  : status;
}

static enum store_status
change_apply(struct store_writer *writer, int64_t account_id,
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
		return store_unique_forget(store_writer_db(writer), &unique);
	if (change->adopt)
		return change_adopt(writer, &from, &unique);
	return store_unique_set_state(
	    store_writer_db(writer), &unique, change->state);
}

static enum store_status
changes_write(struct store_writer *writer, struct store_op *op)
{
	static const char account[] = "SELECT 1 FROM account WHERE id = ?1";
	struct change_op *changes = (struct change_op *)op;
	enum store_status status;
	struct sql_statement use;
	bool found;

	sql_prepare(&use, store_writer_db(writer), account);
	sql_bind_int(&use, 1, changes->account_id);
	status = sql_run_found(&use, &found);
	if (status == STORE_OK && !found)
		(void)store_op_fail(op, STORE_NOT_FOUND);
	for (size_t i = 0; status == STORE_OK && found && i < changes->count;
	     i++)
		status = change_apply(
		    writer, changes->account_id, &changes->changes[i]);
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

static const struct store_op_type change_type = {
	.write = changes_write,
	.answer = changes_answer,
};

void
store_uids_change(struct store *store, int64_t account_id,
    const struct store_uid_change *changes, size_t count, store_done_cb done,
    void *arg)
{
	struct change_op *op =
	    store_op_new(&change_type, sizeof(*op) + count * sizeof(*changes));

	if (op == NULL) {
		if (done != NULL)
			done(STORE_MEMORY, arg);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		struct store_uid_change *change = &op->changes[i];

		*change = changes[i];
		change->unique_id = store_op_bytes(
		    &op->op, change->unique_id, change->unique_id_length);
		change->from_id = store_op_bytes(&op->op,
		    change->adopt ? change->from_id : NULL,
		    change->from_id_length);
	}
	op->account_id = account_id;
	op->count = count;
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
	struct store_uid *uids;
	size_t count;
	size_t octets; /* of memory that they take */
	bool more;
	bool is_from_first;
	struct store_uid after;
};

static enum store_status
uids_take(struct store_op *op, struct sql_statement *from)
{
	struct uids_op *uids = (struct uids_op *)op;
	int64_t state = sql_column_int(from, 2);
	const unsigned char *digest;
	struct store_uid *uid;
	size_t length;

	if (state < 0 || state > STORE_UID_WAITING)
		return STORE_DAMAGED;
	uids->uids =
	    store_op_grow(op, uids->uids, uids->count, sizeof(*uids->uids));
	if (uids->uids == NULL)
		return STORE_MEMORY;
	uid = &uids->uids[uids->count++];
	*uid = (struct store_uid){
		.occurrence = (uint32_t)sql_column_int(from, 1),
		.state = (enum store_uid_state)state,
		.message_id = sql_column_int(from, 3),
		.stored_ms = sql_column_int(from, 4),
		.octets = (uint64_t)sql_column_int(from, 5),
		.listed_octets = (uint64_t)sql_column_int(from, 7),
		.lines = (uint64_t)sql_column_int(from, 8),
		.added_octets = (uint64_t)sql_column_int(from, 9),
	};
	uid->unique_id =
	    store_op_column_bytes(op, from, 0, &uid->unique_id_length);
	digest = store_op_column_bytes(op, from, 6, &length);
	uid->header_digest = length == STORE_HEADER_DIGEST_SIZE ? digest : NULL;
	uids->octets += sizeof(*uid) + uid->unique_id_length + length;
	return store_op_status(op);
}

#define UIDS_SELECT                                                        \
	"SELECT unique_id, occurrence, state, message, stored_ms, octets," \
	" header_digest, listed_octets, lines, added_octets FROM uid"      \
	" WHERE account = ?1"

static enum store_status
uids_read(struct sql_db *db, struct store_op *op)
{
	static const char first[] =
	    UIDS_SELECT " ORDER BY unique_id, occurrence";
	static const char next[] =
	    UIDS_SELECT " AND (unique_id, occurrence) > (?2, ?3)"
			" ORDER BY unique_id, occurrence";
	struct uids_op *uids = (struct uids_op *)op;
	enum store_status taken = STORE_OK, status;
	struct sql_statement use;

	sql_prepare(&use, db, uids->is_from_first ? first : next);
	sql_bind_int(&use, 1, uids->account_id);
	if (!uids->is_from_first) {
		sql_bind_blob(&use, 2, uids->after.unique_id,
		    uids->after.unique_id_length);
		sql_bind_int(&use, 3, uids->after.occurrence);
	}
	while (taken == STORE_OK && !uids->more && sql_step(&use)) {
		uids->more = uids->octets >= STORE_UIDS_OCTETS;
		if (!uids->more)
			taken = uids_take(op, &use);
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

static const struct store_op_type uids_type = {
	.lane = STORE_LANE_POLLS,
	.read = uids_read,
	.answer = uids_answer,
};

void
store_uids(struct store *store, int64_t account_id,
    const struct store_uid *after, store_uids_cb done, void *arg)
{
	struct uids_op *uids = store_op_new(&uids_type, sizeof(*uids));

	if (uids == NULL) {
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	uids->account_id = account_id;
	uids->is_from_first = after == NULL;
	if (after != NULL) {
		uids->after = *after;
		uids->after.unique_id = store_op_bytes(
		    &uids->op, after->unique_id, after->unique_id_length);
	}
	uids->done = done;
	uids->arg = arg;
	store_submit(store, &uids->op);
}

#include <stdlib.h>
#include <string.h>

#include "daemon/store/arena.h"
#include "daemon/store/clock.h"
#include "daemon/store/column.h"
#include "daemon/store/private.h"

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

static enum store_status
forget(struct store_db *db, int64_t account_id,
    const struct store_uid_change *change)
{
	static const char sql[] = "DELETE FROM uid WHERE account = ?1"
				  " AND unique_id = ?2 AND occurrence = ?3";
	struct store_use use;

	store_use(&use, db, sql);
	store_bind_int(&use, 1, account_id);
	store_bind_blob(&use, 2, change->unique_id, change->unique_id_length);
	store_bind_int(&use, 3, change->occurrence);
	return store_run(&use);
}

static enum store_status
set_state(struct store_db *db, int64_t account_id,
    const struct store_uid_change *change, int64_t now_ms)
{
	static const char sql[] =
	    "INSERT INTO uid(account, unique_id, occurrence, state, message,"
	    " stored_ms) VALUES(?1, ?2, ?3, ?4, NULL, ?5)"
	    " ON CONFLICT(account, unique_id, occurrence)"
	    " DO UPDATE SET state = excluded.state, stored_ms = CASE"
	    "  WHEN excluded.state = ?6 AND state <> ?6"
	    "  THEN excluded.stored_ms ELSE stored_ms END";
	struct store_use use;

	store_use(&use, db, sql);
	store_bind_int(&use, 1, account_id);
	store_bind_blob(&use, 2, change->unique_id, change->unique_id_length);
	store_bind_int(&use, 3, change->occurrence);
	store_bind_int(&use, 4, change->state);
	store_bind_int(&use, 5, now_ms);
	store_bind_int(&use, 6, STORE_UID_DELETED);
	return store_run(&use);
}

static enum store_status
write_changes(struct store_writer *writer, struct store_op *op)
{
	static const char account[] = "SELECT 1 FROM account WHERE id = ?1";
	struct change_op *changes = (struct change_op *)op;
	int64_t now_ms = store_clock_unix_ms();
	enum store_status status;
	struct store_use use;
	bool found;

	store_use(&use, &writer->db, account);
	store_bind_int(&use, 1, changes->account_id);
	found = store_next(&use);
	status = store_end(&use);
	if (status == STORE_OK && !found)
		op->status = STORE_NOT_FOUND;
	for (size_t i = 0; status == STORE_OK && found && i < changes->count;
	     i++) {
		const struct store_uid_change *change = &changes->changes[i];

		status = change->forget
			     ? forget(&writer->db, changes->account_id, change)
			     : set_state(&writer->db, changes->account_id,
				   change, now_ms);
	}
	return status;
}

static void
answer_changes(struct store *store, struct store_op *op)
{
	struct change_op *changes = (struct change_op *)op;

	(void)store;
	if (changes->done != NULL)
		changes->done(op->status, changes->arg);
}

static void
free_changes(struct store_op *op)
{
	free(((struct change_op *)op)->bytes);
	free(op);
}

static const struct store_op_type change_type = {
	.kind = STORE_OP_UIDS_CHANGE,
	.write = write_changes,
	.answer = answer_changes,
	.free = free_changes,
};

static struct change_op *
copy_changes(const struct store_uid_change *changes, size_t count)
{
	struct change_op *copy =
	    calloc(1, sizeof(*copy) + count * sizeof(*changes));
	size_t length = 0;

	if (copy == NULL)
		return NULL;
	for (size_t i = 0; i < count; i++)
		length += changes[i].unique_id_length;
	copy->bytes = malloc(length + 1);
	if (copy->bytes == NULL) {
		free(copy);
		return NULL;
	}
	length = 0;
	for (size_t i = 0; i < count; i++) {
		size_t size = changes[i].unique_id_length;

		copy->changes[i] = changes[i];
		copy->changes[i].unique_id = copy->bytes + length;
		if (size > 0)
			memcpy(
			    copy->bytes + length, changes[i].unique_id, size);
		length += size;
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
	store_op_submit(store, &op->op);
}

/* ---- what is known ---- */

struct uids_op {
	struct store_op op;
	int64_t account_id;
	store_uids_cb done;
	void *arg;
	struct store_arena arena;
	struct store_uid *uids;
	size_t count, room;
};

static enum store_status
take_uid(struct uids_op *uids, sqlite3_stmt *from)
{
	struct store_uid *uid;

	if (uids->count == uids->room) {
		size_t room = uids->room * 2 + 64;
		struct store_uid *grown =
		    realloc(uids->uids, room * sizeof(*grown));

		if (grown == NULL)
			return STORE_MEMORY;
		uids->uids = grown;
		uids->room = room;
	}
	uid = &uids->uids[uids->count++];
	uid->occurrence = (uint32_t)sqlite3_column_int64(from, 1);
	uid->state = (enum store_uid_state)sqlite3_column_int(from, 2);
	uid->message_id = sqlite3_column_int64(from, 3);
	uid->stored_ms = sqlite3_column_int64(from, 4);
	return store_column_blob(&uids->arena, from, 0, &uid->unique_id,
		   &uid->unique_id_length)
		   ? STORE_OK
		   : STORE_MEMORY;
}

static enum store_status
read_uids(struct store_db *db, struct store_op *op)
{
	static const char sql[] =
	    "SELECT unique_id, occurrence, state, message, stored_ms FROM uid"
	    " WHERE account = ?1 ORDER BY unique_id, occurrence";
	struct uids_op *uids = (struct uids_op *)op;
	enum store_status taken = STORE_OK, status;
	struct store_use use;

	store_use(&use, db, sql);
	store_bind_int(&use, 1, uids->account_id);
	while (taken == STORE_OK && store_next(&use))
		taken = take_uid(uids, use.statement);
	status = store_end(&use);
	return status != STORE_OK ? status : taken;
}

static void
answer_uids(struct store *store, struct store_op *op)
{
	struct uids_op *uids = (struct uids_op *)op;

	(void)store;
	if (op->status == STORE_OK)
		uids->done(STORE_OK, uids->uids, uids->count, uids->arg);
	else
		uids->done(op->status, NULL, 0, uids->arg);
}

static void
free_uids(struct store_op *op)
{
	struct uids_op *uids = (struct uids_op *)op;

	store_arena_free(&uids->arena);
	free(uids->uids);
	free(uids);
}

static const struct store_op_type uids_type = {
	.kind = STORE_OP_UIDS,
	.read = read_uids,
	.answer = answer_uids,
	.free = free_uids,
};

void
store_uids(
    struct store *store, int64_t account_id, store_uids_cb done, void *arg)
{
	struct uids_op *uids = calloc(1, sizeof(*uids));

	if (uids == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	uids->op.type = &uids_type;
	uids->account_id = account_id;
	uids->done = done;
	uids->arg = arg;
	store_op_submit(store, &uids->op);
}

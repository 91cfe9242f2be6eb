#include "daemon/store/import.h"
#include "daemon/store/private.h"
#include "daemon/store/writer.h"

/* Unique-ids whose messages another program has. */

struct seen_op {
	struct store_op op;
	int64_t account_id;
	store_seen_cb done;
	void *arg;
	uint64_t added;
	size_t count;
	struct store_seen_id ids[];
};

_Static_assert(STORE_UID_SEEN == 2, "the statement knows it by number");

/* What is known of an id already says more than that it was seen. */
static enum store_status
seen_add(
    struct sql_db *db, struct seen_op *seen, const struct store_seen_id *id)
{
	static const char sql[] =
	    "INSERT INTO uid(account, unique_id, occurrence, state, stored_ms)"
	    " VALUES(?1, ?2, 0, 2, ?3)"
	    " ON CONFLICT(account, unique_id, occurrence) DO NOTHING";
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, seen->account_id);
	sql_bind_blob(&use, 2, id->bytes, id->length);
	sql_bind_int(&use, 3, store_db_now_ms(db));
	status = sql_run(&use);
	if (status == STORE_OK)
		seen->added += (uint64_t)sql_changes(db);
	return status;
}

static enum store_status
seen_write(struct store_writer *writer, struct store_op *op)
{
	static const char account[] = "SELECT 1 FROM account WHERE id = ?1";
	struct seen_op *seen = (struct seen_op *)op;
	struct sql_db *db = store_writer_db(writer);
	enum store_status status;
	struct sql_statement use;
	bool found;

	seen->added = 0;
	sql_prepare(&use, db, account);
	sql_bind_int(&use, 1, seen->account_id);
	status = sql_run_found(&use, &found);
	if (status == STORE_OK && !found)
		return store_op_fail(op, STORE_NOT_FOUND);
	for (size_t i = 0; status == STORE_OK && i < seen->count; i++)
		status = seen_add(db, seen, &seen->ids[i]);
	return status;
}

static void
seen_answer(struct store *store, struct store_op *op, enum store_status status)
{
	const struct seen_op *seen = (struct seen_op *)op;

	(void)store;
	seen->done(status, status == STORE_OK ? seen->added : 0, seen->arg);
}

static const struct store_op_type seen_type = {
	.write = seen_write,
	.answer = seen_answer,
};

void
store_uids_see(struct store *store, int64_t account_id,
    const struct store_seen_id *ids, size_t count, store_seen_cb done,
    void *arg)
{
	struct seen_op *seen =
	    store_op_new(&seen_type, sizeof(*seen) + count * sizeof(*ids));

	if (seen == NULL) {
		done(STORE_MEMORY, 0, arg);
		return;
	}
	for (size_t i = 0; i < count; i++)
		seen->ids[i] = (struct store_seen_id){
			store_op_bytes(&seen->op, ids[i].bytes, ids[i].length),
			ids[i].length
		};
	seen->account_id = account_id;
	seen->count = count;
	seen->done = done;
	seen->arg = arg;
	store_submit(store, &seen->op);
}

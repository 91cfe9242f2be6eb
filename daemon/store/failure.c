#include "daemon/store/failure.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/body.h"
#include "daemon/store/private.h"

/*
 * A message that has left the server is never stored, and its failures would
 * be kept for ever: after this time they are old.
 */
#define FAILURE_KEPT_MS (90 * INT64_C(86400000))

struct failure_op {
	struct store_op op;
	struct store_failure failure;
	store_failure_cb done;
	void *arg;
	unsigned attempts;
	enum store_failed outcome;
	char bytes[]; /* of the unique-id and the texts */
};

static struct store_unique
unique_of(const struct store_failure *failure)
{
	struct store_unique unique = { .account_id = failure->account_id,
		.id = failure->unique_id,
		.id_length = failure->unique_id_length,
		.occurrence = failure->occurrence };

	return unique;
}

/* ---- counting ---- */

static enum store_status
forget_old(struct store_db *db, int64_t now_ms)
{
	static const char sql[] = "DELETE FROM failure WHERE last_ms < ?1";
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, now_ms - FAILURE_KEPT_MS);
	return sql_run(&use);
}

/* attempts is 0 where there is no such account. */
static enum store_status
count(struct store_db *db, const struct store_failure *failure, int64_t now_ms,
    unsigned *attempts_r)
{
	static const char sql[] =
	    "INSERT INTO failure(account, unique_id, occurrence, attempts,"
	    " last_ms, reason) SELECT id, ?2, ?3, 1, ?4, ?5 FROM account"
	    " WHERE id = ?1"
	    " ON CONFLICT(account, unique_id, occurrence) DO UPDATE"
	    " SET attempts = CASE WHEN ?6 = 0 THEN attempts + 1"
	    "   WHEN reason <> excluded.reason THEN 1"
	    "   WHEN last_ms > excluded.last_ms - ?6 THEN attempts"
	    "   ELSE attempts + 1 END,"
	    " last_ms = CASE WHEN ?6 > 0 AND reason = excluded.reason"
	    "   AND last_ms > excluded.last_ms - ?6 THEN last_ms"
	    "   ELSE excluded.last_ms END,"
	    " reason = excluded.reason RETURNING attempts";
	struct sql_statement use;

	*attempts_r = 0;
	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, failure->account_id);
	sql_bind_blob(&use, 2, failure->unique_id, failure->unique_id_length);
	sql_bind_int(&use, 3, failure->occurrence);
	sql_bind_int(&use, 4, now_ms);
	sql_bind_text(&use, 5, failure->reason);
	sql_bind_int(&use, 6, failure->apart_ms);
	while (sql_step(&use))
		*attempts_r = (unsigned)sql_column_int(&use, 0);
	return sql_end(&use);
}

static enum store_status
is_there_any(struct store_db *db, bool *any_r)
{
	static const char sql[] = "SELECT 1 FROM failure LIMIT 1";
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	*any_r = sql_step(&use);
	return sql_end(&use);
}

enum store_status
store_failure_forget(
    struct store_writer *writer, const struct store_unique *unique)
{
	static const char sql[] = "DELETE FROM failure WHERE account = ?1"
				  " AND unique_id = ?2 AND occurrence = ?3";
	enum store_status status;
	struct sql_statement use;

	if (!writer->may_have_failures)
		return STORE_OK;
	sql_prepare(&use, writer->db.sql, sql);
	sql_bind_int(&use, 1, unique->account_id);
	sql_bind_blob(&use, 2, unique->id, unique->id_length);
	sql_bind_int(&use, 3, unique->occurrence);
	status = sql_run(&use);
	if (status == STORE_OK)
		status = is_there_any(&writer->db, &writer->may_have_failures);
	return status;
}

/* ---- quarantine ---- */

static enum store_status
insert_row(struct store_db *db, const struct store_failure *failure,
    int64_t body, uint64_t octets, int64_t now_ms)
{
	static const char sql[] =
	    "INSERT INTO quarantine(account, unique_id, occurrence, body,"
	    " octets, stored_ms, reason, transcript)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, failure->account_id);
	sql_bind_blob(&use, 2, failure->unique_id, failure->unique_id_length);
	sql_bind_int(&use, 3, failure->occurrence);
	sql_bind_int(&use, 4, body);
	sql_bind_int(&use, 5, (int64_t)octets);
	sql_bind_int(&use, 6, now_ms);
	sql_bind_text(&use, 7, failure->reason);
	sql_bind_text(&use, 8, failure->transcript);
	return sql_run(&use);
}

/* Its bytes go with it as far as they came; none if any of them is missing. */
static enum store_status
put_away(struct store_writer *writer, const struct store_failure *failure,
    int64_t now_ms)
{
	const struct store_unique unique = unique_of(failure);
	const struct store_unique_row row = { .state = STORE_UID_QUARANTINED,
		.stored_ms = now_ms };
	struct store_body *body = failure->body;
	bool whole = body != NULL && body->appended > 0 &&
		     !store_body_is_failed(writer, body);
	enum store_status status = STORE_OK;

	if (whole)
		status = store_body_insert_last(writer, body);
	else if (body != NULL)
		store_body_drop(writer, body);
	if (status == STORE_OK)
		status =
		    insert_row(&writer->db, failure, whole ? body->number : 0,
			whole ? body->appended : 0, now_ms);
	if (status == STORE_OK)
		status = store_unique_put(&writer->db, &unique, &row);
	if (status == STORE_OK)
		status = store_failure_forget(writer, &unique);
	return status;
}

/* It is the message, since nothing else comes. */
static enum store_status
accept(struct store_writer *writer, struct store_op *op)
{
	const struct store_failure *failure =
	    &((struct failure_op *)op)->failure;
	struct store_body *body = failure->body;

	if (body == NULL) {
		op->status = STORE_NOT_FOUND;
		return STORE_OK;
	}
	/* The session that it came in may be over, and is not looked at. */
	body->meta.identity = NULL;
	if (failure->listed_octets != 0)
		body->meta.octets_hint = failure->listed_octets;
	return store_body_accept(writer, body, op);
}

/* ---- the operation ---- */

static enum store_status
write_failure(struct store_writer *writer, struct store_op *op)
{
	struct failure_op *failed = (struct failure_op *)op;
	const struct store_failure *failure = &failed->failure;
	int64_t now_ms = writer->db.now_ms;
	enum store_status status = STORE_OK;

	failed->attempts = 0;
	failed->outcome = STORE_FAILED_COUNTED;
	writer->may_have_failures = true;
	if (failure->unique_id != NULL)
		status = forget_old(&writer->db, now_ms);
	if (status == STORE_OK && failure->unique_id != NULL)
		status = count(&writer->db, failure, now_ms, &failed->attempts);
	if (status != STORE_OK)
		return status;
	if (failure->unique_id != NULL && failed->attempts == 0)
		op->status = STORE_NOT_FOUND;
	if (failed->attempts > 0 && failed->attempts >= failure->attempts_most)
		failed->outcome = failure->end;
	switch (failed->outcome) {
	case STORE_FAILED_QUARANTINED:
		return put_away(writer, failure, now_ms);
	case STORE_FAILED_STORED:
		return accept(writer, op);
	default:
		if (failure->body != NULL)
			store_body_drop(writer, failure->body);
		return STORE_OK;
	}
}

static void
undone_failure(struct store_writer *writer, struct store_op *op)
{
	struct failure_op *failed = (struct failure_op *)op;

	if (failed->failure.body != NULL)
		store_body_drop(writer, failed->failure.body);
}

static void
answer_failure(struct store *store, struct store_op *op)
{
	struct failure_op *failed = (struct failure_op *)op;
	bool well = op->status == STORE_OK;

	store->stats.quarantined +=
	    well && failed->outcome == STORE_FAILED_QUARANTINED;
	if (failed->failure.body != NULL)
		store_body_free(store, failed->failure.body, op);
	failed->failure.body = NULL;
	if (failed->done != NULL)
		failed->done(op->status, well ? failed->attempts : 0,
		    well ? failed->outcome : STORE_FAILED_COUNTED, failed->arg);
}

static void
free_failure(struct store_op *op)
{
	free(op);
}

static const struct store_op_type failure_type = {
	.kind = STORE_OP_FAILURE,
	.write = write_failure,
	.undone = undone_failure,
	.answer = answer_failure,
	.free = free_failure,
};

static const char *
copy(char **to, const void *bytes, size_t size)
{
	char *at = *to;

	if (bytes == NULL)
		return NULL;
	memcpy(at, bytes, size);
	*to += size;
	return at;
}

void
store_failure(struct store *store, const struct store_failure *failure,
    store_failure_cb done, void *arg)
{
	size_t id = failure->unique_id != NULL ? failure->unique_id_length : 0;
	size_t reason = strlen(failure->reason) + 1;
	size_t transcript =
	    failure->transcript != NULL ? strlen(failure->transcript) + 1 : 0;
	struct failure_op *op =
	    calloc(1, sizeof(*op) + id + reason + transcript);
	char *at;

	if (op == NULL) {
		if (failure->body != NULL)
			store_body_abort(failure->body);
		if (done != NULL)
			done(STORE_MEMORY, 0, STORE_FAILED_COUNTED, arg);
		return;
	}
	op->op.type = &failure_type;
	op->failure = *failure;
	op->done = done;
	op->arg = arg;
	at = op->bytes;
	op->failure.reason = copy(&at, failure->reason, reason);
	op->failure.transcript = copy(&at, failure->transcript, transcript);
	op->failure.unique_id =
	    (const unsigned char *)copy(&at, failure->unique_id, id);
	op->failure.unique_id_length = id;
	if (failure->body != NULL)
		store_body_hand_over(failure->body, &op->op);
	store_op_submit(store, &op->op);
}

/* ---- what failed before ---- */

struct before_op {
	struct store_op op;
	int64_t account_id;
	store_failed_before_cb done;
	void *arg;
	bool all;
	size_t count;
	struct store_uid *uids;
	unsigned char *bytes; /* of the ids */
};

static enum store_status
has_failed(struct store_db *db, int64_t account_id, const struct store_uid *uid,
    bool *has_r)
{
	static const char sql[] = "SELECT 1 FROM failure WHERE account = ?1"
				  " AND unique_id = ?2 AND occurrence = ?3";
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, account_id);
	sql_bind_blob(&use, 2, uid->unique_id, uid->unique_id_length);
	sql_bind_int(&use, 3, uid->occurrence);
	*has_r = sql_step(&use);
	return sql_end(&use);
}

static enum store_status
read_before(struct store_db *db, struct store_op *op)
{
	struct before_op *before = (struct before_op *)op;
	enum store_status status = STORE_OK;

	before->all = true;
	for (size_t i = 0; i < before->count && before->all; i++) {
		status = has_failed(
		    db, before->account_id, &before->uids[i], &before->all);
		if (status != STORE_OK)
			break;
	}
	return status;
}

static void
answer_before(struct store *store, struct store_op *op)
{
	struct before_op *before = (struct before_op *)op;

	(void)store;
	before->done(
	    op->status, op->status == STORE_OK && before->all, before->arg);
}

static void
free_before(struct store_op *op)
{
	struct before_op *before = (struct before_op *)op;

	free(before->uids);
	free(before->bytes);
	free(before);
}

static const struct store_op_type before_type = {
	.kind = STORE_OP_UIDS,
	.lane = STORE_LANE_POLLS,
	.read = read_before,
	.answer = answer_before,
	.free = free_before,
};

/* False without memory. */
static bool
copy_uids(struct before_op *before, const struct store_uid *uids)
{
	size_t length = 0;
	unsigned char *at;

	for (size_t i = 0; i < before->count; i++)
		length += uids[i].unique_id_length;
	before->uids = calloc(before->count + 1, sizeof(*uids));
	before->bytes = at = malloc(length + 1);
	if (before->uids == NULL || before->bytes == NULL)
		return false;
	for (size_t i = 0; i < before->count; i++) {
		before->uids[i] = uids[i];
		before->uids[i].unique_id = at;
		if (uids[i].unique_id_length > 0)
			memcpy(at, uids[i].unique_id, uids[i].unique_id_length);
		at += uids[i].unique_id_length;
	}
	return true;
}

void
store_failed_before(struct store *store, int64_t account_id,
    const struct store_uid *uids, size_t count, store_failed_before_cb done,
    void *arg)
{
	struct before_op *op = calloc(1, sizeof(*op));

	if (op != NULL) {
		op->op.type = &before_type;
		op->account_id = account_id;
		op->count = count;
		op->done = done;
		op->arg = arg;
	}
	if (op == NULL || !copy_uids(op, uids)) {
		if (op != NULL)
			free_before(&op->op);
		done(STORE_MEMORY, false, arg);
		return;
	}
	store_op_submit(store, &op->op);
}

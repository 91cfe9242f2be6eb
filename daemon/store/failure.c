#include "daemon/store/attempts.h"
#include "daemon/store/body.h"
#include "daemon/store/commit.h"
#include "daemon/store/private.h"
#include "daemon/store/writer.h"

struct failure_op {
	struct store_op op;
	struct store_failure failure;
	store_failure_cb done;
	void *arg;
	unsigned attempts;
	enum store_failed outcome;
	int64_t quarantine_id;
};

/* ---- quarantine ---- */

static enum store_status
failure_insert_quarantine(struct sql_db *db,
    const struct store_failure *failure, int64_t body, uint64_t octets,
    int64_t *id_r)
{
	static const char sql[] =
	    "INSERT INTO quarantine(account, unique_id, occurrence, body,"
	    " octets, stored_ms, reason, transcript)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, failure->account_id);
	sql_bind_blob(&use, 2, failure->unique_id, failure->unique_id_length);
	sql_bind_int(&use, 3, failure->occurrence);
	sql_bind_int(&use, 4, body);
	sql_bind_int(&use, 5, (int64_t)octets);
	sql_bind_int(&use, 6, store_db_now_ms(db));
	sql_bind_text(&use, 7, failure->reason);
	if (store_db_sealer(db) == NULL)
		sql_bind_text(&use, 8, failure->transcript);
	return sql_run_insert(&use, id_r);
}

/* Lines of the mail may be in the transcript. */
static enum store_status
failure_seal(struct sql_db *db, const struct store_failure *failure, int64_t id,
    int64_t body, uint64_t octets)
{
	const struct store_sealed_facts facts = {
		.binding = { .kind = SEALING_QUARANTINE,
		    .owner = id,
		    .account = failure->account_id,
		    .body = body },
		.unique_id = failure->unique_id,
		.unique_id_length = failure->unique_id_length,
	};
	struct store_seal *own = NULL;
	enum store_status status;

	if (body == 0) {
		own = store_seal_new(db, 0);
		if (own == NULL)
			return STORE_MEMORY;
	}
	status = store_sealed_insert_quarantine(db,
	    own != NULL ? own : failure->body->seal, &facts, octets,
	    failure->transcript);
	store_seal_free(&own);
	return status;
}

static enum store_status
failure_quarantine(struct store_writer *writer,
    const struct store_failure *failure, int64_t *id_r)
{
	struct sql_db *db = store_writer_db(writer);
	const struct store_unique unique =
	    store_unique_make(failure->account_id, failure->unique_id,
		failure->unique_id_length, failure->occurrence);
	const struct store_unique_row row = { .state = STORE_UID_QUARANTINED,
		.stored_ms = store_db_now_ms(db) };
	enum store_status status = STORE_OK;
	uint64_t octets = 0;
	int64_t body = 0;

	if (failure->body != NULL)
		status =
		    store_commit_as_far(writer, failure->body, &body, &octets);
	if (status == STORE_OK)
		status =
		    failure_insert_quarantine(db, failure, body, octets, id_r);
	if (status == STORE_OK && store_db_sealer(db) != NULL)
		status = failure_seal(db, failure, *id_r, body, octets);
	if (status == STORE_OK)
		status = store_unique_put(db, &unique, &row);
	if (status == STORE_OK)
		status = store_attempts_forget(
		    store_writer_attempts(writer), db, &unique);
	return status;
}

/* ---- the operation ---- */

static enum store_status
failure_write(struct store_writer *writer, struct store_op *op)
{
	struct failure_op *failed = (struct failure_op *)op;
	const struct store_failure *failure = &failed->failure;
	enum store_status status = STORE_OK;

	failed->attempts = 0;
	failed->outcome = STORE_FAILED_COUNTED;
	if (failure->unique_id != NULL)
		status = store_attempts_count(store_writer_attempts(writer),
		    store_writer_db(writer), failure, &failed->attempts);
	if (status != STORE_OK)
		return status;
	if (failure->unique_id != NULL && failed->attempts == 0)
		(void)store_op_fail(op, STORE_NOT_FOUND);
	if (failed->attempts > 0 && failed->attempts >= failure->attempts_most)
		failed->outcome = failure->end;
	switch (failed->outcome) {
	case STORE_FAILED_QUARANTINED:
		return failure_quarantine(
		    writer, failure, &failed->quarantine_id);
	case STORE_FAILED_STORED:
		/* It is the message, since nothing else comes. */
		return failure->body != NULL
			   ? store_commit_as_is(writer, failure->body,
				 failure->listed_octets, op)
			   : store_op_fail(op, STORE_NOT_FOUND);
	default:
		if (failure->body != NULL)
			store_commit_drop(writer, failure->body);
		return STORE_OK;
	}
}

static void
failure_undone(
    struct store_writer *writer, struct store_op *op, enum store_status status)
{
	struct failure_op *failed = (struct failure_op *)op;

	if (status != STORE_OK && failed->failure.body != NULL)
		store_commit_drop(writer, failed->failure.body);
}

static void
failure_written(struct store_op *op)
{
	struct failure_op *failed = (struct failure_op *)op;

	if (failed->failure.body != NULL)
		store_commit_end(failed->failure.body);
}

static void
failure_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct failure_op *failed = (struct failure_op *)op;
	const struct store_body *body = failed->failure.body;
	struct store_counted counted = { .attempts = 0 };

	if (status == STORE_OK) {
		counted.attempts = failed->attempts;
		counted.outcome = failed->outcome;
	}
	if (counted.outcome == STORE_FAILED_QUARANTINED) {
		counted.quarantine_id = failed->quarantine_id;
		store_count_quarantined(store, 1);
	}
	if (counted.outcome == STORE_FAILED_STORED && body != NULL &&
	    body->taken == STORE_TAKEN_NEW) {
		counted.message_id = body->message_id;
		counted.octets = body->octets;
	}
	if (failed->failure.body != NULL)
		store_body_free(failed->failure.body, op);
	if (failed->done != NULL)
		failed->done(status, &counted, failed->arg);
}

static const struct store_op_type failure_type = {
	.write = failure_write,
	.undone = failure_undone,
	.written = failure_written,
	.answer = failure_answer,
};

void
store_failure(struct store *store, const struct store_failure *failure,
    store_failure_cb done, void *arg)
{
	struct failure_op *op = store_op_new(&failure_type, sizeof(*op));

	if (op == NULL) {
		if (failure->body != NULL)
			store_body_abort(failure->body);
		if (done != NULL)
			done(STORE_MEMORY,
			    &(struct store_counted){ .attempts = 0 }, arg);
		return;
	}
	op->failure = *failure;
	op->failure.unique_id = store_op_bytes(
	    &op->op, failure->unique_id, failure->unique_id_length);
	op->failure.reason = store_op_text(&op->op, failure->reason);
	op->failure.transcript = store_op_text(&op->op, failure->transcript);
	op->done = done;
	op->arg = arg;
	if (failure->body != NULL && store_op_status(&op->op) != STORE_OK) {
		/* It is answered at once; the writer may have pieces of it. */
		store_body_abort(failure->body);
		op->failure.body = NULL;
	} else if (failure->body != NULL)
		store_body_hand_over(failure->body, &op->op);
	store_submit(store, &op->op);
}

/* ---- what failed before ---- */

struct before_op {
	struct store_op op;
	int64_t account_id;
	store_failed_before_cb done;
	void *arg;
	bool all;
	size_t count;
	struct store_uid uids[];
};

static enum store_status
before_read(struct sql_db *db, struct store_op *op)
{
	struct before_op *before = (struct before_op *)op;
	enum store_status status = STORE_OK;

	before->all = true;
	for (size_t i = 0; i < before->count && before->all; i++) {
		const struct store_uid *uid = &before->uids[i];
		const struct store_unique unique =
		    store_unique_make(before->account_id, uid->unique_id,
			uid->unique_id_length, uid->occurrence);

		status = store_attempts_look_up(db, &unique, &before->all);
		if (status != STORE_OK)
			break;
	}
	return status;
}

static void
before_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct before_op *before = (struct before_op *)op;

	(void)store;
	before->done(status, status == STORE_OK && before->all, before->arg);
}

static const struct store_op_type before_type = {
	.lane = STORE_LANE_POLLS,
	.read = before_read,
	.answer = before_answer,
};

void
store_failed_before(struct store *store, int64_t account_id,
    const struct store_uid *uids, size_t count, store_failed_before_cb done,
    void *arg)
{
	struct before_op *op =
	    store_op_new(&before_type, sizeof(*op) + count * sizeof(*uids));

	if (op == NULL) {
		done(STORE_MEMORY, false, arg);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		op->uids[i] = uids[i];
		op->uids[i].unique_id = store_op_bytes(
		    &op->op, uids[i].unique_id, uids[i].unique_id_length);
	}
	op->account_id = account_id;
	op->count = count;
	op->done = done;
	op->arg = arg;
	store_submit(store, &op->op);
}

/* What came of attempts. */
#include "daemon/failpoint/failpoint.h"
#include "daemon/store/outbox.h"
#include "daemon/store/outbox_row.h"
#include "daemon/store/private.h"
#include "daemon/store/targets.h"
#include "daemon/store/writer.h"

/* ---- settle ---- */

struct settle_op {
	struct store_op op;
	struct store_outbox_result *results;
	size_t count;
	store_done_cb done;
	void *arg;
};

/* What was dropped while it was under way, and has arrived, is delivered. */
static bool
settle_is_wanted(const struct store_outbox_found *row,
    const struct store_outbox_result *result)
{
	return row->id != 0 &&
	       (row->state == STORE_OUTBOX_WAITING ||
		   (row->state == STORE_OUTBOX_DROPPED &&
		       result->state == STORE_OUTBOX_DELIVERED));
}

static enum store_status
settle_write_row(struct sql_db *db, const struct store_outbox_result *result)
{
	static const char sql[] =
	    "UPDATE outbox SET state = ?2, due_ms = ?3,"
	    " attempts = attempts + ?4, tried_ms = coalesce(?5, tried_ms),"
	    " settled_ms = ?6, may_be_there = ?7,"
	    " answer = coalesce(?8, answer), place = coalesce(?9, place)"
	    " WHERE id = ?1";
	const bool waits = result->state == STORE_OUTBOX_WAITING;
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, result->id);
	sql_bind_int(&use, 2, result->state);
	sql_bind_int(&use, 3, waits ? result->due_ms : 0);
	sql_bind_int(&use, 4, result->is_attempt);
	if (result->is_attempt)
		sql_bind_int(&use, 5, store_db_now_ms(db));
	if (!waits)
		sql_bind_int(&use, 6, store_db_now_ms(db));
	sql_bind_int(&use, 7, result->may_be_there);
	sql_bind_text(&use, 8, result->answer);
	sql_bind_text(&use, 9, result->place);
	return sql_run(&use);
}

static enum store_status
settle_write_one(
    struct store_writer *writer, const struct store_outbox_result *result)
{
	struct sql_db *db = store_writer_db(writer);
	struct store_outbox_found row;
	enum store_status status = store_outbox_find(db, result->id, &row);

	if (status != STORE_OK || !settle_is_wanted(&row, result))
		return status;
	status = settle_write_row(db, result);
	return status == STORE_OK
		   ? store_outbox_moved(writer, &row, result->state)
		   : status;
}

static enum store_status
settle_write(struct store_writer *writer, struct store_op *op)
{
	const struct settle_op *settle = (const struct settle_op *)op;
	enum store_status status = STORE_OK;

	for (size_t i = 0; status == STORE_OK && i < settle->count; i++)
		status = settle_write_one(writer, &settle->results[i]);
	FAILPOINT("deliveries settled");
	return status;
}

static void
settle_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	const struct settle_op *settle = (const struct settle_op *)op;

	(void)store;
	settle->done(status, settle->arg);
}

static const struct store_op_type settle_type = {
	.write = settle_write,
	.answer = settle_answer,
};

void
store_outbox_settle(struct store *store,
    const struct store_outbox_result *results, size_t count, store_done_cb done,
    void *arg)
{
	struct settle_op *settle = store_op_new(
	    &settle_type, sizeof(*settle) + count * sizeof(*results));

	if (settle == NULL) {
		done(STORE_MEMORY, arg);
		return;
	}
	settle->results = (struct store_outbox_result *)(settle + 1);
	settle->count = count;
	for (size_t i = 0; i < count; i++) {
		settle->results[i] = results[i];
		settle->results[i].answer =
		    store_op_text(&settle->op, results[i].answer);
		settle->results[i].place =
		    store_op_text(&settle->op, results[i].place);
	}
	settle->done = done;
	settle->arg = arg;
	store_submit(store, &settle->op);
}

/* ---- a text with a row ---- */

struct note_op {
	struct store_op op;
	int64_t id;
	const char *note;
	store_done_cb done;
	void *arg;
};

static enum store_status
note_write(struct store_writer *writer, struct store_op *op)
{
	static const char sql[] =
	    "UPDATE outbox SET note = ?2 WHERE id = ?1 AND state = 0";
	const struct note_op *note = (const struct note_op *)op;
	struct sql_db *db = store_writer_db(writer);
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, note->id);
	sql_bind_text(&use, 2, note->note);
	status = sql_run(&use);
	FAILPOINT("delivery noted");
	return status == STORE_OK && sql_changes(db) == 0
		   ? store_op_fail(op, STORE_NOT_FOUND)
		   : status;
}

static void
note_answer(struct store *store, struct store_op *op, enum store_status status)
{
	const struct note_op *note = (const struct note_op *)op;

	(void)store;
	note->done(status, note->arg);
}

static const struct store_op_type note_type = {
	.write = note_write,
	.answer = note_answer,
};

void
store_outbox_note(struct store *store, int64_t id, const char *text,
    store_done_cb done, void *arg)
{
	struct note_op *note = store_op_new(&note_type, sizeof(*note));

	if (note == NULL) {
		done(STORE_MEMORY, arg);
		return;
	}
	note->id = id;
	note->note = store_op_text(&note->op, text);
	note->done = done;
	note->arg = arg;
	store_submit(store, &note->op);
}

/* ---- to another target ---- */

struct redirect_op {
	struct store_op op;
	int64_t id;
	const char *target, *reason;
	store_done_cb done;
	void *arg;
};

static enum store_status
redirect_is_there(
    struct sql_db *db, int64_t message, int64_t target, bool *is_there_r)
{
	static const char sql[] =
	    "SELECT 1 FROM outbox WHERE message = ?1 AND target = ?2";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, message);
	sql_bind_int(&use, 2, target);
	return sql_run_found(&use, is_there_r);
}

/* The other has it already: this row has come to its end. */
static enum store_status
redirect_drop(struct store_writer *writer, const struct store_outbox_found *row,
    const char *reason)
{
	const struct store_outbox_result dropped = {
		.id = row->id, .state = STORE_OUTBOX_DROPPED, .answer = reason
	};

	return settle_write_one(writer, &dropped);
}

static enum store_status
redirect_move(struct store_writer *writer, const struct store_outbox_found *row,
    int64_t target, const char *reason)
{
	static const char sql[] =
	    "UPDATE outbox SET target = ?2, due_ms = 0, attempts = 0,"
	    " may_be_there = 0, note = NULL, answer = ?3 WHERE id = ?1";
	struct store_targets_counter *counter = store_writer_targets(writer);
	struct sql_db *db = store_writer_db(writer);
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, row->id);
	sql_bind_int(&use, 2, target);
	sql_bind_text(&use, 3, reason);
	status = sql_run(&use);
	if (status == STORE_OK)
		status = store_targets_count(counter, db, row->target,
		    STORE_OUTBOX_WAITING, STORE_OUTBOX_NO_ROW, 1);
	return status == STORE_OK
		   ? store_targets_count(counter, db, target,
			 STORE_OUTBOX_NO_ROW, STORE_OUTBOX_WAITING, 1)
		   : status;
}

static enum store_status
redirect_write(struct store_writer *writer, struct store_op *op)
{
	const struct redirect_op *redirect = (const struct redirect_op *)op;
	struct sql_db *db = store_writer_db(writer);
	struct store_outbox_found row;
	enum store_status status = store_outbox_find(db, redirect->id, &row);
	int64_t target;
	bool is_there;

	if (status == STORE_OK &&
	    (row.id == 0 || row.state != STORE_OUTBOX_WAITING))
		return store_op_fail(op, STORE_NOT_FOUND);
	if (status == STORE_OK)
		status = store_target_make(db, redirect->target, &target);
	if (status != STORE_OK || target == row.target)
		return status;
	status = redirect_is_there(db, row.message, target, &is_there);
	if (status != STORE_OK)
		return status;
	return is_there ? redirect_drop(writer, &row, redirect->reason)
			: redirect_move(writer, &row, target, redirect->reason);
}

static void
redirect_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	const struct redirect_op *redirect = (const struct redirect_op *)op;

	(void)store;
	redirect->done(status, redirect->arg);
}

static const struct store_op_type redirect_type = {
	.write = redirect_write,
	.answer = redirect_answer,
};

void
store_outbox_redirect(struct store *store, int64_t id, const char *target,
    const char *reason, store_done_cb done, void *arg)
{
	struct redirect_op *redirect =
	    store_op_new(&redirect_type, sizeof(*redirect));

	if (redirect == NULL) {
		done(STORE_MEMORY, arg);
		return;
	}
	redirect->id = id;
	redirect->target = store_op_text(&redirect->op, target);
	redirect->reason = store_op_text(&redirect->op, reason);
	redirect->done = done;
	redirect->arg = arg;
	store_submit(store, &redirect->op);
}

#include <inttypes.h>
#include <stdio.h>

#include "daemon/store/keeping.h"
#include "daemon/store/private.h"
#include "daemon/store/record.h"
#include "daemon/store/writer.h"

struct hold_op {
	struct store_op op;
	int64_t id;
	bool is_release;
	const char *who, *reason;
	store_kept_cb done;
	void *arg;
	bool was_held;
	struct store_kept_answer answer;
};

static void
hold_take(struct store_op *op, struct sql_statement *from)
{
	struct hold_op *own = (struct hold_op *)op;

	own->was_held = !sql_column_is_null(from, 0);
	own->answer.hold = (struct store_hold){
		.since_ms = sql_column_int(from, 0),
		.who = store_op_column_text(op, from, 1),
		.reason = store_op_column_text(op, from, 2),
	};
}

static enum store_status
hold_look(struct sql_db *db, struct hold_op *own)
{
	static const char sql[] =
	    "SELECT hold.since_ms, hold.who, hold.reason FROM message"
	    " LEFT JOIN hold ON hold.message = message.id"
	    " WHERE message.id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, own->id);
	return store_op_take_row(&own->op, &use, hold_take);
}

static enum store_status
hold_change(struct sql_db *db, struct hold_op *own)
{
	static const char hold[] =
	    "INSERT INTO hold(message, since_ms, who, reason)"
	    " VALUES(?1, ?2, ?3, ?4)";
	static const char release[] = "DELETE FROM hold WHERE message = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, own->is_release ? release : hold);
	sql_bind_int(&use, 1, own->id);
	if (own->is_release)
		return sql_run(&use);
	own->answer.hold = (struct store_hold){ .since_ms = store_db_now_ms(db),
		.who = own->who,
		.reason = own->reason };
	sql_bind_int(&use, 2, own->answer.hold.since_ms);
	sql_bind_text(&use, 3, own->who);
	sql_bind_text(&use, 4, own->reason);
	return sql_run(&use);
}

static enum store_status
hold_record(struct sql_db *db, const struct hold_op *own)
{
	char object[32];

	snprintf(object, sizeof(object), "message %" PRId64, own->id);
	return store_record_add(
	    db, &(struct store_deed){ .who = own->who,
		    .action = own->is_release ? "release" : "hold",
		    .object = object,
		    .reason = own->reason });
}

static enum store_status
hold_write(struct store_writer *writer, struct store_op *op)
{
	struct hold_op *own = (struct hold_op *)op;
	struct sql_db *db = store_writer_db(writer);
	enum store_status status;

	own->answer = (struct store_kept_answer){ .last_id = own->id };
	status = hold_look(db, own);
	if (status == STORE_NOT_FOUND)
		return store_op_fail(op, status);
	if (status == STORE_OK && own->was_held != own->is_release) {
		own->answer.kept = STORE_KEPT_ALREADY;
		return STORE_OK;
	}
	if (status == STORE_OK)
		status = hold_change(db, own);
	return status == STORE_OK ? hold_record(db, own) : status;
}

static void
hold_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct hold_op *own = (struct hold_op *)op;

	(void)store;
	own->done(status, status == STORE_OK ? &own->answer : NULL, own->arg);
}

static const struct store_op_type hold_type = {
	.write = hold_write,
	.answer = hold_answer,
};

static void
hold_submit(struct store *store, int64_t id, bool is_release, const char *who,
    const char *reason, store_kept_cb done, void *arg)
{
	struct hold_op *own = store_op_new(&hold_type, sizeof(*own));

	if (own == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	own->id = id;
	own->is_release = is_release;
	own->who = store_op_text(&own->op, who);
	own->reason = store_op_text(&own->op, reason);
	own->done = done;
	own->arg = arg;
	store_submit(store, &own->op);
}

void
store_hold(struct store *store, int64_t id, const char *who, const char *reason,
    store_kept_cb done, void *arg)
{
	hold_submit(store, id, false, who, reason, done, arg);
}

void
store_release(struct store *store, int64_t id, const char *who,
    const char *reason, store_kept_cb done, void *arg)
{
	hold_submit(store, id, true, who, reason, done, arg);
}

/* The outbox, as people change it. */
#include "daemon/failpoint/failpoint.h"
#include "daemon/store/outbox.h"
#include "daemon/store/outbox_row.h"
#include "daemon/store/private.h"
#include "daemon/store/targets.h"
#include "daemon/store/writer.h"

/* ---- rows ---- */

struct change_op {
	struct store_op op;
	struct store_outbox_query query;
	int64_t id; /* 0: by the query */
	enum store_outbox_state wanted;
	store_outbox_changed_cb done;
	void *arg;
	int64_t *ids;
	size_t count;
	struct store_outbox_changed changed;
};

/* ?1 account, ?2 target, ?3 message, ?4 below, ?5 limit, ?6 state. */
#define CHANGE(where)                                                   \
	"SELECT outbox.id FROM outbox"                                  \
	" WHERE (?1 = 0 OR outbox.account = ?1)"                        \
	" AND (?2 = 0 OR outbox.target = ?2)"                           \
	" AND (?3 = 0 OR outbox.message = ?3) AND outbox.id < ?4" where \
	" ORDER BY outbox.id DESC LIMIT ?5"

static void
change_take(struct store_op *op, struct sql_statement *from)
{
	struct change_op *change = (struct change_op *)op;

	if (change->count == change->query.limit) {
		change->changed.more = true;
		return;
	}
	change->ids =
	    store_op_grow(op, change->ids, change->count, sizeof(*change->ids));
	if (change->ids == NULL)
		return;
	change->changed.last_id = sql_column_int(from, 0);
	change->ids[change->count++] = change->changed.last_id;
}

/* What was dropped is wanted again only where that is said. */
static const char *
change_statement(const struct change_op *change)
{
	static const char waiting[] =
	    CHANGE(" AND outbox.state = 0 AND outbox.target IN"
		   " (SELECT id FROM target WHERE waiting > 0)");
	static const char refused[] = CHANGE(" AND outbox.state = 2");
	static const char open[] = CHANGE(" AND outbox.state IN (0, 2)");
	static const char other[] = CHANGE(" AND outbox.state = ?6");

	switch (change->query.state) {
	case STORE_OUTBOX_WAITING:
		return waiting;
	case STORE_OUTBOX_REFUSED:
		return refused;
	case -1:
		return open;
	default:
		return other;
	}
}

static enum store_status
change_find(struct sql_db *db, struct change_op *change)
{
	const struct store_outbox_query *query = &change->query;
	struct sql_statement use;
	int64_t account, target;
	enum store_status status = store_outbox_names(
	    db, query->account, query->target, &account, &target);

	if (status != STORE_OK)
		return status;
	sql_prepare(&use, db, change_statement(change));
	sql_bind_int(&use, 1, account);
	sql_bind_int(&use, 2, target);
	sql_bind_int(&use, 3, query->message_id);
	sql_bind_int(&use, 4, query->below_id);
	sql_bind_int(&use, 5, (int64_t)query->limit + 1);
	if (query->state != -1 && query->state != STORE_OUTBOX_WAITING &&
	    query->state != STORE_OUTBOX_REFUSED)
		sql_bind_int(&use, 6, query->state);
	return store_op_take_rows(&change->op, &use, change_take);
}

static enum store_status
change_row(struct sql_db *db, int64_t id, enum store_outbox_state wanted)
{
	static const char retry[] =
	    "UPDATE outbox SET state = 0, due_ms = 0, attempts = 0,"
	    " queued_ms = ?2, settled_ms = NULL WHERE id = ?1";
	static const char drop[] =
	    "UPDATE outbox SET state = 3, due_ms = 0, settled_ms = ?2"
	    " WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, wanted == STORE_OUTBOX_DROPPED ? drop : retry);
	sql_bind_int(&use, 1, id);
	sql_bind_int(&use, 2, store_db_now_ms(db));
	return sql_run(&use);
}

static bool
change_can(const struct store_outbox_found *row, enum store_outbox_state wanted)
{
	switch (row->state) {
	case STORE_OUTBOX_WAITING:
	case STORE_OUTBOX_REFUSED:
		return true;
	case STORE_OUTBOX_DROPPED:
		return wanted == STORE_OUTBOX_WAITING;
	case STORE_OUTBOX_DELIVERED:
		break;
	}
	return false;
}

/* STORE_NOT_FOUND where there is none. */
static enum store_status
change_one(struct store_writer *writer, struct change_op *change, int64_t id)
{
	struct sql_db *db = store_writer_db(writer);
	struct store_outbox_found row;
	enum store_status status = store_outbox_find(db, id, &row);

	if (status == STORE_OK && row.id == 0)
		return STORE_NOT_FOUND;
	if (status != STORE_OK || !change_can(&row, change->wanted))
		return status;
	status = change_row(db, id, change->wanted);
	if (status == STORE_OK)
		status = store_outbox_moved(writer, &row, change->wanted);
	change->changed.changed++;
	return status;
}

static enum store_status
change_write(struct store_writer *writer, struct store_op *op)
{
	struct change_op *change = (struct change_op *)op;
	enum store_status status = STORE_OK;

	change->changed =
	    (struct store_outbox_changed){ .last_id = change->id };
	change->count = 0;
	if (change->id != 0) {
		status = change_one(writer, change, change->id);
		return status == STORE_NOT_FOUND ? store_op_fail(op, status)
						 : status;
	}
	status = change_find(store_writer_db(writer), change);
	for (size_t i = 0; status == STORE_OK && i < change->count; i++)
		status = change_one(writer, change, change->ids[i]);
	FAILPOINT("outbox changed");
	return status;
}

static void
change_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	const struct change_op *change = (const struct change_op *)op;

	(void)store;
	change->done(
	    status, status == STORE_OK ? &change->changed : NULL, change->arg);
}

static const struct store_op_type change_type = {
	.write = change_write,
	.answer = change_answer,
};

void
store_outbox_change(struct store *store, const struct store_outbox_query *query,
    int64_t id, enum store_outbox_state wanted, store_outbox_changed_cb done,
    void *arg)
{
	struct change_op *change = store_op_new(&change_type, sizeof(*change));

	if (change == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	if (query != NULL) {
		change->query = *query;
		change->query.account =
		    store_op_text(&change->op, query->account);
		change->query.target =
		    store_op_text(&change->op, query->target);
		change->query.limit = store_page_limit(query->limit);
	}
	change->id = id;
	change->wanted = wanted;
	change->done = done;
	change->arg = arg;
	store_submit(store, &change->op);
}

/* ---- targets ---- */

struct pause_op {
	struct store_op op;
	const char *target, *who;
	int64_t since_ms; /* 0: it is resumed */
	store_done_cb done;
	void *arg;
};

static enum store_status
pause_write(struct store_writer *writer, struct store_op *op)
{
	static const char sql[] =
	    "UPDATE target SET paused_ms = ?2, paused_by = ?3 WHERE id = ?1";
	const struct pause_op *pause = (const struct pause_op *)op;
	struct sql_db *db = store_writer_db(writer);
	struct sql_statement use;
	enum store_status status;
	int64_t id;

	status = store_target_make(db, pause->target, &id);
	if (status != STORE_OK)
		return status;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, id);
	if (pause->since_ms != 0)
		sql_bind_int(&use, 2, pause->since_ms);
	sql_bind_text(&use, 3, pause->who);
	return sql_run(&use);
}

static void
pause_answer(struct store *store, struct store_op *op, enum store_status status)
{
	const struct pause_op *pause = (const struct pause_op *)op;

	(void)store;
	pause->done(status, pause->arg);
}

static const struct store_op_type pause_type = {
	.write = pause_write,
	.answer = pause_answer,
};

void
store_target_pause(struct store *store, const char *target, int64_t now_ms,
    const char *who, store_done_cb done, void *arg)
{
	struct pause_op *pause = store_op_new(&pause_type, sizeof(*pause));

	if (pause == NULL) {
		done(STORE_MEMORY, arg);
		return;
	}
	pause->target = store_op_text(&pause->op, target);
	pause->who = store_op_text(&pause->op, who);
	pause->since_ms = now_ms;
	pause->done = done;
	pause->arg = arg;
	store_submit(store, &pause->op);
}

void
store_target_resume(
    struct store *store, const char *target, store_done_cb done, void *arg)
{
	store_target_pause(store, target, 0, NULL, done, arg);
}

#include "daemon/store/record.h"

#include "daemon/store/private.h"
#include "daemon/store/writer.h"

/* ---- writing ---- */

enum store_status
store_record_add(struct sql_db *db, const struct store_deed *deed)
{
	static const char sql[] =
	    "INSERT INTO audit(at_ms, who, action, object, reason)"
	    " VALUES(?1, ?2, ?3, ?4, ?5)";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, store_db_now_ms(db));
	sql_bind_text(&use, 2, deed->who);
	sql_bind_text(&use, 3, deed->action);
	sql_bind_text(&use, 4, deed->object);
	sql_bind_text(&use, 5, deed->reason);
	return sql_run(&use);
}

struct deed_op {
	struct store_op op;
	struct store_deed deed;
};

static enum store_status
deed_write(struct store_writer *writer, struct store_op *op)
{
	return store_record_add(
	    store_writer_db(writer), &((struct deed_op *)op)->deed);
}

/* A store that cannot be written says so everywhere. */
static void
deed_answer(struct store *store, struct store_op *op, enum store_status status)
{
	(void)op;
	(void)status;
	store_history_answered(store_get_history(store));
}

static const struct store_op_type deed_type = {
	.write = deed_write,
	.answer = deed_answer,
};

/* Without memory there is nothing to remember it by: NULL. */
static struct store_op *
deed_new(const struct store_deed *deed)
{
	struct deed_op *own = store_op_new(&deed_type, sizeof(*own));

	if (own == NULL)
		return NULL;
	own->deed = (struct store_deed){
		.who = store_op_text(&own->op, deed->who),
		.action = store_op_text(&own->op, deed->action),
		.object = store_op_text(&own->op, deed->object),
		.reason = store_op_text(&own->op, deed->reason),
	};
	return &own->op;
}

void
store_deed_record(struct store *store, const struct store_deed *deed)
{
	struct store_op *op = deed_new(deed);

	if (op == NULL)
		return;
	/* Whoever asks for the record waits for it. */
	store_history_keep(store_get_history(store), op);
	store_history_flush(store_get_history(store));
}

void
store_deed_note(struct store *store, const struct store_deed *deed)
{
	struct store_op *op = deed_new(deed);

	if (op != NULL)
		store_history_keep(store_get_history(store), op);
}

/* ---- reading ---- */

struct deeds_op {
	struct store_op op;
	const char *who, *action; /* NULL: of all */
	int64_t below_id;
	unsigned limit;
	store_deeds_cb done;
	void *arg;
	struct store_deed_row *rows;
	size_t count;
};

static void
deeds_take(struct store_op *op, struct sql_statement *from)
{
	struct deeds_op *deeds = (struct deeds_op *)op;

	deeds->rows =
	    store_op_grow(op, deeds->rows, deeds->count, sizeof(*deeds->rows));
	if (deeds->rows == NULL)
		return;
	deeds->rows[deeds->count++] = (struct store_deed_row){
		.id = sql_column_int(from, 0),
		.at_ms = sql_column_int(from, 1),
		.deed = { .who = store_op_column_text(op, from, 2),
		    .action = store_op_column_text(op, from, 3),
		    .object = store_op_column_text(op, from, 4),
		    .reason = store_op_column_text(op, from, 5) },
	};
}

static enum store_status
deeds_read(struct sql_db *db, struct store_op *op)
{
	static const char sql[] =
	    "SELECT id, at_ms, who, action, object, reason FROM audit"
	    " WHERE id < ?1 AND who = coalesce(?2, who)"
	    " AND action = coalesce(?3, action) ORDER BY id DESC LIMIT ?4";
	struct deeds_op *deeds = (struct deeds_op *)op;
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(
	    &use, 1, deeds->below_id > 0 ? deeds->below_id : INT64_MAX);
	sql_bind_text(&use, 2, deeds->who);
	sql_bind_text(&use, 3, deeds->action);
	sql_bind_int(&use, 4, (int64_t)deeds->limit + 1);
	return store_op_take_rows(op, &use, deeds_take);
}

static void
deeds_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct deeds_op *deeds = (struct deeds_op *)op;
	bool more = deeds->count > deeds->limit;

	(void)store;
	if (status == STORE_OK)
		deeds->done(STORE_OK, deeds->rows,
		    more ? deeds->limit : deeds->count, more, deeds->arg);
	else
		deeds->done(status, NULL, 0, false, deeds->arg);
}

/* A rare word may be looked for in all of a long record. */
static const struct store_op_type deeds_type = {
	.lane = STORE_LANE_SEARCHES,
	.read = deeds_read,
	.answer = deeds_answer,
};

void
store_deeds(struct store *store, const char *who, const char *action,
    int64_t below_id, unsigned limit, store_deeds_cb done, void *arg)
{
	struct deeds_op *deeds = store_op_new(&deeds_type, sizeof(*deeds));

	if (deeds == NULL) {
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	deeds->who = store_op_text(&deeds->op, who);
	deeds->action = store_op_text(&deeds->op, action);
	deeds->below_id = below_id;
	deeds->limit = store_page_limit(limit);
	deeds->done = done;
	deeds->arg = arg;
	store_ask_history(store, &deeds->op, arg);
}

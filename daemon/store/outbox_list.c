/* The outbox, as people look at it. */
#include "daemon/store/outbox_row.h"
#include "daemon/store/private.h"

/* ---- rows ---- */

struct list_op {
	struct store_op op;
	struct store_outbox_query query;
	int64_t account, target; /* ids; 0: of all */
	store_outbox_cb done;
	void *arg;
	struct store_outbox_row *rows;
	size_t count;
};

/* ?1 account, ?2 target, ?3 state, ?4 below, ?5 limit, ?6 message. */
#define LIST(where)                                                        \
	"SELECT outbox.id, outbox.message, account.name, target.name,"     \
	" outbox.state, outbox.attempts, outbox.queued_ms, outbox.due_ms," \
	" outbox.tried_ms, outbox.settled_ms, outbox.may_be_there,"        \
	" message.octets, message.sender, message.subject, outbox.answer," \
	" outbox.place FROM (SELECT id FROM outbox AS page"                \
	"  WHERE (?1 = 0 OR page.account = ?1)"                            \
	"  AND (?2 = 0 OR page.target = ?2) AND page.id < ?4" where        \
	"  ORDER BY page.id DESC LIMIT ?5) AS listed"                      \
	" JOIN outbox ON outbox.id = listed.id"                            \
	" JOIN message ON message.id = outbox.message"                     \
	" JOIN account ON account.id = outbox.account"                     \
	" JOIN target ON target.id = outbox.target"                        \
	" ORDER BY outbox.id DESC"
#define LIST_STATE " AND (?3 = -1 OR page.state = ?3)"

static void
list_take(struct store_op *op, struct sql_statement *from)
{
	struct list_op *list = (struct list_op *)op;

	list->rows =
	    store_op_grow(op, list->rows, list->count, sizeof(*list->rows));
	if (list->rows == NULL)
		return;
	list->rows[list->count++] = (struct store_outbox_row){
		.id = sql_column_int(from, 0),
		.message_id = sql_column_int(from, 1),
		.account = store_op_column_text(op, from, 2),
		.target = store_op_column_text(op, from, 3),
		.state = (enum store_outbox_state)sql_column_int(from, 4),
		.attempts = (unsigned)sql_column_int(from, 5),
		.queued_ms = sql_column_int(from, 6),
		.due_ms = sql_column_int(from, 7),
		.tried_ms = sql_column_int(from, 8),
		.settled_ms = sql_column_int(from, 9),
		.may_be_there = sql_column_int(from, 10) != 0,
		.octets = (uint64_t)sql_column_int(from, 11),
		.sender = store_op_column_text(op, from, 12),
		.subject = store_op_column_text(op, from, 13),
		.answer = store_op_column_text(op, from, 14),
		.place = store_op_column_text(op, from, 15),
	};
}

/* That by whose index it is found. */
static const char *
list_statement(const struct list_op *list)
{
	static const char of_message[] =
	    LIST(LIST_STATE " AND page.message = ?6");
	static const char waiting[] =
	    LIST(" AND ?3 = 0 AND page.state = 0 AND page.target IN"
		 " (SELECT id FROM target WHERE waiting > 0)");
	static const char refused[] = LIST(" AND ?3 = 2 AND page.state = 2");
	static const char all[] = LIST(LIST_STATE);

	if (list->query.message_id != 0)
		return of_message;
	if (list->query.state == STORE_OUTBOX_WAITING)
		return waiting;
	return list->query.state == STORE_OUTBOX_REFUSED ? refused : all;
}

static enum store_status
list_read(struct sql_db *db, struct store_op *op)
{
	struct list_op *list = (struct list_op *)op;
	enum store_status status = store_outbox_names(db, list->query.account,
	    list->query.target, &list->account, &list->target);
	struct sql_statement use;

	if (status != STORE_OK)
		return status;
	sql_prepare(&use, db, list_statement(list));
	sql_bind_int(&use, 1, list->account);
	sql_bind_int(&use, 2, list->target);
	sql_bind_int(&use, 3, list->query.state);
	sql_bind_int(&use, 4, list->query.below_id);
	sql_bind_int(&use, 5, (int64_t)list->query.limit + 1);
	if (list->query.message_id != 0)
		sql_bind_int(&use, 6, list->query.message_id);
	return store_op_take_rows(op, &use, list_take);
}

static void
list_answer(struct store *store, struct store_op *op, enum store_status status)
{
	const struct list_op *list = (const struct list_op *)op;
	const bool more = list->count > list->query.limit;

	(void)store;
	if (status == STORE_OK)
		list->done(STORE_OK, list->rows,
		    more ? list->query.limit : list->count, more, list->arg);
	else
		list->done(status, NULL, 0, false, list->arg);
}

static const struct store_op_type list_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = list_read,
	.answer = list_answer,
};

void
store_outbox_list(struct store *store, const struct store_outbox_query *query,
    store_outbox_cb done, void *arg)
{
	struct list_op *list = store_op_new(&list_type, sizeof(*list));

	if (list == NULL) {
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	list->query = *query;
	list->query.account = store_op_text(&list->op, query->account);
	list->query.target = store_op_text(&list->op, query->target);
	list->query.limit = store_page_limit(query->limit);
	list->done = done;
	list->arg = arg;
	store_ask(store, &list->op, arg);
}

/* ---- figures ---- */

struct figures_op {
	struct store_op op;
	store_outbox_figures_cb done;
	void *arg;
	struct store_outbox_figures *rows;
	size_t count;
};

static void
figures_take(struct store_op *op, struct sql_statement *from)
{
	struct figures_op *figures = (struct figures_op *)op;

	figures->rows = store_op_grow(
	    op, figures->rows, figures->count, sizeof(*figures->rows));
	if (figures->rows == NULL)
		return;
	figures->rows[figures->count++] = (struct store_outbox_figures){
		.target = store_op_column_text(op, from, 0),
		.waiting = (uint64_t)sql_column_int(from, 1),
		.delivered = (uint64_t)sql_column_int(from, 2),
		.refused = (uint64_t)sql_column_int(from, 3),
		.dropped = (uint64_t)sql_column_int(from, 4),
		.paused_ms = sql_column_int(from, 5),
		.paused_by = store_op_column_text(op, from, 6),
		.oldest_waiting_ms = sql_column_int(from, 7),
	};
}

static enum store_status
figures_read(struct sql_db *db, struct store_op *op)
{
	static const char sql[] =
	    "SELECT name, waiting, delivered, refused, dropped, paused_ms,"
	    " paused_by, (SELECT outbox.queued_ms FROM outbox"
	    "  WHERE outbox.state = 0 AND outbox.target = target.id"
	    "  ORDER BY outbox.id LIMIT 1) FROM target ORDER BY name";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	return store_op_take_rows(op, &use, figures_take);
}

static void
figures_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	const struct figures_op *figures = (const struct figures_op *)op;

	(void)store;
	if (status == STORE_OK)
		figures->done(
		    STORE_OK, figures->rows, figures->count, figures->arg);
	else
		figures->done(status, NULL, 0, figures->arg);
}

static const struct store_op_type figures_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = figures_read,
	.answer = figures_answer,
};

void
store_outbox_figures(
    struct store *store, store_outbox_figures_cb done, void *arg)
{
	struct figures_op *figures =
	    store_op_new(&figures_type, sizeof(*figures));

	if (figures == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	figures->done = done;
	figures->arg = arg;
	store_ask(store, &figures->op, arg);
}

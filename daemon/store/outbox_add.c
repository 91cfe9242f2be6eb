/* Messages that are here already go to a target. */
#include "daemon/failpoint/failpoint.h"
#include "daemon/store/outbox.h"
#include "daemon/store/outbox_row.h"
#include "daemon/store/private.h"
#include "daemon/store/targets.h"
#include "daemon/store/writer.h"

struct add_op {
	struct store_op op;
	struct store_outbox_add add;
	store_outbox_added_cb done;
	void *arg;
	int64_t account, target; /* account 0: of all */
	struct message *messages;
	size_t count;
	int64_t *ids; /* of those added */
	struct store_outbox_added added;
};

/* One that the step looks at. */
struct message {
	int64_t id, account, row; /* row 0: it has none for the target */
	uint64_t octets;
	enum store_outbox_state state;
	bool is_wanted, is_sealed;
};

/* ?1 account, ?2 target, ?3 after, ?4 limit, ?5 since, ?6 before. */
#define ADD(where)                                                        \
	"SELECT message.id, message.account, message.octets, outbox.id,"  \
	" outbox.state,"                                                  \
	" message.stored_ms >= ?5 AND message.stored_ms < ?6,"            \
	" EXISTS(SELECT 1 FROM sealed WHERE sealed.message = message.id)" \
	" FROM message LEFT JOIN outbox ON outbox.message = message.id"   \
	" AND outbox.target = ?2"                                         \
	" WHERE (?1 = 0 OR message.account = ?1)" where                   \
	" ORDER BY message.id LIMIT ?4"

static void
add_take(struct store_op *op, struct sql_statement *from)
{
	struct add_op *add = (struct add_op *)op;

	if (add->count == add->add.limit) {
		add->added.more = true;
		return;
	}
	add->messages = store_op_grow(
	    op, add->messages, add->count, sizeof(*add->messages));
	if (add->messages == NULL)
		return;
	add->messages[add->count++] = (struct message){
		.id = sql_column_int(from, 0),
		.account = sql_column_int(from, 1),
		.octets = (uint64_t)sql_column_int(from, 2),
		.row = sql_column_int(from, 3),
		.state = (enum store_outbox_state)sql_column_int(from, 4),
		.is_wanted = sql_column_int(from, 5) != 0,
		.is_sealed = sql_column_int(from, 6) != 0,
	};
	add->added.last_id = sql_column_int(from, 0);
}

/* No index has the times: a step looks at so many messages, and is short. */
static enum store_status
add_look(struct sql_db *db, struct add_op *add)
{
	static const char of_all[] = ADD(" AND message.id > ?3");
	static const char of_one[] =
	    ADD(" AND message.account = ?1 AND message.id > ?3");
	static const char alone[] = ADD(" AND message.id = ?3");
	const bool is_alone = add->add.message_id != 0;
	struct sql_statement use;

	add->count = 0;
	add->added =
	    (struct store_outbox_added){ .last_id = add->add.after_id };
	sql_prepare(&use, db,
	    is_alone            ? alone
	    : add->account != 0 ? of_one
				: of_all);
	sql_bind_int(&use, 1, add->account);
	sql_bind_int(&use, 2, add->target);
	sql_bind_int(
	    &use, 3, is_alone ? add->add.message_id : add->add.after_id);
	sql_bind_int(&use, 4, (int64_t)add->add.limit + 1);
	sql_bind_int(&use, 5, add->add.since_ms);
	sql_bind_int(&use, 6, add->add.before_ms);
	return store_op_take_rows(&add->op, &use, add_take);
}

/* Count it; true: it goes there. */
static bool
add_judge(struct add_op *add, const struct message *message)
{
	if (!message->is_wanted)
		return false;
	if (message->is_sealed) {
		add->added.sealed++;
		return false;
	}
	if (message->row != 0 &&
	    (!add->add.again || message->state == STORE_OUTBOX_WAITING)) {
		add->added.had++;
		return false;
	}
	add->ids = store_op_grow(
	    &add->op, add->ids, add->added.added, sizeof(*add->ids));
	if (add->ids == NULL)
		return false;
	add->ids[add->added.added++] = message->id;
	add->added.octets += message->octets;
	return true;
}

/* ---- a dry run ---- */

static enum store_status
look_read(struct sql_db *db, struct store_op *op)
{
	struct add_op *add = (struct add_op *)op;
	enum store_status status = store_outbox_names(
	    db, add->add.account, add->add.target, &add->account, &add->target);

	if (status == STORE_OK)
		status = add_look(db, add);
	for (size_t i = 0; status == STORE_OK && i < add->count; i++) {
		(void)add_judge(add, &add->messages[i]);
		status = store_op_status(op);
	}
	return status;
}

/* ---- rows ---- */

/* It goes there anew: what is known of former times does not count. */
static enum store_status
add_revive(struct store_writer *writer, const struct message *message)
{
	static const char sql[] =
	    "UPDATE outbox SET state = 0, due_ms = 0, attempts = 0,"
	    " queued_ms = ?2, tried_ms = NULL, settled_ms = NULL,"
	    " may_be_there = 0, note = NULL, answer = NULL, place = NULL"
	    " WHERE id = ?1";
	struct sql_db *db = store_writer_db(writer);
	struct store_outbox_found row;
	struct sql_statement use;
	enum store_status status;

	status = store_outbox_find(db, message->row, &row);
	if (status != STORE_OK)
		return status;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, row.id);
	sql_bind_int(&use, 2, store_db_now_ms(db));
	status = sql_run(&use);
	return status == STORE_OK
		   ? store_outbox_moved(writer, &row, STORE_OUTBOX_WAITING)
		   : status;
}

static enum store_status
add_row(struct store_writer *writer, const struct add_op *add,
    const struct message *message)
{
	struct sql_db *db = store_writer_db(writer);
	enum store_status status;

	if (message->row != 0)
		return add_revive(writer, message);
	status =
	    store_target_queue(db, add->target, message->account, message->id);
	return status == STORE_OK
		   ? store_targets_count(store_writer_targets(writer), db,
			 add->target, STORE_OUTBOX_NO_ROW, STORE_OUTBOX_WAITING,
			 1)
		   : status;
}

static enum store_status
add_write(struct store_writer *writer, struct store_op *op)
{
	struct add_op *add = (struct add_op *)op;
	struct sql_db *db = store_writer_db(writer);
	enum store_status status = store_outbox_names(
	    db, add->add.account, add->add.target, &add->account, &add->target);

	if (status == STORE_OK)
		status = store_target_make(db, add->add.target, &add->target);
	if (status == STORE_OK)
		status = add_look(db, add);
	for (size_t i = 0; status == STORE_OK && i < add->count; i++) {
		if (add_judge(add, &add->messages[i]))
			status = add_row(writer, add, &add->messages[i]);
		if (store_op_status(op) != STORE_OK)
			return store_op_status(op);
	}
	FAILPOINT("old mail queued");
	return status;
}

/* ---- the operation ---- */

static void
add_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct add_op *add = (struct add_op *)op;

	(void)store;
	if (status == STORE_OK && add->account < 0)
		status = STORE_NOT_FOUND;
	if (status == STORE_OK && add->add.message_id != 0 && add->count == 0)
		status = STORE_NOT_FOUND;
	add->added.ids = add->ids;
	add->done(status, status == STORE_OK ? &add->added : NULL, add->arg);
}

static const struct store_op_type add_type = {
	.write = add_write,
	.answer = add_answer,
};

static const struct store_op_type look_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = look_read,
	.answer = add_answer,
};

void
store_outbox_add(struct store *store, const struct store_outbox_add *what,
    store_outbox_added_cb done, void *arg)
{
	struct add_op *add =
	    store_op_new(what->is_dry ? &look_type : &add_type, sizeof(*add));

	if (add == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	add->add = *what;
	add->add.target = store_op_text(&add->op, what->target);
	add->add.account = store_op_text(&add->op, what->account);
	add->add.limit = store_page_limit(what->limit);
	add->done = done;
	add->arg = arg;
	if (what->is_dry)
		store_ask(store, &add->op, arg);
	else
		store_submit(store, &add->op);
}

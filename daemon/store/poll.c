#include <string.h>

#include "daemon/store/private.h"
#include "daemon/store/writer.h"

/*
 * History is for people to look back; of hundreds of thousands of accounts it
 * would outgrow the mail.  The oldest go once there are this many.
 */
#define POLLS_KEPT 1000000

/* ---- recording ---- */

struct record_op {
	struct store_op op;
	store_done_cb done;
	void *arg;
	struct store_poll poll;
};

/* *found_r says whether the account exists. */
static enum store_status
record_update_account(
    struct sql_db *db, const struct store_poll *poll, bool *found_r)
{
	static const char success[] =
	    "UPDATE account SET last_success_ms = ?2, last_error = NULL,"
	    " failing_since_ms = NULL, refused_ms = NULL, refusals = 0"
	    " WHERE id = ?1";
	static const char failure[] =
	    "UPDATE account SET last_error_ms = ?2, last_error = ?3,"
	    " failing_since_ms = CASE WHEN ?4 = 0 THEN NULL"
	    "  ELSE coalesce(failing_since_ms, ?2) END,"
	    " refused_ms = CASE WHEN ?5 = 0 THEN refused_ms ELSE ?2 END,"
	    " refusals = CASE WHEN ?5 = 0 THEN refusals"
	    "  WHEN refused_mark = ?6 THEN refusals + 1 ELSE 1 END,"
	    " refused_mark = CASE WHEN ?5 = 0 THEN refused_mark ELSE ?6 END"
	    " WHERE id = ?1";
	bool well = strcmp(poll->outcome, "ok") == 0;
	enum store_status status;
	struct sql_statement use;

	sql_prepare(&use, db, well ? success : failure);
	sql_bind_int(&use, 1, poll->account_id);
	sql_bind_int(&use, 2, poll->finished_ms);
	if (!well) {
		sql_bind_text(
		    &use, 3, poll->text != NULL ? poll->text : poll->outcome);
		sql_bind_int(&use, 4, poll->is_failure);
		sql_bind_int(&use, 5, poll->is_refused);
		sql_bind_int(&use, 6, poll->credentials_mark);
	}
	status = sql_run(&use);
	*found_r = sql_changes(db) == 1;
	return status;
}

/* The columns of a poll's figures, with a comma before each. */
#define POLL_COLUMN(name, member, ...)    ", " #member
#define POLL_PARAMETER(name, member, ...) ", ?"
#define POLL_SELECTED(name, member, ...)  ", poll." #member
#define POLL_COLUMNS                      TALLY_KEPT(POLL_COLUMN)
#define POLL_PARAMETERS                   TALLY_KEPT(POLL_PARAMETER)
#define POLL_SELECTED_COLUMNS             TALLY_KEPT(POLL_SELECTED)

static enum store_status
record_insert(struct sql_db *db, const struct store_poll *poll, int64_t *id_r)
{
	static const char sql[] =
	    "INSERT INTO poll(account, started_ms, finished_ms, outcome,"
	    " text" POLL_COLUMNS ")"
	    " VALUES(?1, ?2, ?3, ?4, ?5" POLL_PARAMETERS ")";
	struct sql_statement use;
	int i;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, poll->account_id);
	sql_bind_int(&use, 2, poll->started_ms);
	sql_bind_int(&use, 3, poll->finished_ms);
	sql_bind_text(&use, 4, poll->outcome);
	sql_bind_text(&use, 5, poll->text);
	for (i = 0; i < TALLY_KEPT_COUNT; i++)
		sql_bind_int(&use, 6 + i, (int64_t)tally_get(&poll->tally, i));
	return sql_run_insert(&use, id_r);
}

static enum store_status
record_drop_oldest(struct sql_db *db, int64_t last)
{
	static const char sql[] = "DELETE FROM poll WHERE id <= ?1";

	if (last <= POLLS_KEPT)
		return STORE_OK;
	return sql_run_of(db, sql, last - POLLS_KEPT);
}

static enum store_status
record_write(struct store_writer *writer, struct store_op *op)
{
	const struct store_poll *poll = &((struct record_op *)op)->poll;
	struct sql_db *db = store_writer_db(writer);
	bool found;
	int64_t id;
	enum store_status status = record_update_account(db, poll, &found);

	if (status == STORE_OK && !found)
		return store_op_fail(op, STORE_NOT_FOUND);
	if (status == STORE_OK)
		status = record_insert(db, poll, &id);
	if (status == STORE_OK)
		status = record_drop_oldest(db, id);
	return status;
}

static void
record_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct record_op *record = (struct record_op *)op;

	store_history_answered(store_get_history(store));
	if (record->done != NULL)
		record->done(status, record->arg);
}

static const struct store_op_type record_type = {
	.write = record_write,
	.answer = record_answer,
};

/* NULL without memory. */
static struct record_op *
record_new(const struct store_poll *poll, store_done_cb done, void *arg)
{
	struct record_op *record = store_op_new(&record_type, sizeof(*record));

	if (record == NULL)
		return NULL;
	record->done = done;
	record->arg = arg;
	record->poll = *poll;
	record->poll.outcome = store_op_text(&record->op, poll->outcome);
	record->poll.text = store_op_text(&record->op, poll->text);
	return record;
}

void
store_poll_record(struct store *store, const struct store_poll *poll,
    store_done_cb done, void *arg)
{
	struct record_op *record = record_new(poll, done, arg);

	if (record != NULL)
		store_history_submit(store_get_history(store), &record->op);
	else if (done != NULL)
		done(STORE_MEMORY, arg);
}

void
store_poll_note(struct store *store, const struct store_poll *poll)
{
	struct record_op *record = record_new(poll, NULL, NULL);

	if (record != NULL)
		store_history_keep(store_get_history(store), &record->op);
}

/* ---- the list ---- */

struct polls_op {
	struct store_op op;
	int64_t below_id;
	unsigned limit;
	store_polls_cb done;
	void *arg;
	struct store_poll_row *rows;
	size_t count;
	const char *account; /* NULL: all */
};

static void
polls_take(struct store_op *op, struct sql_statement *from)
{
	struct polls_op *polls = (struct polls_op *)op;
	struct store_poll_row *row;

	polls->rows =
	    store_op_grow(op, polls->rows, polls->count, sizeof(*polls->rows));
	if (polls->rows == NULL)
		return;
	row = &polls->rows[polls->count++];
	*row = (struct store_poll_row){
		.id = sql_column_int(from, 0),
		.account = store_op_column_text(op, from, 1),
		.poll = {
			.account_id = sql_column_int(from, 2),
			.started_ms = sql_column_int(from, 3),
			.finished_ms = sql_column_int(from, 4),
			.outcome = store_op_column_text(op, from, 5),
			.text = store_op_column_text(op, from, 6),
		},
	};
	for (int i = 0; i < TALLY_KEPT_COUNT; i++)
		tally_set(
		    &row->poll.tally, i, (uint64_t)sql_column_int(from, 7 + i));
}

#define POLL_SELECT                                                          \
	"SELECT poll.id, account.name, account.id, started_ms, finished_ms," \
	" outcome, text" POLL_SELECTED_COLUMNS                               \
	" FROM poll JOIN account ON account.id = poll.account"

static enum store_status
polls_read(struct sql_db *db, struct store_op *op)
{
	static const char all[] =
	    POLL_SELECT " WHERE poll.id < ?1 ORDER BY poll.id DESC LIMIT ?2";
	static const char of_one[] =
	    POLL_SELECT " WHERE poll.id < ?1 AND poll.account ="
			" (SELECT id FROM account WHERE name = ?3)"
			" ORDER BY poll.id DESC LIMIT ?2";
	const struct polls_op *polls = (struct polls_op *)op;
	struct sql_statement use;

	sql_prepare(&use, db, polls->account == NULL ? all : of_one);
	sql_bind_int(
	    &use, 1, polls->below_id > 0 ? polls->below_id : INT64_MAX);
	sql_bind_int(&use, 2, (int64_t)polls->limit + 1);
	if (polls->account != NULL)
		sql_bind_text(&use, 3, polls->account);
	return store_op_take_rows(op, &use, polls_take);
}

static void
polls_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct polls_op *polls = (struct polls_op *)op;
	bool more = polls->count > polls->limit;

	(void)store;
	if (status == STORE_OK)
		polls->done(STORE_OK, polls->rows,
		    more ? polls->limit : polls->count, more, polls->arg);
	else
		polls->done(status, NULL, 0, false, polls->arg);
}

static const struct store_op_type polls_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = polls_read,
	.answer = polls_answer,
};

void
store_polls(struct store *store, const char *account, int64_t below_id,
    unsigned limit, store_polls_cb done, void *arg)
{
	struct polls_op *polls = store_op_new(&polls_type, sizeof(*polls));

	if (polls == NULL) {
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	polls->below_id = below_id;
	polls->limit = store_page_limit(limit);
	polls->account = store_op_text(&polls->op, account);
	polls->done = done;
	polls->arg = arg;
	store_ask_history(store, &polls->op, arg);
}

/* ---- how much was fetched ---- */

struct octets_op {
	struct store_op op;
	int64_t account_id, since_ms;
	store_octets_cb done;
	void *arg;
	uint64_t octets;
};

/* The newest first, so that no more of them are read than are wanted. */
static enum store_status
octets_read(struct sql_db *db, struct store_op *op)
{
	static const char sql[] =
	    "SELECT finished_ms, body_octets FROM poll WHERE account = ?1"
	    " ORDER BY id DESC";
	struct octets_op *octets = (struct octets_op *)op;
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, octets->account_id);
	while (sql_step(&use) && sql_column_int(&use, 0) >= octets->since_ms)
		octets->octets += (uint64_t)sql_column_int(&use, 1);
	return sql_end(&use);
}

static void
octets_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	const struct octets_op *octets = (struct octets_op *)op;

	(void)store;
	octets->done(status, octets->octets, octets->arg);
}

static const struct store_op_type octets_type = {
	.lane = STORE_LANE_POLLS,
	.read = octets_read,
	.answer = octets_answer,
};

void
store_poll_octets(struct store *store, int64_t account_id, int64_t since_ms,
    store_octets_cb done, void *arg)
{
	struct octets_op *octets = store_op_new(&octets_type, sizeof(*octets));

	if (octets == NULL) {
		done(STORE_MEMORY, 0, arg);
		return;
	}
	octets->account_id = account_id;
	octets->since_ms = since_ms;
	octets->done = done;
	octets->arg = arg;
	store_submit(store, &octets->op);
}

#include "daemon/store/calendar.h"
#include "daemon/store/private.h"
#include "daemon/store/retain.h"
#include "daemon/store/writer.h"

/* ---- the row of a configured account ---- */

/*
 * Only polls that deleted anything tell how many deletions are usual: the
 * others had nothing to delete.
 */
#define USUAL_POLLS "20"

struct account_op {
	struct store_op op;
	int64_t id; /* 0: by its name */
	store_account_cb done;
	void *arg;
	struct store_account row; /* with the id where that is known */
	const char *name, *stable_id;
	int64_t retain_ms; /* of a row without mail; 0: for ever */
};

static enum store_status
account_find(struct sql_db *db, const char *sql, const char *key, int64_t *id_r)
{
	struct sql_statement use;

	*id_r = 0;
	if (key == NULL)
		return STORE_OK;
	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, key);
	return sql_run_integer(&use, id_r);
}

static enum store_status
account_insert(
    struct sql_db *db, const char *name, const char *stable_id, int64_t *id_r)
{
	static const char sql[] =
	    "INSERT INTO account(name, stable_id) VALUES(?1, ?2)";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, name);
	sql_bind_text(&use, 2, stable_id);
	return sql_run_insert(&use, id_r);
}

static void
account_take_past(struct store_op *op, struct sql_statement *from)
{
	struct store_account *row = &((struct account_op *)op)->row;

	row->listed = sql_column_int(from, 0) != 0;
	row->usual_deletes = (uint32_t)sql_column_int(from, 1);
	row->failing_since_ms = sql_column_int(from, 2);
	row->host = store_op_column_text(op, from, 3);
	row->user = store_op_column_text(op, from, 4);
}

static enum store_status
account_read_past(struct sql_db *db, struct account_op *account)
{
	static const char sql[] =
	    "SELECT last_success_ms IS NOT NULL"
	    " OR EXISTS(SELECT 1 FROM uid WHERE uid.account = ?1"
	    "  AND uid.unique_id < CAST(' body-import-' AS BLOB))"
	    " OR EXISTS(SELECT 1 FROM uid WHERE uid.account = ?1"
	    "  AND uid.unique_id >= CAST(' body-import.' AS BLOB)),"
	    " (SELECT max(deleted) FROM (SELECT deleted FROM poll"
	    "  WHERE poll.account = ?1 AND deleted > 0"
	    "  ORDER BY poll.id DESC LIMIT " USUAL_POLLS ") AS latest),"
	    " failing_since_ms, host, login FROM account WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, account->row.id);
	return store_op_take_row(&account->op, &use, account_take_past);
}

static enum store_status
account_count_quiet(struct sql_db *db, struct store_account *row)
{
	static const char sql[] =
	    "SELECT work FROM (SELECT fetched + deleted + adopted AS work,"
	    "  outcome FROM poll WHERE poll.account = ?1"
	    "  ORDER BY poll.id DESC LIMIT 2 * ?2)"
	    " AS latest WHERE outcome = 'ok' LIMIT ?2";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, row->id);
	sql_bind_int(&use, 2, STORE_QUIET_POLLS);
	while (sql_step(&use) && sql_column_int(&use, 0) == 0)
		row->quiet_polls++;
	return sql_end(&use);
}

/* The id is only asked where no row has the name: see store_configure(). */
static enum store_status
account_find_or_insert(
    struct sql_db *db, const char *name, const char *stable_id, int64_t *id)
{
	static const char by_name[] = "SELECT id FROM account WHERE name = ?1";
	static const char by_stable_id[] =
	    "SELECT id FROM account WHERE stable_id = ?1";
	enum store_status status = account_find(db, by_name, name, id);

	if (status == STORE_OK && *id == 0)
		status = account_find(db, by_stable_id, stable_id, id);
	if (status == STORE_OK && *id == 0)
		status = account_insert(db, name, stable_id, id);
	return status;
}

/* A row that was made since the configuration was read. */
static enum store_status
account_retain(struct sql_db *db, const struct account_op *account)
{
	static const char sql[] =
	    "UPDATE account SET retain_ms = ?2 WHERE id = ?1"
	    " AND retain_ms IS NULL AND messages = 0";
	struct sql_statement use;

	if (account->retain_ms == 0)
		return STORE_OK;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, account->row.id);
	sql_bind_int(&use, 2, account->retain_ms);
	return sql_run(&use);
}

static enum store_status
account_write(struct store_writer *writer, struct store_op *op)
{
	struct account_op *account = (struct account_op *)op;
	struct sql_db *db = store_writer_db(writer);
	enum store_status status = store_writer_try(writer);

	account->row = (struct store_account){ .id = account->id };
	if (status == STORE_OK && account->row.id == 0)
		status = account_find_or_insert(
		    db, account->name, account->stable_id, &account->row.id);
	if (status == STORE_OK)
		status = account_retain(db, account);
	if (status == STORE_OK)
		status = account_read_past(db, account);
	if (status == STORE_NOT_FOUND)
		return store_op_fail(op, status);
	if (status == STORE_OK)
		status = account_count_quiet(db, &account->row);
	if (status == STORE_OK)
		status = store_calendar_judges(store_writer_calendar(writer),
		    db, account->row.id, &account->row.setting);
	return status;
}

static void
account_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct account_op *account = (struct account_op *)op;

	(void)store;
	account->done(
	    status, status == STORE_OK ? &account->row : NULL, account->arg);
}

static const struct store_op_type account_type = {
	.write = account_write,
	.answer = account_answer,
};

static void
account_submit(struct store *store, int64_t id, const char *name,
    const char *stable_id, store_account_cb done, void *arg)
{
	struct account_op *account =
	    store_op_new(&account_type, sizeof(*account));

	if (account == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	account->id = id;
	account->name = store_op_text(&account->op, name);
	account->stable_id = store_op_text(&account->op, stable_id);
	if (name != NULL)
		account->retain_ms =
		    store_retain_of(store_get_retain(store), name);
	account->done = done;
	account->arg = arg;
	store_submit(store, &account->op);
}

void
store_account(struct store *store, const char *name, const char *stable_id,
    store_account_cb done, void *arg)
{
	account_submit(store, 0, name, stable_id, done, arg);
}

void
store_account_again(
    struct store *store, int64_t account_id, store_account_cb done, void *arg)
{
	account_submit(store, account_id, NULL, NULL, done, arg);
}

/* ---- who is paused ---- */

struct pause_op {
	struct store_op op;
	const char *name, *stable_id, *who;
	int64_t since_ms; /* 0: it is resumed */
	store_done_cb done;
	void *arg;
};

static enum store_status
pause_write(struct store_writer *writer, struct store_op *op)
{
	static const char sql[] =
	    "UPDATE account SET paused_ms = nullif(?2, 0), paused_by = ?3"
	    " WHERE id = ?1";
	const struct pause_op *pause = (struct pause_op *)op;
	struct sql_db *db = store_writer_db(writer);
	enum store_status status;
	struct sql_statement use;
	int64_t id;

	status = account_find_or_insert(db, pause->name, pause->stable_id, &id);
	if (status != STORE_OK)
		return status;
	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, id);
	sql_bind_int(&use, 2, pause->since_ms);
	sql_bind_text(&use, 3, pause->who);
	return sql_run(&use);
}

static void
pause_answer(struct store *store, struct store_op *op, enum store_status status)
{
	const struct pause_op *pause = (struct pause_op *)op;

	(void)store;
	pause->done(status, pause->arg);
}

static const struct store_op_type pause_type = {
	.write = pause_write,
	.answer = pause_answer,
};

void
store_account_pause(struct store *store, const char *name,
    const char *stable_id, int64_t now_ms, const char *who, store_done_cb done,
    void *arg)
{
	struct pause_op *pause = store_op_new(&pause_type, sizeof(*pause));

	if (pause == NULL) {
		done(STORE_MEMORY, arg);
		return;
	}
	pause->name = store_op_text(&pause->op, name);
	pause->stable_id = store_op_text(&pause->op, stable_id);
	pause->who = store_op_text(&pause->op, who);
	pause->since_ms = now_ms;
	pause->done = done;
	pause->arg = arg;
	store_submit(store, &pause->op);
}

void
store_account_resume(struct store *store, const char *name,
    const char *stable_id, store_done_cb done, void *arg)
{
	store_account_pause(store, name, stable_id, 0, NULL, done, arg);
}

/* ---- the list of accounts ---- */

struct accounts_op {
	struct store_op op;
	const char *first, *last;
	store_accounts_cb done;
	void *arg;
	struct store_account_row *rows;
	size_t count;
};

static void
accounts_take(struct store_op *op, struct sql_statement *from)
{
	struct accounts_op *accounts = (struct accounts_op *)op;

	accounts->rows = store_op_grow(
	    op, accounts->rows, accounts->count, sizeof(*accounts->rows));
	if (accounts->rows == NULL)
		return;
	accounts->rows[accounts->count++] = (struct store_account_row){
		.id = sql_column_int(from, 0),
		.name = store_op_column_text(op, from, 1),
		.messages = sql_column_int(from, 2),
		.octets = sql_column_int(from, 3),
		.last_success_ms = sql_column_int(from, 4),
		.last_error_ms = sql_column_int(from, 5),
		.last_error = store_op_column_text(op, from, 6),
		.failing_since_ms = sql_column_int(from, 7),
		.quarantined = sql_column_int(from, 8),
	};
}

static enum store_status
accounts_read(struct sql_db *db, struct store_op *op)
{
	static const char sql[] =
	    "SELECT id, name, messages, octets, last_success_ms,"
	    " last_error_ms, last_error, failing_since_ms,"
	    " (SELECT count(*) FROM quarantine"
	    "  WHERE quarantine.account = account.id) FROM account"
	    " WHERE name BETWEEN ?1 AND ?2 ORDER BY name";
	const struct accounts_op *accounts = (struct accounts_op *)op;
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, accounts->first);
	sql_bind_text(&use, 2, accounts->last);
	return store_op_take_rows(op, &use, accounts_take);
}

static void
accounts_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct accounts_op *accounts = (struct accounts_op *)op;

	(void)store;
	if (status == STORE_OK)
		accounts->done(
		    STORE_OK, accounts->rows, accounts->count, accounts->arg);
	else
		accounts->done(status, NULL, 0, accounts->arg);
}

static const struct store_op_type accounts_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = accounts_read,
	.answer = accounts_answer,
};

void
store_accounts(struct store *store, const char *first, const char *last,
    store_accounts_cb done, void *arg)
{
	struct accounts_op *accounts =
	    store_op_new(&accounts_type, sizeof(*accounts));

	if (accounts == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	accounts->first = store_op_text(&accounts->op, first);
	accounts->last = store_op_text(&accounts->op, last);
	accounts->done = done;
	accounts->arg = arg;
	store_ask(store, &accounts->op, arg);
}

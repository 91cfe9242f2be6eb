#include <stdlib.h>
#include <string.h>

#include "daemon/store/calendar.h"
#include "daemon/store/column.h"
#include "daemon/store/private.h"
#include "daemon/store/writer.h"
#include "lib/base/arena.h"

/* ---- the row of a configured account ---- */

/*
 * What is usual, is told by the last of its polls that deleted anything: those
 * that had nothing to delete say nothing about those that have.
 */
#define USUAL_POLLS "20"

struct account_op {
	struct store_op op;
	store_account_cb done;
	void *arg;
	struct evpop_arena arena; /* of the row's texts */
	struct store_account row; /* with the id where that is known */
	char *stable_id;          /* or NULL; behind the name */
	char name[];
};

static enum store_status
find(struct store_db *db, const char *sql, const char *key, int64_t *id_r)
{
	struct sql_statement use;

	*id_r = 0;
	if (key == NULL)
		return STORE_OK;
	sql_prepare(&use, db->sql, sql);
	sql_bind_text(&use, 1, key);
	if (sql_step(&use))
		*id_r = sql_column_int(&use, 0);
	return sql_end(&use);
}

static enum store_status
insert(struct store_db *db, struct account_op *account)
{
	static const char sql[] =
	    "INSERT INTO account(name, stable_id) VALUES(?1, ?2)"
	    " RETURNING id";
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_text(&use, 1, account->name);
	sql_bind_text(&use, 2, account->stable_id);
	return sql_run_returning(&use, &account->row.id);
}

static enum store_status
look_back(struct store_db *db, struct account_op *account, bool *found_r)
{
	static const char sql[] =
	    "SELECT last_success_ms IS NOT NULL"
	    " OR EXISTS(SELECT 1 FROM uid WHERE uid.account = ?1),"
	    " (SELECT max(deleted) FROM (SELECT deleted FROM poll"
	    "  WHERE poll.account = ?1 AND deleted > 0"
	    "  ORDER BY poll.id DESC LIMIT " USUAL_POLLS ") AS latest),"
	    " failing_since_ms, host, login FROM account WHERE id = ?1";
	enum store_status taken = STORE_OK, status;
	struct store_account *row = &account->row;
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, row->id);
	*found_r = sql_step(&use);
	if (*found_r) {
		row->listed = sql_column_int(&use, 0) != 0;
		row->usual_deletes = (uint32_t)sql_column_int(&use, 1);
		row->failing_since_ms = sql_column_int(&use, 2);
		if (!store_column_text(&account->arena, &use, 3, &row->host) ||
		    !store_column_text(&account->arena, &use, 4, &row->user))
			taken = STORE_MEMORY;
	}
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static enum store_status
count_quiet(struct store_db *db, struct store_account *row)
{
	static const char sql[] =
	    "SELECT work FROM (SELECT fetched + deleted + adopted AS work,"
	    "  outcome FROM poll WHERE poll.account = ?1"
	    "  ORDER BY poll.id DESC LIMIT 2 * ?2)"
	    " AS latest WHERE outcome = 'ok' LIMIT ?2";
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, row->id);
	sql_bind_int(&use, 2, STORE_QUIET_POLLS);
	while (sql_step(&use) && sql_column_int(&use, 0) == 0)
		row->quiet_polls++;
	return sql_end(&use);
}

/* The id is only asked where no row has the name: see store_configure(). */
static enum store_status
find_or_insert(struct store_db *db, struct account_op *account)
{
	static const char by_name[] = "SELECT id FROM account WHERE name = ?1";
	static const char by_stable_id[] =
	    "SELECT id FROM account WHERE stable_id = ?1";
	int64_t *id = &account->row.id;
	enum store_status status = find(db, by_name, account->name, id);

	if (status == STORE_OK && *id == 0)
		status = find(db, by_stable_id, account->stable_id, id);
	if (status == STORE_OK && *id == 0)
		status = insert(db, account);
	return status;
}

static enum store_status
account_write(struct store_writer *writer, struct store_op *op)
{
	struct account_op *account = (struct account_op *)op;
	struct store_db *db = store_writer_db(writer);
	enum store_status status = store_writer_try(writer);
	bool found = true;

	if (status == STORE_OK && account->row.id == 0)
		status = find_or_insert(db, account);
	if (status == STORE_OK)
		status = look_back(db, account, &found);
	if (status == STORE_OK)
		status = count_quiet(db, &account->row);
	if (status == STORE_OK)
		status = store_calendar_judges(store_writer_calendar(writer),
		    db, account->row.id, &account->row.setting);
	if (status == STORE_OK && !found)
		(void)store_op_fail(op, STORE_NOT_FOUND);
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

static void
account_clear(struct store_op *op)
{
	evpop_arena_free(&((struct account_op *)op)->arena);
}

static const struct store_op_type account_type = {
	.write = account_write,
	.answer = account_answer,
	.clear = account_clear,
};

/* NULL without memory. */
static struct account_op *
account_new(
    const char *name, const char *stable_id, store_account_cb done, void *arg)
{
	size_t name_size = strlen(name) + 1;
	size_t stable_size = stable_id != NULL ? strlen(stable_id) + 1 : 0;
	struct account_op *account =
	    calloc(1, sizeof(*account) + name_size + stable_size);

	if (account == NULL)
		return NULL;
	account->op.type = &account_type;
	account->done = done;
	account->arg = arg;
	memcpy(account->name, name, name_size);
	if (stable_id != NULL) {
		account->stable_id = account->name + name_size;
		memcpy(account->stable_id, stable_id, stable_size);
	}
	return account;
}

void
store_account(struct store *store, const char *name, const char *stable_id,
    store_account_cb done, void *arg)
{
	struct account_op *account = account_new(name, stable_id, done, arg);

	if (account == NULL)
		done(STORE_MEMORY, NULL, arg);
	else
		store_submit(store, &account->op);
}

void
store_account_again(
    struct store *store, int64_t account_id, store_account_cb done, void *arg)
{
	struct account_op *account = account_new("", NULL, done, arg);

	if (account == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	account->row.id = account_id;
	store_submit(store, &account->op);
}

/* ---- the list of accounts ---- */

struct accounts_op {
	struct store_op op;
	store_accounts_cb done;
	void *arg;
	struct evpop_arena arena;
	struct store_account_row *rows;
	size_t count, room;
	char *last; /* behind the first */
	char first[];
};

static enum store_status
take_row(struct accounts_op *accounts, struct sql_statement *from)
{
	struct store_account_row *row;

	if (accounts->count == accounts->room) {
		size_t room = accounts->room * 2 + 16;
		struct store_account_row *grown =
		    realloc(accounts->rows, room * sizeof(*grown));

		if (grown == NULL)
			return STORE_MEMORY;
		accounts->rows = grown;
		accounts->room = room;
	}
	row = &accounts->rows[accounts->count++];
	row->id = sql_column_int(from, 0);
	row->messages = sql_column_int(from, 2);
	row->octets = sql_column_int(from, 3);
	row->last_success_ms = sql_column_int(from, 4);
	row->last_error_ms = sql_column_int(from, 5);
	row->failing_since_ms = sql_column_int(from, 7);
	row->quarantined = sql_column_int(from, 8);
	if (!store_column_text(&accounts->arena, from, 1, &row->name) ||
	    !store_column_text(&accounts->arena, from, 6, &row->last_error))
		return STORE_MEMORY;
	return STORE_OK;
}

static enum store_status
accounts_read(struct store_db *db, struct store_op *op)
{
	static const char sql[] =
	    "SELECT id, name, messages, octets, last_success_ms,"
	    " last_error_ms, last_error, failing_since_ms,"
	    " (SELECT count(*) FROM quarantine"
	    "  WHERE quarantine.account = account.id) FROM account"
	    " WHERE name BETWEEN ?1 AND ?2 ORDER BY name";
	struct accounts_op *accounts = (struct accounts_op *)op;
	enum store_status taken = STORE_OK, status;
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_text(&use, 1, accounts->first);
	sql_bind_text(&use, 2, accounts->last);
	while (taken == STORE_OK && sql_step(&use))
		taken = take_row(accounts, &use);
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
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

static void
accounts_clear(struct store_op *op)
{
	struct accounts_op *accounts = (struct accounts_op *)op;

	evpop_arena_free(&accounts->arena);
	free(accounts->rows);
}

static const struct store_op_type accounts_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = accounts_read,
	.answer = accounts_answer,
	.clear = accounts_clear,
};

void
store_accounts(struct store *store, const char *first, const char *last,
    store_accounts_cb done, void *arg)
{
	size_t first_size = strlen(first) + 1, last_size = strlen(last) + 1;
	struct accounts_op *accounts =
	    calloc(1, sizeof(*accounts) + first_size + last_size);

	if (accounts == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	accounts->op.type = &accounts_type;
	accounts->last = accounts->first + first_size;
	memcpy(accounts->first, first, first_size);
	memcpy(accounts->last, last, last_size);
	accounts->done = done;
	accounts->arg = arg;
	store_ask(store, &accounts->op, arg);
}

/* The rows of all configured accounts get the names that these have now. */
#include <event2/util.h>
#include <string.h>

#include "daemon/store/private.h"
#include "daemon/store/roster.h"
#include "daemon/store/writer.h"
#include "lib/base/hex.h"
#include "lib/base/text.h"

struct configure_op {
	struct store_op op;
	store_configure_cb done;
	void *arg;
	struct store_configured *accounts;
	size_t account_count;
	struct store_roster_row *rows; /* that there are */
	size_t row_count;
	struct store_account_news *news;
	size_t news_count;
};

/* ---- what there is ---- */

static void
configure_take_row(struct store_op *op, struct sql_statement *from)
{
	struct configure_op *configure = (struct configure_op *)op;

	configure->rows = store_op_grow(op, configure->rows,
	    configure->row_count, sizeof(*configure->rows));
	if (configure->rows == NULL)
		return;
	configure->rows[configure->row_count++] = (struct store_roster_row){
		.id = sql_column_int(from, 0),
		.name = store_op_column_text(op, from, 1),
		.stable_id = store_op_column_text(op, from, 2),
		.host = store_op_column_text(op, from, 3),
		.user = store_op_column_text(op, from, 4),
		.is_empty = sql_column_int(from, 5) != 0,
		.paused_ms = sql_column_int(from, 6),
		.paused_by = store_op_column_text(op, from, 7),
		.refusal = { .at_ms = sql_column_int(from, 8),
		    .times = (uint32_t)sql_column_int(from, 9),
		    .credentials_mark = (uint32_t)sql_column_int(from, 10),
		    .has_worked = sql_column_int(from, 11) != 0 },
	};
}

static enum store_status
configure_read_rows(struct configure_op *configure, struct sql_db *db)
{
	static const char sql[] =
	    "SELECT id, name, stable_id, host, login,"
	    " messages = 0 AND last_success_ms IS NULL, paused_ms, paused_by,"
	    " refused_ms, refusals, refused_mark, last_success_ms IS NOT NULL"
	    " FROM account";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	return store_op_take_rows(&configure->op, &use, configure_take_row);
}

/* ---- new names ---- */

/*
 * Another row has this name.  It gets a passing name until its own account's
 * turn comes, or for good where no account has it.  Its id keeps the old name,
 * so that whoever asks by that name still finds it.
 */
static enum store_status
configure_free_name(struct sql_db *db, const char *name, int64_t except)
{
	static const char sql[] =
	    "UPDATE account SET name = name || '~' || ?3,"
	    " stable_id = CASE WHEN stable_id IS NULL AND NOT EXISTS"
	    "  (SELECT 1 FROM account AS other WHERE other.stable_id = ?1)"
	    "  THEN name ELSE stable_id END"
	    " WHERE name = ?1 AND id <> ?2";
	unsigned char bytes[8];
	char random[2 * sizeof(bytes) + 1];
	struct sql_statement use;

	evutil_secure_rng_get_bytes(bytes, sizeof(bytes));
	evpop_hex_encode(bytes, sizeof(bytes), random);
	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, name);
	sql_bind_int(&use, 2, except);
	sql_bind_text(&use, 3, random);
	return sql_run(&use);
}

/* News of an account, for people. */
static void
configure_note(struct configure_op *configure,
    const struct store_configured *account, const struct store_roster_row *row,
    enum store_account_kind kind)
{
	configure->news[configure->news_count++] = (struct store_account_news){
		.kind = kind,
		.name = account->name,
		.former_name = row->name,
		.former_id =
		    row->stable_id != NULL ? row->stable_id : row->name,
		.paused_ms = row->paused_ms,
		.paused_by = row->paused_by,
		.refusal = row->refusal,
	};
}

static void
configure_take_former_name(struct store_op *op, struct sql_statement *from)
{
	struct configure_op *configure = (struct configure_op *)op;

	configure->news[configure->news_count - 1].former_name =
	    store_op_column_text(op, from, 0);
}

/* Its passing name is for good. */
static enum store_status
configure_note_replaced(struct configure_op *configure, struct sql_db *db,
    const struct store_configured *account, const struct store_roster_row *row)
{
	static const char sql[] = "SELECT name FROM account WHERE id = ?1";
	struct sql_statement use;

	configure_note(configure, account, row, STORE_ACCOUNT_REPLACES);
	sql_prepare_once(&use, db, sql);
	sql_bind_int(&use, 1, row->id);
	return store_op_take_rows(
	    &configure->op, &use, configure_take_former_name);
}

static enum store_status
configure_take_name(struct configure_op *configure, struct sql_db *db,
    const struct store_roster *roster, const struct store_configured *account,
    int64_t row_id)
{
	const struct store_roster_row *replaced =
	    store_roster_replaced(roster, account);
	enum store_status status = STORE_OK;

	/* A row that another account has had gets that account's name. */
	if (row_id != 0 || replaced != NULL)
		status = configure_free_name(db, account->name, row_id);
	if (status == STORE_OK && replaced != NULL && !replaced->is_empty)
		status =
		    configure_note_replaced(configure, db, account, replaced);
	return status;
}

static enum store_status
configure_update(struct sql_db *db, const struct store_configured *account,
    const struct store_roster_row *row)
{
	static const char sql[] =
	    "UPDATE account SET name = ?2, stable_id = ?3 WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, row->id);
	sql_bind_text(&use, 2, account->name);
	sql_bind_text(&use, 3, account->stable_id);
	return sql_run(&use);
}

static enum store_status
configure_apply_one(struct configure_op *configure, struct sql_db *db,
    const struct store_roster *roster, const struct store_configured *account,
    const struct store_roster_row *row)
{
	const struct store_roster_row *twin =
	    store_roster_twin(roster, account);
	bool is_named =
	    row != NULL && evpop_text_equal(row->name, account->name);
	enum store_status status = STORE_OK;

	/* A row that is made later needs the name as well. */
	if (!is_named)
		status = configure_take_name(
		    configure, db, roster, account, row != NULL ? row->id : 0);
	if (status == STORE_OK && row != NULL &&
	    !(is_named && evpop_text_equal(row->stable_id, account->stable_id)))
		status = configure_update(db, account, row);
	if (row != NULL && !is_named)
		configure_note(configure, account, row, STORE_ACCOUNT_RENAMED);
	if (twin != NULL)
		configure_note(
		    configure, account, twin, STORE_ACCOUNT_RESEMBLES);
	if (row != NULL && row->paused_ms != 0)
		configure_note(configure, account, row, STORE_ACCOUNT_PAUSED);
	if (row != NULL && row->refusal.at_ms != 0)
		configure_note(configure, account, row, STORE_ACCOUNT_REFUSED);
	return status;
}

static enum store_status
configure_apply(struct configure_op *configure, struct sql_db *db,
    const struct store_roster *roster)
{
	enum store_status status = STORE_OK;
	size_t i;

	for (i = 0; i < roster->account_count && status == STORE_OK; i++)
		status = configure_apply_one(configure, db, roster,
		    &roster->accounts[i], roster->owned[i]);
	return status;
}

static enum store_status
configure_write(struct store_writer *writer, struct store_op *op)
{
	struct configure_op *configure = (struct configure_op *)op;
	struct store_roster roster = { 0 };
	struct sql_db *db = store_writer_db(writer);
	enum store_status status;

	configure->row_count = configure->news_count = 0;
	status = configure_read_rows(configure, db);
	if (status == STORE_OK &&
	    !store_roster_match(&roster, configure->accounts,
		configure->account_count, configure->rows,
		configure->row_count))
		status = STORE_MEMORY;
	if (status == STORE_OK)
		status = configure_apply(configure, db, &roster);
	store_roster_free(&roster);
	return status;
}

static void
configure_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct configure_op *configure = (struct configure_op *)op;

	(void)store;
	if (status == STORE_OK)
		configure->done(STORE_OK, configure->news,
		    configure->news_count, configure->arg);
	else
		configure->done(status, NULL, 0, configure->arg);
}

/* ---- the operation ---- */

static const struct store_op_type configure_type = {
	.write = configure_write,
	.answer = configure_answer,
};

static void
configure_copy_accounts(struct configure_op *configure,
    const struct store_configured *accounts, size_t count)
{
	struct store_op *op = &configure->op;

	for (size_t i = 0; i < count; i++)
		configure->accounts[i] = (struct store_configured){
			.name = store_op_text(op, accounts[i].name),
			.stable_id = store_op_text(op, accounts[i].stable_id),
			.host = store_op_text(op, accounts[i].host),
			.user = store_op_text(op, accounts[i].user),
		};
	configure->account_count = count;
}

void
store_configure(struct store *store, const struct store_configured *accounts,
    size_t count, store_configure_cb done, void *arg)
{
	/* There is at most one of each kind for an account. */
	struct configure_op *configure = store_op_new(
	    &configure_type, sizeof(*configure) + count * sizeof(*accounts) +
				 5 * count * sizeof(struct store_account_news));

	if (configure == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	configure->accounts = (struct store_configured *)(configure + 1);
	configure->news =
	    (struct store_account_news *)(configure->accounts + count);
	configure_copy_accounts(configure, accounts, count);
	configure->done = done;
	configure->arg = arg;
	store_submit(store, &configure->op);
}

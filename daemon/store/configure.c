/* The rows of all configured accounts get the names that these have now. */
#include <stdlib.h>
#include <string.h>

#include "daemon/store/column.h"
#include "daemon/store/private.h"
#include "daemon/store/roster.h"
#include "daemon/store/writer.h"
#include "lib/base/arena.h"

struct configure_op {
	struct store_op op;
	store_configure_cb done;
	void *arg;
	struct evpop_arena arena; /* of all texts */
	struct store_configured *accounts;
	size_t account_count;
	struct store_account_news *news;
	size_t news_count;
};

/* ---- what there is ---- */

static enum store_status
take_row(struct configure_op *configure, struct store_roster_row **rows,
    size_t count, struct sql_statement *from)
{
	struct evpop_arena *arena = &configure->arena;
	struct store_roster_row *row, *grown;

	/* The size doubles at each power of two. */
	if ((count & (count - 1)) == 0) {
		grown = realloc(*rows, (count * 2 + 1) * sizeof(*grown));
		if (grown == NULL)
			return STORE_MEMORY;
		*rows = grown;
	}
	row = &(*rows)[count];
	memset(row, 0, sizeof(*row));
	row->id = sql_column_int(from, 0);
	row->is_empty = sql_column_int(from, 5) != 0;
	if (!store_column_text(arena, from, 1, &row->name) ||
	    !store_column_text(arena, from, 2, &row->stable_id) ||
	    !store_column_text(arena, from, 3, &row->host) ||
	    !store_column_text(arena, from, 4, &row->user))
		return STORE_MEMORY;
	return STORE_OK;
}

static enum store_status
read_rows(struct configure_op *configure, struct store_db *db,
    struct store_roster_row **rows_r, size_t *count_r)
{
	static const char sql[] =
	    "SELECT id, name, stable_id, host, login,"
	    " messages = 0 AND last_success_ms IS NULL FROM account";
	enum store_status taken = STORE_OK, status;
	struct sql_statement use;

	*rows_r = NULL;
	*count_r = 0;
	sql_prepare(&use, db->sql, sql);
	while (taken == STORE_OK && sql_step(&use)) {
		taken = take_row(configure, rows_r, *count_r, &use);
		if (taken == STORE_OK)
			++*count_r;
	}
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

/* ---- new names ---- */

/*
 * Another row has this name: it goes by a passing one, until its own account's
 * turn comes or, where nobody has it, for good; its id keeps the name that it
 * had, so that whoever asks for it by that still finds it.
 */
static enum store_status
configure_free_name(struct store_db *db, const char *name, int64_t except)
{
	static const char sql[] =
	    "UPDATE account SET name = name || '~' ||"
	    " lower(hex(randomblob(8))),"
	    " stable_id = CASE WHEN stable_id IS NULL AND NOT EXISTS"
	    "  (SELECT 1 FROM account AS other WHERE other.stable_id = ?1)"
	    "  THEN name ELSE stable_id END"
	    " WHERE name = ?1 AND id <> ?2";
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_text(&use, 1, name);
	sql_bind_int(&use, 2, except);
	return sql_run(&use);
}

static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* What a person should know of an account. */
static void
note(struct configure_op *configure, const struct store_configured *account,
    const struct store_roster_row *row, enum store_account_kind kind)
{
	configure->news[configure->news_count++] = (struct store_account_news){
		.kind = kind,
		.name = account->name,
		.former_name = row->name,
		.former_id =
		    row->stable_id != NULL ? row->stable_id : row->name,
	};
}

/* Its passing name is for good. */
static enum store_status
note_replaced(struct configure_op *configure, struct store_db *db,
    const struct store_configured *account, const struct store_roster_row *row)
{
	static const char sql[] = "SELECT name FROM account WHERE id = ?1";
	struct store_account_news *news =
	    &configure->news[configure->news_count];
	enum store_status taken = STORE_OK, status;
	struct sql_statement use;

	note(configure, account, row, STORE_ACCOUNT_REPLACES);
	sql_prepare_once(&use, db->sql, sql);
	sql_bind_int(&use, 1, row->id);
	if (sql_step(&use) &&
	    !store_column_text(&configure->arena, &use, 0, &news->former_name))
		taken = STORE_MEMORY;
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static enum store_status
take_name(struct configure_op *configure, struct store_db *db,
    const struct store_roster *roster, const struct store_configured *account,
    int64_t row_id)
{
	const struct store_roster_row *replaced =
	    store_roster_replaced(roster, account);
	enum store_status status = STORE_OK;

	/* What another account has had gets that account's name. */
	if (row_id != 0 || replaced != NULL)
		status = configure_free_name(db, account->name, row_id);
	if (status == STORE_OK && replaced != NULL && !replaced->is_empty)
		status = note_replaced(configure, db, account, replaced);
	return status;
}

static enum store_status
update(struct store_db *db, const struct store_configured *account,
    const struct store_roster_row *row)
{
	static const char sql[] =
	    "UPDATE account SET name = ?2, stable_id = ?3 WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, row->id);
	sql_bind_text(&use, 2, account->name);
	sql_bind_text(&use, 3, account->stable_id);
	return sql_run(&use);
}

static enum store_status
apply_one(struct configure_op *configure, struct store_db *db,
    const struct store_roster *roster, const struct store_configured *account,
    const struct store_roster_row *row)
{
	const struct store_roster_row *twin =
	    store_roster_twin(roster, account);
	bool is_named = row != NULL && is_same(row->name, account->name);
	enum store_status status = STORE_OK;

	/* A row that is made later needs the name, too. */
	if (!is_named)
		status = take_name(
		    configure, db, roster, account, row != NULL ? row->id : 0);
	if (status == STORE_OK && row != NULL &&
	    !(is_named && is_same(row->stable_id, account->stable_id)))
		status = update(db, account, row);
	if (row != NULL && !is_named)
		note(configure, account, row, STORE_ACCOUNT_RENAMED);
	if (twin != NULL)
		note(configure, account, twin, STORE_ACCOUNT_RESEMBLES);
	return status;
}

static enum store_status
apply(struct configure_op *configure, struct store_db *db,
    const struct store_roster *roster)
{
	enum store_status status = STORE_OK;
	size_t i;

	for (i = 0; i < roster->account_count && status == STORE_OK; i++)
		status = apply_one(configure, db, roster, &roster->accounts[i],
		    roster->owned[i]);
	return status;
}

static enum store_status
configure_write(struct store_writer *writer, struct store_op *op)
{
	struct configure_op *configure = (struct configure_op *)op;
	struct store_roster roster = { 0 };
	struct store_roster_row *rows;
	enum store_status status;
	size_t count;

	configure->news_count = 0;
	status = read_rows(configure, store_writer_db(writer), &rows, &count);
	if (status == STORE_OK &&
	    !store_roster_match(&roster, configure->accounts,
		configure->account_count, rows, count))
		status = STORE_MEMORY;
	if (status == STORE_OK)
		status = apply(configure, store_writer_db(writer), &roster);
	store_roster_free(&roster);
	free(rows);
	/* What there is no memory for concerns nobody else. */
	if (status == STORE_MEMORY) {
		return store_op_fail(op, status);
	}
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

static void
configure_clear(struct store_op *op)
{
	struct configure_op *configure = (struct configure_op *)op;

	evpop_arena_free(&configure->arena);
	free(configure->accounts);
	free(configure->news);
}

static const struct store_op_type configure_type = {
	.write = configure_write,
	.answer = configure_answer,
	.clear = configure_clear,
};

static bool
copy(struct evpop_arena *arena, const char **text)
{
	if (*text != NULL)
		*text = evpop_arena_copy(arena, *text, strlen(*text));
	return *text != NULL;
}

static bool
copy_accounts(struct configure_op *configure,
    const struct store_configured *accounts, size_t count)
{
	struct evpop_arena *arena = &configure->arena;

	configure->accounts = calloc(count + 1, sizeof(*accounts));
	/* One account may replace, be renamed and resemble. */
	configure->news = calloc(3 * count + 1, sizeof(*configure->news));
	if (configure->accounts == NULL || configure->news == NULL)
		return false;
	configure->account_count = count;
	for (size_t i = 0; i < count; i++) {
		struct store_configured *account = &configure->accounts[i];

		*account = accounts[i];
		if (!copy(arena, &account->name) ||
		    !copy(arena, &account->host) ||
		    !copy(arena, &account->user) ||
		    (account->stable_id != NULL &&
			!copy(arena, &account->stable_id)))
			return false;
	}
	return true;
}

void
store_configure(struct store *store, const struct store_configured *accounts,
    size_t count, store_configure_cb done, void *arg)
{
	struct configure_op *configure = calloc(1, sizeof(*configure));

	if (configure == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	configure->op.type = &configure_type;
	configure->done = done;
	configure->arg = arg;
	if (!copy_accounts(configure, accounts, count)) {
		configure_clear(&configure->op);
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	store_submit(store, &configure->op);
}

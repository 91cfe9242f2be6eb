#include "daemon/store/release.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/store/aside.h"
#include "daemon/store/attempts.h"
#include "daemon/store/column.h"
#include "daemon/store/private.h"
#include "daemon/store/writer.h"

#define RELEASE_SELECT                                                  \
	"SELECT account.name, account.id, unique_id, occurrence, body," \
	" quarantine.id"                                                \
	" FROM quarantine JOIN account ON account.id = quarantine.account"

/* One by its id; or those of an account; or all. */
struct release_op {
	struct store_op op;
	int64_t id;     /* 0: not by its id */
	bool is_of_one; /* account */
	store_release_cb done;
	void *arg;
	struct evpop_arena arena;
	struct store_released *accounts; /* those that had any */
	size_t count, room;
	uint64_t messages;
	char name[]; /* of the account */
};

/* One of them. */
struct released {
	int64_t id, body;
	struct store_unique unique;
	const char *account;
};

static enum store_status
find(struct store_db *db, struct release_op *release,
    struct released *released_r, bool *found_r)
{
	static const char by_id[] = RELEASE_SELECT " WHERE quarantine.id = ?1";
	static const char of_one[] =
	    RELEASE_SELECT " WHERE quarantine.account ="
			   " (SELECT id FROM account WHERE name = ?1) LIMIT 1";
	static const char of_all[] =
	    RELEASE_SELECT " ORDER BY quarantine.account LIMIT 1";
	struct store_unique *unique = &released_r->unique;
	enum store_status taken = STORE_OK, status;
	struct sql_statement use;

	sql_prepare(&use, db->sql,
	    release->id != 0     ? by_id
	    : release->is_of_one ? of_one
				 : of_all);
	if (release->id != 0)
		sql_bind_int(&use, 1, release->id);
	else if (release->is_of_one)
		sql_bind_text(&use, 1, release->name);
	*found_r = sql_step(&use);
	if (*found_r) {
		if (!store_column_text(
			&release->arena, &use, 0, &released_r->account) ||
		    !store_column_blob(&release->arena, &use, 2, &unique->id,
			&unique->id_length))
			taken = STORE_MEMORY;
		unique->account_id = sql_column_int(&use, 1);
		unique->occurrence = (uint32_t)sql_column_int(&use, 3);
		released_r->body = sql_column_int(&use, 4);
		released_r->id = sql_column_int(&use, 5);
	}
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static enum store_status
remove_row(struct store_db *db, int64_t id)
{
	static const char sql[] = "DELETE FROM quarantine WHERE id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, id);
	return sql_run(&use);
}

/* A crash before they are removed leaves them to the next start. */
static enum store_status
disown_body(struct store_writer *writer, int64_t body)
{
	static const char sql[] =
	    "INSERT OR IGNORE INTO unfinished(body) VALUES(?1)";
	enum store_status status;
	struct sql_statement use;

	if (body == 0)
		return STORE_OK;
	sql_prepare(&use, store_writer_db(writer)->sql, sql);
	sql_bind_int(&use, 1, body);
	status = sql_run(&use);
	if (status == STORE_OK)
		store_writer_remove_body(writer, body);
	return status;
}

static enum store_status
make_unknown(struct store_writer *writer, const struct store_unique *unique)
{
	struct store_unique_row row;
	enum store_status status =
	    store_unique_look_up(store_writer_db(writer), unique, &row);

	if (status == STORE_OK && row.found &&
	    row.state == STORE_UID_QUARANTINED)
		status = store_unique_forget(store_writer_db(writer), unique);
	if (status == STORE_OK)
		status = store_aside_release(store_writer_db(writer), unique);
	if (status == STORE_OK)
		status = store_attempts_forget(store_writer_attempts(writer),
		    store_writer_db(writer), unique);
	return status;
}

/* They come by account.  False without memory. */
static bool
note(struct release_op *release, const char *account)
{
	struct store_released *grown;
	size_t room = release->room * 2 + 8;

	release->messages++;
	if (release->count > 0 &&
	    strcmp(release->accounts[release->count - 1].account, account) ==
		0) {
		release->accounts[release->count - 1].messages++;
		return true;
	}
	if (release->count == release->room) {
		grown = realloc(release->accounts, room * sizeof(*grown));
		if (grown == NULL)
			return false;
		release->accounts = grown;
		release->room = room;
	}
	release->accounts[release->count++] =
	    (struct store_released){ .account = account, .messages = 1 };
	return true;
}

static enum store_status
let_go(struct store_writer *writer, struct release_op *release,
    const struct released *released)
{
	enum store_status status =
	    remove_row(store_writer_db(writer), released->id);

	if (status == STORE_OK)
		status = disown_body(writer, released->body);
	if (status == STORE_OK)
		status = make_unknown(writer, &released->unique);
	if (status == STORE_OK && !note(release, released->account))
		status = STORE_MEMORY;
	return status;
}

static enum store_status
release_write(struct store_writer *writer, struct store_op *op)
{
	struct release_op *release = (struct release_op *)op;
	struct released released;
	enum store_status status;
	bool found;

	release->count = 0;
	release->messages = 0;
	do {
		status =
		    find(store_writer_db(writer), release, &released, &found);
		if (status == STORE_OK && found)
			status = let_go(writer, release, &released);
	} while (status == STORE_OK && found && release->id == 0);
	if (status == STORE_OK && release->id != 0 && release->count == 0)
		(void)store_op_fail(op, STORE_NOT_FOUND);
	return status;
}

static void
release_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct release_op *release = (struct release_op *)op;
	bool well = status == STORE_OK;

	store_count_released(store, well ? release->messages : 0);
	release->done(status, well ? release->accounts : NULL,
	    well ? release->count : 0, release->arg);
}

static void
release_clear(struct store_op *op)
{
	struct release_op *release = (struct release_op *)op;

	evpop_arena_free(&release->arena);
	free(release->accounts);
}

static const struct store_op_type release_type = {
	.write = release_write,
	.answer = release_answer,
	.clear = release_clear,
};

static void
submit(struct store *store, int64_t id, const char *account,
    store_release_cb done, void *arg)
{
	size_t size = account != NULL ? strlen(account) + 1 : 1;
	struct release_op *op = calloc(1, sizeof(*op) + size);

	if (op == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	op->op.type = &release_type;
	op->id = id;
	op->is_of_one = account != NULL;
	if (account != NULL)
		memcpy(op->name, account, size);
	op->done = done;
	op->arg = arg;
	store_submit(store, &op->op);
}

void
store_quarantine_release(
    struct store *store, int64_t id, store_release_cb done, void *arg)
{
	submit(store, id, NULL, done, arg);
}

void
store_quarantine_release_all(
    struct store *store, const char *account, store_release_cb done, void *arg)
{
	submit(store, 0, account, done, arg);
}

enum store_status
store_quarantine_count(struct store_db *db, uint64_t *count_r)
{
	static const char sql[] = "SELECT count(*) FROM quarantine";
	struct sql_statement use;

	*count_r = 0;
	sql_prepare(&use, db->sql, sql);
	if (sql_step(&use))
		*count_r = (uint64_t)sql_column_int(&use, 0);
	return sql_end(&use);
}

#include <string.h>

#include "daemon/store/attempts.h"
#include "daemon/store/binding.h"
#include "daemon/store/private.h"
#include "daemon/store/writer.h"

#define QUARANTINE_SELECT(transcript)                                \
	"SELECT quarantine.id, account.name, unique_id, occurrence," \
	" quarantine.octets, stored_ms, reason, " transcript         \
	", EXISTS(SELECT 1 FROM sealed_quarantine"                   \
	"  WHERE sealed_quarantine.quarantine = quarantine.id)"      \
	" FROM quarantine"                                           \
	" JOIN account ON account.id = quarantine.account"

/* ---- the list, and one of it ---- */

struct quarantines_op {
	struct store_op op;
	int64_t id;       /* of one; 0: the list */
	int64_t below_id; /* of the list */
	unsigned limit;
	const char *account; /* NULL: all */
	store_quarantines_cb done;
	void *arg;
	struct store_quarantine_row *rows;
	size_t count;
};

static void
quarantines_take(struct store_op *op, struct sql_statement *from)
{
	struct quarantines_op *quarantines = (struct quarantines_op *)op;
	struct store_quarantine_row *row;

	quarantines->rows = store_op_grow(op, quarantines->rows,
	    quarantines->count, sizeof(*quarantines->rows));
	if (quarantines->rows == NULL)
		return;
	row = &quarantines->rows[quarantines->count++];
	*row = (struct store_quarantine_row){
		.id = sql_column_int(from, 0),
		.account = store_op_column_text(op, from, 1),
		.occurrence = (uint32_t)sql_column_int(from, 3),
		.octets = (uint64_t)sql_column_int(from, 4),
		.stored_ms = sql_column_int(from, 5),
		.reason = store_op_column_text(op, from, 6),
		.transcript = store_op_column_text(op, from, 7),
		.is_sealed = sql_column_int(from, 8) != 0,
	};
	row->unique_id =
	    store_op_column_bytes(op, from, 2, &row->unique_id_length);
}

static enum store_status
quarantines_read_one(struct sql_db *db, struct quarantines_op *quarantines)
{
	static const char sql[] =
	    QUARANTINE_SELECT("transcript") " WHERE quarantine.id = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, quarantines->id);
	return store_op_take_row(&quarantines->op, &use, quarantines_take);
}

static enum store_status
quarantines_read(struct sql_db *db, struct store_op *op)
{
	static const char all[] =
	    QUARANTINE_SELECT("NULL") " WHERE quarantine.id < ?1"
				      " ORDER BY quarantine.id DESC LIMIT ?2";
	static const char of_one[] =
	    QUARANTINE_SELECT("NULL") " WHERE quarantine.id < ?1"
				      " AND quarantine.account ="
				      " (SELECT id FROM account"
				      "  WHERE name = ?3)"
				      " ORDER BY quarantine.id DESC LIMIT ?2";
	struct quarantines_op *quarantines = (struct quarantines_op *)op;
	struct sql_statement use;

	if (quarantines->id != 0)
		return quarantines_read_one(db, quarantines);
	sql_prepare(&use, db, quarantines->account == NULL ? all : of_one);
	sql_bind_int(&use, 1,
	    quarantines->below_id > 0 ? quarantines->below_id : INT64_MAX);
	sql_bind_int(&use, 2, (int64_t)quarantines->limit + 1);
	if (quarantines->account != NULL)
		sql_bind_text(&use, 3, quarantines->account);
	return store_op_take_rows(op, &use, quarantines_take);
}

static void
quarantines_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct quarantines_op *quarantines = (struct quarantines_op *)op;
	bool more = quarantines->count > quarantines->limit;

	(void)store;
	if (status == STORE_OK)
		quarantines->done(STORE_OK, quarantines->rows,
		    more ? quarantines->limit : quarantines->count, more,
		    quarantines->arg);
	else
		quarantines->done(status, NULL, 0, false, quarantines->arg);
}

static const struct store_op_type quarantines_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = quarantines_read,
	.answer = quarantines_answer,
};

static void
quarantines_ask(struct store *store, const struct quarantines_op *wanted,
    store_quarantines_cb done, void *arg)
{
	struct quarantines_op *op =
	    store_op_new(&quarantines_type, sizeof(*op));

	if (op == NULL) {
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	op->id = wanted->id;
	op->below_id = wanted->below_id;
	op->limit = store_page_limit(wanted->limit);
	op->account = store_op_text(&op->op, wanted->account);
	op->done = done;
	op->arg = arg;
	store_ask(store, &op->op, arg);
}

void
store_quarantines(struct store *store, const char *account, int64_t below_id,
    unsigned limit, store_quarantines_cb done, void *arg)
{
	const struct quarantines_op wanted = {
		.account = account, .below_id = below_id, .limit = limit
	};

	quarantines_ask(store, &wanted, done, arg);
}

/* No row has the id 0. */
void
store_quarantine(
    struct store *store, int64_t id, store_quarantines_cb done, void *arg)
{
	const struct quarantines_op wanted = { .id = id != 0 ? id : -1 };

	quarantines_ask(store, &wanted, done, arg);
}

/* ---- release ---- */

#define RELEASE_SELECT                                                  \
	"SELECT account.name, account.id, unique_id, occurrence, body," \
	" quarantine.id"                                                \
	" FROM quarantine JOIN account ON account.id = quarantine.account"

/* One by its id; or those of an account; or all. */
struct release_op {
	struct store_op op;
	int64_t id;          /* 0: not by its id */
	const char *account; /* NULL: all */
	store_release_cb done;
	void *arg;
	struct store_released *accounts; /* those that had any */
	size_t count;
	uint64_t messages;
	struct released *found; /* the one that is being taken out; or NULL */
};

/* One of them. */
struct released {
	int64_t id, body;
	struct store_unique unique;
	const char *account;
};

static void
release_take(struct store_op *op, struct sql_statement *from)
{
	struct released *released = ((struct release_op *)op)->found;
	size_t length;
	const unsigned char *unique_id =
	    store_op_column_bytes(op, from, 2, &length);

	*released = (struct released){
		.account = store_op_column_text(op, from, 0),
		.unique = store_unique_make(sql_column_int(from, 1), unique_id,
		    length, (uint32_t)sql_column_int(from, 3)),
		.body = sql_column_int(from, 4),
		.id = sql_column_int(from, 5),
	};
}

/* STORE_NOT_FOUND where there is none left. */
static enum store_status
release_find(struct sql_db *db, struct release_op *release)
{
	static const char by_id[] = RELEASE_SELECT " WHERE quarantine.id = ?1";
	static const char of_one[] =
	    RELEASE_SELECT " WHERE quarantine.account ="
			   " (SELECT id FROM account WHERE name = ?1) LIMIT 1";
	static const char of_all[] =
	    RELEASE_SELECT " ORDER BY quarantine.account LIMIT 1";
	struct sql_statement use;

	sql_prepare(&use, db,
	    release->id != 0           ? by_id
	    : release->account != NULL ? of_one
				       : of_all);
	if (release->id != 0)
		sql_bind_int(&use, 1, release->id);
	else if (release->account != NULL)
		sql_bind_text(&use, 1, release->account);
	return store_op_take_row(&release->op, &use, release_take);
}

static enum store_status
release_remove_row(struct sql_db *db, int64_t id)
{
	static const char sql[] = "DELETE FROM quarantine WHERE id = ?1";
	static const char sealed[] =
	    "DELETE FROM sealed_quarantine WHERE quarantine = ?1";
	enum store_status status = sql_run_of(db, sealed, id);

	return status == STORE_OK ? sql_run_of(db, sql, id) : status;
}

/* A crash before they are removed leaves them to the next start. */
static enum store_status
release_disown_body(struct store_writer *writer, int64_t body)
{
	static const char sql[] =
	    "INSERT INTO unfinished(body) VALUES(?1) ON CONFLICT DO NOTHING";
	enum store_status status;
	struct sql_statement use;

	if (body == 0)
		return STORE_OK;
	sql_prepare(&use, store_writer_db(writer), sql);
	sql_bind_int(&use, 1, body);
	status = sql_run(&use);
	if (status == STORE_OK)
		store_writer_remove_body(writer, body);
	return status;
}

/*
 * It is to be fetched by the next poll: where mail has to wait (fetch_after),
 * it has waited since ever.
 */
static enum store_status
release_make_unknown(
    struct store_writer *writer, const struct store_unique *unique)
{
	static const struct store_unique_row has_waited = {
		.state = STORE_UID_WAITING
	};
	struct store_unique_row row;
	enum store_status status =
	    store_unique_look_up(store_writer_db(writer), unique, &row);

	if (status == STORE_OK && row.found &&
	    row.state == STORE_UID_QUARANTINED)
		status = store_unique_put(
		    store_writer_db(writer), unique, &has_waited);
	if (status == STORE_OK)
		status = store_binding_release(store_writer_db(writer), unique);
	if (status == STORE_OK)
		status = store_attempts_forget(store_writer_attempts(writer),
		    store_writer_db(writer), unique);
	return status;
}

/* They come by account. */
static void
release_count(struct release_op *release, const char *account)
{
	struct store_released *last;

	release->messages++;
	last =
	    release->count > 0 ? &release->accounts[release->count - 1] : NULL;
	if (last != NULL && strcmp(last->account, account) == 0) {
		last->messages++;
		return;
	}
	release->accounts = store_op_grow(&release->op, release->accounts,
	    release->count, sizeof(*release->accounts));
	if (release->accounts != NULL)
		release->accounts[release->count++] =
		    (struct store_released){ .account = account,
			    .messages = 1 };
}

static enum store_status
release_one(struct store_writer *writer, struct release_op *release)
{
	const struct released *released = release->found;
	enum store_status status =
	    release_remove_row(store_writer_db(writer), released->id);

	if (status == STORE_OK)
		status = release_disown_body(writer, released->body);
	if (status == STORE_OK)
		status = release_make_unknown(writer, &released->unique);
	if (status == STORE_OK)
		release_count(release, released->account);
	return status;
}

static enum store_status
release_write(struct store_writer *writer, struct store_op *op)
{
	struct release_op *release = (struct release_op *)op;
	struct released released;
	enum store_status status;

	release->found = &released;
	release->accounts = NULL;
	release->count = 0;
	release->messages = 0;
	do {
		status = release_find(store_writer_db(writer), release);
		if (status == STORE_OK)
			status = release_one(writer, release);
		if (status == STORE_OK && release->accounts == NULL)
			status = STORE_MEMORY;
	} while (status == STORE_OK && release->id == 0);
	if (status != STORE_NOT_FOUND)
		return status;
	return release->id == 0 ? STORE_OK : store_op_fail(op, status);
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

static const struct store_op_type release_type = {
	.write = release_write,
	.answer = release_answer,
};

static void
release_submit(struct store *store, int64_t id, const char *account,
    store_release_cb done, void *arg)
{
	struct release_op *op = store_op_new(&release_type, sizeof(*op));

	if (op == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	op->id = id;
	op->account = store_op_text(&op->op, account);
	op->done = done;
	op->arg = arg;
	store_submit(store, &op->op);
}

void
store_quarantine_release(
    struct store *store, int64_t id, store_release_cb done, void *arg)
{
	release_submit(store, id, NULL, done, arg);
}

void
store_quarantine_release_all(
    struct store *store, const char *account, store_release_cb done, void *arg)
{
	release_submit(store, 0, account, done, arg);
}

/* Deletions that people ask for. */
#include <inttypes.h>
#include <stdio.h>

#include "daemon/store/delete.h"
#include "daemon/store/private.h"
#include "daemon/store/record.h"
#include "daemon/store/writer.h"

/* ---- one, by a person ---- */

struct delete_op {
	struct store_op op;
	int64_t id;
	const char *who, *reason;
	store_kept_cb done;
	void *arg;
	int64_t account_id;
	struct store_kept_answer answer;
};

static void
delete_take(struct store_op *op, struct sql_statement *from)
{
	struct delete_op *own = (struct delete_op *)op;
	struct store_kept_answer *answer = &own->answer;

	own->account_id = sql_column_int(from, 0);
	if (sql_column_is_null(from, 1))
		return;
	answer->kept = STORE_KEPT_HELD;
	answer->hold.since_ms = sql_column_int(from, 1);
	answer->hold.who = store_op_column_text(op, from, 2);
	answer->hold.reason = store_op_column_text(op, from, 3);
}

static enum store_status
delete_record(struct sql_db *db, const struct delete_op *own)
{
	char object[32];

	snprintf(object, sizeof(object), "message %" PRId64, own->id);
	return store_record_add(db, &(struct store_deed){ .who = own->who,
					.action = "delete",
					.object = object,
					.reason = own->reason });
}

static enum store_status
delete_write(struct store_writer *writer, struct store_op *op)
{
	static const char sql[] =
	    "SELECT message.account, hold.since_ms, hold.who, hold.reason"
	    " FROM message LEFT JOIN hold ON hold.message = message.id"
	    " WHERE message.id = ?1";
	struct delete_op *own = (struct delete_op *)op;
	struct store_doomed doomed = { .first = own->id,
		.last = own->id,
		.stored_before_ms = INT64_MAX,
		.who = own->who,
		.reason = own->reason,
		.is_asked = true };
	struct sql_statement use;
	enum store_status status;

	own->answer = (struct store_kept_answer){ .last_id = own->id };
	sql_prepare(&use, store_writer_db(writer), sql);
	sql_bind_int(&use, 1, own->id);
	status = store_op_take_row(op, &use, delete_take);
	if (status == STORE_NOT_FOUND)
		return store_op_fail(op, status);
	doomed.account_id = own->account_id;
	if (status == STORE_OK && own->answer.kept == STORE_KEPT_NOT)
		status =
		    store_delete_doomed(writer, &doomed, &own->answer.deleted);
	if (status == STORE_OK && own->answer.deleted > 0)
		status = delete_record(store_writer_db(writer), own);
	return status;
}

static void
delete_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct delete_op *own = (struct delete_op *)op;

	(void)store;
	own->done(status, status == STORE_OK ? &own->answer : NULL, own->arg);
}

static const struct store_op_type delete_type = {
	.write = delete_write,
	.answer = delete_answer,
};

/* True, after answering, where deletion is locked. */
static bool
delete_is_refused(const struct store *store, store_kept_cb done, void *arg)
{
	static const struct store_kept_answer locked = {
		.kept = STORE_KEPT_LOCKED
	};

	if (!store_deletion_is_locked(store))
		return false;
	done(STORE_OK, &locked, arg);
	return true;
}

void
store_delete(struct store *store, int64_t id, const char *who,
    const char *reason, store_kept_cb done, void *arg)
{
	struct delete_op *own;

	if (delete_is_refused(store, done, arg))
		return;
	own = store_op_new(&delete_type, sizeof(*own));
	if (own == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	own->id = id;
	own->who = store_op_text(&own->op, who);
	own->reason = store_op_text(&own->op, reason);
	own->done = done;
	own->arg = arg;
	store_submit(store, &own->op);
}

/* ---- those of an account ---- */

struct page_op {
	struct store_op op;
	struct store_delete_of of;
	int64_t account_id;
	const char *who, *reason;
	store_kept_cb done;
	void *arg;
	struct store_kept_answer answer;
};

static void
page_take_account(struct store_op *op, struct sql_statement *from)
{
	((struct page_op *)op)->account_id = sql_column_int(from, 0);
}

static enum store_status
page_find_account(struct sql_db *db, struct page_op *page)
{
	static const char sql[] = "SELECT id FROM account WHERE name = ?1";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_text(&use, 1, page->of.account);
	return store_op_take_row(&page->op, &use, page_take_account);
}

static enum store_status
page_find_last(struct sql_db *db, struct page_op *page)
{
	static const char sql[] =
	    "SELECT count(*), count(held), coalesce(max(id), ?2) FROM"
	    " (SELECT message.id AS id, CASE WHEN message.stored_ms < ?4"
	    "  THEN hold.message END AS held FROM message"
	    "  LEFT JOIN hold ON hold.message = message.id"
	    "  WHERE message.account = ?1 AND message.id > ?2"
	    "  ORDER BY message.id LIMIT ?3) AS page";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, page->account_id);
	sql_bind_int(&use, 2, page->of.after_id);
	sql_bind_int(&use, 3, page->of.limit);
	sql_bind_int(&use, 4, page->of.before_ms);
	if (sql_step(&use)) {
		page->answer.has_more =
		    sql_column_int(&use, 0) == page->of.limit;
		page->answer.held = (uint64_t)sql_column_int(&use, 1);
		page->answer.last_id = sql_column_int(&use, 2);
	}
	return sql_end(&use);
}

static enum store_status
page_record(struct sql_db *db, const struct page_op *page)
{
	char object[256];

	snprintf(object, sizeof(object),
	    "%" PRIu64 " %s of account %s, of %" PRId64 " to %" PRId64,
	    page->answer.deleted,
	    page->answer.deleted == 1 ? "message" : "messages",
	    page->of.account, page->of.after_id + 1, page->answer.last_id);
	return store_record_add(db, &(struct store_deed){ .who = page->who,
					.action = "delete",
					.object = object,
					.reason = page->reason });
}

static enum store_status
page_write(struct store_writer *writer, struct store_op *op)
{
	struct page_op *page = (struct page_op *)op;
	struct sql_db *db = store_writer_db(writer);
	enum store_status status = page_find_account(db, page);
	struct store_doomed doomed = { .account_id = page->account_id,
		.first = page->of.after_id + 1,
		.stored_before_ms = page->of.before_ms,
		.who = page->who,
		.reason = page->reason,
		.is_asked = true };

	page->answer = (struct store_kept_answer){ .kept = STORE_KEPT_NOT };
	if (status == STORE_NOT_FOUND)
		return store_op_fail(op, status);
	if (status == STORE_OK)
		status = page_find_last(db, page);
	doomed.last = page->answer.last_id;
	if (status == STORE_OK)
		status =
		    store_delete_doomed(writer, &doomed, &page->answer.deleted);
	if (status == STORE_OK && page->answer.deleted > 0)
		status = page_record(db, page);
	return status;
}

static void
page_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct page_op *page = (struct page_op *)op;

	(void)store;
	page->done(
	    status, status == STORE_OK ? &page->answer : NULL, page->arg);
}

static const struct store_op_type page_type = {
	.write = page_write,
	.answer = page_answer,
};

void
store_delete_of(struct store *store, const struct store_delete_of *of,
    const char *who, const char *reason, store_kept_cb done, void *arg)
{
	struct page_op *page;

	if (delete_is_refused(store, done, arg))
		return;
	page = store_op_new(&page_type, sizeof(*page));
	if (page == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	page->of = *of;
	page->of.account = store_op_text(&page->op, of->account);
	page->of.limit = store_page_limit(of->limit);
	page->who = store_op_text(&page->op, who);
	page->reason = store_op_text(&page->op, reason);
	page->done = done;
	page->arg = arg;
	store_submit(store, &page->op);
}

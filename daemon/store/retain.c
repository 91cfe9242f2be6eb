#include "daemon/store/retain.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log/log.h"
#include "daemon/store/keeping.h"
#include "daemon/store/meta.h"
#include "daemon/store/private.h"
#include "daemon/store/record.h"
#include "daemon/store/retention.h"
#include "daemon/store/writer.h"
#include "lib/base/unit.h"

/* Whether it was locked when the configuration was applied last. */
#define LOCKED "deletion_is_locked"

/* As the configuration has it, sorted by name. */
struct store_retain {
	struct evpop_arena arena;
	struct store_retained *accounts;
	size_t count;
	bool is_locked;
};

/* ---- what is configured ---- */

struct store_retain *
store_retain_new(void)
{
	return calloc(1, sizeof(struct store_retain));
}

static void
retain_clear(struct store_retain *retain)
{
	free(retain->accounts);
	evpop_arena_free(&retain->arena);
	memset(retain, 0, sizeof(*retain));
}

void
store_retain_free(struct store_retain *retain)
{
	if (retain != NULL)
		retain_clear(retain);
	free(retain);
}

static int
retained_compare(const void *one, const void *other)
{
	const struct store_retained *a = one, *b = other;

	return strcmp(a->account, b->account);
}

static const struct store_retained *
retain_find(const struct store_retain *retain, const char *account)
{
	const struct store_retained key = { .account = account };

	return retain->count == 0
		   ? NULL
		   : bsearch(&key, retain->accounts, retain->count, sizeof(key),
			 retained_compare);
}

int64_t
store_retain_of(const struct store_retain *retain, const char *account)
{
	const struct store_retained *found = retain_find(retain, account);

	return found != NULL ? found->retain_ms : 0;
}

/* False without memory, and then there is nothing in it. */
static bool
retain_copy(struct store_retain *retain, const struct store_retained *accounts,
    size_t count, bool is_locked)
{
	memset(retain, 0, sizeof(*retain));
	retain->is_locked = is_locked;
	retain->accounts = calloc(count + 1, sizeof(*retain->accounts));
	for (size_t i = 0; retain->accounts != NULL && i < count; i++) {
		struct store_retained *copy = &retain->accounts[i];

		*copy = accounts[i];
		copy->account = evpop_arena_copy(&retain->arena,
		    accounts[i].account, strlen(accounts[i].account));
		if (copy->account == NULL) {
			retain_clear(retain);
			return false;
		}
	}
	if (retain->accounts == NULL)
		return false;
	retain->count = count;
	qsort(retain->accounts, count, sizeof(*retain->accounts),
	    retained_compare);
	return true;
}

/* ---- the rows ---- */

struct apply_op {
	struct store_op op;
	struct store_retain retain;
	struct row *rows;
	size_t count;
	bool was_locked;
	uint64_t refused; /* accounts that retain longer than they are to */
};

struct row {
	int64_t id, retain_ms;
	const struct store_retained *wanted;
};

/* Those that are configured and say something else. */
static void
apply_take(struct store_op *op, struct sql_statement *from)
{
	struct apply_op *apply = (struct apply_op *)op;
	const char *name = sql_column_text(from, 1);
	const struct store_retained *wanted =
	    name != NULL ? retain_find(&apply->retain, name) : NULL;
	const int64_t retain_ms = sql_column_int(from, 2);

	if (wanted == NULL || wanted->retain_ms == retain_ms)
		return;
	apply->rows =
	    store_op_grow(op, apply->rows, apply->count, sizeof(struct row));
	if (apply->rows == NULL)
		return;
	apply->rows[apply->count++] = (struct row){
		.id = sql_column_int(from, 0),
		.retain_ms = retain_ms,
		.wanted = wanted,
	};
}

static enum store_status
apply_find_rows(struct sql_db *db, struct apply_op *apply)
{
	static const char sql[] =
	    "SELECT id, name, coalesce(retain_ms, 0) FROM account";
	struct sql_statement use;

	apply->rows = NULL;
	apply->count = 0;
	sql_prepare(&use, db, sql);
	return store_op_take_rows(&apply->op, &use, apply_take);
}

static void
apply_age_text(int64_t retain_ms, char *text_r, size_t size)
{
	if (retain_ms == 0)
		snprintf(text_r, size, "forever");
	else
		evpop_unit_text(retain_ms, evpop_unit_durations, text_r, size);
}

static enum store_status
apply_record(struct sql_db *db, const struct row *row)
{
	char object[192], reason[96], now[32], before[32];
	const struct store_deed deed = { .who = STORE_BY_CONFIGURATION,
		.action = "retain",
		.object = object,
		.reason = reason };

	apply_age_text(row->wanted->retain_ms, now, sizeof(now));
	apply_age_text(row->retain_ms, before, sizeof(before));
	snprintf(object, sizeof(object), "account %s", row->wanted->account);
	snprintf(
	    reason, sizeof(reason), "retain = %s instead of %s", now, before);
	return store_record_add(db, &deed);
}

static enum store_status
apply_to_row(struct sql_db *db, const struct row *row)
{
	static const char sql[] =
	    "UPDATE account SET retain_ms = ?2 WHERE id = ?1";
	struct sql_statement use;
	enum store_status status;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, row->id);
	if (row->wanted->retain_ms != 0)
		sql_bind_int(&use, 2, row->wanted->retain_ms);
	status = sql_run(&use);
	return status == STORE_OK ? apply_record(db, row) : status;
}

/* 0 is for ever. */
static bool
apply_is_shorter(const struct row *row)
{
	return row->wanted->retain_ms != 0 &&
	       (row->retain_ms == 0 || row->wanted->retain_ms < row->retain_ms);
}

static enum store_status
apply_lock(struct sql_db *db, struct apply_op *apply)
{
	const struct store_deed deed = { .who = STORE_BY_CONFIGURATION,
		.action = apply->retain.is_locked ? "lock" : "unlock",
		.object = "deletion" };
	int64_t was_locked;
	enum store_status status = store_meta_get(db, LOCKED, &was_locked);

	apply->was_locked = was_locked != 0;
	if (status != STORE_OK || apply->was_locked == apply->retain.is_locked)
		return status;
	status = store_meta_set(db, LOCKED, apply->retain.is_locked);
	return status == STORE_OK ? store_record_add(db, &deed) : status;
}

static enum store_status
apply_write(struct store_writer *writer, struct store_op *op)
{
	struct apply_op *apply = (struct apply_op *)op;
	struct sql_db *db = store_writer_db(writer);
	enum store_status status = apply_lock(db, apply);

	apply->refused = 0;
	if (status == STORE_OK)
		status = apply_find_rows(db, apply);
	for (size_t i = 0; status == STORE_OK && i < apply->count; i++) {
		if (apply->was_locked && apply->retain.is_locked &&
		    apply_is_shorter(&apply->rows[i]))
			apply->refused++;
		else
			status = apply_to_row(db, &apply->rows[i]);
	}
	return status;
}

static void
apply_answer(struct store *store, struct store_op *op, enum store_status status)
{
	const struct apply_op *apply = (const struct apply_op *)op;

	if (status != STORE_OK)
		return;
	if (apply->was_locked && !apply->retain.is_locked)
		log_write(LOG_LEVEL_WARNING, NULL,
		    "deletion is no longer locked: [store] deletion has "
		    "changed; this is on record");
	if (apply->refused > 0)
		log_write(LOG_LEVEL_WARNING, NULL,
		    "retain is shorter than before for %" PRIu64
		    " account%s, which keep%s what they had: deletion is "
		    "locked",
		    apply->refused, apply->refused == 1 ? "" : "s",
		    apply->refused == 1 ? "s" : "");
	store_retention_go_on(store_get_retention(store));
}

static void
apply_clear(struct store_op *op)
{
	retain_clear(&((struct apply_op *)op)->retain);
}

static const struct store_op_type apply_type = {
	.write = apply_write,
	.answer = apply_answer,
	.clear = apply_clear,
};

bool
store_keeping_configure(struct store *store,
    const struct store_retained *accounts, size_t count, bool is_locked)
{
	struct apply_op *apply = store_op_new(&apply_type, sizeof(*apply));
	struct store_retain own;

	if (apply == NULL)
		return false;
	if (!retain_copy(&own, accounts, count, is_locked)) {
		free(apply);
		return false;
	}
	if (!retain_copy(&apply->retain, accounts, count, is_locked)) {
		retain_clear(&own);
		free(apply);
		return false;
	}
	retain_clear(store_get_retain(store));
	*store_get_retain(store) = own;
	store_submit(store, &apply->op);
	return true;
}

bool
store_deletion_is_locked(const struct store *store)
{
	return store->retain->is_locked;
}

#include <stdlib.h>
#include <string.h>

#include "daemon/store/column.h"
#include "daemon/store/private.h"

#define QUARANTINE_SELECT(transcript)                                \
	"SELECT quarantine.id, account.name, unique_id, occurrence," \
	" quarantine.octets, stored_ms, reason, " transcript         \
	" FROM quarantine"                                           \
	" JOIN account ON account.id = quarantine.account"

/* ---- the list, and one of it ---- */

struct quarantines_op {
	struct store_op op;
	int64_t below_id; /* of the list */
	unsigned limit;
	int64_t id; /* of one */
	store_quarantines_cb done;
	void *arg;
	struct evpop_arena arena;
	struct store_quarantine_row *rows; /* room for one above the limit */
	size_t count;
	bool all;
	char account[];
};

static enum store_status
take_row(struct quarantines_op *quarantines, struct sql_statement *from)
{
	struct store_quarantine_row *row =
	    &quarantines->rows[quarantines->count++];
	struct evpop_arena *arena = &quarantines->arena;

	row->id = sql_column_int(from, 0);
	row->occurrence = (uint32_t)sql_column_int(from, 3);
	row->octets = (uint64_t)sql_column_int(from, 4);
	row->stored_ms = sql_column_int(from, 5);
	if (!store_column_text(arena, from, 1, &row->account) ||
	    !store_column_blob(
		arena, from, 2, &row->unique_id, &row->unique_id_length) ||
	    !store_column_text(arena, from, 6, &row->reason) ||
	    !store_column_text(arena, from, 7, &row->transcript))
		return STORE_MEMORY;
	return STORE_OK;
}

static enum store_status
take_rows(struct quarantines_op *quarantines, struct sql_statement *use)
{
	enum store_status taken = STORE_OK, status;

	while (taken == STORE_OK && sql_step(use))
		taken = take_row(quarantines, use);
	status = sql_end(use);
	return status != STORE_OK ? status : taken;
}

static bool
make_room(struct quarantines_op *quarantines)
{
	quarantines->rows =
	    calloc(quarantines->limit + 1, sizeof(*quarantines->rows));
	return quarantines->rows != NULL;
}

static enum store_status
list_read(struct store_db *db, struct store_op *op)
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

	if (!make_room(quarantines))
		return STORE_MEMORY;
	sql_prepare(&use, db->sql, quarantines->all ? all : of_one);
	sql_bind_int(&use, 1,
	    quarantines->below_id > 0 ? quarantines->below_id : INT64_MAX);
	sql_bind_int(&use, 2, (int64_t)quarantines->limit + 1);
	if (!quarantines->all)
		sql_bind_text(&use, 3, quarantines->account);
	return take_rows(quarantines, &use);
}

static enum store_status
one_read(struct store_db *db, struct store_op *op)
{
	static const char sql[] =
	    QUARANTINE_SELECT("transcript") " WHERE quarantine.id = ?1";
	struct quarantines_op *quarantines = (struct quarantines_op *)op;
	enum store_status status;
	struct sql_statement use;

	if (!make_room(quarantines))
		return STORE_MEMORY;
	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, quarantines->id);
	status = take_rows(quarantines, &use);
	if (status == STORE_OK && quarantines->count == 0)
		status = STORE_NOT_FOUND;
	return status;
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

static void
quarantines_clear(struct store_op *op)
{
	struct quarantines_op *quarantines = (struct quarantines_op *)op;

	evpop_arena_free(&quarantines->arena);
	free(quarantines->rows);
}

static const struct store_op_type list_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = list_read,
	.answer = quarantines_answer,
	.clear = quarantines_clear,
};

static const struct store_op_type one_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = one_read,
	.answer = quarantines_answer,
	.clear = quarantines_clear,
};

void
store_quarantines(struct store *store, const char *account, int64_t below_id,
    unsigned limit, store_quarantines_cb done, void *arg)
{
	size_t size = account != NULL ? strlen(account) + 1 : 1;
	struct quarantines_op *op = calloc(1, sizeof(*op) + size);

	if (op == NULL) {
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	op->op.type = &list_type;
	op->below_id = below_id;
	op->limit = store_page_limit(limit);
	op->done = done;
	op->arg = arg;
	op->all = account == NULL;
	if (account != NULL)
		memcpy(op->account, account, size);
	store_ask(store, &op->op, arg);
}

void
store_quarantine(
    struct store *store, int64_t id, store_quarantines_cb done, void *arg)
{
	struct quarantines_op *op = calloc(1, sizeof(*op) + 1);

	if (op == NULL) {
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	op->op.type = &one_type;
	op->id = id;
	op->limit = 1;
	op->done = done;
	op->arg = arg;
	store_ask(store, &op->op, arg);
}

#include "daemon/store/digest.h"
#include "daemon/store/keeping.h"
#include "daemon/store/private.h"
#include "daemon/store/sql/engine.h"
#include "lib/base/hex.h"

struct tombstones_op {
	struct store_op op;
	const char *account; /* NULL: of all */
	int64_t below_id;
	unsigned limit;
	store_tombstones_cb done;
	void *arg;
	struct store_tombstone_row *rows;
	size_t count;
};

static void
tombstones_take(struct store_op *op, struct sql_statement *from)
{
	struct tombstones_op *tombstones = (struct tombstones_op *)op;
	struct store_tombstone_row *row;
	unsigned char digest[STORE_DIGEST_SIZE] = { 0 };
	char hex[STORE_DIGEST_HEX];

	tombstones->rows = store_op_grow(
	    op, tombstones->rows, tombstones->count, sizeof(*tombstones->rows));
	if (tombstones->rows == NULL)
		return;
	row = &tombstones->rows[tombstones->count++];
	(void)sql_column_bytes(from, 3, digest, sizeof(digest));
	evpop_hex_encode(digest, STORE_DIGEST_SIZE, hex);
	*row = (struct store_tombstone_row){
		.id = sql_column_int(from, 0),
		.account = store_op_column_text(op, from, 1),
		.octets = (uint64_t)sql_column_int(from, 2),
		.digest = store_op_text(op, hex),
		.stored_ms = sql_column_int(from, 4),
		.has_date = !sql_column_is_null(from, 5),
		.deleted_ms = sql_column_int(from, 6),
		.who = store_op_column_text(op, from, 7),
		.reason = store_op_column_text(op, from, 8),
	};
	if (row->has_date)
		row->date_ms = sql_column_int(from, 5);
}

static enum store_status
tombstones_read(struct sql_db *db, struct store_op *op)
{
	static const char sql[] =
	    "SELECT tombstone.id, account.name, tombstone.octets,"
	    " tombstone.digest, tombstone.stored_ms,"
	    " tombstone.date_ms,"
	    " tombstone.deleted_ms, tombstone.who, tombstone.reason"
	    " FROM tombstone JOIN account ON account.id = tombstone.account"
	    " WHERE tombstone.id < ?1 AND account.name = coalesce(?2,"
	    " account.name) ORDER BY tombstone.id DESC LIMIT ?3";
	struct tombstones_op *tombstones = (struct tombstones_op *)op;
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1,
	    tombstones->below_id > 0 ? tombstones->below_id : INT64_MAX);
	sql_bind_text(&use, 2, tombstones->account);
	sql_bind_int(&use, 3, (int64_t)tombstones->limit + 1);
	return store_op_take_rows(op, &use, tombstones_take);
}

static void
tombstones_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct tombstones_op *tombstones = (struct tombstones_op *)op;
	bool more = tombstones->count > tombstones->limit;

	(void)store;
	if (status == STORE_OK)
		tombstones->done(STORE_OK, tombstones->rows,
		    more ? tombstones->limit : tombstones->count, more,
		    tombstones->arg);
	else
		tombstones->done(status, NULL, 0, false, tombstones->arg);
}

/* The few of an account may be looked for among many. */
static const struct store_op_type tombstones_type = {
	.lane = STORE_LANE_SEARCHES,
	.read = tombstones_read,
	.answer = tombstones_answer,
};

void
store_tombstones(struct store *store, const char *account, int64_t below_id,
    unsigned limit, store_tombstones_cb done, void *arg)
{
	struct tombstones_op *tombstones =
	    store_op_new(&tombstones_type, sizeof(*tombstones));

	if (tombstones == NULL) {
		done(STORE_MEMORY, NULL, 0, false, arg);
		return;
	}
	tombstones->account = store_op_text(&tombstones->op, account);
	tombstones->below_id = below_id;
	tombstones->limit = store_page_limit(limit);
	tombstones->done = done;
	tombstones->arg = arg;
	store_ask(store, &tombstones->op, arg);
}

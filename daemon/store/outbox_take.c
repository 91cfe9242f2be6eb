/* What is due, for who delivers. */
#include <stdlib.h>
#include <string.h>

#include "daemon/store/chunk.h"
#include "daemon/store/outbox.h"
#include "daemon/store/private.h"
#include "daemon/store/targets.h"

struct take_op {
	struct store_op op;
	struct store_outbox_want want;
	store_outbox_due_cb done;
	void *arg;
	int64_t target;
	struct store_outbox_due *rows;
	int64_t *bodies; /* of each */
	size_t count;
	bool more;
	int64_t next_ms;
};

/* ?1 target, ?2 now, ?3 after, ?4 limit: by an index alone. */
#define TAKE_DUE                                                   \
	" WHERE due.state = 0 AND due.target = ?1 AND due.id > ?3" \
	" AND due.due_ms <= ?2"
#define TAKE(pick)                                                          \
	"SELECT outbox.id, outbox.message, outbox.account, account.name,"   \
	" coalesce(account.host, ''), coalesce(account.login, ''),"         \
	" message.octets, message.digest, message.stored_ms,"               \
	" outbox.attempts, outbox.may_be_there, coalesce(outbox.note, '')," \
	" message.body, outbox.queued_ms"                                   \
	" FROM (SELECT due.id FROM outbox AS due" pick                      \
	" ORDER BY due.id LIMIT ?4) AS picked"                              \
	" JOIN outbox ON outbox.id = picked.id"                             \
	" JOIN message ON message.id = outbox.message"                      \
	" JOIN account ON account.id = outbox.account ORDER BY outbox.id"

static void
take_row(struct store_op *op, struct sql_statement *from)
{
	struct take_op *take = (struct take_op *)op;
	struct store_outbox_due *row;

	if (take->count == take->want.limit) {
		take->more = true;
		return;
	}
	take->rows =
	    store_op_grow(op, take->rows, take->count, sizeof(*take->rows));
	take->bodies =
	    store_op_grow(op, take->bodies, take->count, sizeof(*take->bodies));
	if (take->rows == NULL || take->bodies == NULL)
		return;
	row = &take->rows[take->count];
	*row = (struct store_outbox_due){
		.id = sql_column_int(from, 0),
		.message_id = sql_column_int(from, 1),
		.account_id = sql_column_int(from, 2),
		.account = store_op_column_text(op, from, 3),
		.host = store_op_column_text(op, from, 4),
		.user = store_op_column_text(op, from, 5),
		.octets = (uint64_t)sql_column_int(from, 6),
		.stored_ms = sql_column_int(from, 8),
		.queued_ms = sql_column_int(from, 13),
		.attempts = (unsigned)sql_column_int(from, 9),
		.may_be_there = sql_column_int(from, 10) != 0,
		.note = store_op_column_text(op, from, 11),
	};
	(void)sql_column_bytes(from, 7, row->digest, sizeof(row->digest));
	take->bodies[take->count++] = sql_column_int(from, 12);
}

static enum store_status
take_read_rows(struct sql_db *db, struct take_op *take)
{
	static const char in_any_order[] = TAKE(TAKE_DUE);
	/* Each account's messages from the first that is not due on wait. */
	static const char in_order[] = TAKE(
	    " LEFT JOIN (SELECT account, min(id) AS id FROM"
	    " (SELECT account, id FROM outbox WHERE state = 0"
	    "   AND due_ms > 0 AND target = ?1 AND due_ms > ?2"
	    "  UNION ALL SELECT account, id FROM outbox WHERE state = 0"
	    "   AND target = ?1 AND id <= ?3) AS blocking GROUP BY account)"
	    " AS first ON first.account = due.account" TAKE_DUE
	    " AND (first.id IS NULL OR first.id > due.id)");
	struct sql_statement use;

	sql_prepare(&use, db, take->want.is_ordered ? in_order : in_any_order);
	sql_bind_int(&use, 1, take->target);
	sql_bind_int(&use, 2, take->want.now_ms);
	sql_bind_int(&use, 3, take->want.after_id);
	sql_bind_int(&use, 4, (int64_t)take->want.limit + 1);
	return store_op_take_rows(&take->op, &use, take_row);
}

static enum store_status
take_read_next(struct sql_db *db, struct take_op *take)
{
	static const char sql[] =
	    "SELECT coalesce(min(due_ms), 0) FROM outbox WHERE state = 0"
	    " AND due_ms > 0 AND target = ?1 AND due_ms > ?2";
	struct sql_statement use;

	sql_prepare(&use, db, sql);
	sql_bind_int(&use, 1, take->target);
	sql_bind_int(&use, 2, take->want.now_ms);
	return sql_run_integer(&use, &take->next_ms);
}

/* What cannot be read now is read, and told of, piece by piece. */
static enum store_status
take_read_body(struct sql_db *db, struct take_op *take, size_t at)
{
	struct store_outbox_due *row = &take->rows[at];
	unsigned char *bytes =
	    evpop_arena_take(store_op_arena(&take->op), row->octets + 1);
	enum store_status status, taken = STORE_OK;
	struct sql_statement use;
	size_t got = 0, length;
	const void *piece;

	if (bytes == NULL)
		return STORE_MEMORY;
	store_chunk_use_all(&use, db, take->bodies[at]);
	while (taken == STORE_OK && sql_step(&use)) {
		taken = store_chunk_take(db, &use, 1, &piece, &length);
		if (taken == STORE_OK && length > row->octets - got)
			taken = STORE_DAMAGED;
		else if (taken == STORE_OK && length > 0) {
			memcpy(bytes + got, piece, length);
			got += length;
		}
	}
	status = sql_end(&use);
	if (status == STORE_OK && taken == STORE_OK && got == row->octets)
		row->body = bytes;
	return status;
}

static enum store_status
take_read_bodies(struct sql_db *db, struct take_op *take)
{
	enum store_status status = STORE_OK;
	uint64_t octets = 0;

	for (size_t i = 0; status == STORE_OK && i < take->count; i++) {
		if (take->rows[i].octets > STORE_OUTBOX_INLINE ||
		    take->rows[i].octets > take->want.octets)
			continue;
		octets += take->rows[i].octets;
		if (octets > take->want.octets) {
			/* With its body the next time. */
			take->count = i;
			take->more = true;
			break;
		}
		status = take_read_body(db, take, i);
	}
	return status;
}

static enum store_status
take_read(struct sql_db *db, struct store_op *op)
{
	struct take_op *take = (struct take_op *)op;
	enum store_status status =
	    store_target_find(db, take->want.target, &take->target);

	if (status != STORE_OK || take->target == 0)
		return status;
	status = take_read_rows(db, take);
	if (status == STORE_OK)
		status = take_read_next(db, take);
	return status == STORE_OK ? take_read_bodies(db, take) : status;
}

static void
take_answer(struct store *store, struct store_op *op, enum store_status status)
{
	const struct take_op *take = (const struct take_op *)op;

	(void)store;
	if (status == STORE_OK)
		take->done(STORE_OK, take->rows, take->count, take->more,
		    take->next_ms, take->arg);
	else
		take->done(status, NULL, 0, false, 0, take->arg);
}

static const struct store_op_type take_type = {
	.lane = STORE_LANE_OUTBOX,
	.read = take_read,
	.answer = take_answer,
};

void
store_outbox_take(struct store *store, const struct store_outbox_want *want,
    store_outbox_due_cb done, void *arg)
{
	struct take_op *take = store_op_new(&take_type, sizeof(*take));

	if (take == NULL) {
		done(STORE_MEMORY, NULL, 0, false, 0, arg);
		return;
	}
	take->want = *want;
	take->want.target = store_op_text(&take->op, want->target);
	take->done = done;
	take->arg = arg;
	store_submit(store, &take->op);
}

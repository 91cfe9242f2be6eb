#include <stdlib.h>

#include "daemon/store/chunk.h"
#include "daemon/store/private.h"
#include "daemon/store/row.h"
#include "lib/base/arena.h"

/* ---- one message's row ---- */

struct message_op {
	struct store_op op;
	int64_t id;
	store_message_row_cb done;
	void *arg;
	struct evpop_arena arena;
	struct store_message_row row;
};

static enum store_status
message_read(struct store_db *db, struct store_op *op)
{
	static const char sql[] =
	    "SELECT " STORE_ROW_COLUMNS " FROM message JOIN account"
	    " ON account.id = message.account"
	    " WHERE message.id = ?1";
	struct message_op *message = (struct message_op *)op;
	enum store_status taken = STORE_NOT_FOUND, status;
	struct sql_statement use;

	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, message->id);
	if (sql_step(&use))
		taken = store_row_take(&message->arena, &use, &message->row);
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static void
message_answer(
    struct store *store, struct store_op *op, enum store_status status)
{
	struct message_op *message = (struct message_op *)op;

	(void)store;
	message->done(
	    status, status == STORE_OK ? &message->row : NULL, message->arg);
}

static void
message_clear(struct store_op *op)
{
	evpop_arena_free(&((struct message_op *)op)->arena);
}

static const struct store_op_type message_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = message_read,
	.answer = message_answer,
	.clear = message_clear,
};

void
store_message(
    struct store *store, int64_t id, store_message_row_cb done, void *arg)
{
	struct message_op *message = calloc(1, sizeof(*message));

	if (message == NULL) {
		done(STORE_MEMORY, NULL, arg);
		return;
	}
	message->op.type = &message_type;
	message->id = id;
	message->done = done;
	message->arg = arg;
	store_ask(store, &message->op, arg);
}

/* ---- a piece of its body ---- */

struct part_op {
	struct store_op op;
	int64_t id;
	uint32_t part;
	store_part_cb done;
	void *arg;
	struct evpop_arena arena;
	const unsigned char *bytes;
	size_t length;
};

#define PART_SELECT(table)                                         \
	"SELECT " STORE_CHUNK_COLUMNS " FROM " table " AS owner"   \
	" LEFT JOIN chunk ON chunk.id = owner.body * 1048576 + ?2" \
	" AND ?2 < 1048576 WHERE owner.id = ?1"

static enum store_status
take_part(struct part_op *part, struct store_db *db, struct sql_statement *use)
{
	const void *bytes;
	enum store_status status =
	    store_chunk_take(db, use, 0, &bytes, &part->length);

	if (status != STORE_OK || bytes == NULL)
		return status;
	part->bytes = (const unsigned char *)evpop_arena_copy(
	    &part->arena, bytes, part->length);
	return part->bytes != NULL ? STORE_OK : STORE_MEMORY;
}

static enum store_status
part_read(struct store_db *db, struct store_op *op, const char *sql)
{
	struct part_op *part = (struct part_op *)op;
	enum store_status taken = STORE_NOT_FOUND, status;
	struct sql_statement use;

	_Static_assert(1 << STORE_CHUNK_SEQUENCE_BITS == 1048576,
	    "the statement knows where the sequence begins");
	sql_prepare(&use, db->sql, sql);
	sql_bind_int(&use, 1, part->id);
	sql_bind_int(&use, 2, part->part);
	if (sql_step(&use))
		taken = take_part(part, db, &use);
	status = sql_end(&use);
	return status != STORE_OK ? status : taken;
}

static enum store_status
message_part_read(struct store_db *db, struct store_op *op)
{
	static const char sql[] = PART_SELECT("message");

	return part_read(db, op, sql);
}

static enum store_status
quarantine_part_read(struct store_db *db, struct store_op *op)
{
	static const char sql[] = PART_SELECT("quarantine");

	return part_read(db, op, sql);
}

static void
part_answer(struct store *store, struct store_op *op, enum store_status status)
{
	struct part_op *part = (struct part_op *)op;

	(void)store;
	if (status == STORE_OK)
		part->done(STORE_OK, part->bytes, part->length, part->arg);
	else
		part->done(status, NULL, 0, part->arg);
}

static void
part_clear(struct store_op *op)
{
	evpop_arena_free(&((struct part_op *)op)->arena);
}

static const struct store_op_type part_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = message_part_read,
	.answer = part_answer,
	.clear = part_clear,
};

static const struct store_op_type quarantine_part_type = {
	.lane = STORE_LANE_QUESTIONS,
	.read = quarantine_part_read,
	.answer = part_answer,
	.clear = part_clear,
};

static void
submit_part(struct store *store, const struct store_op_type *type, int64_t id,
    uint32_t number, store_part_cb done, void *arg)
{
	struct part_op *part = calloc(1, sizeof(*part));

	if (part == NULL) {
		done(STORE_MEMORY, NULL, 0, arg);
		return;
	}
	part->op.type = type;
	part->id = id;
	part->part = number;
	part->done = done;
	part->arg = arg;
	store_ask(store, &part->op, arg);
}

void
store_body_read(struct store *store, int64_t id, uint32_t number,
    store_part_cb done, void *arg)
{
	submit_part(store, &part_type, id, number, done, arg);
}

void
store_quarantine_read(struct store *store, int64_t id, uint32_t number,
    store_part_cb done, void *arg)
{
	submit_part(store, &quarantine_part_type, id, number, done, arg);
}

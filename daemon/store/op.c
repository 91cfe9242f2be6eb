#include "daemon/store/op.h"
#include "daemon/store/sql/engine.h"
#include "lib/base/clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct store_ops *
store_ops_new(struct store *store, struct event_base *base, int64_t question_ms,
    void (*woken)(int fd, short what, void *store))
{
	struct store_ops *ops = calloc(1, sizeof(*ops));
	size_t made = 0;

	if (ops == NULL)
		return NULL;
	ops->store = store;
	ops->question_ms = question_ms;
	STAILQ_INIT(&ops->finished);
	TAILQ_INIT(&ops->questions);
	while (made < STORE_LANE_COUNT && store_queue_init(&ops->queues[made]))
		made++;
	if (made == STORE_LANE_COUNT &&
	    store_mailbox_init(&ops->mailbox, base, woken, store))
		return ops;
	while (made > 0)
		store_queue_destroy(&ops->queues[--made]);
	free(ops);
	return NULL;
}

void
store_ops_free(struct store_ops *ops)
{
	assert(ops->pending == 0);
	store_mailbox_destroy(&ops->mailbox);
	for (size_t i = 0; i < STORE_LANE_COUNT; i++)
		store_queue_destroy(&ops->queues[i]);
	free(ops);
}

struct store_queue *
store_ops_queue(struct store_ops *ops, enum store_lane lane)
{
	return &ops->queues[lane];
}

struct store_mailbox *
store_ops_mailbox(struct store_ops *ops)
{
	return &ops->mailbox;
}

void
store_ops_read_only(struct store_ops *ops)
{
	ops->reads_only = true;
}

static void
ops_return(struct store_ops *ops, struct store_op *op, enum store_status status)
{
	op->status = status;
	store_mailbox_post(&ops->mailbox, op);
}

static void
ops_answer_one(struct store_ops *ops, struct store_op *op)
{
	ops->pending--;
	if (store_op_is_question(op))
		TAILQ_REMOVE(&ops->questions, op, link);
	op->type->answer(ops->store, op, op->status);
	if (op->type->clear != NULL)
		op->type->clear(op);
	evpop_arena_free(&op->arena);
	free(op);
}

void
store_op_submit(struct store_ops *ops, struct store_op *op)
{
	assert(!store_op_is_question(op) || op->deadline_ms > 0);
	ops->pending++;
	if (op->status != STORE_OK)
		ops_answer_one(ops, op);
	else if (ops->is_closing)
		ops_return(ops, op, STORE_CLOSED);
	else if (ops->reads_only && op->type->lane == STORE_LANE_WRITES)
		ops_return(ops, op, STORE_READ_ONLY);
	else
		store_queue_push(&ops->queues[op->type->lane], op);
}

void
store_op_await(struct store_op *op, uint64_t rows)
{
	op->awaited = rows;
}

uint64_t
store_op_awaits(const struct store_op *op)
{
	return op->awaited;
}

void
store_op_hold(struct store_op *op, size_t octets)
{
	op->octets = octets;
}

size_t
store_op_octets(const struct store_op *op)
{
	return op->octets;
}

bool
store_ops_answer(struct store_ops *ops, size_t most)
{
	struct store_op *op;

	store_mailbox_collect(&ops->mailbox, &ops->finished);
	while ((op = STAILQ_FIRST(&ops->finished)) != NULL && most-- > 0) {
		STAILQ_REMOVE_HEAD(&ops->finished, next);
		ops_answer_one(ops, op);
	}
	return !STAILQ_EMPTY(&ops->finished);
}

void
store_ops_close(struct store_ops *ops)
{
	ops->is_closing = true;
	store_ops_leave(ops, NULL);
}

void
store_ops_end(struct store_ops *ops)
{
	while (ops->pending > 0)
		store_ops_answer(ops, SIZE_MAX);
}

/* ---- what an operation holds ---- */

void *
store_op_new(const struct store_op_type *type, size_t size)
{
	struct store_op *op = calloc(1, size);

	if (op != NULL)
		op->type = type;
	return op;
}

void
store_op_init(struct store_op *op, const struct store_op_type *type)
{
	op->type = type;
}

const unsigned char *
store_op_bytes(struct store_op *op, const unsigned char *bytes, size_t length)
{
	char *copy;

	if (bytes == NULL)
		return NULL;
	copy = evpop_arena_copy(&op->arena, bytes, length);
	if (copy == NULL)
		op->status = STORE_MEMORY;
	return (const unsigned char *)copy;
}

struct evpop_arena *
store_op_arena(struct store_op *op)
{
	return &op->arena;
}

const char *
store_op_text(struct store_op *op, const char *text)
{
	return text == NULL ? NULL
			    : (const char *)store_op_bytes(op,
				  (const unsigned char *)text, strlen(text));
}

/* There is room up to each power of two. */
void *
store_op_grow(struct store_op *op, void *rows, size_t count, size_t row_size)
{
	void *grown;

	if (count > 0 && (count & (count - 1)) != 0)
		return rows;
	grown = evpop_arena_take(&op->arena, (2 * count + 1) * row_size);
	if (grown == NULL) {
		op->status = STORE_MEMORY;
		return NULL;
	}
	if (count > 0)
		memcpy(grown, rows, count * row_size);
	return grown;
}

const char *
store_op_column_text(struct store_op *op, struct sql_statement *row, int column)
{
	const char *text = sql_column_text(row, column);

	if (text == NULL && !sql_column_is_null(row, column))
		op->status = STORE_MEMORY;
	return store_op_text(op, text);
}

const unsigned char *
store_op_column_bytes(struct store_op *op, struct sql_statement *row,
    int column, size_t *length_r)
{
	const void *bytes = sql_column_blob(row, column, length_r);

	if (bytes == NULL && *length_r > 0)
		op->status = STORE_MEMORY;
	if (bytes == NULL && !sql_column_is_null(row, column))
		bytes = "";
	return store_op_bytes(op, bytes, *length_r);
}

enum store_status
store_op_take_rows(
    struct store_op *op, struct sql_statement *rows, store_op_take take)
{
	enum store_status status;

	while (op->status == STORE_OK && sql_step(rows))
		take(op, rows);
	status = sql_end(rows);
	return status != STORE_OK ? status : op->status;
}

enum store_status
store_op_take_row(
    struct store_op *op, struct sql_statement *row, store_op_take take)
{
	enum store_status status;
	bool is_found = sql_step(row);

	if (is_found)
		take(op, row);
	status = sql_end(row);
	if (status != STORE_OK)
		return status;
	return is_found ? op->status : STORE_NOT_FOUND;
}

/* ---- questions ---- */

void
store_op_begin_question(
    struct store_ops *ops, struct store_op *op, const void *asker)
{
	op->asker = asker;
	op->deadline_ms = evpop_clock_monotonic_ms() + ops->question_ms;
	atomic_init(&op->is_left, false);
	TAILQ_INSERT_TAIL(&ops->questions, op, link);
}

void
store_ops_leave(struct store_ops *ops, const void *asker)
{
	struct store_op *op;

	TAILQ_FOREACH(op, &ops->questions, link) {
		if (asker != NULL && op->asker != asker)
			continue;
		atomic_store(&op->is_left, true);
		/* A question that no thread has begun needs none. */
		if (store_queue_remove(&ops->queues[op->type->lane], op))
			ops_return(ops, op, STORE_CLOSED);
	}
}

bool
store_op_is_question(const struct store_op *op)
{
	return op->type->lane >= STORE_LANE_QUESTIONS;
}

bool
store_op_is_left(const struct store_op *op)
{
	return atomic_load(&op->is_left);
}

bool
store_op_is_over(const struct store_op *op)
{
	return store_op_is_question(op) &&
	       (atomic_load(&op->is_left) ||
		   evpop_clock_monotonic_ms() >= op->deadline_ms);
}

void
store_op_read(struct store_op *op, struct sql_db *db)
{
	op->status =
	    store_op_is_over(op) ? STORE_CLOSED : op->type->read(db, op);
	/* The connection tells a deadline and a leave by the same status. */
	if (op->status == STORE_CLOSED && store_op_is_question(op) &&
	    !atomic_load(&op->is_left))
		op->status = STORE_SLOW;
}

enum store_status
store_op_status(const struct store_op *op)
{
	return op->status;
}

enum store_status
store_op_fail(struct store_op *op, enum store_status status)
{
	op->status = status;
	return STORE_OK;
}

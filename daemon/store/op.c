#include "daemon/store/op.h"

#include <assert.h>

#include "daemon/store/private.h"

static void
order_append(struct store_order *order, struct store_op *op)
{
	op->later = NULL;
	op->done = false;
	if (order->tail == NULL)
		order->head = op;
	else
		order->tail->later = op;
	order->tail = op;
}

void
store_op_submit(struct store *store, struct store_op *op)
{
	const struct store_op_type *type = op->type;

	if (type->kind == STORE_OP_POLL)
		store_history_submitted(store);
	else if (type->write != NULL)
		store_history_flush(store);
	op->next = NULL;
	op->status = STORE_OK;
	if (type->kind != STORE_OP_QUESTION)
		order_append(&store->order[type->kind], op);
	else
		assert(op->question.deadline_ms > 0); /* it has begun */
	store->pending++;

	if (store->closing) {
		op->status = STORE_CLOSED;
		store_mailbox_post(&store->mailbox, op);
	} else if (type->write != NULL)
		store_queue_push(store_writer_queue(store->writer), op);
	else
		store_queue_push(&store->queries[type->lane], op);
}

void
store_op_ask(struct store *store, struct store_op *op, const void *asker)
{
	store_question_begin(store, op, asker);
	store_op_submit(store, op);
}

static void
answer(struct store *store, struct store_op *op)
{
	store->pending--;
	op->type->answer(store, op);
	op->type->free(op);
}

void
store_op_finished(struct store *store, struct store_op *op)
{
	struct store_order *order = &store->order[op->type->kind];

	if (op->type->kind == STORE_OP_QUESTION) {
		store_question_end(store, op);
		answer(store, op);
		return;
	}
	assert(!op->done);
	op->done = true;
	while ((op = order->head) != NULL && op->done) {
		order->head = op->later;
		if (order->head == NULL)
			order->tail = NULL;
		answer(store, op);
	}
}

#include "daemon/store/op.h"

#include <assert.h>

#include "daemon/store/private.h"

void
store_op_submit(struct store *store, struct store_op *op)
{
	struct store_order *order = &store->order[op->type->kind];

	if (op->type->kind == STORE_OP_POLL)
		store_history_submitted(store);
	else if (op->type->write != NULL)
		store_history_flush(store);
	op->next = NULL;
	op->later = NULL;
	op->done = false;
	op->status = STORE_OK;
	if (order->tail == NULL)
		order->head = op;
	else
		order->tail->later = op;
	order->tail = op;
	store->pending++;

	if (store->closing) {
		op->status = STORE_CLOSED;
		store_mailbox_post(&store->mailbox, op);
	} else if (op->type->write != NULL)
		store_queue_push(store_writer_queue(store->writer), op);
	else
		store_queue_push(&store->queries, op);
}

void
store_op_finished(struct store *store, struct store_op *op)
{
	struct store_order *order = &store->order[op->type->kind];

	assert(!op->done);
	op->done = true;
	while ((op = order->head) != NULL && op->done) {
		order->head = op->later;
		if (order->head == NULL)
			order->tail = NULL;
		store->pending--;
		op->type->answer(store, op);
		op->type->free(op);
	}
}

#include "daemon/store/question.h"

#include "daemon/store/private.h"
#include "lib/base/clock.h"

void
store_question_begin(
    struct store *store, struct store_op *op, const void *asker)
{
	struct store_question *question = &op->question;

	question->asker = asker;
	question->deadline_ms = evpop_clock_monotonic_ms() + store->question_ms;
	atomic_init(&question->is_left, false);
	TAILQ_INSERT_TAIL(&store->questions, op, question.link);
}

void
store_question_end(struct store *store, struct store_op *op)
{
	TAILQ_REMOVE(&store->questions, op, question.link);
}

/* What no thread has begun with needs none. */
static void
leave(struct store *store, struct store_op *op)
{
	struct store_queue *queue = &store->queries[op->type->lane];

	atomic_store(&op->question.is_left, true);
	if (!store_queue_remove(queue, op))
		return;
	op->status = STORE_CLOSED;
	store_mailbox_post(&store->mailbox, op);
}

void
store_leave(struct store *store, const void *asker)
{
	struct store_op *op;

	TAILQ_FOREACH(op, &store->questions, question.link)
		if (op->question.asker == asker)
			leave(store, op);
}

void
store_questions_leave(struct store *store)
{
	struct store_op *op;

	TAILQ_FOREACH(op, &store->questions, question.link)
		leave(store, op);
}

bool
store_question_is_left(const struct store_question *question)
{
	return atomic_load(&question->is_left);
}

bool
store_question_is_over(const struct store_question *question)
{
	return store_question_is_left(question) ||
	       evpop_clock_monotonic_ms() >= question->deadline_ms;
}

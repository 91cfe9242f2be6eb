/*
 * Questions: what people ask, and nobody else waits for.  Each has a deadline,
 * ends when its asker leaves, and is answered as soon as its answer is there,
 * whatever was asked before it.
 */
#ifndef STORE_QUESTION_H
#define STORE_QUESTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct store;
struct store_op;

/* Part of an operation. */
struct store_question {
	const void *asker;
	int64_t deadline_ms; /* monotonic */
	atomic_bool is_left; /* nobody waits for the answer */
	TAILQ_ENTRY(store_op) link;
};

/* Those without an answer, oldest first; the loop's. */
TAILQ_HEAD(store_questions, store_op);

/* The operation is a question from now on, and its time runs. */
void store_question_begin(struct store *, struct store_op *, const void *asker);

/* It is about to be answered. */
void store_question_end(struct store *, struct store_op *);

/* Nobody waits for any. */
void store_questions_leave(struct store *);

/* For the thread that answers it: whether to give up. */
bool store_question_is_over(const struct store_question *);
bool store_question_is_left(const struct store_question *);

#endif

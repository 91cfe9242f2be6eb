/*
 * Operations that wait for a thread: first in, first out.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct store_op;

STAILQ_HEAD(store_op_list, store_op);

struct store_queue {
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	struct store_op_list ops;
	bool is_stopped, is_woken;
};

/* Returns false where the system has no more of these. */
bool store_queue_init(struct store_queue *) __attribute__((warn_unused_result));
void store_queue_destroy(struct store_queue *);

void store_queue_push(struct store_queue *, struct store_op *);

/*
 * The next operation; waits until the monotonic time deadline_ms, or for ever
 * if it is STORE_QUEUE_FOREVER.  NULL: the time is up, somebody was woken, or
 * the queue is stopped and empty.
 */
#define STORE_QUEUE_NOW     0
#define STORE_QUEUE_FOREVER INT64_MAX
struct store_op *store_queue_take(struct store_queue *, int64_t deadline_ms);

/* Whoever waits for an operation does not wait any longer, this once. */
void store_queue_wake(struct store_queue *);

/* Take this one out; false where it has been taken. */
bool store_queue_remove(struct store_queue *, struct store_op *);

bool store_queue_is_empty(struct store_queue *);

/* What is in it is still to be taken; nothing waits for more. */
void store_queue_stop(struct store_queue *);
bool store_queue_is_stopped(struct store_queue *);

#endif

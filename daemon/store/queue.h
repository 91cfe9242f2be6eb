/*
 * Where the loop and the threads meet.  Operations wait in a queue for a
 * thread, first in, first out.  They come back through a mailbox: threads post
 * what is done, and the loop is woken by an eventfd to collect it.
 */
#ifndef STORE_QUEUE_H
#define STORE_QUEUE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct event;
struct event_base;
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
 * The next operation.  Waits until the monotonic time deadline_ms, or for ever
 * if it is STORE_QUEUE_FOREVER.  NULL: the time is up, the queue was woken, or
 * it is stopped and empty.
 */
#define STORE_QUEUE_NOW     0
#define STORE_QUEUE_FOREVER INT64_MAX
struct store_op *store_queue_take(struct store_queue *, int64_t deadline_ms);

/* A thread that waits returns now, this once. */
void store_queue_wake(struct store_queue *);

/* Take this one out; false where it has been taken. */
bool store_queue_remove(struct store_queue *, struct store_op *);

bool store_queue_is_empty(struct store_queue *);

/* Nobody waits for more operations; those in the queue are still taken. */
void store_queue_stop(struct store_queue *);
bool store_queue_is_stopped(struct store_queue *);

/* ---- the way back ---- */

struct store_mailbox {
	pthread_mutex_t mutex;
	struct store_op_list ops;
	int fd;
	struct event *woken;
};

/* `woken` runs on the loop when there is something to collect. */
bool store_mailbox_init(struct store_mailbox *, struct event_base *,
    void (*woken)(int fd, short what, void *arg), void *arg)
    __attribute__((warn_unused_result));
void store_mailbox_destroy(struct store_mailbox *);

/* Post an operation (NULL: only wake the loop), or all of a list. */
void store_mailbox_post(struct store_mailbox *, struct store_op *);
void store_mailbox_post_all(struct store_mailbox *, struct store_op_list *);

/* Append all that was posted, oldest first. */
void store_mailbox_collect(struct store_mailbox *, struct store_op_list *);

#endif

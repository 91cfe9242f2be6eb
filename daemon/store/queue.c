#include "daemon/store/queue.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "daemon/store/lock.h"
#include "daemon/store/op.h"

static bool
queue_init_condition(pthread_cond_t *condition)
{
	pthread_condattr_t attributes;
	bool made;

	if (pthread_condattr_init(&attributes) != 0)
		return false;
	made = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0 &&
	       pthread_cond_init(condition, &attributes) == 0;
	pthread_condattr_destroy(&attributes);
	return made;
}

bool
store_queue_init(struct store_queue *queue)
{
	STAILQ_INIT(&queue->ops);
	queue->is_stopped = false;
	queue->is_woken = false;
	if (pthread_mutex_init(&queue->mutex, NULL) != 0)
		return false;
	if (!queue_init_condition(&queue->filled)) {
		pthread_mutex_destroy(&queue->mutex);
		return false;
	}
	return true;
}

void
store_queue_destroy(struct store_queue *queue)
{
	assert(STAILQ_EMPTY(&queue->ops));
	pthread_cond_destroy(&queue->filled);
	pthread_mutex_destroy(&queue->mutex);
}

void
store_queue_push(struct store_queue *queue, struct store_op *op)
{
	store_lock(&queue->mutex);
	STAILQ_INSERT_TAIL(&queue->ops, op, next);
	store_unlock(&queue->mutex);
	pthread_cond_signal(&queue->filled);
}

/* Returns false when the time is up. */
static bool
queue_wait(struct store_queue *queue, int64_t deadline_ms)
{
	struct timespec until;

	if (deadline_ms == STORE_QUEUE_NOW)
		return false;
	if (deadline_ms == STORE_QUEUE_FOREVER) {
		pthread_cond_wait(&queue->filled, &queue->mutex);
		return true;
	}
	until.tv_sec = (time_t)(deadline_ms / 1000);
	until.tv_nsec = (long)(deadline_ms % 1000) * 1000000;
	return pthread_cond_timedwait(&queue->filled, &queue->mutex, &until) !=
	       ETIMEDOUT;
}

struct store_op *
store_queue_take(struct store_queue *queue, int64_t deadline_ms)
{
	struct store_op *op;

	store_lock(&queue->mutex);
	while (
	    STAILQ_EMPTY(&queue->ops) && !queue->is_stopped && !queue->is_woken)
		if (!queue_wait(queue, deadline_ms))
			break;
	queue->is_woken = false;
	op = STAILQ_FIRST(&queue->ops);
	if (op != NULL)
		STAILQ_REMOVE_HEAD(&queue->ops, next);
	store_unlock(&queue->mutex);
	return op;
}

void
store_queue_wake(struct store_queue *queue)
{
	store_lock(&queue->mutex);
	queue->is_woken = true;
	store_unlock(&queue->mutex);
	pthread_cond_signal(&queue->filled);
}

bool
store_queue_remove(struct store_queue *queue, struct store_op *op)
{
	struct store_op *found;

	store_lock(&queue->mutex);
	STAILQ_FOREACH(found, &queue->ops, next)
		if (found == op)
			break;
	if (found != NULL)
		STAILQ_REMOVE(&queue->ops, op, store_op, next);
	store_unlock(&queue->mutex);
	return found != NULL;
}

bool
store_queue_is_empty(struct store_queue *queue)
{
	bool empty;

	store_lock(&queue->mutex);
	empty = STAILQ_EMPTY(&queue->ops);
	store_unlock(&queue->mutex);
	return empty;
}

void
store_queue_stop(struct store_queue *queue)
{
	store_lock(&queue->mutex);
	queue->is_stopped = true;
	store_unlock(&queue->mutex);
	pthread_cond_broadcast(&queue->filled);
}

bool
store_queue_is_stopped(struct store_queue *queue)
{
	bool stopped;

	store_lock(&queue->mutex);
	stopped = queue->is_stopped;
	store_unlock(&queue->mutex);
	return stopped;
}

/* ---- the way back ---- */

bool
store_mailbox_init(struct store_mailbox *mailbox, struct event_base *base,
    void (*woken)(int fd, short what, void *arg), void *arg)
{
	STAILQ_INIT(&mailbox->ops);
	if (pthread_mutex_init(&mailbox->mutex, NULL) != 0)
		return false;
	mailbox->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (mailbox->fd == -1)
		goto no_fd;
	mailbox->woken =
	    event_new(base, mailbox->fd, EV_READ | EV_PERSIST, woken, arg);
	if (mailbox->woken == NULL)
		goto no_event;
	if (event_add(mailbox->woken, NULL) == 0)
		return true;
	event_free(mailbox->woken);
no_event:
	close(mailbox->fd);
no_fd:
	pthread_mutex_destroy(&mailbox->mutex);
	return false;
}

void
store_mailbox_destroy(struct store_mailbox *mailbox)
{
	assert(STAILQ_EMPTY(&mailbox->ops));
	event_free(mailbox->woken);
	close(mailbox->fd);
	pthread_mutex_destroy(&mailbox->mutex);
}

void
store_mailbox_post_all(
    struct store_mailbox *mailbox, struct store_op_list *list)
{
	const uint64_t one = 1;
	ssize_t written;

	store_lock(&mailbox->mutex);
	STAILQ_CONCAT(&mailbox->ops, list);
	store_unlock(&mailbox->mutex);
	/* It can only fail when the counter is full, and then it is awake. */
	written = write(mailbox->fd, &one, sizeof(one));
	(void)written;
}

void
store_mailbox_post(struct store_mailbox *mailbox, struct store_op *op)
{
	struct store_op_list list = STAILQ_HEAD_INITIALIZER(list);

	if (op != NULL)
		STAILQ_INSERT_TAIL(&list, op, next);
	store_mailbox_post_all(mailbox, &list);
}

void
store_mailbox_collect(
    struct store_mailbox *mailbox, struct store_op_list *list_r)
{
	uint64_t count;
	ssize_t got = read(mailbox->fd, &count, sizeof(count));

	(void)got;
	store_lock(&mailbox->mutex);
	STAILQ_CONCAT(list_r, &mailbox->ops);
	store_unlock(&mailbox->mutex);
}

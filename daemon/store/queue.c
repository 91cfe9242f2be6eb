#include "daemon/store/queue.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

#include "daemon/store/op.h"

static void
lock(struct store_queue *queue)
{
	int failed = pthread_mutex_lock(&queue->mutex);

	assert(failed == 0);
}

static void
unlock(struct store_queue *queue)
{
	int failed = pthread_mutex_unlock(&queue->mutex);

	assert(failed == 0);
}

static bool
init_condition(pthread_cond_t *condition)
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
	queue->head = NULL;
	queue->tail = NULL;
	queue->stopped = false;
	queue->woken = false;
	if (pthread_mutex_init(&queue->mutex, NULL) != 0)
		return false;
	if (!init_condition(&queue->filled)) {
		pthread_mutex_destroy(&queue->mutex);
		return false;
	}
	return true;
}

void
store_queue_destroy(struct store_queue *queue)
{
	assert(queue->head == NULL);
	pthread_cond_destroy(&queue->filled);
	pthread_mutex_destroy(&queue->mutex);
}

void
store_queue_push(struct store_queue *queue, struct store_op *op)
{
	bool was_empty;

	op->next = NULL;
	lock(queue);
	was_empty = queue->head == NULL;
	if (was_empty)
		queue->head = op;
	else
		queue->tail->next = op;
	queue->tail = op;
	unlock(queue);
	pthread_cond_signal(&queue->filled);
}

/* Returns false when the time is up. */
static bool
wait_for_more(struct store_queue *queue, int64_t deadline_ms)
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

	lock(queue);
	while (queue->head == NULL && !queue->stopped && !queue->woken)
		if (!wait_for_more(queue, deadline_ms))
			break;
	queue->woken = false;
	op = queue->head;
	if (op != NULL) {
		queue->head = op->next;
		if (queue->head == NULL)
			queue->tail = NULL;
		op->next = NULL;
	}
	unlock(queue);
	return op;
}

void
store_queue_wake(struct store_queue *queue)
{
	lock(queue);
	queue->woken = true;
	unlock(queue);
	pthread_cond_signal(&queue->filled);
}

bool
store_queue_remove(struct store_queue *queue, struct store_op *op)
{
	struct store_op **link = &queue->head, *before = NULL;
	bool found;

	lock(queue);
	while (*link != NULL && *link != op) {
		before = *link;
		link = &before->next;
	}
	found = *link != NULL;
	if (found) {
		*link = op->next;
		if (queue->tail == op)
			queue->tail = before;
		op->next = NULL;
	}
	unlock(queue);
	return found;
}

bool
store_queue_is_empty(struct store_queue *queue)
{
	bool empty;

	lock(queue);
	empty = queue->head == NULL;
	unlock(queue);
	return empty;
}

void
store_queue_stop(struct store_queue *queue)
{
	lock(queue);
	queue->stopped = true;
	unlock(queue);
	pthread_cond_broadcast(&queue->filled);
}

bool
store_queue_is_stopped(struct store_queue *queue)
{
	bool stopped;

	lock(queue);
	stopped = queue->stopped;
	unlock(queue);
	return stopped;
}

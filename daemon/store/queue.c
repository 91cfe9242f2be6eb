#include "daemon/store/queue.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

#include "daemon/store/op.h"

static void
queue_lock(struct store_queue *queue)
{
	int failed = pthread_mutex_lock(&queue->mutex);

	assert(failed == 0);
}

static void
queue_unlock(struct store_queue *queue)
{
	int failed = pthread_mutex_unlock(&queue->mutex);

	assert(failed == 0);
}

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
	queue_lock(queue);
	STAILQ_INSERT_TAIL(&queue->ops, op, next);
	queue_unlock(queue);
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

	queue_lock(queue);
	while (
	    STAILQ_EMPTY(&queue->ops) && !queue->is_stopped && !queue->is_woken)
		if (!queue_wait(queue, deadline_ms))
			break;
	queue->is_woken = false;
	op = STAILQ_FIRST(&queue->ops);
	if (op != NULL)
		STAILQ_REMOVE_HEAD(&queue->ops, next);
	queue_unlock(queue);
	return op;
}

void
store_queue_wake(struct store_queue *queue)
{
	queue_lock(queue);
	queue->is_woken = true;
	queue_unlock(queue);
	pthread_cond_signal(&queue->filled);
}

bool
store_queue_remove(struct store_queue *queue, struct store_op *op)
{
	struct store_op *found;

	queue_lock(queue);
	STAILQ_FOREACH(found, &queue->ops, next)
		if (found == op)
			break;
	if (found != NULL)
		STAILQ_REMOVE(&queue->ops, op, store_op, next);
	queue_unlock(queue);
	return found != NULL;
}

bool
store_queue_is_empty(struct store_queue *queue)
{
	bool empty;

	queue_lock(queue);
	empty = STAILQ_EMPTY(&queue->ops);
	queue_unlock(queue);
	return empty;
}

void
store_queue_stop(struct store_queue *queue)
{
	queue_lock(queue);
	queue->is_stopped = true;
	queue_unlock(queue);
	pthread_cond_broadcast(&queue->filled);
}

bool
store_queue_is_stopped(struct store_queue *queue)
{
	bool stopped;

	queue_lock(queue);
	stopped = queue->is_stopped;
	queue_unlock(queue);
	return stopped;
}

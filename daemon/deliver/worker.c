#include "daemon/deliver/worker.h"

#include <sys/eventfd.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

TAILQ_HEAD(worker_jobs, worker_job);

struct worker {
	const struct worker_handler *handler;
	void *arg;
	atomic_bool is_stopping;

	/* The loop's. */
	struct event *woken;
	pthread_t thread;
	bool is_started;
	bool is_answering;
	bool is_freed; /* while jobs are answered */
	struct worker_jobs taken;

	int wake; /* an eventfd */
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct worker_jobs waiting, answered;
	size_t waiting_count, answered_count;
	bool is_woken;    /* the loop, and has not come yet */
	bool is_busy;     /* the thread is in a call of the handler's */
	bool is_detached; /* the thread is alone: it frees everything */
};

/* ---- both sides ---- */

static void
worker_release(struct worker *worker)
{
	struct worker_jobs *const all[] = { &worker->waiting, &worker->answered,
		&worker->taken };
	struct worker_job *job;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		while ((job = TAILQ_FIRST(all[i])) != NULL) {
			TAILQ_REMOVE(all[i], job, entry);
			worker->handler->drop(job, worker->arg);
		}
	worker->handler->ended(worker->arg);
	close(worker->wake);
	pthread_cond_destroy(&worker->changed);
	pthread_mutex_destroy(&worker->mutex);
	free(worker);
}

/* ---- the thread's side ---- */

/* Under the mutex. */
static void
worker_wake(struct worker *worker)
{
	const uint64_t one = 1;
	ssize_t written;

	if (worker->is_woken || worker->answered_count == 0)
		return;
	worker->is_woken = true;
	/* It can only fail when the loop is about to wake anyway. */
	written = write(worker->wake, &one, sizeof(one));
	(void)written;
}

/*
 * The loop is woken for many jobs at once, and soon enough to bring others
 * before none is left.
 */
void
worker_answer(struct worker *worker, struct worker_job *job)
{
	pthread_mutex_lock(&worker->mutex);
	TAILQ_INSERT_TAIL(&worker->answered, job, entry);
	worker->answered_count++;
	if (worker->answered_count >= worker->waiting_count)
		worker_wake(worker);
	pthread_mutex_unlock(&worker->mutex);
}

bool
worker_is_stopping(const struct worker *worker)
{
	return atomic_load(&worker->is_stopping);
}

/* Under the mutex, which is given away while the handler works. */
static void
worker_work(struct worker *worker, bool *is_resting)
{
	struct worker_job *job = TAILQ_FIRST(&worker->waiting);

	if (job == NULL)
		worker_wake(worker);
	if (job == NULL && *is_resting) {
		pthread_cond_wait(&worker->changed, &worker->mutex);
		return;
	}
	if (job != NULL) {
		TAILQ_REMOVE(&worker->waiting, job, entry);
		worker->waiting_count--;
	}
	worker->is_busy = true;
	pthread_mutex_unlock(&worker->mutex);
	if (job != NULL)
		worker->handler->run(job, worker->arg);
	else
		worker->handler->rest(worker->arg);
	*is_resting = job == NULL;
	pthread_mutex_lock(&worker->mutex);
	worker->is_busy = false;
}

static void *
worker_main(void *arg)
{
	struct worker *worker = arg;
	bool is_resting = true, is_detached;

	pthread_mutex_lock(&worker->mutex);
	while (!worker_is_stopping(worker))
		worker_work(worker, &is_resting);
	is_detached = worker->is_detached;
	pthread_mutex_unlock(&worker->mutex);
	if (is_detached)
		worker_release(worker);
	return NULL;
}

/* ---- the loop's side ---- */

/* A thread that rests is waited for, one that works frees what there is. */
static void
worker_end(struct worker *worker)
{
	pthread_t thread = worker->thread;
	bool is_alone;

	if (!worker->is_started) {
		worker_release(worker);
		return;
	}
	pthread_mutex_lock(&worker->mutex);
	atomic_store(&worker->is_stopping, true);
	is_alone = worker->is_detached = worker->is_busy;
	pthread_cond_signal(&worker->changed);
	pthread_mutex_unlock(&worker->mutex);
	if (is_alone) {
		pthread_detach(thread);
		return;
	}
	pthread_join(thread, NULL);
	worker_release(worker);
}

static void
worker_woken(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	struct worker_job *job;
	uint64_t count;

	(void)what;
	if (read(fd, &count, sizeof(count)) == -1)
		return;
	pthread_mutex_lock(&worker->mutex);
	TAILQ_CONCAT(&worker->taken, &worker->answered, entry);
	worker->answered_count = 0;
	worker->is_woken = false;
	pthread_mutex_unlock(&worker->mutex);
	worker->is_answering = true;
	while (
	    !worker->is_freed && (job = TAILQ_FIRST(&worker->taken)) != NULL) {
		TAILQ_REMOVE(&worker->taken, job, entry);
		worker->handler->answered(job, worker->arg);
	}
	worker->is_answering = false;
	if (worker->is_freed)
		worker_end(worker);
}

struct worker *
worker_new(
    struct event_base *base, const struct worker_handler *handler, void *arg)
{
	struct worker *worker = calloc(1, sizeof(*worker));

	if (worker == NULL)
		return NULL;
	worker->handler = handler;
	worker->arg = arg;
	atomic_init(&worker->is_stopping, false);
	TAILQ_INIT(&worker->waiting);
	TAILQ_INIT(&worker->answered);
	TAILQ_INIT(&worker->taken);
	worker->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (worker->wake != -1)
		worker->woken = event_new(base, worker->wake,
		    EV_READ | EV_PERSIST, worker_woken, worker);
	if (worker->woken == NULL || event_add(worker->woken, NULL) == -1 ||
	    pthread_mutex_init(&worker->mutex, NULL) != 0) {
		if (worker->woken != NULL)
			event_free(worker->woken);
		if (worker->wake != -1)
			close(worker->wake);
		free(worker);
		return NULL;
	}
	pthread_cond_init(&worker->changed, NULL);
	return worker;
}

/* Signals are for the program's own threads. */
static bool
worker_start(struct worker *worker)
{
	sigset_t all, before;

	if (worker->is_started)
		return true;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	worker->is_started =
	    pthread_create(&worker->thread, NULL, worker_main, worker) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return worker->is_started;
}

bool
worker_push(struct worker *worker, struct worker_job *job)
{
	if (!worker_start(worker))
		return false;
	pthread_mutex_lock(&worker->mutex);
	TAILQ_INSERT_TAIL(&worker->waiting, job, entry);
	worker->waiting_count++;
	pthread_cond_signal(&worker->changed);
	pthread_mutex_unlock(&worker->mutex);
	return true;
}

void
worker_free(struct worker **worker_r)
{
	struct worker *worker = *worker_r;

	*worker_r = NULL;
	if (worker == NULL)
		return;
	event_free(worker->woken);
	if (worker->is_answering)
		worker->is_freed = true;
	else
		worker_end(worker);
}

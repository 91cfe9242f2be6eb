#include "lib/net/derive.h"

#include <sys/eventfd.h>
#include <sys/queue.h>

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

/* Iterations between two looks whether somebody still waits: half a ms. */
#define SLICE 1024

/* More would hardly ever find work. */
#define WORKERS_MAX 8

struct evpop_derive_request {
	TAILQ_ENTRY(evpop_derive_request) entry;
	struct job *job;
	struct evpop_keys *keys; /* where the key is kept, too; or NULL */
	evpop_derive_cb callback;
	void *arg;
};
TAILQ_HEAD(requests, evpop_derive_request);

enum job_state {
	JOB_WAITING,  /* in derive->waiting */
	JOB_RUNNING,  /* a worker has it */
	JOB_FINISHED, /* in derive->finished, then the loop's own */
};

struct job {
	struct evpop_derive *derive;
	unsigned char digest[EVPOP_SHA256_SIZE];
	size_t key_size;

	/* The loop's. */
	TAILQ_ENTRY(job) wanted_entry;
	bool is_wanted; /* it is in derive->wanted */
	struct requests requests;

	/* The worker's while it runs. */
	struct evpop_pbkdf2 *pbkdf2;
	const unsigned char *key; /* in pbkdf2; NULL: it failed */
	atomic_bool abandoned;

	/* Under the mutex. */
	TAILQ_ENTRY(job) entry;
	enum job_state state;
};
TAILQ_HEAD(jobs, job);

struct worker {
	struct evpop_derive *derive;
	pthread_t thread;
	bool is_started; /* and not joined yet: the loop's */
	bool has_ended;  /* it found nothing to do: under the mutex */
};

struct evpop_derive {
	struct event_base *base;
	struct event *woken; /* waits as long as there are workers */
	int wake;            /* an eventfd; -1 before the first job */
	struct jobs wanted;  /* those that have requests */
	struct jobs taken;   /* finished ones, to be answered */
	size_t worker_limit, worker_count;
	bool answering, freed;

	pthread_mutex_t mutex;
	struct jobs waiting, finished;
	struct worker workers[WORKERS_MAX];
};

/* ---- the worker's side ---- */

static void
job_compute(struct job *job)
{
	job->key = NULL;
	while (job->key == NULL && !atomic_load(&job->abandoned))
		if (!evpop_pbkdf2_run(job->pbkdf2, SLICE, &job->key))
			return;
}

/*
 * The loop sees a finished job and a worker's end under one hold of the mutex.
 */
static void
worker_wake_loop(struct evpop_derive *derive)
{
	const uint64_t one = 1;
	ssize_t written;

	written = write(derive->wake, &one, sizeof one);
	/* It can only fail when the loop is about to wake anyway. */
	(void)written;
}

static void *
worker_run(void *arg)
{
	struct worker *worker = arg;
	struct evpop_derive *derive = worker->derive;
	struct job *job;

	pthread_mutex_lock(&derive->mutex);
	while ((job = TAILQ_FIRST(&derive->waiting)) != NULL) {
		TAILQ_REMOVE(&derive->waiting, job, entry);
		job->state = JOB_RUNNING;
		pthread_mutex_unlock(&derive->mutex);
		job_compute(job);
		pthread_mutex_lock(&derive->mutex);
		job->state = JOB_FINISHED;
		TAILQ_INSERT_TAIL(&derive->finished, job, entry);
		worker_wake_loop(derive);
	}
	worker->has_ended = true;
	worker_wake_loop(derive);
	pthread_mutex_unlock(&derive->mutex);
	return NULL;
}

/* ---- the loop's side ---- */

static void
job_free(struct job *job)
{
	evpop_pbkdf2_free(job->pbkdf2);
	explicit_bzero(job, sizeof *job);
	free(job);
}

static void
derive_join(struct evpop_derive *derive, struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	worker->is_started = false;
	derive->worker_count--;
}

/*
 * Under the mutex, which those that have ended want no more: nothing is left
 * for them but to return.
 */
static void
derive_join_ended(struct evpop_derive *derive)
{
	size_t i;

	for (i = 0; i < derive->worker_limit; i++)
		if (derive->workers[i].is_started &&
		    derive->workers[i].has_ended)
			derive_join(derive, &derive->workers[i]);
}

static void
derive_release(struct evpop_derive *derive)
{
	struct job *job;

	TAILQ_CONCAT(&derive->taken, &derive->finished, entry);
	while ((job = TAILQ_FIRST(&derive->taken)) != NULL) {
		TAILQ_REMOVE(&derive->taken, job, entry);
		job_free(job);
	}
	if (derive->woken != NULL)
		event_free(derive->woken);
	if (derive->wake != -1)
		close(derive->wake);
	pthread_mutex_destroy(&derive->mutex);
	free(derive);
}

static void
job_not_wanted(struct job *job)
{
	if (job->is_wanted)
		TAILQ_REMOVE(&job->derive->wanted, job, wanted_entry);
	job->is_wanted = false;
}

static void
job_answer(struct job *job)
{
	struct evpop_derive_request *request;

	job_not_wanted(job);
	while ((request = TAILQ_FIRST(&job->requests)) != NULL) {
		TAILQ_REMOVE(&job->requests, request, entry);
		if (request->keys != NULL && job->key != NULL)
			evpop_keys_put(request->keys, job->digest, job->key,
			    job->key_size);
		request->callback(job->key, request->arg);
		free(request);
	}
	job_free(job);
}

static void
derive_woken(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_derive *derive = arg;
	struct job *job;
	uint64_t count;
	ssize_t got;

	(void)what;
	got = read(fd, &count, sizeof count);
	(void)got;
	pthread_mutex_lock(&derive->mutex);
	derive_join_ended(derive);
	TAILQ_CONCAT(&derive->taken, &derive->finished, entry);
	pthread_mutex_unlock(&derive->mutex);
	if (derive->worker_count == 0)
		event_del(derive->woken);
	derive->answering = true;
	while (!derive->freed && (job = TAILQ_FIRST(&derive->taken)) != NULL) {
		TAILQ_REMOVE(&derive->taken, job, entry);
		job_answer(job);
	}
	derive->answering = false;
	if (derive->freed)
		derive_release(derive);
}

struct evpop_derive *
evpop_derive_new(struct event_base *base)
{
	struct evpop_derive *derive = calloc(1, sizeof *derive);
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	if (derive == NULL)
		return NULL;
	if (pthread_mutex_init(&derive->mutex, NULL) != 0) {
		free(derive);
		return NULL;
	}
	derive->base = base;
	derive->wake = -1;
	derive->worker_limit = processors < 1 ? 1 : (size_t)processors;
	if (derive->worker_limit > WORKERS_MAX)
		derive->worker_limit = WORKERS_MAX;
	TAILQ_INIT(&derive->wanted);
	TAILQ_INIT(&derive->taken);
	TAILQ_INIT(&derive->waiting);
	TAILQ_INIT(&derive->finished);
	return derive;
}

void
evpop_derive_free(struct evpop_derive *derive)
{
	size_t i;

	if (derive == NULL)
		return;
	assert(TAILQ_EMPTY(&derive->wanted));
	/* A running job was abandoned and ends within a slice. */
	for (i = 0; i < derive->worker_limit; i++)
		if (derive->workers[i].is_started)
			derive_join(derive, &derive->workers[i]);
	if (derive->answering)
		derive->freed = true;
	else
		derive_release(derive);
}

/* Make what the first job needs. */
static bool
derive_prepare(struct evpop_derive *derive)
{
	if (derive->wake == -1)
		derive->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (derive->wake != -1 && derive->woken == NULL)
		derive->woken = event_new(derive->base, derive->wake,
		    EV_READ | EV_PERSIST, derive_woken, derive);
	return derive->woken != NULL;
}

/*
 * One more worker, unless there are enough; false where there is none at all.
 * Under the mutex, so that none ends without having seen the new job.
 */
static bool
derive_start_worker(struct evpop_derive *derive)
{
	struct worker *worker = derive->workers;
	sigset_t all, before;
	int rc;

	derive_join_ended(derive);
	if (derive->worker_count == derive->worker_limit)
		return true;
	if (derive->worker_count == 0 && event_add(derive->woken, NULL) == -1)
		return false;
	while (worker->is_started)
		worker++;
	worker->derive = derive;
	worker->has_ended = false;
	/* Signals are for the program's own threads. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&worker->thread, NULL, worker_run, worker);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (rc == 0) {
		worker->is_started = true;
		derive->worker_count++;
	} else if (derive->worker_count == 0)
		event_del(derive->woken);
	return derive->worker_count > 0;
}

static struct job *
job_new(struct evpop_derive *derive, const unsigned char *digest,
    const struct evpop_derivation *derivation)
{
	struct job *job = calloc(1, sizeof *job);

	if (job == NULL)
		return NULL;
	job->pbkdf2 = evpop_pbkdf2_new(derivation);
	if (job->pbkdf2 == NULL) {
		job_free(job);
		return NULL;
	}
	job->derive = derive;
	memcpy(job->digest, digest, sizeof job->digest);
	job->key_size = derivation->key_size;
	atomic_init(&job->abandoned, false);
	TAILQ_INIT(&job->requests);
	return job;
}

/* The job of this digest, begun where there is none; NULL: it cannot be. */
static struct job *
derive_job(struct evpop_derive *derive, const unsigned char *digest,
    const struct evpop_derivation *derivation)
{
	struct job *job;
	bool works;

	TAILQ_FOREACH(job, &derive->wanted, wanted_entry)
		if (memcmp(job->digest, digest, sizeof job->digest) == 0)
			return job;
	if (!derive_prepare(derive) ||
	    (job = job_new(derive, digest, derivation)) == NULL)
		return NULL;
	pthread_mutex_lock(&derive->mutex);
	TAILQ_INSERT_TAIL(&derive->waiting, job, entry);
	works = derive_start_worker(derive);
	if (!works)
		TAILQ_REMOVE(&derive->waiting, job, entry);
	pthread_mutex_unlock(&derive->mutex);
	if (!works) {
		job_free(job);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&derive->wanted, job, wanted_entry);
	job->is_wanted = true;
	return job;
}

static struct evpop_derive_request *
derive_join_job(struct evpop_derive *derive, const unsigned char *digest,
    const struct evpop_derivation *derivation)
{
	struct evpop_derive_request *request = calloc(1, sizeof *request);

	if (request == NULL)
		return NULL;
	request->job = derive_job(derive, digest, derivation);
	if (request->job == NULL) {
		free(request);
		return NULL;
	}
	TAILQ_INSERT_TAIL(&request->job->requests, request, entry);
	return request;
}

enum evpop_derive_status
evpop_derive_ask(struct evpop_derive *derive, struct evpop_keys *keys,
    const struct evpop_derivation *derivation, evpop_derive_cb callback,
    void *arg, unsigned char key_r[EVPOP_KEY_MAX],
    struct evpop_derive_request **request_r)
{
	unsigned char digest[EVPOP_SHA256_SIZE];
	struct evpop_derive_request *request;

	*request_r = NULL;
	if (!evpop_derivation_digest(derivation, digest))
		return EVPOP_DERIVE_FAILED;
	if (keys != NULL &&
	    evpop_keys_find(keys, digest, key_r, derivation->key_size)) {
		explicit_bzero(digest, sizeof digest);
		return EVPOP_DERIVE_KNOWN;
	}
	request = derive_join_job(derive, digest, derivation);
	explicit_bzero(digest, sizeof digest);
	if (request == NULL)
		return EVPOP_DERIVE_FAILED;
	request->keys = keys;
	request->callback = callback;
	request->arg = arg;
	*request_r = request;
	return EVPOP_DERIVE_PENDING;
}

/* No request waits for the job any more. */
static void
job_abandon(struct job *job)
{
	struct evpop_derive *derive = job->derive;
	bool was_waiting;

	job_not_wanted(job);
	atomic_store(&job->abandoned, true);
	pthread_mutex_lock(&derive->mutex);
	was_waiting = job->state == JOB_WAITING;
	if (was_waiting)
		TAILQ_REMOVE(&derive->waiting, job, entry);
	pthread_mutex_unlock(&derive->mutex);
	if (was_waiting)
		job_free(job);
}

void
evpop_derive_cancel(struct evpop_derive_request *request)
{
	struct job *job;

	if (request == NULL)
		return;
	job = request->job;
	TAILQ_REMOVE(&job->requests, request, entry);
	free(request);
	/* One that is being answered is wanted no more. */
	if (job->is_wanted && TAILQ_EMPTY(&job->requests))
		job_abandon(job);
}

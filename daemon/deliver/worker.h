/*
 * A thread that does jobs one after another for a carrier that puts messages
 * into files: a disk may take its time, and the loop never waits for it.
 */
#ifndef DELIVER_WORKER_H
#define DELIVER_WORKER_H

#include <sys/queue.h>

#include <stdbool.h>

struct event_base;
struct worker;

/* The first member of a job. */
struct worker_job {
	TAILQ_ENTRY(worker_job) entry;
};

struct worker_handler {
	/*
	 * On the thread: do it.  worker_answer() follows, from here or from a
	 * later call of `run` or `rest`.
	 */
	void (*run)(struct worker_job *, void *arg);
	/* On the thread: no job waits; what was put off is to be done now. */
	void (*rest)(void *arg);
	/* On the loop, never from inside a call: the job was answered. */
	void (*answered)(struct worker_job *, void *arg);
	/* On either, after worker_free(): nobody wants the job any more. */
	void (*drop)(struct worker_job *, void *arg);
	/* On either: the last call of all. */
	void (*ended)(void *arg);
};

/* Starts a thread with the first job.  NULL without memory. */
struct worker *worker_new(struct event_base *, const struct worker_handler *,
    void *arg) __attribute__((warn_unused_result));

/* False where no thread can be started: the job stays the caller's. */
bool worker_push(struct worker *, struct worker_job *)
    __attribute__((warn_unused_result));

/* On the thread. */
void worker_answer(struct worker *, struct worker_job *);

/* On the thread: worker_free() was called, long work ends. */
bool worker_is_stopping(const struct worker *);

/*
 * No `answered` any more, and nothing is begun any more.  Does not wait: what
 * is under way ends by itself, and `ended` follows then.  Sets the pointer to
 * NULL.
 */
void worker_free(struct worker **);

#endif

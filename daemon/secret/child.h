/*
 * A command run as a child: its output collected within bounds, its end seen
 * on the loop, its whole process group killed when it is no longer wanted.
 */
#ifndef SECRET_CHILD_H
#define SECRET_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct secret_child;

enum secret_child_end {
	SECRET_CHILD_EXITED = 0, /* by itself; `status` as of waitpid(2) */
	SECRET_CHILD_TIMEOUT,    /* killed at the deadline */
	SECRET_CHILD_TOO_MUCH,   /* killed for printing without end */
	SECRET_CHILD_FAILED      /* the loop or the system failed */
};

/* All of it is borrowed until the callback returns. */
struct secret_child_result {
	enum secret_child_end end;
	int status;
	const char *output; /* standard output; wiped afterwards */
	size_t output_length;
	const char *errors; /* the beginning of standard error */
	size_t errors_length;
};

/* Runs once, on the loop; the child is gone when it returns. */
typedef void (*secret_child_cb)(const struct secret_child_result *, void *arg);

/* The least bound of what it prints; others are this, doubled any times. */
#define SECRET_CHILD_OUTPUT_LEAST ((size_t)4096)

struct secret_child_options {
	const char *command;
	/* For no shell, and with a limit of memory: as of secret_spawn. */
	bool is_words;
	uint64_t memory;
	/* Variables beside our own, "NAME=value", then NULL; or NULL. */
	const char *const *environment;
	int input; /* its standard input; -1: empty */
	int64_t timeout_ms;
	/* At the deadline SIGTERM, and so much later SIGKILL; 0: at once. */
	int64_t farewell_ms;
	size_t output_most; /* of what it prints; 0: SECRET_INPUT_MAX */
	bool drops_output;  /* what it prints beyond the bound is dropped */
};

/*
 * Run it, by "/bin/sh -c" if that is not excluded, in a session of its own,
 * signals as at the start of a program, with no descriptors of ours but the
 * standard ones.  NULL with errno.
 */
struct secret_child *secret_child_start(struct event_base *,
    const struct secret_child_options *, secret_child_cb, void *arg)
    __attribute__((warn_unused_result));

/*
 * The same in three steps, for who must not wait until the system has started
 * it.  The options stay until it is watched.
 *
 * On the loop; NULL with errno.
 */
struct secret_child *secret_child_prepare(struct event_base *,
    const struct secret_child_options *, secret_child_cb, void *arg)
    __attribute__((warn_unused_result));
/* From any thread: it runs.  An errno, or 0. */
int secret_child_spawn(struct secret_child *)
    __attribute__((warn_unused_result));
/* On the loop.  An errno, and it is gone; or 0, and the callback follows. */
int secret_child_watch(struct secret_child *)
    __attribute__((warn_unused_result));
/*
 * From any thread, of one that is not watched: kill it if it runs, wait for its
 * end, which SIGKILL makes short.  Sets the pointer to NULL.
 */
void secret_child_abandon(struct secret_child **);

/* Kills it; no callback.  Sets the pointer to NULL. */
void secret_child_kill(struct secret_child **);

#endif

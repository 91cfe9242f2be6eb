/*
 * Runs the commands of [hook]: when accounts, targets or the store begin to
 * fail, when they work again, and when there is new mail.  What happens within
 * seconds is told in one run; the next one waits a minute.  Few run at a time,
 * each within bounds of time and output, and what they do wrong shows in the
 * status and is published.  Everything on the loop.
 */
#ifndef HOOK_HOOK_H
#define HOOK_HOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/config.h"
#include "daemon/hook/report.h"

struct deliver;
struct event_base;
struct hook;
struct notify;
struct poller;

struct hook_pace {
	int64_t gather_ms;   /* from the first event to the run */
	int64_t every_ms;    /* from one run to the next */
	int64_t remind_ms;   /* of what still fails */
	int64_t timeout_ms;  /* of a run, until SIGTERM */
	int64_t farewell_ms; /* from that to SIGKILL */
};
/* As the manual has it. */
extern const struct hook_pace hook_pace;

/* Runs at the same time. */
#define HOOK_RUNS 4

/*
 * Poller and deliverer tell what still fails; they outlive the hooks, as do the
 * others.  NULL without memory.
 */
struct hook *hook_new(struct event_base *, struct notify *,
    const struct poller *, const struct deliver *, const struct config *,
    const struct hook_pace *) __attribute__((warn_unused_result));

/* Other commands from now on; without memory the old ones stay. */
void hook_reload(struct hook *, const struct config *);

/*
 * Run at once what waits, and call `done` from the loop when all is over, at
 * the latest after patience_ms, when the rest is killed.  Only once.
 */
void hook_finish(
    struct hook *, int64_t patience_ms, void (*done)(void *arg), void *arg);

/* How a hook fares; strings are borrowed until the next turn of the loop. */
struct hook_status {
	bool is_set;
	uint64_t runs, failures;
	uint64_t dropped; /* events that no run told of by name */
	size_t waiting;   /* accounts, targets and the store, to be told of */
	size_t running;
	int64_t last_run_ms;     /* Unix time of its end; 0: never */
	const char *failed_text; /* of the last run; NULL: it went well */
};
void hook_status(
    const struct hook *, enum hook_kind, struct hook_status *status_r);

/* Kills what runs.  Sets the pointer to NULL; NULL is allowed. */
void hook_free(struct hook **);

#endif

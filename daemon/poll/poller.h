/*
 * Polls accounts when they are due: asks the schedule, fetches the secret,
 * runs a sync into the store, records what came of it, and backs off from
 * what fails.  Everything on the loop.
 */
#ifndef POLL_POLLER_H
#define POLL_POLLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/config.h"

struct event_base;
struct evdns_base;
struct store;
struct poller;

enum poller_state {
	POLLER_WAITING = 0, /* due at next_ms */
	POLLER_QUEUED,      /* due, waiting for a free session */
	POLLER_POLLING,
	POLLER_PAUSED,   /* by a person */
	POLLER_DISABLED, /* enabled = no */
	POLLER_STOPPED,  /* credentials refused: needs a person */
	POLLER_STATE_COUNT
};
const char *poller_state_name(enum poller_state);

/* How an account stands; strings are borrowed until the next loop turn. */
struct poller_account_status {
	const char *name, *host, *user;
	enum poller_state state;
	int64_t next_ms;         /* Unix time; 0: not scheduled */
	int64_t last_started_ms; /* 0: not since the start */
	int64_t last_finished_ms;
	int64_t last_success_ms;
	const char *last_outcome; /* "ok" or the error's name; NULL: none yet */
	const char *last_text;    /* why, in words; NULL if all is well */
	unsigned failures;        /* in a row */
	/* Of the session under way, else of the last one. */
	uint32_t messages, fetched, deleted, failed;
	uint64_t octets_in;
};

struct poller_status {
	size_t accounts, polling, queued, stopped;
	uint64_t polls, failures;  /* since the start */
	uint64_t messages, octets; /* stored since the start */
};

/*
 * `config` must stay until replaced by poller_reload().  With `once`, every
 * enabled account is polled once, and `finished` runs when all of it is
 * durable.
 */
struct poller_options {
	bool once;
	void (*finished)(struct poller *, void *arg);
	void *arg;
};
struct poller *poller_new(struct event_base *, struct evdns_base *,
    struct store *, const struct config *, const struct poller_options *)
    __attribute__((warn_unused_result));

/*
 * Finish: no new polls; those under way stop fetching, QUIT and record.
 * `stopped` runs on the loop when the last one is over, at the latest after
 * grace_ms, when the rest is cut.
 */
void poller_stop(struct poller *, int64_t grace_ms,
    void (*stopped)(struct poller *, void *arg), void *arg);
void poller_free(struct poller **);

/*
 * Take over a new configuration; running sessions of unchanged accounts stay.
 * False without memory, and nothing has changed.
 */
bool poller_reload(struct poller *, const struct config *,
    const struct config_diff *) __attribute__((warn_unused_result));

enum poller_answer {
	POLLER_DONE = 0,
	POLLER_NO_SUCH_ACCOUNT,
	POLLER_ALREADY, /* polling, paused or resumed already */
	POLLER_IS_DISABLED
};
/* A person's wish goes first, and restarts a stopped or paused account. */
enum poller_answer poller_poll_now(struct poller *, const char *name);
enum poller_answer poller_pause(struct poller *, const char *name);
enum poller_answer poller_resume(struct poller *, const char *name);

void poller_status(const struct poller *, struct poller_status *status_r);
bool poller_account_status(const struct poller *, const char *name,
    struct poller_account_status *status_r);
/* In the order of names; the index runs from 0 to accounts - 1. */
bool poller_account_status_at(const struct poller *, size_t index,
    struct poller_account_status *status_r);

#endif

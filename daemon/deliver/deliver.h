/*
 * Delivers what the outbox holds: to each target as fast as it takes it, in
 * the order it is to be in, again where it failed.  A target that is down or
 * slow delays neither the others nor the polls.  Everything on the loop.
 */
#ifndef DELIVER_DELIVER_H
#define DELIVER_DELIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/target.h"
#include "daemon/store/store.h"

struct carrier_type;
struct config;
struct deliver;
struct event_base;
struct evpop_names;
struct notify;
struct secret_key;

/* All of them outlive it. */
struct deliver_options {
	struct event_base *base;
	struct evpop_names *names;
	struct store *store;
	struct notify *notify;
	const struct secret_key *key; /* opens sealed secrets; is held */
	struct oauth *oauth;          /* gives tokens; outlives it; or NULL */
	/* By an enum config_target_type; NULL: those that there are. */
	const struct carrier_type *const *carriers;
};

/*
 * Tells the store what goes where, and begins.  The configuration is held, see
 * config_hold().  NULL without memory.
 */
struct deliver *deliver_new(const struct deliver_options *,
    const struct config *) __attribute__((warn_unused_result));

/*
 * Take over another configuration.  What is under way at a target that stays
 * as it was goes on; one that has changed, or is down, is tried at once.  False
 * without memory, and nothing has changed.
 */
bool deliver_reload(struct deliver *, const struct config *,
    const struct secret_key *) __attribute__((warn_unused_result));

/* ---- what people ask for ---- */

enum deliver_answer {
	DELIVER_DONE = 0,
	DELIVER_NO_SUCH_TARGET,
	DELIVER_ALREADY,    /* paused or not, as it is to be; or it probes */
	DELIVER_IS_DISABLED /* enabled = no */
};

/*
 * Nothing goes there until it is resumed, through restarts; what is under way
 * comes to its end.  With DELIVER_DONE the store is asked, and `done` (or NULL)
 * says how that went; with any other answer it is not called.  `who` may be
 * NULL.
 */
enum deliver_answer deliver_pause(struct deliver *, const char *target,
    const char *who, store_done_cb done, void *arg);
/* Likewise.  A target that is down is tried at once as well. */
enum deliver_answer deliver_resume(
    struct deliver *, const char *target, store_done_cb done, void *arg);

/*
 * The outbox has changed by hand: look at once for what is due, at this target
 * or (NULL) at all.  One that is down is tried at once.
 */
void deliver_kick(struct deliver *, const char *target);

/*
 * Try a target without a message.  `done` runs once, from the loop, with what
 * came of it ("" where there is nothing to say), or false and why not.
 */
typedef void (*deliver_probe_cb)(bool works, const char *text, void *arg);
enum deliver_answer deliver_probe(
    struct deliver *, const char *target, deliver_probe_cb, void *arg);
/* No callback of these any more: whoever asked has left. */
void deliver_probe_forget(struct deliver *, void *arg);

/* ---- how it stands ---- */

enum deliver_state {
	DELIVER_READY = 0,  /* nothing is due */
	DELIVER_DELIVERING, /* something is under way */
	DELIVER_DOWN,       /* nothing can be delivered; that may pass */
	DELIVER_REFUSED,    /* the same, and it needs attention */
	DELIVER_PAUSED,     /* by a person */
	DELIVER_DISABLED,   /* enabled = no */
	DELIVER_STATE_COUNT
};
/* "ready". */
const char *deliver_state_name(enum deliver_state);

/* Strings are borrowed until the next turn of the loop. */
struct deliver_status {
	const char *name;
	const char *type; /* "maildir" */
	/* Where to, in words: "[2001:db8::1]:24", "/var/mail/{user}". */
	const char *where;
	const struct config_target *section;
	enum deliver_state state;
	/* By the store, at most some seconds old; 0 until it has answered. */
	uint64_t waiting, refused, delivered, dropped;
	int64_t oldest_waiting_ms; /* Unix time when it was queued; 0: none */
	size_t under_way;          /* messages */
	size_t connections;        /* carriers */
	/* Since the start. */
	uint64_t attempts, done, octets, put_off, refusals, outages;
	int64_t next_ms;         /* Unix time of the next attempt; 0: none */
	int64_t last_success_ms; /* 0: not since the start */
	int64_t down_since_ms;   /* 0: it is not */
	const char *text;        /* why it is down, in words; or NULL */
	const char *advice;      /* what to do about it; or NULL */
	int64_t paused_ms;       /* 0: it is not */
	const char *paused_by;   /* or NULL */
	bool is_full; /* above max_waiting: its accounts do not fetch */
};
/* In the order of names; false beyond the last. */
bool deliver_status_at(
    const struct deliver *, size_t index, struct deliver_status *status_r);
bool deliver_status(
    const struct deliver *, const char *target, struct deliver_status *);

struct deliver_totals {
	size_t targets, down, refused, paused;
	uint64_t waiting, refused_messages;
	uint64_t stranded;  /* waiting for targets that are not configured */
	uint64_t overdue;   /* waiting, but not for one paused or disabled */
	uint64_t delivered; /* since the start */
	uint64_t failed;    /* attempts, since the start */
	uint64_t refusals;  /* of them for good */
};
void deliver_totals(const struct deliver *, struct deliver_totals *totals_r);

/*
 * Whether the account must not fetch now, because too much waits already where
 * its mail goes; why goes to text_r.
 */
#define DELIVER_FULL_TEXT 256
bool deliver_is_full(const struct deliver *, const char *account,
    char text_r[DELIVER_FULL_TEXT]);

/* ---- the end ---- */

/*
 * Call `done` from the loop when nothing is due any more and all that was under
 * way is settled; targets that are down or paused are not waited for.  Only
 * once.
 */
void deliver_finish(struct deliver *, void (*done)(void *arg), void *arg);

/*
 * Begin nothing more.  `done` is called as soon as all that was under way is
 * settled, at the latest after grace_ms, when the rest is cut: it is delivered
 * after the next start.  Instead of a callback of deliver_finish().
 */
void deliver_stop(
    struct deliver *, int64_t grace_ms, void (*done)(void *arg), void *arg);

/* Cuts what is under way.  Sets the pointer to NULL; NULL is allowed. */
void deliver_free(struct deliver **);

#endif

/*
 * What happened in the daemon, told once to all who want to know: the control
 * API's events, metrics, hooks and systemd's status line are subscribers, and
 * nothing that publishes knows them.
 *
 * Everything here is for the loop's thread.  A subscriber is called from
 * inside the call that publishes, in the order of subscribing; it must not
 * block, and what an event points to is borrowed until it returns.  In a
 * callback everything is allowed: to leave (itself or another, who is then not
 * called any more), to subscribe (for what is published after this event), and
 * to publish.  What has happened is over when it is told: a subscriber that
 * wants more asks the poller or the store.
 */
#ifndef NOTIFY_NOTIFY_H
#define NOTIFY_NOTIFY_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/notify/tally.h"

enum notify_kind {
	NOTIFY_POLL_BEGUN = 0,
	NOTIFY_POLL_OVER,      /* `poll` says how it went */
	NOTIFY_MESSAGE_STORED, /* `message` is durable, and was not here */
	NOTIFY_ACCOUNT_STATE,  /* `state` */
	/* After a poll: it begins to fail, needs attention, or works again. */
	NOTIFY_ACCOUNT_HEALTH,      /* `fate` */
	NOTIFY_DELETIONS_HELD,      /* `held` of them wait for a person */
	NOTIFY_MESSAGE_QUARANTINED, /* a message is skipped: `skipped` */
	NOTIFY_STORE_HEALTH,        /* writes fail, or work again: `health` */
	NOTIFY_STORE_DRAINED,       /* the store takes bodies again */
	NOTIFY_CLOCK,               /* it was set, is behind, or no longer */
	NOTIFY_RELOADED,            /* another configuration holds: `reload` */
	NOTIFY_RELOAD_FAILED,       /* the one in use stays: `failure` */
	NOTIFY_HOOK_FAILED,         /* a command of [hook]: `failure` */
	/* `target` has the message: `delivery`. */
	NOTIFY_MESSAGE_DELIVERED,
	NOTIFY_DELIVERY_REFUSED, /* and will not have it: `delivery` */
	/* It goes down, needs attention, or works again: `fate`. */
	NOTIFY_TARGET_HEALTH,
	NOTIFY_TARGET_STATE,   /* it is paused, or no longer: `state` */
	NOTIFY_TARGET_FULL,    /* so much waits that its accounts stop */
	NOTIFY_TARGET_DRAINED, /* they may fetch again */
	/* No poll runs, and none will: all of --once, or the poller stopped. */
	NOTIFY_POLLS_ENDED,
	NOTIFY_KIND_COUNT
};

/* "poll-begun". */
const char *notify_kind_name(enum notify_kind);

struct notify_poll {
	int64_t started_ms, finished_ms; /* Unix time */
	const char *outcome;             /* "ok", or the error's name */
	const char *text;                /* why, in words; or NULL */
	bool is_dry_run;                 /* it changed nothing */
	const struct tally *tally;
};

struct notify_message {
	int64_t id; /* in the store */
	uint64_t octets;
};

struct notify_delivery {
	int64_t id;         /* in the outbox */
	int64_t message_id; /* in the store */
	uint64_t octets;
	unsigned attempts;  /* this one included */
	const char *answer; /* in words; or NULL */
	const char *place;  /* where it is; or NULL */
};

/*
 * As poller_shown_state() names them.  An account that is due and waits for a
 * free session is told of when its poll begins.
 */
struct notify_state {
	const char *from, *to;
};

/*
 * "ok", "failing" (of a target: "down"), or "refused": it needs attention.
 */
struct notify_fate {
	const char *from, *to;
	const char *host;         /* of a target where it is, in words */
	const char *outcome;      /* of the poll: "ok", or the error's name */
	const char *text;         /* why it fails, in words; or NULL */
	const char *advice;       /* what to do; or NULL */
	int64_t failing_since_ms; /* it fails, or did until now */
};

struct notify_skipped {
	uint32_t number;   /* in the server's listing */
	unsigned attempts; /* so often it failed */
	int64_t id;        /* in quarantine */
};

struct notify_failure {
	const char *what; /* the hook; NULL where the kind says it */
	const char *text; /* in words */
};

struct notify_health {
	bool works;
	const char *text; /* why not, in words */
};

struct notify_reload {
	size_t added, changed, removed; /* accounts */
};

struct notify_event {
	enum notify_kind kind;
	const char *account; /* its name; NULL where it concerns none */
	const char *target;  /* likewise */
	union {
		struct notify_poll poll;
		struct notify_message message;
		struct notify_delivery delivery;
		struct notify_state state;
		struct notify_fate fate;
		uint32_t held;
		struct notify_skipped skipped;
		struct notify_failure failure;
		struct notify_health health;
		struct notify_reload reload;
	};
};

typedef void (*notify_cb)(const struct notify_event *, void *arg);

struct notify;

/*
 * A subscription is the subscriber's memory, so that to subscribe cannot fail.
 * Zeroed, it is none; its members are private.
 */
struct notify_subscription {
	TAILQ_ENTRY(notify_subscription) link;
	struct notify *notify; /* NULL: none */
	uint64_t number;
	unsigned kinds;
	notify_cb cb;
	void *arg;
};

/* NULL without memory. */
struct notify *notify_new(void) __attribute__((warn_unused_result));

/* All have left.  Sets the pointer to NULL; NULL is allowed. */
void notify_free(struct notify **);

/* One of the kinds of notify_subscribe(). */
#define NOTIFY_BIT(kind) (1u << (kind))

/* The kinds that people and programs outside are told of. */
#define NOTIFY_TOLD                              \
	(((1u << NOTIFY_KIND_COUNT) - 1) &       \
	    ~(NOTIFY_BIT(NOTIFY_STORE_DRAINED) | \
		NOTIFY_BIT(NOTIFY_POLLS_ENDED)))

/*
 * Call `cb` for each event of these kinds until notify_leave().  With NULL for
 * `notify` there is nobody who publishes.
 */
void notify_subscribe(struct notify *, struct notify_subscription *,
    unsigned kinds, notify_cb cb, void *arg);

/* Harmless where nobody has subscribed. */
void notify_leave(struct notify_subscription *);

/* Whether anybody wants this kind: to save the work of making an event. */
bool notify_is_wanted(const struct notify *, enum notify_kind);

/* Tell all that want it.  Nobody listens to NULL. */
void notify_publish(struct notify *, const struct notify_event *);

#endif

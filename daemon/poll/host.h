/* The server hosts, and the accounts that wait for each. */
#ifndef POLL_HOST_H
#define POLL_HOST_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/poll/schedule.h"
#include "daemon/poll/state.h"

struct host;

/*
 * What the schedule knows of an account: small, for there may be a hundred
 * thousand of them.
 */
struct agenda_item {
	/* First: heaps hand it out.  When due; of a wish, its number. */
	struct schedule_item time;
	/* In its host's queue, among those that have a session, or failing. */
	TAILQ_ENTRY(agenda_item) link;
	TAILQ_ENTRY(agenda_item) fresh; /* among those that were just queued */
	struct host *host;
	struct host *session;   /* the host of its session; NULL: none */
	int64_t session_ms;     /* when it began, or the last one ended */
	uint32_t floor_s;       /* the LOGIN-DELAY last seen; 0: none */
	uint32_t interval_ms;   /* the present one; 0: as configured */
	uint32_t failures;      /* in a row */
	unsigned refusals : 6;  /* of the credentials, since it was well */
	unsigned health : 2;    /* an enum poller_health */
	unsigned state : 3;     /* an enum poller_state */
	unsigned before : 3;    /* where it goes back to after this poll */
	unsigned is_fresh : 1;  /* queued, and nobody was told yet */
	unsigned wished : 1;    /* in the queue by a person's wish */
	unsigned again : 1;     /* wished for while it was polling */
	unsigned pause : 1;     /* likewise */
	unsigned disabled : 1;  /* by the configuration, while polling */
	unsigned renewed : 1;   /* likewise, to be looked at anew */
	unsigned elsewhere : 1; /* likewise, at another server */
};
TAILQ_HEAD(agenda_list, agenda_item);

enum host_place {
	HOST_ASIDE = 0, /* nobody waits, or it has all sessions it may have */
	HOST_READY,     /* may start the first of those that are due */
	HOST_COOLING    /* held back by the rate of log-ins */
};

struct host {
	struct host *next;         /* in its bucket */
	TAILQ_ENTRY(host) link;    /* among those in the same place */
	struct agenda_list wished; /* by persons, the first first */
	struct agenda_list due;    /* by the clock, the first first */
	int64_t next_login_us;     /* not before; the monotonic clock */
	uint32_t accounts;         /* that name it */
	uint32_t sessions;         /* open now */
	enum host_place place : 8;
	char name[];
};
TAILQ_HEAD(host_list, host);

/* Zeroed, it is empty. */
struct host_table {
	struct host **buckets;
	size_t bucket_count, count;
};

/* The host of that name, letters of any case, made where missing; NULL: memory.
 */
struct host *host_get(struct host_table *, const char *name)
    __attribute__((warn_unused_result));

/* An account names it from now on, or no longer. */
void host_enter(struct host *);
void host_leave(struct host *);

/* Call `visit` for each host. */
void host_table_each(const struct host_table *,
    void (*visit)(struct host *, void *arg), void *arg);

/* Forget the hosts that no account names and no session uses. */
void host_table_sweep(struct host_table *);

void host_table_clear(struct host_table *);

#endif

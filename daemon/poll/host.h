/* The server hosts: who waits for each, and how many sessions it has. */
#ifndef POLL_HOST_H
#define POLL_HOST_H

#include <sys/queue.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/poll/item.h"

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

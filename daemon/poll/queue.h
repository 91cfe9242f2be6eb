/*
 * Accounts that are due, and who of them gets the next session.  Each waits
 * for its host; hosts take turns, so that none delays another's accounts, and
 * within a host who was due first goes first.  What persons wish goes before
 * all of that, in the order of the wishes.  Pure, and every choice is O(1), or
 * O(log n) for wishes.
 *
 * The limits: sessions in all and with each host, and log-ins per second with
 * each host, which are spaced evenly: no second that begins anywhere has more.
 */
#ifndef POLL_QUEUE_H
#define POLL_QUEUE_H

#include "daemon/poll/host.h"

struct queue_limits {
	uint32_t sessions, sessions_per_host;
	uint32_t logins_per_host; /* a second, 1000 at most; 0: any number */
};

struct agenda_queue {
	struct queue_limits limits;
	struct host_table hosts;
	struct host_list ready;     /* in the order of their turns */
	struct host_list cooling;   /* in the order of their times */
	struct schedule wishes;     /* the first of each host that may start */
	int64_t wish_count;         /* numbers the wishes */
	struct agenda_list running; /* those that have a session */
	uint32_t sessions;
};

void queue_init(struct agenda_queue *);
void queue_clear(struct agenda_queue *);

/*
 * Make room for wishes at all hosts, before any is put in.  Returns false
 * without memory.
 */
bool queue_reserve(struct agenda_queue *) __attribute__((warn_unused_result));

/* A host, made where missing; NULL without memory. */
struct host *queue_host(struct agenda_queue *, const char *name)
    __attribute__((warn_unused_result));

/* Forget the hosts that no account names and no session uses. */
void queue_sweep_hosts(struct agenda_queue *);

/* May be changed at any time; sessions above a new limit go on. */
void queue_set_limits(
    struct agenda_queue *, const struct queue_limits *, int64_t now_ms);

/* Let an item wait behind the others of its host, or by a wish. */
void queue_put(struct agenda_queue *, struct agenda_item *, bool wished);

/* Take a waiting item out. */
void queue_remove(struct agenda_queue *, struct agenda_item *);

/* Give a session to the item whose turn it is; NULL: none may start now. */
struct agenda_item *queue_take(struct agenda_queue *, int64_t now_ms);

/* Call `visit` for each that has a session, which may end in it. */
void queue_each_running(const struct agenda_queue *,
    void (*visit)(struct agenda_item *, void *arg), void *arg);

/* An item's session is over. */
void queue_release(struct agenda_queue *, struct agenda_item *);

/*
 * When the rate lets a host start a session that it held back; INT64_MAX where
 * it holds nobody back.
 */
int64_t queue_next_ms(const struct agenda_queue *);

#endif

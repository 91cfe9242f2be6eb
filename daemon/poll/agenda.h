/*
 * The schedule of all accounts: which states they are in, when each is due,
 * and what follows from how a poll ended, from wishes and from a new
 * configuration.  Who of those that are due goes first is the queue's affair
 * (queue.h).  Pure: it knows neither sockets nor the store, and is handed the
 * time, in milliseconds of a clock that never goes back, and what is random.
 * No call walks over all accounts; each is O(log n) at most, those on limits
 * and hosts aside.
 */
#ifndef POLL_AGENDA_H
#define POLL_AGENDA_H

#include <evpop/error.h>

#include "daemon/poll/host.h"
#include "daemon/poll/interval.h"
#include "daemon/poll/queue.h"

struct agenda {
	struct agenda_queue queue;
	struct schedule waiting;
	/* Those that wait after a failure. */
	struct agenda_list failing;
	size_t failing_count;
	/* Those that were queued since somebody was told. */
	struct agenda_list fresh;
	size_t counts[POLLER_STATE_COUNT]; /* of accounts in each state */
	size_t health[POLLER_HEALTH_COUNT];
	/* Told of each change of state; NULL: nobody is. */
	void (*trace)(const struct agenda_item *, enum poller_state from,
	    enum poller_state to);
};

void agenda_init(
    struct agenda *, void (*trace)(const struct agenda_item *,
			 enum poller_state from, enum poller_state to));
void agenda_clear(struct agenda *);

/* ---- accounts come and go ---- */

/* An account's host, made where missing; NULL without memory. */
struct host *agenda_host(struct agenda *, const char *name)
    __attribute__((warn_unused_result));

/*
 * Make room for this many accounts and for all hosts, before any account is
 * put to wait.  Returns false without memory; nothing has changed then.
 */
bool agenda_reserve(struct agenda *, size_t items)
    __attribute__((warn_unused_result));

/* Take in a new account, which is POLLER_DISABLED. */
void agenda_add(
    struct agenda *, struct agenda_item *, const char *name, struct host *);

/* Take an account out, whatever it was doing; its session is over. */
void agenda_remove(struct agenda *, struct agenda_item *);

/* Its server is another from now on; a session under way counts for the old. */
void agenda_move(struct agenda *, struct agenda_item *, struct host *);

/* Forget the hosts that nobody needs any more. */
void agenda_sweep_hosts(struct agenda *);

void agenda_set_limits(
    struct agenda *, const struct queue_limits *, int64_t now_ms);

/* ---- what is asked for ---- */

/* To rest in that state; not while polling. */
void agenda_rest(struct agenda *, struct agenda_item *, enum poller_state);

/*
 * Poll it as soon as its server's LOGIN-DELAY allows, behind others that are
 * due; not while polling.
 */
void agenda_hurry(struct agenda *, struct agenda_item *, int64_t now_ms);

/*
 * A person wishes a poll: before all others, whatever back-off and LOGIN-DELAY
 * say; after the one under way, if there is one.  An account that is paused is
 * polled once, and stays so.  Not while disabled.
 */
void agenda_wish(struct agenda *, struct agenda_item *);

/*
 * Poll it by then, if it is well and waits longer than that, but not before its
 * server's LOGIN-DELAY is over.  Returns whether that is sooner.
 */
bool agenda_soon(struct agenda *, struct agenda_item *, int64_t due_ms);

/* Both at the end of a poll under way; harmless where it is so already. */
void agenda_pause(struct agenda *, struct agenda_item *);
void agenda_resume(struct agenda *, struct agenda_item *, int64_t now_ms);

/*
 * The reason of its failure may be gone: poll it as agenda_hurry() does, after
 * the poll under way if there is one.  Does nothing where the account is well.
 */
void agenda_retry(struct agenda *, struct agenda_item *, int64_t now_ms);

/* The one that waits after a failure and was returned longest ago, or NULL. */
struct agenda_item *agenda_next_failing(struct agenda *);

/*
 * Its configuration has changed: it is looked at anew, as if it had never
 * failed.  It stays paused, and keeps its place in the queue.  `elsewhere`: at
 * another server or as another user, of whose LOGIN-DELAY nothing is known.
 */
void agenda_renew(struct agenda *, struct agenda_item *, bool enabled,
    bool elsewhere, int64_t now_ms);

/* ---- polls ---- */

/*
 * The account to poll now, which is POLLER_POLLING from then on; NULL: none.
 * To be asked until it is NULL.
 */
struct agenda_item *agenda_start(struct agenda *, int64_t now_ms);

/*
 * One that has begun to wait for a session and waits still, each once; NULL:
 * no other.
 */
struct agenda_item *agenda_next_queued(struct agenda *);

/*
 * When to ask again if nothing else happens; INT64_MAX: not at all.
 */
int64_t agenda_next_ms(const struct agenda *);

/* How a poll ended. */
struct agenda_outcome {
	const struct evpop_result *result;
	uint32_t login_delay_s; /* what the server demands; 0: it did not say */
	enum pace_yield yield;
	bool has_worked; /* a poll of it went well, at some time */
	/* Before the first poll of this daemon it failed already. */
	bool has_failed;
};

/*
 * An account's poll is over: what it does next.  `random` is any number, for
 * jitter.  Returns its new state.
 */
enum poller_state agenda_ended(struct agenda *, struct agenda_item *,
    const struct agenda_outcome *, const struct pace *, int64_t now_ms,
    uint32_t random);

/* How many accounts are in a state; how many fare so; how many wait for that.
 */
size_t agenda_count(const struct agenda *, enum poller_state);
size_t agenda_count_health(const struct agenda *, enum poller_health);
size_t agenda_count_failing(const struct agenda *);

/* Call `visit` for each that is polling, whose poll may end in it. */
void agenda_each_running(const struct agenda *,
    void (*visit)(struct agenda_item *, void *arg), void *arg);

/* The state of an account. */
static inline enum poller_state
agenda_state(const struct agenda_item *item)
{
	return (enum poller_state)item->state;
}

/* How its polls go. */
static inline enum poller_health
agenda_health(const struct agenda_item *item)
{
	return (enum poller_health)item->health;
}

/* Whether it is paused, or will be once a wish or its poll is over. */
static inline bool
agenda_is_paused(const struct agenda_item *item)
{
	return item->state == POLLER_PAUSED || item->pause ||
	       item->before == POLLER_PAUSED;
}

/* How many of its polls failed in a row. */
static inline unsigned
agenda_failures(const struct agenda_item *item)
{
	return item->failures;
}

/* Its present interval, where that adapts; 0: the one configured. */
static inline int64_t
agenda_interval_ms(const struct agenda_item *item)
{
	return item->interval_ms;
}

/*
 * In how long it is polled by itself: 0 where it only waits for a session, -1
 * where it is not.
 */
static inline int64_t
agenda_wait_ms(const struct agenda_item *item, int64_t now_ms)
{
	if (item->state == POLLER_QUEUED)
		return 0;
	return item->state == POLLER_WAITING && schedule_has(&item->time)
		   ? schedule_due_ms(&item->time) - now_ms
		   : -1;
}

#endif

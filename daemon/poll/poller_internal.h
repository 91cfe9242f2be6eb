/*
 * The inside of the poller, shared by its life and wishes (poller.c), the
 * choice of what runs next (dispatch.c), the change of configuration (reload.c)
 * and the files of passwords (watch.c).
 */
#ifndef POLL_POLLER_INTERNAL_H
#define POLL_POLLER_INTERNAL_H

#include <event2/event.h>

#include "daemon/notify/notify.h"
#include "daemon/poll/account.h"
#include "daemon/poll/agenda.h"
#include "daemon/poll/configured.h"
#include "daemon/poll/ledger.h"
#include "daemon/poll/poller.h"
#include "daemon/poll/servers.h"
#include "daemon/poll/tls.h"

struct poller {
	struct run_resources resources;
	bool once;
	const struct config *config;
	struct configured *configured;

	struct poller_account **accounts; /* sorted by name, as in config */
	size_t account_count;
	struct agenda agenda;
	struct tls_table tls;

	struct event *timer; /* runs the dispatch */
	struct event *watch; /* of files, while accounts fail */
	size_t watch_left;   /* to look at in this round */
	size_t once_left;    /* accounts that --once still has to poll */
	uint64_t polls, failures, messages, octets;
	uint64_t held_accounts, held_deletions;

	bool stopping, has_ended;
	struct event *grace;
	struct notify_subscription subscription; /* to the store's health */
};

/* Look, from the loop, for what may run; soon. */
static inline void
poller_wake(struct poller *poller)
{
	const struct timeval now = { 0, 0 };

	evtimer_add(poller->timer, &now);
}

/* The dispatch itself: an event callback. */
void poller_dispatch(int fd, short what, void *poller);

/* How a run tells that it is over. */
void poller_finish_run(
    struct run *, const struct run_progress *, void *account, void *poller);

/* An account may fail: look at its password's file, now and then. */
void poller_watch(struct poller *);
void poller_watch_step(int fd, short what, void *poller);

/* What the file of its password is now, as secret_mark() says it. */
uint32_t poller_secret_mark(const struct config_account *);

/* Of an account so many deletions are held from now on. */
void poller_count_held(struct poller *, uint32_t before, uint32_t now);

/* What the configuration says of the schedule. */
void poller_set_limits(struct poller *);
struct pace poller_pace(const struct config_account *);

/* Publish the account's state where it has changed. */
void poller_tell_state(struct poller *, struct poller_account *);

struct poller_account *poller_find(const struct poller *, const char *name);

/* A new account at rest; NULL without memory. */
struct poller_account *poller_account_new(struct poller *,
    const struct config_account *) __attribute__((warn_unused_result));

#endif

#include "daemon/poll/poller.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>

#include "daemon/log/log.h"
#include "daemon/notify/notify.h"
#include "daemon/poll/accounts.h"
#include "daemon/poll/ledger.h"
#include "daemon/poll/once.h"
#include "daemon/poll/outages.h"
#include "daemon/poll/outlet.h"
#include "daemon/poll/pauses.h"
#include "daemon/poll/servers.h"
#include "daemon/poll/setup.h"
#include "daemon/poll/told.h"
#include "daemon/poll/watch.h"
#include "daemon/store/store.h"
#include "lib/base/clock.h"

/*
 * So many in a turn of the loop, lest sessions under way wait for them all.
 * Each may take a while, which the rate of log-ins wants to know.
 */
#define STARTS_PER_TURN 64

enum poller_life {
	POLLER_LIVES = 0,
	POLLER_STOPS, /* no new polls */
	POLLER_ENDED  /* and none under way: that was published */
};

struct poller {
	struct run_resources resources;
	struct agenda agenda;
	struct accounts *accounts;
	struct pauses *pauses;
	struct outages *outages; /* NULL: each is told by itself */
	struct outlet *outlet;
	struct tls_table tls;
	struct watch *watch;
	struct event *timer; /* begins what is due */
	struct event *grace; /* cuts what is under way */
	struct notify_subscription health;
	enum poller_life life;
	struct once *once; /* NULL: accounts are polled again and again */
	uint64_t polls, failures, messages, octets;
};

/* Look, from the loop, for what may run; soon. */
static void
poller_wake(void *arg)
{
	const struct timeval now = { 0, 0 };
	struct poller *poller = arg;

	/* Without memory it is told before there is a timer. */
	if (poller->timer != NULL)
		evtimer_add(poller->timer, &now);
}

/* ---- all polls under way ---- */

struct call {
	void (*function)(struct run *);
};

/* There is no run yet where one is about to begin. */
static void
poller_call_run(struct agenda_item *item, void *arg)
{
	struct run *run = account_run(account_of(item));
	const struct call *call = arg;

	if (run != NULL)
		call->function(run);
}

/* Those whose account is removed already are among them. */
static void
poller_each_run(struct poller *poller, void (*function)(struct run *))
{
	struct call call = { function };

	agenda_each_running(&poller->agenda, poller_call_run, &call);
}

struct shared {
	const struct run *run;
	int64_t account_id;
	bool is_shared;
};

static void
poller_compare_run(struct agenda_item *item, void *arg)
{
	struct run *other = account_run(account_of(item));
	struct shared *shared = arg;

	if (other != NULL && other != shared->run &&
	    run_progress(other)->account_id == shared->account_id)
		shared->is_shared = true;
}

static bool
poller_is_shared(const struct run *run, int64_t account_id, void *arg)
{
	struct shared shared = { run, account_id, false };
	struct poller *poller = arg;

	agenda_each_running(&poller->agenda, poller_compare_run, &shared);
	return shared.is_shared;
}

static void
poller_cut_run(struct run *run)
{
	run_cancel(run, "cut short by the end of the daemon");
}

static void
poller_grace_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	poller_each_run(arg, poller_cut_run);
}

/* ---- the end of a poll ---- */

/* A poll is over, or could not begin: what the account does next. */
static void
poller_end(struct poller *poller, struct account *account,
    const struct run_progress *progress)
{
	const struct told_past past = told_past(account, progress);

	poller->polls += progress->wish != POLLER_WISH_DRY_RUN;
	poller->failures += progress->result.error != EVPOP_ERROR_NONE;
	poller->messages += progress->tally.fetched;
	poller->octets += progress->tally.body_octets;
	once_count(poller->once);
	account_end(account, &poller->agenda, poller->outages, progress,
	    poller->once != NULL);
	accounts_note_held(poller->accounts, account, past.held);
	if (poller->once == NULL && poller->life == POLLER_LIVES)
		watch_wake(poller->watch);
	told_over(account, poller->resources.notify, progress, &past);
	account_tell_state(account, poller->resources.notify);
}

static void
poller_run_finished(struct run *run, const struct run_progress *progress,
    void *owner, void *arg)
{
	struct account *account = owner;
	struct poller *poller = arg;

	assert(run == account_run(account));
	account_take(account, run);
	if (account_config(account) == NULL)
		account_free(&poller->agenda, account);
	else
		poller_end(poller, account, progress);
	run_free(&run);
	poller_wake(poller);
}

/* ---- the beginning of a poll ---- */

/* What keeps a poll from beginning is reported like a poll that failed. */
static void
poller_begin(struct poller *poller, struct account *account)
{
	struct run_progress progress;
	struct evpop_result why;

	told_begun(account, poller->resources.notify);
	account_tell_state(account, poller->resources.notify);
	if (!accounts_are_hindered(poller->accounts, &why) &&
	    !account_is_held(account, &why) &&
	    !outlet_is_shut(poller->outlet, account, &why) &&
	    !(poller->once != NULL && account_is_too_early(account, &why)) &&
	    account_begin(account, &poller->resources, &poller->tls, &why))
		return;
	progress = account_failure(account, &why);
	poller_end(poller, account, &progress);
}

/* Returns whether there may be more to begin. */
static bool
poller_begin_some(struct poller *poller)
{
	struct agenda_item *item;
	unsigned starts;

	for (starts = 0; starts < STARTS_PER_TURN; starts++) {
		item =
		    agenda_start(&poller->agenda, evpop_clock_monotonic_ms());
		if (item == NULL)
			return false;
		poller_begin(poller, account_of(item));
	}
	return true;
}

/* Those that did not get a session at once; returns whether there are more. */
static bool
poller_tell_queued(struct poller *poller)
{
	struct agenda_item *item;

	for (unsigned told = 0; told < STARTS_PER_TURN; told++) {
		item = agenda_next_queued(&poller->agenda);
		if (item == NULL)
			return false;
		account_tell_state(account_of(item), poller->resources.notify);
	}
	return true;
}

static void
poller_wait(struct poller *poller)
{
	int64_t next_ms = agenda_next_ms(&poller->agenda);
	struct timeval wait;

	/* What was changed by starting polls has been looked at. */
	evtimer_del(poller->timer);
	if (next_ms == INT64_MAX)
		return;
	wait = evpop_clock_wait(next_ms - evpop_clock_monotonic_ms());
	evtimer_add(poller->timer, &wait);
}

static void
poller_end_all(struct poller *poller)
{
	if (poller->life == POLLER_LIVES && once_is_over(poller->once))
		poller->life = POLLER_STOPS;
	if (poller->life != POLLER_STOPS ||
	    agenda_count(&poller->agenda, POLLER_POLLING) > 0)
		return;
	poller->life = POLLER_ENDED;
	evtimer_del(poller->grace);
	notify_publish(poller->resources.notify,
	    &(struct notify_event){ .kind = NOTIFY_POLLS_ENDED });
}

static void
poller_dispatch(evutil_socket_t fd, short what, void *arg)
{
	struct poller *poller = arg;

	(void)fd;
	(void)what;
	if (poller->life == POLLER_LIVES &&
	    servers_are_known(poller->resources.servers) &&
	    accounts_are_answered(poller->accounts)) {
		if (poller->once != NULL)
			once_choose(
			    poller->once, poller->accounts, &poller->agenda);
		if (poller_begin_some(poller) || poller_tell_queued(poller))
			poller_wake(poller);
		else
			poller_wait(poller);
	}
	poller_end_all(poller);
}

/* ---- the store's health ---- */

/* What waits because of the store need not wait longer, once it works. */
static void
poller_store_changed(const struct notify_event *event, void *arg)
{
	struct poller *poller = arg;
	const struct store_error *health =
	    store_health(poller->resources.store);
	int64_t now_ms = evpop_clock_monotonic_ms();
	struct agenda_item *item;
	size_t i;

	(void)event;
	if (health->status != STORE_OK) {
		log_write(LOG_LEVEL_ERROR, NULL,
		    "the store fails: %s; mail stays on the servers",
		    health->text);
		if (health->status == STORE_REPLACED)
			poller_each_run(poller, run_store_lost);
		return;
	}
	log_write(LOG_LEVEL_INFO, NULL, "the store works again");
	accounts_tell_again(poller->accounts);
	for (i = 0; i < accounts_count(poller->accounts); i++) {
		item = account_item(accounts_at(poller->accounts, i));
		/* That credentials were refused was not the store's fault. */
		if (agenda_health(item) == POLLER_FAILING)
			agenda_retry(&poller->agenda, item, now_ms);
	}
	poller_wake(poller);
}

/* ---- its life ---- */

static void
poller_set_limits(struct poller *poller, const struct config *config)
{
	const struct queue_limits limits = {
		.sessions = config->max_sessions,
		.sessions_per_host = config->max_sessions_per_host,
		.logins_per_host = config->max_logins_per_host,
	};

	agenda_set_limits(&poller->agenda, &limits, evpop_clock_monotonic_ms());
}

/* Or resumed. */
static void
poller_paused(struct account *account, void *arg)
{
	struct poller *poller = arg;

	account_tell_state(account, poller->resources.notify);
	poller_wake(poller);
}

/* False without memory. */
static bool
poller_make(struct poller *poller, const struct poller_options *options,
    const struct config *config)
{
	poller->resources = (struct run_resources){
		.base = options->base,
		.names = options->names,
		.store = options->store,
		.notify = options->notify,
		.telemetry = options->telemetry,
		.key = options->key,
		.oauth = options->oauth,
		.servers = servers_new(options->store, poller_wake, poller),
		.ledger = ledger_new(LEDGER_LEAST + config->memory_limit),
		.memory_limit = config->memory_limit,
		.is_shared = poller_is_shared,
		.finished = poller_run_finished,
		.arg = poller,
	};
	poller->accounts =
	    accounts_new(options->store, &poller->agenda, poller_wake, poller);
	if (poller->accounts != NULL)
		poller->pauses = pauses_new(options->store, poller->accounts,
		    &poller->agenda, poller_paused, poller);
	if (options->once)
		poller->once = once_new(options->only, options->only_count);
	else
		poller->outages = outages_new(options->base);
	poller->watch =
	    watch_new(options->base, &poller->agenda, poller_wake, poller);
	if (poller->accounts != NULL)
		poller->outlet = outlet_new(options, poller->accounts,
		    &poller->agenda, poller_wake, poller);
	poller->timer = evtimer_new(options->base, poller_dispatch, poller);
	poller->grace = evtimer_new(options->base, poller_grace_over, poller);
	return poller->resources.servers != NULL &&
	       poller->resources.ledger != NULL && poller->accounts != NULL &&
	       poller->pauses != NULL &&
	       (poller->once != NULL || poller->outages != NULL) &&
	       poller->watch != NULL && poller->outlet != NULL &&
	       poller->timer != NULL && poller->grace != NULL;
}

struct poller *
poller_new(const struct poller_options *options, const struct config *config)
{
	const struct config_diff nothing = { 0 };
	struct poller *poller;

	poller = calloc(1, sizeof *poller);
	if (poller == NULL)
		return NULL;
	agenda_init(&poller->agenda, told_trace);
	poller_set_limits(poller, config);
	if (!poller_make(poller, options, config) ||
	    !accounts_take(poller->accounts, config, &nothing)) {
		poller_free(&poller);
		return NULL;
	}
	notify_subscribe(options->notify, &poller->health,
	    NOTIFY_BIT(NOTIFY_STORE_HEALTH), poller_store_changed, poller);
	accounts_tell(poller->accounts);
	poller_wake(poller);
	return poller;
}

void
poller_set_key(struct poller *poller, const struct secret_key *key)
{
	poller->resources.key = key;
}

bool
poller_reload(struct poller *poller, const struct config *config,
    const struct config_diff *diff)
{
	size_t i;

	if (!accounts_take(poller->accounts, config, diff))
		return false;
	poller_set_limits(poller, config);
	accounts_tell(poller->accounts);
	for (i = 0; i < accounts_count(poller->accounts); i++)
		account_tell_state(
		    accounts_at(poller->accounts, i), poller->resources.notify);
	/* Certificates may have changed in files of the same name. */
	tls_table_clear(&poller->tls);
	poller_wake(poller);
	return true;
}

void
poller_stop(struct poller *poller, int64_t grace_ms)
{
	const struct timeval grace = evpop_clock_wait(grace_ms);

	if (poller->life == POLLER_LIVES)
		poller->life = POLLER_STOPS;
	poller_each_run(poller, run_stop);
	evtimer_add(poller->grace, &grace);
	poller_wake(poller);
}

void
poller_free(struct poller **poller_p)
{
	struct poller *poller = *poller_p;

	if (poller == NULL)
		return;
	*poller_p = NULL;
	assert(agenda_count(&poller->agenda, POLLER_POLLING) == 0);
	notify_leave(&poller->health);
	pauses_free(&poller->pauses);
	once_free(&poller->once);
	outages_free(&poller->outages);
	outlet_free(&poller->outlet);
	accounts_free(&poller->accounts);
	watch_free(&poller->watch);
	agenda_clear(&poller->agenda);
	tls_table_clear(&poller->tls);
	servers_free(&poller->resources.servers);
	ledger_free(&poller->resources.ledger);
	if (poller->timer != NULL)
		event_free(poller->timer);
	if (poller->grace != NULL)
		event_free(poller->grace);
	free(poller);
}

/* ---- wishes ---- */

/* The account of a name, that may be polled. */
static enum poller_answer
poller_find(
    const struct poller *poller, const char *name, struct account **account_r)
{
	*account_r = accounts_find(poller->accounts, name);
	if (*account_r == NULL)
		return POLLER_NO_SUCH_ACCOUNT;
	return agenda_state(account_item(*account_r)) == POLLER_DISABLED
		   ? POLLER_IS_DISABLED
		   : POLLER_DONE;
}

enum poller_answer
poller_poll_now(struct poller *poller, const char *name, enum poller_wish wish)
{
	struct account *account;
	enum poller_answer answer = poller_find(poller, name, &account);

	assert(wish < POLLER_WISH_COUNT);
	if (answer != POLLER_DONE)
		return answer;
	account_set_wish(account, wish);
	/* Where it polls already, mail may have come since it was listed. */
	agenda_wish(&poller->agenda, account_item(account));
	account_tell_state(account, poller->resources.notify);
	poller_wake(poller);
	return agenda_state(account_item(account)) == POLLER_POLLING
		   ? POLLER_ALREADY
		   : POLLER_DONE;
}

enum poller_answer
poller_pause(struct poller *poller, const char *name, const char *who,
    store_done_cb done, void *arg)
{
	struct account *account;
	enum poller_answer answer = poller_find(poller, name, &account);

	if (answer != POLLER_DONE)
		return answer;
	if (agenda_is_paused(account_item(account)))
		return POLLER_ALREADY;
	pauses_begin(poller->pauses, account, who, done, arg);
	return POLLER_DONE;
}

enum poller_answer
poller_resume(
    struct poller *poller, const char *name, store_done_cb done, void *arg)
{
	struct account *account;
	enum poller_answer answer = poller_find(poller, name, &account);

	if (answer != POLLER_DONE)
		return answer;
	/* Before the store has told who is paused, it is asked, too. */
	if (accounts_are_answered(poller->accounts) &&
	    !agenda_is_paused(account_item(account)) &&
	    agenda_health(account_item(account)) == POLLER_WELL)
		return POLLER_ALREADY;
	pauses_end(poller->pauses, account, done, arg);
	return POLLER_DONE;
}

/* ---- status ---- */

void
poller_status(const struct poller *poller, struct poller_status *status)
{
	const struct agenda *agenda = &poller->agenda;

	*status = (struct poller_status){
		.accounts = accounts_count(poller->accounts),
		.polling = agenda_count(agenda, POLLER_POLLING),
		.queued = agenda_count(agenda, POLLER_QUEUED),
		.failing = agenda_count_health(agenda, POLLER_FAILING) +
			   agenda_count_health(agenda, POLLER_REFUSED),
		.refused = agenda_count_health(agenda, POLLER_REFUSED),
		.polls = poller->polls,
		.failures = poller->failures,
		.messages = poller->messages,
		.octets = poller->octets,
		.chosen = poller->once != NULL ? once_chosen(poller->once) : 0,
	};
	status->held_deletions =
	    accounts_held(poller->accounts, &status->held_accounts);
}

bool
poller_account_status(const struct poller *poller, const char *name,
    struct poller_account_status *status)
{
	const struct account *account = accounts_find(poller->accounts, name);

	if (account != NULL)
		account_status(account, status);
	return account != NULL;
}

bool
poller_account_status_at(const struct poller *poller, size_t index,
    struct poller_account_status *status)
{
	const struct account *account = accounts_at(poller->accounts, index);

	if (account != NULL)
		account_status(account, status);
	return account != NULL;
}

bool
poller_account_advice(const struct poller *poller, const char *name,
    char advice[POLLER_ADVICE_SIZE])
{
	const struct account *account = accounts_find(poller->accounts, name);

	return account != NULL &&
	       account_advice(account, advice, poller->once != NULL);
}

const struct poller_plan *
poller_plan(const struct poller *poller, const char *name)
{
	const struct account *account = accounts_find(poller->accounts, name);

	return account == NULL ? NULL : account_plan(account);
}

/* Which account is polled next, and what follows from how a poll ended. */
#include <assert.h>
#include <event2/event.h>
#include <event2/util.h>
#include <stdlib.h>

#include "daemon/log/log.h"
#include "daemon/poll/backoff.h"
#include "daemon/poll/dry_run.h"
#include "daemon/poll/poller_internal.h"
#include "daemon/store/clock.h"
#include "daemon/store/store.h"

void
poller_wake(struct poller *poller)
{
	const struct timeval now = { 0, 0 };

	evtimer_add(poller->timer, &now);
}

void
poller_rest(struct poller_account *account, enum poller_state state)
{
	struct poller *poller = account->poller;

	if (account->state == POLLER_QUEUED)
		TAILQ_REMOVE(&poller->queue, account, queued);
	schedule_remove(&poller->schedule, &account->item);
	poller_account_enter(account, state);
}

void
poller_enqueue(struct poller_account *account, bool first)
{
	struct poller *poller = account->poller;

	assert(account->run == NULL);
	poller_rest(account, POLLER_QUEUED);
	if (first)
		TAILQ_INSERT_HEAD(&poller->queue, account, queued);
	else
		TAILQ_INSERT_TAIL(&poller->queue, account, queued);
	poller_wake(poller);
}

void
poller_wait_until(struct poller_account *account, int64_t due_ms)
{
	struct poller *poller = account->poller;

	poller_rest(account, POLLER_WAITING);
	schedule_set(&poller->schedule, &account->item, due_ms);
	poller_wake(poller);
}

/*
 * So many polls in a row without work let the next one say QUIT at once, where
 * the server takes that.
 */
#define QUIET_POLLS 2

/* ---- after a poll ---- */

/* The server's LOGIN-DELAY is a floor (RFC 2449 section 6.5). */
static int64_t
interval_of(
    const struct poller_account *account, const struct run_progress *progress)
{
	int64_t floor_ms = (int64_t)progress->login_delay_s * 1000;

	return account->config->interval_ms > floor_ms
		   ? account->config->interval_ms
		   : floor_ms;
}

static void
reschedule(struct poller_account *account, const struct run_progress *progress)
{
	int64_t now_ms = store_clock_monotonic_ms(), delay_ms, interval_ms;
	uint32_t random;

	interval_ms = interval_of(account, progress);
	if (progress->result.error == EVPOP_ERROR_NONE) {
		/* Half an interval at least lies between two polls. */
		poller_wait_until(
		    account, schedule_slot(account->config->name, interval_ms,
				 now_ms + interval_ms / 2));
		return;
	}
	evutil_secure_rng_get_bytes(&random, sizeof random);
	delay_ms = backoff_delay_ms(
	    &progress->result, account->failures, interval_ms, random);
	if (delay_ms != BACKOFF_STOP) {
		poller_wait_until(account, now_ms + delay_ms);
		return;
	}
	log_write(LOG_LEVEL_ERROR, account->config->name,
	    "stopped: correct the credentials, then reload or "
	    "\"evpopctl poll %s\"",
	    account->config->name);
	poller_rest(account, POLLER_STOPPED);
}

static void
check_finished(struct poller *poller)
{
	if (poller->stopping) {
		if (poller->polling == 0 && !poller->stop_told) {
			poller->stop_told = true;
			evtimer_del(poller->grace);
			poller->stopped(poller, poller->stopped_arg);
		}
		return;
	}
	if (poller->options.once && poller->once_left == 0 &&
	    poller->polling == 0 && poller->options.finished != NULL) {
		poller->stopping = poller->stop_told = true;
		poller->options.finished(poller, poller->options.arg);
	}
}

/* A poll is over, or could not begin: what the account does next. */
static void
after_poll(struct poller_account *account, const struct run_progress *progress)
{
	struct poller *poller = account->poller;
	bool again = account->again, pause = account->pause;
	bool dry_run = progress->wish == POLLER_WISH_DRY_RUN;
	enum poller_state before = account->before;

	poller->polls += !dry_run;
	poller->failures += progress->result.error != EVPOP_ERROR_NONE;
	poller->messages += progress->fetched;
	poller->octets += progress->body_octets;
	poller_account_note(account, account->config->name, progress);
	if (!dry_run)
		account->unchanged = progress->unchanged;
	account->again = account->pause = false;
	account->before = POLLER_WAITING;
	if (poller->options.once) {
		poller->once_left--;
		poller_rest(account, POLLER_WAITING);
	} else if (!account->config->enabled)
		poller_rest(account, POLLER_DISABLED);
	else if (pause)
		poller_rest(account, POLLER_PAUSED);
	else if (again)
		poller_enqueue(account, true);
	else if (dry_run &&
		 (before == POLLER_PAUSED || before == POLLER_STOPPED))
		poller_rest(account, before);
	else
		reschedule(account, progress);
}

/* What a dry run has found stays until the next one finds something. */
static void
take_plan(struct poller_account *account, struct run *run)
{
	struct poller_plan *plan = run_take_plan(run);

	if (plan == NULL)
		return;
	dry_run_free(&account->plan);
	account->plan = plan;
}

static void
run_finished(struct run *run, const struct run_progress *progress, void *arg)
{
	struct poller_account *account = arg;
	struct poller *poller = account->poller;

	assert(run == account->run);
	poller->polling--;
	account->run_host->sessions--;
	account->run = NULL;
	if (account->config == NULL) {
		TAILQ_REMOVE(&poller->retired, account, queued);
		poller_account_free(account);
	} else {
		take_plan(account, run);
		after_poll(account, progress);
	}
	run_free(&run);
	poller_wake(poller);
}

/* ---- before a poll ---- */

/* What keeps a poll from beginning is reported like a poll that failed. */
static void
fail_at_once(struct poller_account *account, const struct evpop_result *result)
{
	int64_t now_ms = store_clock_unix_ms();
	const struct run_progress progress = {
		.result = *result,
		.started_ms = now_ms,
		.finished_ms = now_ms,
		.wish = account->wish,
	};

	account->wish = POLLER_WISH_POLL;
	account->last_started_ms = now_ms;
	after_poll(account, &progress);
}

static bool
store_works(struct poller_account *account)
{
	const struct store_error *health =
	    store_health(account->poller->resources.store);
	struct evpop_result result;

	if (health->status == STORE_OK)
		return true;
	evpop_result_set(&result, EVPOP_ERROR_IO, EVPOP_PHASE_NONE,
	    "the store cannot take mail (%s); it stays on the server",
	    health->text);
	fail_at_once(account, &result);
	return false;
}

static void
start(struct poller_account *account)
{
	struct poller *poller = account->poller;
	struct evpop_tls_context *tls = NULL;
	struct evpop_result result;

	poller_rest(account, POLLER_WAITING);
	if (!store_works(account))
		return;
	if (account->config->tls != CONFIG_TLS_NONE) {
		tls = tls_get(&poller->tls, account->config, &result);
		if (tls == NULL) {
			fail_at_once(account, &result);
			return;
		}
	}
	account->run = run_new(&poller->resources,
	    &(struct run_order){ .account = account->config,
		.tls = tls,
		.wish = account->wish,
		.expect_nothing = account->quiet_polls >= QUIET_POLLS,
		.unchanged = &account->unchanged },
	    run_finished, account);
	if (account->run == NULL) {
		evpop_result_set(&result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
		    "no memory for a session");
		fail_at_once(account, &result);
		return;
	}
	account->wish = POLLER_WISH_POLL;
	poller->polling++;
	account->run_host = account->host;
	account->run_host->sessions++;
	account->last_started_ms = store_clock_unix_ms();
	poller_account_enter(account, POLLER_POLLING);
}

static void
start_queued(struct poller *poller)
{
	struct poller_account *account, *next;

	for (account = TAILQ_FIRST(&poller->queue);
	     account != NULL && poller->polling < poller->config->max_sessions;
	     account = next) {
		next = TAILQ_NEXT(account, queued);
		if (account->host->sessions <
		    poller->config->max_sessions_per_host)
			start(account);
	}
}

static void
queue_due(struct poller *poller, int64_t now_ms)
{
	struct schedule_item *item;

	while ((item = schedule_first(&poller->schedule)) != NULL &&
	       item->due_ms <= now_ms)
		poller_enqueue((struct poller_account *)item, false);
}

void
poller_dispatch(int fd, short what, void *arg)
{
	struct poller *poller = arg;
	struct schedule_item *item;
	struct timeval wait;
	int64_t now_ms = store_clock_monotonic_ms(), wait_ms;

	(void)fd;
	(void)what;
	if (!poller->stopping) {
		queue_due(poller, now_ms);
		start_queued(poller);
		/* What was put in the queue is looked at now. */
		evtimer_del(poller->timer);
		item = schedule_first(&poller->schedule);
		if (item != NULL) {
			wait_ms =
			    item->due_ms > now_ms ? item->due_ms - now_ms : 0;
			wait.tv_sec = (time_t)(wait_ms / 1000);
			wait.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000);
			evtimer_add(poller->timer, &wait);
		}
	}
	check_finished(poller);
}

/* What the agenda says is begun, and it is told how that ended. */
#include <assert.h>
#include <event2/event.h>
#include <event2/util.h>

#include "daemon/log/log.h"
#include "daemon/poll/policy.h"
#include "daemon/poll/poller_internal.h"
#include "daemon/store/store.h"
#include "lib/base/clock.h"

void
poller_set_limits(struct poller *poller)
{
	const struct queue_limits limits = {
		.sessions = poller->config->max_sessions,
		.sessions_per_host = poller->config->max_sessions_per_host,
		.logins_per_host = poller->config->max_logins_per_host,
	};

	agenda_set_limits(&poller->agenda, &limits, evpop_clock_monotonic_ms());
}

struct pace
poller_pace(const struct config_account *account)
{
	return (struct pace){
		.interval_ms = account->interval_ms,
		.min_ms = account->interval_min_ms,
		.max_ms = account->interval_max_ms,
	};
}

/* ---- after a poll ---- */

static size_t
polling(const struct poller *poller)
{
	return poller->agenda.counts[POLLER_POLLING];
}

static void
check_ended(struct poller *poller)
{
	if (poller->has_ended || polling(poller) > 0 ||
	    !(poller->stopping || (poller->once && poller->once_left == 0)))
		return;
	poller->stopping = poller->has_ended = true;
	evtimer_del(poller->grace);
	notify_publish(poller->resources.notify,
	    &(struct notify_event){ .kind = NOTIFY_POLLS_ENDED });
}

void
poller_count_held(struct poller *poller, uint32_t before, uint32_t now)
{
	poller->held_accounts -= before > 0;
	poller->held_accounts += now > 0;
	poller->held_deletions -= before;
	poller->held_deletions += now;
}

static enum pace_yield
yield_of(const struct run_progress *progress)
{
	if (progress->wish != POLLER_WISH_POLL &&
	    progress->wish != POLLER_WISH_CONFIRM)
		return PACE_UNKNOWN;
	return progress->tally.fetched > 0 ? PACE_MAIL : PACE_QUIET;
}

/* In how long it is polled again by itself; -1: it is not. */
static int64_t
retry_ms(const struct poller_account *account)
{
	const struct agenda_item *item = &account->item;

	if (item->state == POLLER_QUEUED)
		return 0;
	if (item->state != POLLER_WAITING || item->time.position == 0)
		return -1;
	return item->time.due_ms - evpop_clock_monotonic_ms();
}

static void
tell_over(struct poller *poller, const struct poller_account *account,
    const struct run_progress *progress)
{
	notify_publish(poller->resources.notify,
	    &(struct notify_event){ .kind = NOTIFY_POLL_OVER,
		.account = account->config->name,
		.poll = { .started_ms = progress->started_ms,
		    .finished_ms = progress->finished_ms,
		    .outcome = evpop_error_name(progress->result.error),
		    .text = account->last_text,
		    .is_dry_run = progress->wish == POLLER_WISH_DRY_RUN,
		    .tally = &progress->tally } });
}

/* A poll is over, or could not begin: what the account does next. */
static void
after_poll(struct poller *poller, struct poller_account *account,
    const struct run_progress *progress)
{
	const struct agenda_outcome outcome = {
		.result = &progress->result,
		.login_delay_s = progress->login_delay_s,
		.yield = yield_of(progress),
		.has_worked =
		    account->last_success_ms != 0 || progress->has_worked,
		.has_failed = account->last_finished_ms == 0 &&
			      progress->has_worked &&
			      progress->failing_since_ms != 0,
	};
	const struct pace pace = poller_pace(account->config);
	uint32_t random, held;

	poller->polls += progress->wish != POLLER_WISH_DRY_RUN;
	poller->failures += progress->result.error != EVPOP_ERROR_NONE;
	poller->messages += progress->tally.fetched;
	poller->octets += progress->tally.body_octets;
	if (progress->wish != POLLER_WISH_DRY_RUN)
		account->unchanged = progress->unchanged;
	evutil_secure_rng_get_bytes(&random, sizeof random);
	agenda_ended(&poller->agenda, &account->item, &outcome, &pace,
	    evpop_clock_monotonic_ms(), random);
	if (poller->once) {
		poller->once_left--;
		agenda_rest(&poller->agenda, &account->item, POLLER_WAITING);
	}
	held = account->tally.held;
	poller_account_note(account, progress, retry_ms(account));
	tell_over(poller, account, progress);
	poller_tell_state(poller, account);
	poller_watch(poller);
	poller_count_held(poller, held, account->tally.held);
}

/* What a dry run has found stays until the next one finds something. */
static void
take_plan(struct poller_account *account, struct run *run)
{
	struct poller_plan *plan = run_take_plan(run);

	if (plan != NULL)
		findings_set_plan(&account->findings, plan);
}

void
poller_finish_run(struct run *run, const struct run_progress *progress,
    void *owner, void *arg)
{
	struct poller_account *account = owner;
	struct poller *poller = arg;

	assert(run == account->run);
	account->run = NULL;
	if (account->config == NULL) {
		agenda_remove(&poller->agenda, &account->item);
		poller_account_free(account);
	} else {
		take_plan(account, run);
		after_poll(poller, account, progress);
	}
	run_free(&run);
	poller_wake(poller);
}

/* ---- before a poll ---- */

/* What keeps a poll from beginning is reported like a poll that failed. */
static void
fail_at_once(struct poller *poller, struct poller_account *account,
    const struct evpop_result *result)
{
	int64_t now_ms = evpop_clock_unix_ms();
	const struct run_progress progress = {
		.result = *result,
		.started_ms = now_ms,
		.finished_ms = now_ms,
		.wish = (enum poller_wish)account->wish,
	};

	account->wish = POLLER_WISH_POLL;
	account->last_started_ms = now_ms;
	after_poll(poller, account, &progress);
}

static bool
store_works(struct poller *poller, struct poller_account *account)
{
	const struct store_error *health =
	    store_health(poller->resources.store);
	struct evpop_result result;

	if (health->status == STORE_OK)
		return true;
	evpop_result_set(&result, EVPOP_ERROR_IO, EVPOP_PHASE_NONE,
	    "the store cannot take mail (%s); it stays on the server",
	    health->text);
	fail_at_once(poller, account, &result);
	return false;
}

/*
 * Whose row is whose could not be found out: to go by the name alone might
 * fetch everything again.
 */
static bool
accounts_are_known(struct poller *poller, struct poller_account *account)
{
	enum store_status status = configured_status(poller->configured);
	struct evpop_result result;

	if (status == STORE_OK)
		return true;
	evpop_result_set(&result, EVPOP_ERROR_IO, EVPOP_PHASE_NONE,
	    "the store does not tell which account this was (%s): %s; mail "
	    "stays on the server",
	    store_status_name(status), store_status_hint(status));
	fail_at_once(poller, account, &result);
	configured_repeat(poller->configured, poller->config);
	return false;
}

static bool
is_held(struct poller *poller, struct poller_account *account)
{
	struct evpop_result why;

	if (!poller_account_is_held(account, &why)) {
		if (account->wish == POLLER_WISH_CONFIRM)
			findings_set_former(&account->findings, NULL);
		return false;
	}
	fail_at_once(poller, account, &why);
	return true;
}

/* With a failure it is a poll that only leaves its row. */
static bool
start_run(struct poller *poller, struct poller_account *account,
    struct evpop_tls_context *tls, const struct evpop_result *failure)
{
	account->run = run_new(&poller->resources,
	    &(struct run_order){ .account = account->config,
		.tls = tls,
		.wish = (enum poller_wish)account->wish,
		.expect_nothing = account->quiet_polls >= POLICY_QUIET_POLLS,
		.keeps_transcript =
		    account->last_finished_ms == 0 || account->tally.failed > 0,
		.failure = failure,
		.unchanged = &account->unchanged,
		.owner = account });
	return account->run != NULL;
}

static bool
start_well_or_badly(struct poller *poller, struct poller_account *account,
    struct evpop_result *result_r)
{
	struct evpop_tls_context *tls = NULL;

	if (account->config->tls != EVPOP_TLS_NONE) {
		tls = tls_get(&poller->tls, account->config, result_r);
		if (tls == NULL && start_run(poller, account, NULL, result_r))
			return true;
		if (tls == NULL)
			return false;
	}
	if (start_run(poller, account, tls, NULL))
		return true;
	evpop_result_set(result_r, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
	    "no memory for a session");
	return start_run(poller, account, NULL, result_r);
}

static void
start(struct poller *poller, struct poller_account *account)
{
	struct evpop_result result;

	account->secret_mark = poller_secret_mark(account->config);
	notify_publish(poller->resources.notify,
	    &(struct notify_event){
		.kind = NOTIFY_POLL_BEGUN, .account = account->config->name });
	poller_tell_state(poller, account);
	if (!store_works(poller, account) ||
	    !accounts_are_known(poller, account) || is_held(poller, account))
		return;
	if (!start_well_or_badly(poller, account, &result)) {
		fail_at_once(poller, account, &result);
		return;
	}
	account->wish = POLLER_WISH_POLL;
	account->last_started_ms = evpop_clock_unix_ms();
}

/*
 * So many in a turn of the loop, lest sessions under way wait for them all.
 * Each may take a while, which the rate of log-ins wants to know.
 */
#define STARTS_PER_TURN 64

/* Returns whether there may be more to start. */
static bool
start_some(struct poller *poller)
{
	struct agenda_item *item;
	unsigned starts;

	for (starts = 0; starts < STARTS_PER_TURN; starts++) {
		item =
		    agenda_start(&poller->agenda, evpop_clock_monotonic_ms());
		if (item == NULL)
			return false;
		start(poller, (struct poller_account *)item);
	}
	return true;
}

static void
wait_for_next(struct poller *poller)
{
	int64_t next_ms = agenda_next_ms(&poller->agenda), wait_ms;
	struct timeval wait;

	/* What was changed by starting polls has been looked at. */
	evtimer_del(poller->timer);
	if (next_ms == INT64_MAX)
		return;
	wait_ms = next_ms - evpop_clock_monotonic_ms();
	if (wait_ms < 0)
		wait_ms = 0;
	wait.tv_sec = (time_t)(wait_ms / 1000);
	wait.tv_usec = (suseconds_t)(wait_ms % 1000 * 1000);
	evtimer_add(poller->timer, &wait);
}

void
poller_dispatch(int fd, short what, void *arg)
{
	struct poller *poller = arg;

	(void)fd;
	(void)what;
	if (!poller->stopping && servers_are_known(poller->resources.servers) &&
	    configured_is_answered(poller->configured)) {
		if (start_some(poller))
			poller_wake(poller);
		else
			wait_for_next(poller);
	}
	check_ended(poller);
}

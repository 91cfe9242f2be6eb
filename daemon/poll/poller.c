/* The poller's life, its status, and what people ask of it. */
#include "daemon/poll/poller.h"

#include <assert.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log/log.h"
#include "daemon/poll/advice.h"
#include "daemon/poll/poller_internal.h"
#include "daemon/store/store.h"
#include "lib/base/clock.h"

/* Those whose account is removed already are among them. */
static void
each_running(struct poller *poller, void (*call)(struct run *))
{
	struct agenda_item *item, *next;
	struct run *run;

	for (item = TAILQ_FIRST(&poller->agenda.queue.running); item != NULL;
	     item = next) {
		next = TAILQ_NEXT(item, link);
		run = ((struct poller_account *)item)->run;
		if (run != NULL) /* it may be about to begin */
			call(run);
	}
}

static bool
is_shared(const struct run *run, int64_t account_id, void *arg)
{
	struct poller *poller = arg;
	struct agenda_item *item;
	struct run *other;

	TAILQ_FOREACH(item, &poller->agenda.queue.running, link) {
		other = ((struct poller_account *)item)->run;
		if (other != NULL && other != run &&
		    run_progress(other)->account_id == account_id)
			return true;
	}
	return false;
}

/* The store works again: what waits because of it need not wait longer. */
static void
store_changed(const struct notify_event *event, void *arg)
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
			each_running(poller, run_store_lost);
		return;
	}
	log_write(LOG_LEVEL_INFO, NULL, "the store works again");
	configured_repeat(poller->configured, poller->config);
	for (i = 0; i < poller->account_count; i++) {
		item = &poller->accounts[i]->item;
		/* That credentials were refused was not the store's fault. */
		if (item->health == POLLER_FAILING)
			agenda_retry(&poller->agenda, item, now_ms);
	}
	poller_wake(poller);
}

struct poller_account *
poller_account_new(struct poller *poller, const struct config_account *config)
{
	struct host *host = agenda_host(&poller->agenda, config->host);
	struct poller_account *account;

	account = calloc(1, sizeof *account);
	if (account == NULL || host == NULL) {
		free(account);
		return NULL;
	}
	account->config = config;
	account->told_state = POLLER_DISABLED;
	agenda_add(&poller->agenda, &account->item, config->name, host);
	return account;
}

static bool
make_accounts(struct poller *poller)
{
	size_t count = poller->config->account_count, i;

	poller->accounts = calloc(count + 1, sizeof(*poller->accounts));
	if (poller->accounts == NULL)
		return false;
	for (i = 0; i < count; i++) {
		poller->accounts[i] =
		    poller_account_new(poller, poller->config->accounts[i]);
		if (poller->accounts[i] == NULL)
			return false;
		poller->account_count++;
	}
	if (!agenda_reserve(&poller->agenda, count))
		return false;
	for (i = 0; i < count; i++) {
		if (!poller->config->accounts[i]->enabled)
			continue;
		agenda_hurry(&poller->agenda, &poller->accounts[i]->item, 0);
		poller->once_left++;
	}
	return true;
}

static void
cut(struct run *run)
{
	run_cancel(run, "cut short by the end of the daemon");
}

static void
grace_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	each_running(arg, cut);
}

/* There is no run yet where one begins, and none any more where it ended. */
static void
trace(const struct agenda_item *item, enum poller_state from,
    enum poller_state to)
{
	const struct poller_account *account =
	    (const struct poller_account *)item;

	if (account->config == NULL || from == to)
		return;
	log_write(LOG_LEVEL_DEBUG, account->config->name, "%s -> %s",
	    poller_state_name(from), poller_state_name(to));
}

/* Not from within the agenda, which a subscriber may make use of. */
void
poller_tell_state(struct poller *poller, struct poller_account *account)
{
	const char *from, *to;

	from = poller_shown_state((enum poller_state)account->told_state,
	    (enum poller_health)account->told_health);
	to = poller_shown_state(
	    agenda_state(&account->item), agenda_health(&account->item));
	account->told_state = agenda_state(&account->item) & 7;
	account->told_health = agenda_health(&account->item) & 3;
	if (strcmp(from, to) != 0)
		notify_publish(poller->resources.notify,
		    &(struct notify_event){ .kind = NOTIFY_ACCOUNT_STATE,
			.account = account->config->name,
			.state = { from, to } });
}

static void
servers_known(void *arg)
{
	struct poller *poller = arg;

	/* Without memory it is told before there is a timer. */
	if (poller->timer != NULL)
		poller_wake(poller);
}

/* ---- who the accounts are ---- */

static void
log_news(const struct store_account_news *news)
{
	switch (news->kind) {
	case STORE_ACCOUNT_RENAMED:
		log_write(LOG_LEVEL_INFO, news->name,
		    "continues as the account that was \"%s\"",
		    news->former_name);
		break;
	case STORE_ACCOUNT_RESEMBLES:
		log_write(LOG_LEVEL_WARNING, news->name,
		    "it has no mail yet, and the host and user of the account "
		    "\"%s\", which is no longer configured: if that was "
		    "renamed, write \"id = %s\" into [account %s]",
		    news->former_name, news->former_id, news->name);
		break;
	case STORE_ACCOUNT_REPLACES:
		log_write(LOG_LEVEL_WARNING, news->name,
		    "the account that had this name before is no longer "
		    "configured: its mail stays in the store as \"%s\"",
		    news->former_name);
		break;
	}
}

static void
take_news(struct poller *poller, const struct store_account_news *news)
{
	struct poller_account *account = poller_find(poller, news->name);

	log_news(news);
	if (account != NULL && news->kind == STORE_ACCOUNT_RESEMBLES)
		findings_set_former(&account->findings, news->former_id);
}

/* What its polls waited for may be settled. */
static void
forget_former(struct poller *poller, struct poller_account *account)
{
	if (findings_former(account->findings) == NULL)
		return;
	findings_set_former(&account->findings, NULL);
	agenda_retry(
	    &poller->agenda, &account->item, evpop_clock_monotonic_ms());
}

static void
accounts_known(enum store_status status, const struct store_account_news *news,
    size_t count, void *arg)
{
	struct poller *poller = arg;
	size_t i;

	for (i = 0; status == STORE_OK && i < poller->account_count; i++)
		forget_former(poller, poller->accounts[i]);
	for (i = 0; i < count; i++)
		take_news(poller, &news[i]);
	if (poller->timer != NULL)
		poller_wake(poller);
}

struct poller *
poller_new(const struct poller_options *options, const struct config *config)
{
	struct poller *poller;

	poller = calloc(1, sizeof *poller);
	if (poller == NULL)
		return NULL;
	poller->resources = (struct run_resources){
		.base = options->base,
		.names = options->names,
		.store = options->store,
		.notify = options->notify,
		.servers = servers_new(options->store, servers_known, poller),
		.ledger = ledger_new(LEDGER_LEAST + config->memory_limit),
		.memory_limit = config->memory_limit,
		.is_shared = is_shared,
		.finished = poller_finish_run,
		.arg = poller,
	};
	poller->once = options->once;
	poller->config = config;
	poller->configured =
	    configured_new(options->store, accounts_known, poller);
	agenda_init(&poller->agenda, trace);
	poller_set_limits(poller);
	poller->timer = evtimer_new(options->base, poller_dispatch, poller);
	poller->grace = evtimer_new(options->base, grace_over, poller);
	poller->watch = evtimer_new(options->base, poller_watch_step, poller);
	if (poller->resources.servers == NULL || poller->configured == NULL ||
	    poller->resources.ledger == NULL || poller->timer == NULL ||
	    poller->grace == NULL || poller->watch == NULL ||
	    !make_accounts(poller)) {
		poller_free(&poller);
		return NULL;
	}
	notify_subscribe(options->notify, &poller->subscription,
	    NOTIFY_BIT(NOTIFY_STORE_HEALTH), store_changed, poller);
	configured_tell(poller->configured, config);
	poller_wake(poller);
	return poller;
}

void
poller_stop(struct poller *poller, int64_t grace_ms)
{
	const struct timeval grace = {
		.tv_sec = (time_t)(grace_ms / 1000),
		.tv_usec = (suseconds_t)(grace_ms % 1000 * 1000),
	};

	poller->stopping = true;
	each_running(poller, run_stop);
	evtimer_add(poller->grace, &grace);
	poller_wake(poller);
}

void
poller_free(struct poller **poller_p)
{
	struct poller *poller = *poller_p;
	size_t i;

	if (poller == NULL)
		return;
	*poller_p = NULL;
	assert(poller->agenda.counts[POLLER_POLLING] == 0);
	notify_leave(&poller->subscription);
	for (i = 0; i < poller->account_count; i++)
		poller_account_free(poller->accounts[i]);
	free(poller->accounts);
	agenda_clear(&poller->agenda);
	tls_table_clear(&poller->tls);
	servers_free(&poller->resources.servers);
	configured_free(&poller->configured);
	ledger_free(&poller->resources.ledger);
	if (poller->timer != NULL)
		event_free(poller->timer);
	if (poller->grace != NULL)
		event_free(poller->grace);
	if (poller->watch != NULL)
		event_free(poller->watch);
	free(poller);
}

/* ---- wishes ---- */

static int
compare_name(const void *name, const void *account)
{
	return strcmp(
	    name, (*(struct poller_account *const *)account)->config->name);
}

struct poller_account *
poller_find(const struct poller *poller, const char *name)
{
	struct poller_account **found;

	found = bsearch(name, poller->accounts, poller->account_count,
	    sizeof(*poller->accounts), compare_name);
	return found == NULL ? NULL : *found;
}

enum poller_answer
poller_poll_now(struct poller *poller, const char *name, enum poller_wish wish)
{
	struct poller_account *account = poller_find(poller, name);

	assert(wish < POLLER_WISH_COUNT);
	if (account == NULL)
		return POLLER_NO_SUCH_ACCOUNT;
	if (account->item.state == POLLER_DISABLED)
		return POLLER_IS_DISABLED;
	/* Every poll is one; it takes no other wish away. */
	if (wish != POLLER_WISH_POLL)
		account->wish = wish & 7;
	/* Where it polls already, mail may have come since it was listed. */
	agenda_wish(&poller->agenda, &account->item,
	    account->wish == POLLER_WISH_DRY_RUN);
	poller_tell_state(poller, account);
	poller_wake(poller);
	return account->item.state == POLLER_POLLING ? POLLER_ALREADY
						     : POLLER_DONE;
}

const struct poller_plan *
poller_plan(const struct poller *poller, const char *name)
{
	const struct poller_account *account = poller_find(poller, name);

	return account == NULL ? NULL : findings_plan(account->findings);
}

enum poller_answer
poller_pause(struct poller *poller, const char *name)
{
	struct poller_account *account = poller_find(poller, name);
	struct agenda_item *item;

	if (account == NULL)
		return POLLER_NO_SUCH_ACCOUNT;
	item = &account->item;
	if (item->state == POLLER_DISABLED)
		return POLLER_IS_DISABLED;
	if (item->state == POLLER_PAUSED || item->pause)
		return POLLER_ALREADY;
	agenda_pause(&poller->agenda, item);
	poller_tell_state(poller, account);
	poller_wake(poller);
	return POLLER_DONE;
}

enum poller_answer
poller_resume(struct poller *poller, const char *name)
{
	struct poller_account *account = poller_find(poller, name);
	struct agenda_item *item;

	if (account == NULL)
		return POLLER_NO_SUCH_ACCOUNT;
	item = &account->item;
	if (item->state == POLLER_DISABLED)
		return POLLER_IS_DISABLED;
	if (item->state != POLLER_PAUSED && item->health == POLLER_WELL &&
	    !item->pause)
		return POLLER_ALREADY;
	agenda_resume(&poller->agenda, item, evpop_clock_monotonic_ms());
	poller_tell_state(poller, account);
	poller_wake(poller);
	return POLLER_DONE;
}

/* ---- status ---- */

void
poller_status(const struct poller *poller, struct poller_status *status)
{
	*status = (struct poller_status){
		.accounts = poller->account_count,
		.polling = poller->agenda.counts[POLLER_POLLING],
		.queued = poller->agenda.counts[POLLER_QUEUED],
		.failing = poller->agenda.health[POLLER_FAILING] +
			   poller->agenda.health[POLLER_REFUSED],
		.refused = poller->agenda.health[POLLER_REFUSED],
		.polls = poller->polls,
		.failures = poller->failures,
		.messages = poller->messages,
		.octets = poller->octets,
		.held_accounts = poller->held_accounts,
		.held_deletions = poller->held_deletions,
	};
}

static int64_t
next_ms(const struct agenda_item *item)
{
	if (item->state == POLLER_QUEUED)
		return evpop_clock_unix_ms();
	if (item->time.position == 0)
		return 0;
	return evpop_clock_unix_ms() + item->time.due_ms -
	       evpop_clock_monotonic_ms();
}

static void
fill_status(
    const struct poller_account *account, struct poller_account_status *status)
{
	const struct pace pace = poller_pace(account->config);
	const struct agenda_item *item = &account->item;
	const struct tally *now;

	*status = (struct poller_account_status){
		.name = account->config->name,
		.host = account->config->host,
		.user = account->config->user,
		.state = agenda_state(item),
		.health = agenda_health(item),
		.next_ms = next_ms(item),
		.interval_ms = pace_bounded(&pace, item->interval_ms),
		.last_started_ms = account->last_started_ms,
		.last_finished_ms = account->last_finished_ms,
		.last_success_ms = account->last_success_ms,
		.failing_since_ms = account->failing_since_ms,
		.last_outcome =
		    account->last_finished_ms == 0
			? NULL
			: evpop_error_name(
			      (enum evpop_error)account->last_outcome),
		.last_text = account->last_text,
		.failures = item->failures,
		.tally = account->tally,
		.identity = poller_identity_name(
		    (enum poller_identity)account->identity),
		.moved = findings_moved(account->findings),
		.former_id = findings_former(account->findings),
	};
	if (account->run == NULL)
		return;
	now = &run_progress(account->run)->tally;
	status->tally.messages = now->messages;
	status->tally.fetched = now->fetched;
	status->tally.deleted = now->deleted;
	status->tally.failed = now->failed;
	status->tally.octets_in = now->octets_in;
}

bool
poller_account_status(const struct poller *poller, const char *name,
    struct poller_account_status *status)
{
	const struct poller_account *account = poller_find(poller, name);

	if (account == NULL)
		return false;
	fill_status(account, status);
	return true;
}

bool
poller_account_advice(const struct poller *poller, const char *name,
    char advice[POLLER_ADVICE_SIZE])
{
	const struct poller_account *account = poller_find(poller, name);

	_Static_assert(ADVICE_SIZE == POLLER_ADVICE_SIZE, "one size");
	/* What to do where it may be another account is its trouble's text. */
	if (account == NULL || findings_former(account->findings) != NULL ||
	    agenda_health(&account->item) == POLLER_WELL)
		return false;
	advice_write(
	    advice, (enum advice)account->advice, account->config, false);
	return true;
}

bool
poller_account_status_at(const struct poller *poller, size_t index,
    struct poller_account_status *status)
{
	if (index >= poller->account_count)
		return false;
	fill_status(poller->accounts[index], status);
	return true;
}

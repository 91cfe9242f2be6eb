#include "daemon/poll/run.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/log/log.h"
#include "daemon/poll/account_row.h"
#include "daemon/poll/advice.h"
#include "daemon/poll/credentials.h"
#include "daemon/poll/deposit.h"
#include "daemon/poll/interval.h"
#include "daemon/poll/ledger.h"
#include "daemon/poll/servers.h"
#include "daemon/poll/setup.h"
#include "daemon/store/store.h"
#include "lib/base/clock.h"

/* In this order; a poll that cannot begin goes from FAILED to OVER. */
enum run_state {
	RUN_PREPARING = 0, /* the account's row and its secret are on the way */
	RUN_FAILED,        /* it never begins: what is left is its row */
	RUN_RUNNING,       /* the sync runs */
	RUN_OVER           /* what the store still owes is waited for */
};

struct run {
	struct run_resources resources;
	char *name;
	void *owner;
	enum run_state state;
	struct account_row *row;
	struct store_account account;
	struct credentials *credentials; /* NULL where it cannot begin */
	struct evpop_sync *sync;         /* likewise */
	struct deposit *deposit;
	struct evpop_policy policy;
	struct policy_present present;

	const struct evpop_listing *listing;
	uint32_t unreadable;        /* lines of UIDL, or of LIST in its place */
	uint64_t version;           /* store_uids_version() at the listing */
	struct unchanged unchanged; /* the last poll's, while it holds */
	bool is_unchanged;          /* the listing is that of the last poll */
	bool forgets_unchanged;     /* the account was changed meanwhile */

	bool asks_account;     /* the store owes the account's row */
	bool asks_octets;      /* and what was fetched today */
	unsigned owed;         /* its answers, without the deposit's */
	struct event *settled; /* looks, on the loop, whether all is settled */
	struct run_progress progress;
};

static void run_listed(const struct evpop_listing *, void *);
static void run_done(const struct evpop_sync_report *, void *);
static void run_answered(enum store_status, void *);
static void run_end(struct run *, const struct evpop_result *);
static void run_fail(struct run *, enum evpop_error, const char *);
static void run_fail_store(struct run *, enum store_status);
static void run_conclude(struct run *);

/* ---- the end of all ---- */

/*
 * The session is over, and the store has answered everything that it was asked
 * for this poll.  Nothing else decides when a poll ends.
 */
static bool
run_is_settled(const struct run *run)
{
	return run->state == RUN_OVER && run->owed == 0 &&
	       deposit_is_settled(run->deposit);
}

static void
run_finish(evutil_socket_t fd, short what, void *arg)
{
	struct run *run = arg;

	(void)fd;
	(void)what;
	if (run_is_settled(run))
		run->resources.finished(
		    run, &run->progress, run->owner, run->resources.arg);
}

/* Check from the loop, not from inside the answer, whether all is settled. */
static void
run_look(struct run *run)
{
	event_active(run->settled, EV_TIMEOUT, 0);
}

/* ---- the account and its secret ---- */

/* Both the account's row and its secret, if it has one, are needed. */
static void
run_start_if_ready(struct run *run)
{
	enum evpop_error error;
	const char *why;

	if (run->state != RUN_PREPARING || run->progress.account_id == 0 ||
	    run->asks_octets || !credentials_are_known(run->credentials))
		return;
	evpop_sync_set_policy(run->sync, &run->policy);
	error = credentials_start(run->credentials, run->sync, &why);
	if (error == EVPOP_ERROR_NONE)
		run->state = RUN_RUNNING;
	else
		run_fail(run, error, why);
}

static void
run_credentials_known(const char *error, void *arg)
{
	struct run *run = arg;

	if (error != NULL)
		run_fail(run, credentials_error(run->credentials), error);
	else
		run_start_if_ready(run);
}

static void
run_octets_known(enum store_status status, uint64_t octets, void *arg)
{
	struct run *run = arg;

	run->owed--;
	run->asks_octets = false;
	if (status == STORE_OK)
		policy_of_day(&run->policy, run->present.day_octets, octets);
	else
		run_fail_store(run, status);
	run_start_if_ready(run);
	run_look(run);
}

/* A poll for which there is a limit has to know what was fetched today. */
static void
run_ask_octets(struct run *run)
{
	if (run->present.day_octets == 0 || run->state != RUN_PREPARING)
		return;
	run->owed++;
	run->asks_octets = true;
	store_poll_octets(run->resources.store, run->progress.account_id,
	    policy_day_ms(evpop_clock_unix_ms()), run_octets_known, run);
}

static void
run_take_account(struct run *run, const struct store_account *account)
{
	run->account = *account;
	run->account.host = run->account.user = NULL;
	run->progress.account_id = account->id;
	run->progress.has_worked = account->listed;
	run->progress.failing_since_ms = account->failing_since_ms;
	policy_of_past(&run->policy, account, &run->present);
	deposit_set_account(run->deposit, account);
	run_ask_octets(run);
}

/* A poll that cannot begin leaves a row too, and has waited for its account. */
static void
run_account_known(
    enum store_status status, const struct store_account *account, void *arg)
{
	struct run *run = arg;

	run->owed--;
	run->asks_account = false;
	if (status == STORE_OK)
		run_take_account(run, account);
	else
		run_fail_store(run, status);
	if (run->state == RUN_FAILED)
		run_conclude(run);
	run_start_if_ready(run);
	run_look(run);
}

/* ---- the beginning ---- */

/* False without memory. */
static bool
run_make_sync(struct run *run, const struct run_order *order)
{
	const struct run_resources *resources = &run->resources;
	struct evpop_client_config client;

	setup_client(&client, order->account);
	client.tls_context = order->tls;
	client.memory = servers_memory(resources->servers);
	client.telemetry = resources->telemetry;
	if (resources->memory_limit > EVPOP_LIMIT_LISTING_OCTETS)
		client.limits.listing_octets = resources->memory_limit;
	run->sync = evpop_sync_new(resources->base,
	    evpop_names_dns(resources->names), &client, &run->policy,
	    deposit_callbacks(order->keeps_transcript), run->deposit);
	if (run->sync == NULL)
		return false;
	deposit_set_sync(run->deposit, run->sync);
	return true;
}

/* False without memory. */
static bool
run_make(struct run *run, const struct run_order *order)
{
	const struct run_resources *resources = &run->resources;

	run->settled = event_new(resources->base, -1, 0, run_finish, run);
	run->name = strdup(order->account->name);
	run->row = account_row_new(resources->store, order->account);
	if (run->settled == NULL || run->name == NULL || run->row == NULL)
		return false;
	run->deposit =
	    deposit_new(&(struct deposit_order){ .store = resources->store,
		.notify = resources->notify,
		.ledger = resources->ledger,
		.name = run->name,
		.policy = &run->policy,
		.owner = { .listed = run_listed,
		    .done = run_done,
		    .answered = run_answered,
		    .arg = run } });
	if (run->deposit == NULL || order->failure != NULL)
		return run->deposit != NULL;
	run->credentials =
	    credentials_new(&(struct credentials_context){ resources->base,
				resources->key, resources->oauth },
		order->account, run_credentials_known, run);
	return run->credentials != NULL && run_make_sync(run, order);
}

/* With what the last poll has left, the store need not be asked at once. */
static void
run_begin(struct run *run, const struct run_order *order)
{
	struct store_account account;

	if (order->wish == POLLER_WISH_POLL &&
	    unchanged_account(order->unchanged, &account)) {
		run->unchanged = *order->unchanged;
		account_row_recall(run->row, account.id);
		run_take_account(run, &account);
		if (order->failure == NULL)
			run_start_if_ready(run);
	} else {
		run->owed++;
		run->asks_account = true;
		account_row_ask(run->row, run_account_known, run);
	}
	if (order->failure != NULL)
		run_end(run, order->failure);
}

struct run *
run_new(const struct run_resources *resources, const struct run_order *order)
{
	struct run *run = calloc(1, sizeof *run);

	if (run == NULL)
		return NULL;
	run->resources = *resources;
	run->owner = order->owner;
	run->progress.started_ms = evpop_clock_unix_ms();
	run->progress.wish = order->wish;
	run->progress.credentials_mark = order->credentials_mark;
	run->present = policy_present(order);
	policy_of_order(&run->policy, order);
	if (!run_make(run, order)) {
		run_free(&run);
		return NULL;
	}
	run_begin(run, order);
	return run;
}

/* ---- the listing ---- */

/* The store works: it has just answered. */
static void
run_bound(enum store_status status, void *arg)
{
	struct run *run = arg;

	run->owed--;
	run->progress.note = account_row_note(run->row);
	if (status == STORE_OK && run->state == RUN_RUNNING) {
		deposit_set_account(
		    run->deposit, account_row_account(run->row));
		deposit_look_up(run->deposit);
	}
	run_answered(status, run);
}

/*
 * A poll of the former maildrop, under the former name, may still write down
 * what is known by the ids there.
 */
static bool
run_is_too_early(const struct run *run)
{
	const struct run_resources *resources = &run->resources;

	return account_row_is_elsewhere(run->row) &&
	       resources->is_shared != NULL &&
	       resources->is_shared(run, run->account.id, resources->arg);
}

static void
run_look_up(struct run *run)
{
	struct evpop_result result;

	if (run_is_too_early(run)) {
		evpop_result_set(&result, EVPOP_ERROR_CANCELLED,
		    EVPOP_PHASE_NONE,
		    "a poll under its former name has not finished");
		result.code = EVPOP_CODE_IN_USE;
		run_end(run, &result);
		return;
	}
	run->owed++;
	account_row_bind(run->row, run_bound, run);
}

static void
run_listed(const struct evpop_listing *listing, void *arg)
{
	struct run *run = arg;

	run->listing = listing;
	run->unreadable = listing->ignored;
	if (listing->count > 0)
		run->progress.identity =
		    listing->unique_ids ? POLLER_IDENTITY_UNIQUE_ID
		    : listing->digests  ? POLLER_IDENTITY_TOP
					: POLLER_IDENTITY_BODY;
	run->version = store_uids_version(run->resources.store);
	run->is_unchanged = unchanged_is(
	    &run->unchanged, listing, run->version, evpop_clock_elapsed_ms());
	if (run->is_unchanged)
		evpop_sync_unchanged(run->sync);
	else {
		run->unchanged.account_id = 0;
		run_look_up(run);
	}
}

/* ---- the end ---- */

static void
run_end(struct run *run, const struct evpop_result *result)
{
	if (run->state == RUN_RUNNING)
		evpop_sync_cancel(run->sync, result);
	if (run->state != RUN_PREPARING)
		return;
	run->progress.result = *result;
	run->state = RUN_FAILED;
	if (!run->asks_account)
		run_conclude(run);
}

static void
run_fail(struct run *run, enum evpop_error error, const char *why)
{
	struct evpop_result result;

	evpop_result_set(&result, error, EVPOP_PHASE_NONE, "%s", why);
	run_end(run, &result);
}

static void
run_fail_store(struct run *run, enum store_status status)
{
	char why[EVPOP_TEXT_SIZE];

	snprintf(why, sizeof why, "the store failed (%s): %s",
	    store_status_name(status), store_status_hint(status));
	run_fail(run, EVPOP_ERROR_IO, why);
}

static void
run_answered(enum store_status status, void *arg)
{
	const char *name = store_status_name(status);
	struct run *run = arg;

	if (status != STORE_OK && run->state == RUN_OVER)
		log_write(LOG_LEVEL_WARNING, run->name,
		    "the poll could not be recorded: %s", name);
	else if (status != STORE_OK)
		run_fail_store(run, status);
	run_look(run);
}

static void
run_note_shortfall(struct run *run, const struct evpop_sync_report *report)
{
	struct evpop_result *result = &run->progress.result;

	if (deposit_is_overdrawn(run->deposit))
		shortfall_memory(result, ledger_capacity(run->resources.ledger),
		    report->octets_in);
	else if (!report->listed)
		shortfall_listing(result, report->octets_in);
	/* A session that failed says more. */
	if (result->error != EVPOP_ERROR_NONE ||
	    deposit_was_refused(run->deposit, result))
		return;
	if (run->unreadable > 0)
		shortfall_unreadable(
		    result, run->unreadable, run->listing->ignored_line);
	else if (report->unidentified > 0)
		shortfall_unidentified(result, report->unidentified,
		    run->policy.fetch_after_ms > 0);
}

static void
run_note_unchanged(struct run *run, const struct evpop_sync_report *report)
{
	const struct evpop_plan *plan = evpop_sync_plan(run->sync);

	if (report->result.error != EVPOP_ERROR_NONE || run->forgets_unchanged)
		return;
	if (run->is_unchanged)
		run->progress.unchanged = run->unchanged;
	else if (plan != NULL && !deposit_has_changed(run->deposit))
		unchanged_note(&run->progress.unchanged, run->listing, plan,
		    &run->account, run->version,
		    deposit_age_now_ms(run->deposit), evpop_clock_elapsed_ms());
}

static void
run_done(const struct evpop_sync_report *report, void *arg)
{
	struct run *run = arg;
	struct run_progress *progress = &run->progress;
	const struct evpop_client *client = evpop_sync_client(run->sync);

	progress->was_asked = evpop_client_tried(client) != 0;
	if (progress->was_asked || report->result.error == EVPOP_ERROR_NONE)
		progress->mechanism =
		    evpop_mechanism_name(evpop_client_mechanism(client));
	progress->login_delay_s =
	    evpop_client_capabilities(client)->login_delay_s;
	progress->result = report->result;
	credentials_conclude(run->credentials, &progress->result);
	deposit_tally(run->deposit, report, &progress->tally);
	if (run->is_unchanged)
		unchanged_tally(&run->unchanged, &progress->tally);
	run_note_shortfall(run, report);
	run_note_unchanged(run, report);
	run_conclude(run);
}

/* ---- its row in the history ---- */

static void
run_recorded(enum store_status status, void *arg)
{
	struct run *run = arg;

	FAILPOINT("poll recorded");
	run->owed--;
	run_answered(status, run);
}

/* Who ends the daemon is no fault of the account's. */
static bool
run_is_failure(const struct run_progress *progress)
{
	if (progress->result.error == EVPOP_ERROR_CANCELLED)
		return progress->failing_since_ms != 0;
	return backoff_is_failure(&progress->result);
}

static void
run_record(struct run *run)
{
	const struct run_progress *progress = &run->progress;
	const bool is_well = progress->result.error == EVPOP_ERROR_NONE;
	const struct store_poll poll = {
		.account_id = progress->account_id,
		.started_ms = progress->started_ms,
		.finished_ms = progress->finished_ms,
		.outcome = evpop_error_name(progress->result.error),
		.text = is_well ? progress->note : progress->result.text,
		.is_failure = run_is_failure(progress),
		.is_refused = progress->was_asked &&
			      backoff_is_refusal(&progress->result),
		.credentials_mark = progress->credentials_mark,
		.tally = progress->tally,
	};

	/* Without the account's row, the store has failed. */
	if (progress->account_id == 0 || run->policy.dry_run)
		return;
	if (run->is_unchanged && is_well) {
		store_poll_note(run->resources.store, &poll);
		return;
	}
	run->owed++;
	store_poll_record(run->resources.store, &poll, run_recorded, run);
}

/*
 * The session is over, well or badly; or it will never begin.  The changes, and
 * what was learned of the server, go before the record, so that its commit has
 * theirs behind it too.
 */
static void
run_conclude(struct run *run)
{
	assert(run->state != RUN_OVER);
	run->state = RUN_OVER;
	run->progress.finished_ms = evpop_clock_unix_ms();
	if (run->credentials != NULL)
		credentials_wipe(run->credentials);
	servers_keep(run->resources.servers);
	deposit_close(run->deposit);
	run_record(run);
	run_look(run);
}

/* ---- what its owner asks ---- */

void
run_forget_unchanged(struct run *run)
{
	run->forgets_unchanged = true;
}

void
run_stop(struct run *run)
{
	if (run->state == RUN_RUNNING)
		evpop_sync_stop(run->sync);
	else
		run_fail(run, EVPOP_ERROR_CANCELLED, "stopped");
}

void
run_store_lost(struct run *run)
{
	run_fail_store(run, STORE_REPLACED);
}

void
run_cancel(struct run *run, const char *why)
{
	run_fail(run, EVPOP_ERROR_CANCELLED, why);
}

const struct run_progress *
run_progress(struct run *run)
{
	struct evpop_sync_report report;

	if (run->state == RUN_RUNNING) {
		evpop_sync_progress(run->sync, &report);
		deposit_tally(run->deposit, &report, &run->progress.tally);
	}
	return &run->progress;
}

struct poller_plan *
run_take_plan(struct run *run)
{
	return deposit_take_plan(run->deposit);
}

void
run_free(struct run **run_p)
{
	struct run *run = *run_p;

	if (run == NULL)
		return;
	*run_p = NULL;
	credentials_free(&run->credentials);
	evpop_sync_free(run->sync);
	deposit_free(&run->deposit);
	if (run->settled != NULL)
		event_free(run->settled);
	account_row_free(&run->row);
	free(run->name);
	free(run);
}

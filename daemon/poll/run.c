#include "daemon/poll/run.h"

#include <assert.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/failpoint/failpoint.h"
#include "daemon/log/log.h"
#include "daemon/poll/account_row.h"
#include "daemon/poll/credentials.h"
#include "daemon/poll/deposit.h"
#include "daemon/poll/dry_run.h"
#include "daemon/poll/ledger.h"
#include "daemon/poll/policy.h"
#include "daemon/poll/record.h"
#include "daemon/poll/servers.h"
#include "daemon/poll/setup.h"
#include "daemon/poll/shortfall.h"
#include "daemon/store/store.h"
#include "lib/base/clock.h"

struct run {
	struct run_resources resources;
	char *name;
	struct account_row *row;
	void *owner;

	struct credentials *credentials; /* NULL where it cannot begin */
	struct evpop_sync *sync;         /* likewise */
	struct deposit *deposit;
	struct ledger_share *share;
	bool is_overdrawn;
	struct evpop_policy policy;
	struct policy_present present;
	struct poller_plan *plan; /* of a dry run */
	const struct evpop_listing *listing;
	uint32_t unreadable; /* lines of UIDL, or of LIST in its place */
	struct store_account account;
	struct unchanged
	    unchanged;          /* of the last poll, until it proves wrong */
	bool forgets_unchanged; /* the next poll is not to go by this one */
	bool same;              /* the listing is that of the last poll */
	uint64_t version;       /* store_uids_version() at the listing */
	bool asks_account;      /* its row is asked for */
	bool has_failed;        /* it ends once that is known */
	bool started;           /* the sync runs, or has run */
	bool over;              /* the sync is done, or will never start */
	unsigned waiting;       /* answers owed by the store */
	struct event *settled;  /* runs `finished` from the loop */
	struct run_progress progress;
};

static void run_account_known(
    enum store_status, const struct store_account *, void *);
static void run_take_account(struct run *, const struct store_account *);
static void run_credentials_known(const char *, void *);
static void run_start_if_ready(struct run *);
static void run_listed(const struct evpop_listing *, void *);
static void run_look_up(struct run *);
static void run_bound(enum store_status, void *);
static void run_planned(const struct evpop_plan *, void *);
static bool run_hold(size_t, void *);
static void run_overdrawn(void *);
static void run_store_failed(enum store_status, void *);
static void run_fail(struct run *, enum evpop_error, const char *);
static void run_end_early(struct run *);
static void run_done(const struct evpop_sync_report *, void *);
static void run_note_shortfall(struct run *, const struct evpop_sync_report *);
static void run_note_unchanged(struct run *, const struct evpop_sync_report *);
static void run_conclude(struct run *);
static void run_record(struct run *);
static void run_recorded(enum store_status, void *);
static void run_settle(struct run *);
static void run_finish(evutil_socket_t, short, void *);

/* ---- the beginning ---- */

static bool
run_copy_names(struct run *run, const struct config_account *account)
{
	run->name = strdup(account->name);
	run->row = account_row_new(run->resources.store, account);
	return run->name != NULL && run->row != NULL;
}

/* False without memory. */
static bool
run_make_sync(struct run *run, const struct run_order *order)
{
	const struct run_resources *resources = &run->resources;
	struct evpop_client_config client;

	run->share = ledger_open(resources->ledger, run_overdrawn, run);
	run->deposit =
	    deposit_new(resources->store, resources->notify, run->name,
		&(struct deposit_owner){
		    .listed = run_listed,
		    .planned = run_planned,
		    .done = run_done,
		    .failed = run_store_failed,
		    .hold = run_hold,
		    .arg = run,
		});
	if (run->share == NULL || run->deposit == NULL)
		return false;
	if (order->failure != NULL)
		return true;
	setup_client(&client, order->account);
	client.tls_context = order->tls;
	client.memory = servers_memory(resources->servers);
	if (resources->memory_limit > EVPOP_LIMIT_LISTING_OCTETS)
		client.limits.listing_octets = resources->memory_limit;
	run->sync =
	    evpop_sync_new(resources->base, evpop_names_dns(resources->names),
		&client, &run->policy, &deposit_callbacks, run->deposit);
	if (run->sync == NULL)
		return false;
	deposit_set_sync(run->deposit, run->sync);
	return true;
}

/*
 * With what the last poll has left, the store is not asked before there is
 * something to do.
 */
static void
run_begin(struct run *run, const struct run_order *order)
{
	struct store_account account;

	if (order->failure != NULL) {
		run->progress.result = *order->failure;
		run->has_failed = true;
	}
	if (order->wish == POLLER_WISH_POLL &&
	    unchanged_account(order->unchanged, &account)) {
		run->unchanged = *order->unchanged;
		account_row_recall(run->row, account.id);
		run_take_account(run, &account);
		run_end_early(run);
		return;
	}
	run->waiting++;
	run->asks_account = true;
	account_row_ask(run->row, run_account_known, run);
}

struct run *
run_new(const struct run_resources *resources, const struct run_order *order)
{
	const struct config_account *account = order->account;
	struct run *run;

	run = calloc(1, sizeof *run);
	if (run == NULL)
		return NULL;
	run->resources = *resources;
	run->owner = order->owner;
	run->progress.started_ms = evpop_clock_unix_ms();
	run->progress.wish = order->wish;
	run->present = policy_present(order);
	policy_of_order(&run->policy, order);
	run->settled = event_new(resources->base, -1, 0, run_finish, run);
	if (order->failure == NULL)
		run->credentials = credentials_new(
		    resources->base, account, run_credentials_known, run);
	if (run->settled == NULL || !run_copy_names(run, account) ||
	    !run_make_sync(run, order) ||
	    (order->failure == NULL && run->credentials == NULL)) {
		run_free(&run);
		return NULL;
	}
	run_begin(run, order);
	return run;
}

/* ---- the account and its secret ---- */

static void
run_account_known(
    enum store_status status, const struct store_account *account, void *arg)
{
	struct run *run = arg;

	run->waiting--;
	run->asks_account = false;
	if (status == STORE_OK)
		run_take_account(run, account);
	else
		run_store_failed(status, run);
	run_end_early(run);
	run_settle(run);
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
	deposit_set_account(run->deposit, account, run->policy.dry_run);
	run_start_if_ready(run);
}

static void
run_credentials_known(const char *error, void *arg)
{
	if (error != NULL)
		run_fail(arg, EVPOP_ERROR_USAGE, error);
	else
		run_start_if_ready(arg);
}

/* Both the account's row and its secret, if it has one, are needed. */
static void
run_start_if_ready(struct run *run)
{
	enum evpop_error error;

	if (run->over || run->has_failed || run->progress.account_id == 0 ||
	    !credentials_are_known(run->credentials))
		return;
	evpop_sync_set_policy(run->sync, &run->policy);
	error = credentials_start(run->credentials, run->sync);
	if (error != EVPOP_ERROR_NONE) {
		run_fail(run, error,
		    error == EVPOP_ERROR_MEMORY
			? "no memory for a session"
			: "user, password or token holds a line end, which "
			  "POP3 cannot carry");
		return;
	}
	run->started = true;
}

/* ---- the listing and the plan ---- */

static void
run_listed(const struct evpop_listing *listing, void *arg)
{
	struct run *run = arg;

	run->listing = listing;
	run->unreadable = listing->ignored;
	run->progress.tally.messages = (uint32_t)listing->count;
	if (listing->count > 0)
		run->progress.identity =
		    listing->unique_ids ? POLLER_IDENTITY_UNIQUE_ID
		    : listing->digests  ? POLLER_IDENTITY_TOP
					: POLLER_IDENTITY_BODY;
	run->version = store_uids_version(run->resources.store);
	run->same = unchanged_is(
	    &run->unchanged, listing, run->version, evpop_clock_elapsed_ms());
	if (!run->same) {
		run_look_up(run);
		return;
	}
	evpop_sync_unchanged(run->sync);
}

/*
 * A poll of the former maildrop, under the former name, may still write down
 * what is known by the ids there.
 */
static bool
run_is_too_early(struct run *run)
{
	const struct run_resources *resources = &run->resources;
	struct evpop_result result;

	if (!account_row_is_elsewhere(run->row) ||
	    resources->is_shared == NULL ||
	    !resources->is_shared(run, run->account.id, resources->arg))
		return false;
	evpop_result_set(&result, EVPOP_ERROR_CANCELLED, EVPOP_PHASE_NONE,
	    "a poll of it under its former name is not over yet");
	result.code = EVPOP_CODE_IN_USE;
	evpop_sync_cancel(run->sync, &result);
	return true;
}

static void
run_look_up(struct run *run)
{
	if (run_is_too_early(run))
		return;
	run->unchanged.account_id = 0;
	run->waiting++;
	account_row_bind(run->row, run_bound, run);
}

/* The store was tried, and can take what comes of it. */
static void
run_bound(enum store_status status, void *arg)
{
	struct run *run = arg;

	run->waiting--;
	run->progress.note = account_row_note(run->row);
	if (status != STORE_OK)
		run_store_failed(status, run);
	else if (!run->over) {
		deposit_set_account(run->deposit, account_row_account(run->row),
		    run->policy.dry_run);
		deposit_look_up(run->deposit);
	}
	run_settle(run);
}

static void
run_planned(const struct evpop_plan *plan, void *arg)
{
	struct run *run = arg;

	if (!run->policy.dry_run)
		return;
	dry_run_free(&run->plan);
	run->plan = dry_run_new(run->listing, plan, evpop_clock_unix_ms());
}

/* ---- what ends it early ---- */

static bool
run_hold(size_t octets, void *arg)
{
	struct run *run = arg;
	int64_t more = (int64_t)octets - (int64_t)ledger_share_held(run->share);

	if (ledger_charge(run->share, more) || more <= 0)
		return true;
	run->is_overdrawn = true;
	return false;
}

/*
 * It holds most of what there is for all, and others go on with that.  It says
 * so at its end, however it learns of it.
 */
static void
run_overdrawn(void *arg)
{
	struct run *run = arg;

	run->is_overdrawn = true;
	run_fail(run, EVPOP_ERROR_LIMIT, "no memory is left for listings");
}

static void
run_store_failed(enum store_status status, void *arg)
{
	struct run *run = arg;
	char why[EVPOP_TEXT_SIZE];

	snprintf(why, sizeof why, "the store: %s: %s",
	    store_status_name(status), store_status_hint(status));
	run_fail(run, EVPOP_ERROR_IO, why);
}

static void
run_fail(struct run *run, enum evpop_error error, const char *why)
{
	struct evpop_result result;

	evpop_result_set(&result, error, EVPOP_PHASE_NONE, "%s", why);
	if (run->started)
		evpop_sync_cancel(run->sync, &result);
	else if (!run->over && !run->has_failed) {
		run->progress.result = result;
		run->has_failed = true;
		run_end_early(run);
	}
}

/*
 * It will never begin: every poll leaves a row, and thus waits for its
 * account's.
 */
static void
run_end_early(struct run *run)
{
	if (run->has_failed &&
	    (run->progress.account_id != 0 || !run->asks_account))
		run_conclude(run);
}

/* ---- the end ---- */

static void
run_done(const struct evpop_sync_report *report, void *arg)
{
	struct run *run = arg;
	struct run_progress *progress = &run->progress;
	const struct evpop_client *client = evpop_sync_client(run->sync);
	const struct evpop_capabilities *capabilities;

	progress->was_asked = evpop_client_tried(client) != 0;
	capabilities = evpop_client_capabilities(client);
	if (capabilities->login_delay)
		progress->login_delay_s = capabilities->login_delay_s;
	record_of_report(report, run->deposit, progress);
	if (run->same)
		progress->tally.too_large = run->unchanged.too_large;
	run_note_shortfall(run, report);
	run_note_unchanged(run, report);
	run_conclude(run);
}

static void
run_note_shortfall(struct run *run, const struct evpop_sync_report *report)
{
	struct evpop_result *result = &run->progress.result;

	if (run->is_overdrawn)
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
		shortfall_unidentified(result, report->unidentified);
}

static void
run_note_unchanged(struct run *run, const struct evpop_sync_report *report)
{
	const struct evpop_plan *plan = evpop_sync_plan(run->sync);

	if (report->result.error != EVPOP_ERROR_NONE || run->forgets_unchanged)
		return;
	if (run->same)
		run->progress.unchanged = run->unchanged;
	else if (plan != NULL && !deposit_wrote(run->deposit))
		unchanged_note(&run->progress.unchanged, run->listing, plan,
		    &run->account, run->version,
		    deposit_age_now_ms(run->deposit), evpop_clock_elapsed_ms());
}

/* The session is over, well or badly; or it will never begin. */
static void
run_conclude(struct run *run)
{
	assert(!run->over);
	run->over = true;
	run->has_failed = false;
	run->progress.finished_ms = evpop_clock_unix_ms();
	if (run->credentials != NULL)
		credentials_wipe(run->credentials);
	/*
	 * The changes, and what was learned of the server, go before the
	 * record, so that its commit has theirs behind it too; and neither
	 * answer settles the run by itself.
	 */
	run->waiting += 2;
	servers_keep(run->resources.servers);
	deposit_close(run->deposit, run_recorded, run);
	run_record(run);
	run->waiting--;
	run_settle(run);
}

static void
run_record(struct run *run)
{
	const struct run_progress *progress = &run->progress;
	struct store_poll poll;

	/* Without its row, the store has failed. */
	if (progress->account_id == 0 || run->policy.dry_run)
		return;
	record_of_poll(progress, &poll);
	if (run->same && progress->result.error == EVPOP_ERROR_NONE) {
		store_poll_note(run->resources.store, &poll);
		return;
	}
	run->waiting++;
	store_poll_record(run->resources.store, &poll, run_recorded, run);
}

static void
run_recorded(enum store_status status, void *arg)
{
	struct run *run = arg;

	if (status != STORE_OK)
		log_write(LOG_LEVEL_WARNING, run->name,
		    "the poll could not be recorded: %s",
		    store_status_name(status));
	FAILPOINT("poll recorded");
	run->waiting--;
	run_settle(run);
}

static void
run_settle(struct run *run)
{
	if (run->over && run->waiting == 0)
		event_active(run->settled, EV_TIMEOUT, 0);
}

static void
run_finish(evutil_socket_t fd, short what, void *arg)
{
	struct run *run = arg;

	(void)fd;
	(void)what;
	run->resources.finished(
	    run, &run->progress, run->owner, run->resources.arg);
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
	if (run->started)
		evpop_sync_stop(run->sync);
	else
		run_fail(run, EVPOP_ERROR_CANCELLED, "stopped");
}

void
run_store_lost(struct run *run)
{
	if (!run->over)
		run_store_failed(STORE_REPLACED, run);
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

	if (run->started && !run->over) {
		evpop_sync_progress(run->sync, &report);
		run->progress.tally.fetched = deposit_stored(run->deposit);
		run->progress.tally.adopted = deposit_adopted(run->deposit);
		run->progress.tally.deleted = deposit_deleted(run->deposit);
		run->progress.tally.octets_in = report.octets_in;
	}
	return &run->progress;
}

struct poller_plan *
run_take_plan(struct run *run)
{
	struct poller_plan *plan = run->plan;

	run->plan = NULL;
	return plan;
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
	ledger_close(&run->share);
	dry_run_free(&run->plan);
	if (run->settled != NULL)
		event_free(run->settled);
	account_row_free(&run->row);
	free(run->name);
	free(run);
}

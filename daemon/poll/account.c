#include "daemon/poll/account.h"

#include <event2/util.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/log/log.h"
#include "daemon/notify/notify.h"
#include "daemon/poll/advice.h"
#include "daemon/poll/credentials.h"
#include "daemon/poll/findings.h"
#include "daemon/poll/interval.h"
#include "daemon/poll/outages.h"
#include "daemon/poll/outcome.h"
#include "daemon/poll/refusal.h"
#include "daemon/poll/setup.h"
#include "daemon/secret/mark.h"
#include "lib/base/clock.h"

/* At rest it is no more than this and its text: there may be very many. */
struct account {
	struct agenda_item item; /* first: the agenda hands out items */
	const struct config_account *config; /* NULL: removed, still running */
	struct run *run;            /* while it is polling, and only then */
	struct findings *findings;  /* NULL: none */
	struct unchanged unchanged; /* since the last poll */
	char *last_text;            /* NULL: all is well */
	const char *mechanism;      /* of the last log-in; NULL: none yet */
	int64_t last_started_ms, last_finished_ms, last_success_ms;
	int64_t failing_since_ms;  /* 0: it does not fail */
	struct tally tally;        /* of the last poll */
	uint32_t secret_mark;      /* of the file that the last poll read */
	unsigned wish : 3;         /* an enum poller_wish: of the next poll */
	unsigned quiet_polls : 3;  /* in a row, as far as they are counted */
	unsigned last_outcome : 6; /* an enum evpop_error, once finished */
	unsigned advice : 4;       /* an enum advice, likewise */
	unsigned identity : 2;     /* an enum poller_identity */
	unsigned told_state : 3;   /* an enum poller_state: as published */
	unsigned told_health : 2;  /* an enum poller_health: likewise */
	unsigned outage_mark : OUTAGES_MARK_BITS; /* see outages_note() */
};

struct account *
account_new(struct agenda *agenda, const struct config_account *config)
{
	struct host *host = agenda_host(agenda, config->host);
	struct account *account;

	account = calloc(1, sizeof *account);
	if (account == NULL || host == NULL) {
		free(account);
		return NULL;
	}
	account->config = config;
	account->told_state = POLLER_STATE_COUNT; /* none was told */
	agenda_add(agenda, &account->item, config->name, host);
	return account;
}

void
account_free(struct agenda *agenda, struct account *account)
{
	agenda_remove(agenda, &account->item);
	run_free(&account->run);
	free(account->last_text);
	findings_free(&account->findings);
	free(account);
}

struct agenda_item *
account_item(struct account *account)
{
	return &account->item;
}

struct account *
account_of(struct agenda_item *item)
{
	return (struct account *)item;
}

const struct config_account *
account_config(const struct account *account)
{
	return account->config;
}

struct run *
account_run(const struct account *account)
{
	return account->run;
}

/* ---- another configuration ---- */

/* Whether it asks another server now, or as another user. */
static bool
account_moves(const struct config_account *a, const struct config_account *b)
{
	return strcasecmp(a->host, b->host) != 0 || a->port != b->port ||
	       strcmp(a->user, b->user) != 0;
}

void
account_change(struct account *account, struct agenda *agenda,
    const struct config_account *changed, int64_t now_ms)
{
	memset(&account->unchanged, 0, sizeof account->unchanged);
	if (account->run != NULL)
		run_forget_unchanged(account->run);
	agenda_renew(agenda, &account->item, changed->enabled,
	    account_moves(account->config, changed), now_ms);
}

void
account_set_config(struct account *account, const struct config_account *config)
{
	account->config = config;
}

void
account_retire(struct agenda *agenda, struct account *account)
{
	account->config = NULL;
	if (account->run == NULL)
		account_free(agenda, account);
	else
		run_stop(account->run);
}

bool
account_set_former(struct account *account, const char *former_id)
{
	bool had_one = findings_former(account->findings) != NULL;

	findings_set_former(&account->findings, former_id);
	return had_one != (former_id != NULL);
}

/* ---- paused, and resumed ---- */

void
account_pause(struct account *account, struct agenda *agenda, int64_t since_ms,
    const char *who)
{
	findings_set_paused(&account->findings, since_ms, who);
	agenda_pause(agenda, &account->item);
}

void
account_resume(struct account *account, struct agenda *agenda, int64_t now_ms)
{
	findings_set_paused(&account->findings, 0, NULL);
	agenda_resume(agenda, &account->item, now_ms);
}

/* ---- how polls begin ---- */

void
account_set_wish(struct account *account, enum poller_wish wish)
{
	if (wish != POLLER_WISH_POLL)
		account->wish = wish & 7;
}

static enum poller_wish
account_wish(const struct account *account)
{
	return (enum poller_wish)account->wish;
}

/* What the file of its password is now, as secret_mark() says it. */
static uint32_t
account_mark(const struct account *account)
{
	struct secret_source source;

	return credentials_source(account->config, &source)
		   ? secret_mark(&source)
		   : 0;
}

bool
account_secret_has_changed(struct account *account)
{
	uint32_t before = account->secret_mark;

	account->secret_mark = account_mark(account);
	return account->secret_mark != before;
}

/*
 * To poll it would fetch all over again what is stored already, and only its
 * owner knows whether that is meant.
 */
bool
account_is_held(struct account *account, struct evpop_result *why)
{
	const char *former = findings_former(account->findings);
	const char *name = account->config->name;

	if (account->wish == POLLER_WISH_CONFIRM) {
		findings_set_former(&account->findings, NULL);
		return false;
	}
	if (former == NULL || account->config->id != NULL)
		return false;
	evpop_result_set(why, EVPOP_ERROR_USAGE, EVPOP_PHASE_NONE,
	    "it has the host and user of the account \"%.100s\", which is no "
	    "longer configured: if that was renamed, write \"id = %.100s\" "
	    "into [account %.100s]; \"evpopctl poll --confirm %.100s\" fetches "
	    "everything again instead",
	    former, former, name, name);
	return true;
}

void
account_set_refusal(
    struct account *account, const struct store_refusal *refusal)
{
	findings_set_refusal(&account->findings, refusal);
}

bool
account_is_too_early(struct account *account, struct evpop_result *why)
{
	const struct store_refusal refusal =
	    findings_refusal(account->findings);

	return refusal_is_early(&refusal, account->config, why);
}

/*
 * Whether a message may fail: in the last poll one did, or it ended early.  An
 * earlier daemon may have seen that, too.
 */
static bool
account_may_fail(const struct account *account)
{
	return account->last_finished_ms == 0 || account->tally.failed > 0 ||
	       account->last_outcome != EVPOP_ERROR_NONE;
}

/* With a failure it is a poll that only leaves its row. */
static bool
account_run_new(struct account *account, const struct run_resources *resources,
    struct evpop_tls_context *tls, const struct evpop_result *failure)
{
	account->run = run_new(resources,
	    &(struct run_order){ .account = account->config,
		.tls = tls,
		.wish = account_wish(account),
		.expect_nothing = account->quiet_polls >= POLICY_QUIET_POLLS,
		.keeps_transcript = account_may_fail(account),
		.failure = failure,
		.unchanged = &account->unchanged,
		.credentials_mark = credentials_mark(account->config),
		.owner = account });
	if (account->run == NULL)
		return false;
	account->wish = POLLER_WISH_POLL;
	account->last_started_ms = evpop_clock_unix_ms();
	return true;
}

bool
account_begin(struct account *account, const struct run_resources *resources,
    struct tls_table *table, struct evpop_result *result)
{
	struct evpop_tls_context *tls = NULL;

	account->secret_mark = account_mark(account);
	if (account->config->tls != EVPOP_TLS_NONE) {
		tls = tls_get(table, account->config, result);
		if (tls == NULL)
			return account_run_new(
			    account, resources, NULL, result);
	}
	if (account_run_new(account, resources, tls, NULL))
		return true;
	evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
	    "no memory for a session");
	return account_run_new(account, resources, NULL, result);
}

struct run_progress
account_failure(struct account *account, const struct evpop_result *result)
{
	int64_t now_ms = evpop_clock_unix_ms();
	const struct run_progress progress = {
		.result = *result,
		.started_ms = now_ms,
		.finished_ms = now_ms,
		.wish = account_wish(account),
		/* If this failed, it was the one before. */
		.was_asked = result->error == EVPOP_ERROR_AUTH,
	};

	account->wish = POLLER_WISH_POLL;
	account->last_started_ms = now_ms;
	return progress;
}

/* ---- how polls end ---- */

static void
account_set_text(struct account *account, const char *text)
{
	free(account->last_text);
	account->last_text = text == NULL ? NULL : strdup(text);
}

static void
account_note_figures(
    struct account *account, const struct run_progress *progress)
{
	account->tally = progress->tally;
	if (progress->identity != POLLER_IDENTITY_UNKNOWN)
		account->identity = progress->identity & 3;
}

/* A poll that found nothing at all; others say nothing of the next one. */
static void
account_note_quiet(struct account *account, const struct run_progress *progress)
{
	const struct tally *tally = &progress->tally;
	bool quiet =
	    tally->fetched + tally->deleted + tally->adopted + tally->seen == 0;

	if (progress->wish != POLLER_WISH_POLL)
		return;
	if (!quiet)
		account->quiet_polls = 0;
	else if (account->quiet_polls < POLICY_QUIET_POLLS)
		account->quiet_polls++;
}

/* The store remembers since when from before this daemon's start. */
static void
account_note_health(
    struct account *account, const struct run_progress *progress)
{
	if (!backoff_is_failure(&progress->result))
		account->failing_since_ms = 0;
	else if (account->failing_since_ms == 0)
		account->failing_since_ms = progress->failing_since_ms != 0
						? progress->failing_since_ms
						: progress->finished_ms;
}

static void
account_note(struct account *account, const struct run_progress *progress)
{
	const struct evpop_result *result = &progress->result;

	account->last_finished_ms = progress->finished_ms;
	account->last_outcome = result->error & 63;
	account->advice = advice_of(result, progress->was_asked) & 15;
	if (progress->mechanism != NULL)
		account->mechanism = progress->mechanism;
	account_note_figures(account, progress);
	account_note_health(account, progress);
	if (progress->note != NULL)
		findings_set_moved(&account->findings, progress->note);
	if (result->error == EVPOP_ERROR_NONE) {
		account_note_quiet(account, progress);
		account->last_success_ms = progress->finished_ms;
		account_set_text(account, NULL);
	} else
		account_set_text(account, result->text);
}

static enum pace_yield
account_yield(const struct run_progress *progress)
{
	if (progress->wish != POLLER_WISH_POLL &&
	    progress->wish != POLLER_WISH_CONFIRM)
		return PACE_UNKNOWN;
	return progress->tally.fetched > 0 ? PACE_MAIL : PACE_QUIET;
}

static struct pace
account_pace(const struct account *account)
{
	return (struct pace){
		.interval_ms = account->config->interval_ms,
		.min_ms = account->config->interval_min_ms,
		.max_ms = account->config->interval_max_ms,
	};
}

/* What a dry run has found stays until the next one finds something. */
void
account_take(struct account *account, struct run *run)
{
	struct poller_plan *plan = run_take_plan(run);

	account->run = NULL;
	if (plan != NULL)
		findings_set_plan(&account->findings, plan);
}

void
account_end(struct account *account, struct agenda *agenda,
    struct outages *outages, const struct run_progress *progress, bool once)
{
	const struct outcome_past past = {
		.failures = agenda_failures(&account->item),
		.failing_since_ms = account->last_finished_ms == 0
					? progress->failing_since_ms
					: account->failing_since_ms,
	};
	const struct agenda_outcome outcome = {
		.result = &progress->result,
		.login_delay_s = progress->login_delay_s,
		.yield = account_yield(progress),
		.has_worked =
		    account->last_success_ms != 0 || progress->has_worked,
		.has_failed = account->last_finished_ms == 0 &&
			      progress->has_worked &&
			      progress->failing_since_ms != 0,
	};
	const struct pace pace = account_pace(account);
	int64_t now_ms = evpop_clock_monotonic_ms();
	uint32_t random;

	/* Deletions of what is delivered become owed without a poll. */
	if (progress->wish != POLLER_WISH_DRY_RUN &&
	    account->config->keep.kind != CONFIG_KEEP_DELIVERED)
		account->unchanged = progress->unchanged;
	evutil_secure_rng_get_bytes(&random, sizeof random);
	agenda_ended(agenda, &account->item, &outcome, &pace, now_ms, random);
	if (once)
		agenda_rest(agenda, &account->item, POLLER_WAITING);
	account_note(account, progress);
	account->outage_mark =
	    outcome_log(&(struct outcome){ .account = account->config,
		.progress = progress,
		.past = past,
		.health = agenda_health(&account->item),
		.advice = (enum advice)account->advice,
		.retry_ms = agenda_wait_ms(&account->item, now_ms),
		.outages = outages,
		.outage_mark = account->outage_mark }) &
	    OUTAGES_MARK_MAX;
}

uint32_t
account_held(const struct account *account)
{
	return account->tally.held;
}

/* ---- what is told ---- */

void
account_tell_state(struct account *account, struct notify *notify)
{
	enum poller_state state = agenda_state(&account->item);
	enum poller_health health = agenda_health(&account->item);
	const char *from = NULL, *to = poller_shown_state(state, health);

	if (account->told_state != POLLER_STATE_COUNT)
		from =
		    poller_shown_state((enum poller_state)account->told_state,
			(enum poller_health)account->told_health);
	account->told_state = state & 7;
	account->told_health = health & 3;
	if (from != NULL && strcmp(from, to) != 0)
		notify_publish(notify,
		    &(struct notify_event){ .kind = NOTIFY_ACCOUNT_STATE,
			.account = account->config->name,
			.state = { from, to } });
}

static const char *const tls_names[] = { [EVPOP_TLS_IMPLICIT] = "implicit",
	[EVPOP_TLS_STLS] = "stls",
	[EVPOP_TLS_NONE] = "none" };

void
account_status(
    const struct account *account, struct poller_account_status *status)
{
	const struct pace pace = account_pace(account);
	const struct agenda_item *item = &account->item;
	int64_t wait_ms = agenda_wait_ms(item, evpop_clock_monotonic_ms());
	const struct tally *now;

	*status = (struct poller_account_status){
		.name = account->config->name,
		.host = account->config->host,
		.user = account->config->user,
		.port = config_account_port(account->config),
		.tls = tls_names[account->config->tls],
		.mechanism = account->mechanism,
		.section = account->config,
		.state = agenda_state(item),
		.health = agenda_health(item),
		.next_ms = wait_ms < 0 ? 0 : evpop_clock_unix_ms() + wait_ms,
		.interval_ms = pace_bounded(&pace, agenda_interval_ms(item)),
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
		.failures = agenda_failures(item),
		.tally = account->tally,
		.identity = poller_identity_name(
		    (enum poller_identity)account->identity),
		.moved = findings_moved(account->findings),
		.former_id = findings_former(account->findings),
		.is_paused = agenda_is_paused(item),
	};
	if (status->is_paused) {
		status->paused_ms = findings_paused_ms(account->findings);
		status->paused_by = findings_paused_by(account->findings);
	}
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
account_advice(
    const struct account *account, char advice[POLLER_ADVICE_SIZE], bool once)
{
	_Static_assert(ADVICE_SIZE == POLLER_ADVICE_SIZE, "one size");
	/* What to do where it may be another account is its trouble's text. */
	if (findings_former(account->findings) != NULL ||
	    agenda_health(&account->item) == POLLER_WELL)
		return false;
	advice_write(
	    advice, (enum advice)account->advice, account->config, once);
	return true;
}

const struct poller_plan *
account_plan(const struct account *account)
{
	return findings_plan(account->findings);
}

#include "daemon/poll/account.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log/log.h"
#include "daemon/poll/advice.h"
#include "daemon/poll/agenda.h"
#include "daemon/poll/backoff.h"
#include "daemon/poll/policy.h"
#include "lib/base/unit.h"

static void
set_text(struct poller_account *account, const char *text)
{
	free(account->last_text);
	account->last_text = text == NULL ? NULL : strdup(text);
}

/* ---- what it may have been ---- */

/*
 * To poll it would fetch all over again what is stored already, and only its
 * owner knows whether that is meant.
 */
bool
poller_account_is_held(
    const struct poller_account *account, struct evpop_result *why_r)
{
	const char *name = account->config->name;
	const char *former = findings_former(account->findings);

	if (former == NULL || account->config->id != NULL ||
	    account->wish == POLLER_WISH_CONFIRM)
		return false;
	evpop_result_set(why_r, EVPOP_ERROR_USAGE, EVPOP_PHASE_NONE,
	    "it has the host and user of the account \"%.100s\", which is no "
	    "longer configured: if that was renamed, write \"id = %.100s\" "
	    "into [account %.100s]; \"evpopctl poll --confirm %.100s\" fetches "
	    "everything again instead",
	    former, former, name, name);
	return true;
}

/* ---- how polls end ---- */

static const char *
plural(uint32_t count)
{
	return count == 1 ? "" : "s";
}

static void
log_success(const char *name, const struct run_progress *progress)
{
	const struct tally *tally = &progress->tally;
	bool news = tally->fetched > 0 || tally->deleted > 0;
	char size[EVPOP_UNIT_SIZE];

	log_write(news ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, name,
	    "%" PRIu32 " message%s on the server, %" PRIu32 " fetched (%s), "
	    "%" PRIu32 " deleted, in %.3f s",
	    tally->messages, plural(tally->messages), tally->fetched,
	    evpop_unit_size(tally->body_octets, size), tally->deleted,
	    (double)(progress->finished_ms - progress->started_ms) / 1000);
	if (tally->failed > 0)
		log_write(LOG_LEVEL_WARNING, name,
		    "%" PRIu32 " message%s could not be fetched", tally->failed,
		    plural(tally->failed));
	if (tally->too_large > 0)
		log_write(LOG_LEVEL_INFO, name,
		    "%" PRIu32 " message%s left on the server: larger than "
		    "max_message_size",
		    tally->too_large, plural(tally->too_large));
	if (tally->seen > 0)
		log_write(LOG_LEVEL_INFO, name,
		    "%" PRIu32 " message%s counted as seen", tally->seen,
		    plural(tally->seen));
	if (tally->adopted > 0)
		log_write(LOG_LEVEL_INFO, name,
		    "%" PRIu32 " known message%s recognised under new "
		    "unique-ids, %s not downloaded",
		    tally->adopted, plural(tally->adopted),
		    evpop_unit_size(tally->adopted_octets, size));
	if (tally->held > 0)
		log_write(LOG_LEVEL_WARNING, name,
		    "%" PRIu32 " deletion%s held, far more than usual; "
		    "\"evpopctl poll --confirm %s\" carries them out",
		    tally->held, plural(tally->held), name);
}

static void
note_figures(
    struct poller_account *account, const struct run_progress *progress)
{
	account->tally = progress->tally;
	if (progress->identity != POLLER_IDENTITY_UNKNOWN)
		account->identity = progress->identity & 3;
}

/* A poll that found nothing at all; others say nothing of the next one. */
static void
note_quiet(struct poller_account *account, const struct run_progress *progress)
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
note_health(struct poller_account *account, const struct run_progress *progress)
{
	if (!backoff_is_failure(&progress->result))
		account->failing_since_ms = 0;
	else if (account->failing_since_ms == 0)
		account->failing_since_ms = progress->failing_since_ms != 0
						? progress->failing_since_ms
						: progress->finished_ms;
}

static void
log_failure(
    const char *name, const struct run_progress *progress, const char *retry)
{
	const struct evpop_result *result = &progress->result;
	const char *intro = "";

	/* All other texts say by themselves what failed. */
	if (result->phase == EVPOP_PHASE_LOGIN && progress->was_asked &&
	    (result->error == EVPOP_ERROR_AUTH ||
		result->error == EVPOP_ERROR_REFUSED))
		intro = "login refused; the server said: ";
	else if (result->error == EVPOP_ERROR_REFUSED)
		intro = "refused; the server said: ";
	log_write(LOG_LEVEL_WARNING, name,
	    "%s%s (%" PRIu32 " fetched, %" PRIu32 " deleted)%s", intro,
	    result->text, progress->tally.fetched, progress->tally.deleted,
	    retry);
}

/* What a person is to do, where it does not pass by itself. */
static void
log_advice(const struct poller_account *account, bool once)
{
	enum advice advice = (enum advice)account->advice;
	bool attention = agenda_health(&account->item) == POLLER_REFUSED;
	char text[ADVICE_SIZE];

	if (!attention && account->last_outcome != EVPOP_ERROR_AUTH)
		return;
	advice_write(text, advice, account->config, once);
	if (attention || once)
		log_write(LOG_LEVEL_ERROR, account->config->name,
		    "needs attention: %s", text);
	else
		log_write(LOG_LEVEL_WARNING, account->config->name,
		    "the log-in worked before and is tried once more soon; if "
		    "it is refused again: %s",
		    text);
}

void
poller_account_note(struct poller_account *account,
    const struct run_progress *progress, int64_t retry_ms)
{
	const struct evpop_result *result = &progress->result;
	const char *name = account->config->name;
	char retry[ADVICE_WAIT_SIZE];

	account->last_finished_ms = progress->finished_ms;
	account->last_outcome = result->error & 63;
	account->advice = advice_of(result, progress->was_asked) & 7;
	note_figures(account, progress);
	note_health(account, progress);
	if (progress->note != NULL)
		findings_set_moved(&account->findings, progress->note);
	if (result->error == EVPOP_ERROR_NONE) {
		note_quiet(account, progress);
		account->last_success_ms = progress->finished_ms;
		set_text(account, NULL);
		log_success(name, progress);
		return;
	}
	set_text(account, result->text);
	advice_write_wait(retry, retry_ms);
	log_failure(name, progress, retry);
	if (backoff_is_failure(result))
		log_advice(account, retry_ms < 0);
}

void
poller_account_free(struct poller_account *account)
{
	run_free(&account->run);
	free(account->last_text);
	findings_free(&account->findings);
	free(account);
}

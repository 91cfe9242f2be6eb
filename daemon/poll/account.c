#include "daemon/poll/account.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log/log.h"
#include "daemon/poll/dry_run.h"
#include "daemon/poll/policy.h"

static void
set_text(struct poller_account *account, const char *text)
{
	free(account->last_text);
	account->last_text = text == NULL ? NULL : strdup(text);
}

static void
log_success(const char *name, const struct run_progress *progress)
{
	bool news = progress->fetched > 0 || progress->deleted > 0;

	log_write(news ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, name,
	    "%" PRIu32 " messages on the server, %" PRIu32 " fetched (%" PRIu64
	    " octets), %" PRIu32 " deleted, in %.3f s",
	    progress->messages, progress->fetched, progress->body_octets,
	    progress->deleted,
	    (double)(progress->finished_ms - progress->started_ms) / 1000);
	if (progress->failed > 0)
		log_write(LOG_LEVEL_WARNING, name,
		    "%" PRIu32 " messages could not be fetched",
		    progress->failed);
	if (progress->too_large > 0)
		log_write(LOG_LEVEL_INFO, name,
		    "%" PRIu32 " messages left: above max_message_size",
		    progress->too_large);
	if (progress->seen > 0)
		log_write(LOG_LEVEL_INFO, name,
		    "%" PRIu32 " messages count as seen from now on",
		    progress->seen);
	if (progress->adopted > 0)
		log_write(LOG_LEVEL_INFO, name,
		    "%" PRIu32 " messages have other unique-ids than before "
		    "and were recognised; %" PRIu64
		    " octets need not be fetched",
		    progress->adopted, progress->adopted_octets);
	if (progress->held > 0)
		log_write(LOG_LEVEL_WARNING, name,
		    "%" PRIu32 " deletions are held, far more than usual; "
		    "\"evpopctl poll --confirm %s\" carries them out",
		    progress->held, name);
}

static void
note_figures(
    struct poller_account *account, const struct run_progress *progress)
{
	account->messages = progress->messages;
	account->fetched = progress->fetched;
	account->deleted = progress->deleted;
	account->failed = progress->failed;
	account->adopted = progress->adopted;
	account->adopted_octets = progress->adopted_octets;
	account->too_large = progress->too_large;
	account->later = progress->later;
	account->seen = progress->seen;
	account->held = progress->held;
	account->octets_in = progress->octets_in;
	if (progress->identity != NULL)
		account->identity = progress->identity;
}

/* A poll that found nothing at all; others say nothing of the next one. */
static void
note_quiet(struct poller_account *account, const struct run_progress *progress)
{
	bool quiet = progress->fetched + progress->deleted + progress->adopted +
			 progress->seen ==
		     0;

	if (progress->wish != POLLER_WISH_POLL)
		return;
	if (!quiet)
		account->quiet_polls = 0;
	else if (account->quiet_polls < POLICY_QUIET_POLLS)
		account->quiet_polls++;
}

void
poller_account_note(struct poller_account *account, const char *name,
    const struct run_progress *progress)
{
	const struct evpop_result *result = &progress->result;

	account->last_finished_ms = progress->finished_ms;
	account->last_outcome = (uint8_t)result->error;
	note_figures(account, progress);
	if (result->error == EVPOP_ERROR_NONE) {
		note_quiet(account, progress);
		account->last_success_ms = progress->finished_ms;
		set_text(account, NULL);
		log_success(name, progress);
		return;
	}
	set_text(account, result->text);
	log_write(LOG_LEVEL_WARNING, name,
	    "%s%s%s: %s (%" PRIu32 " fetched, %" PRIu32 " deleted)",
	    evpop_error_name(result->error),
	    result->phase == EVPOP_PHASE_NONE ? "" : " in ",
	    result->phase == EVPOP_PHASE_NONE ? ""
					      : evpop_phase_name(result->phase),
	    result->text, progress->fetched, progress->deleted);
}

void
poller_account_free(struct poller_account *account)
{
	run_free(&account->run);
	free(account->last_text);
	dry_run_free(&account->plan);
	free(account);
}

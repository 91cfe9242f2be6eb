#include "daemon/poll/outcome.h"

#include <inttypes.h>

#include "daemon/log/log.h"
#include "daemon/poll/interval.h"
#include "daemon/poll/outages.h"
#include "lib/base/unit.h"

static struct log_about
outcome_about(const struct outcome *outcome)
{
	const struct evpop_result *result = &outcome->progress->result;

	return (struct log_about){
		.account = outcome->account->name,
		.host = outcome->account->host,
		.failure = result->error != EVPOP_ERROR_NONE
			       ? evpop_error_name(result->error)
			       : NULL,
	};
}

static const char *
outcome_plural(uint32_t count)
{
	return count == 1 ? "" : "s";
}

static void
outcome_log_success(
    const struct config_account *account, const struct run_progress *progress)
{
	uint64_t day_octets = account->max_octets_per_day;
	const char *name = account->name;
	const struct tally *tally = &progress->tally;
	bool news = tally->fetched > 0 || tally->deleted > 0;
	char size[EVPOP_UNIT_SIZE], limit[EVPOP_UNIT_SIZE];

	log_write(news ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, name,
	    "%" PRIu32 " message%s on the server, %" PRIu32 " fetched (%s), "
	    "%" PRIu32 " deleted, in %.3f s",
	    tally->messages, outcome_plural(tally->messages), tally->fetched,
	    evpop_unit_size(tally->body_octets, size), tally->deleted,
	    (double)(progress->finished_ms - progress->started_ms) / 1000);
	if (tally->failed > 0)
		log_write(LOG_LEVEL_WARNING, name,
		    "%" PRIu32 " message%s could not be fetched", tally->failed,
		    outcome_plural(tally->failed));
	if (tally->too_large > 0)
		log_write(LOG_LEVEL_INFO, name,
		    "%" PRIu32 " message%s left on the server: larger than "
		    "max_message_size",
		    tally->too_large, outcome_plural(tally->too_large));
	if (day_octets > 0 && tally->later > 0)
		log_write(LOG_LEVEL_INFO, name,
		    "%" PRIu32 " message%s (%s) left for another day: "
		    "max_octets_per_day = %s",
		    tally->later, outcome_plural(tally->later),
		    evpop_unit_size(tally->later_octets, size),
		    evpop_unit_size(day_octets, limit));
	if (tally->waiting > 0)
		log_write(news ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, name,
		    "%" PRIu32 " message%s left on the server: fetch_after",
		    tally->waiting, outcome_plural(tally->waiting));
	if (tally->seen > 0)
		log_write(LOG_LEVEL_INFO, name,
		    "%" PRIu32 " message%s counted as seen", tally->seen,
		    outcome_plural(tally->seen));
	if (tally->adopted > 0)
		log_write(LOG_LEVEL_INFO, name,
		    "%" PRIu32 " known message%s recognised under new "
		    "unique-ids, %s not downloaded",
		    tally->adopted, outcome_plural(tally->adopted),
		    evpop_unit_size(tally->adopted_octets, size));
	if (tally->held > 0)
		log_write(LOG_LEVEL_WARNING, name,
		    "%" PRIu32 " deletion%s held, far more than usual; "
		    "\"evpopctl poll --confirm %s\" carries them out",
		    tally->held, outcome_plural(tally->held), name);
}

static void
outcome_log_failure(
    enum log_level level, const struct outcome *outcome, const char *retry)
{
	const struct run_progress *progress = outcome->progress;
	const struct evpop_result *result = &progress->result;
	const struct log_about about = outcome_about(outcome);
	const char *intro = "";

	/* All other texts say by themselves what failed. */
	if (result->phase == EVPOP_PHASE_LOGIN && progress->was_asked &&
	    (result->error == EVPOP_ERROR_AUTH ||
		result->error == EVPOP_ERROR_REFUSED))
		intro = "login refused; the server said: ";
	else if (result->error == EVPOP_ERROR_REFUSED)
		intro = "refused; the server said: ";
	log_write_about(level, &about,
	    "%s%s (%" PRIu32 " fetched, %" PRIu32 " deleted)%s", intro,
	    result->text, progress->tally.fetched, progress->tally.deleted,
	    retry);
}

static void
outcome_log_recovery(enum log_level level, const struct outcome *outcome)
{
	const struct log_about about = outcome_about(outcome);
	const struct outcome_past *past = &outcome->past;
	char span[EVPOP_UNIT_SIZE];

	evpop_unit_about(
	    (outcome->progress->finished_ms - past->failing_since_ms) /
		EVPOP_SECOND_MS,
	    span);
	if (past->failures > 0)
		log_write_about(level, &about,
		    "works again after %u failure%s, %s", past->failures,
		    past->failures == 1 ? "" : "s", span);
	else
		log_write_about(level, &about, "works again after %s", span);
}

/* What a person is to do, where it does not pass by itself. */
static void
outcome_log_advice(const struct outcome *outcome)
{
	const struct log_about about = outcome_about(outcome);
	bool attention = outcome->health == POLLER_REFUSED;
	bool once = outcome->retry_ms < 0;
	char text[ADVICE_SIZE];

	if (!attention && outcome->progress->result.error != EVPOP_ERROR_AUTH)
		return;
	advice_write(text, outcome->advice, outcome->account, once);
	if (attention || once)
		log_write_about(
		    LOG_LEVEL_ERROR, &about, "needs attention: %s", text);
	else
		log_write_about(LOG_LEVEL_WARNING, &about,
		    "the log-in worked before and is tried once more soon; if "
		    "it is refused again: %s",
		    text);
}

/*
 * The level of a line that many accounts of this server may have; all others
 * are an account's own.
 */
static enum log_level
outcome_level(const struct outcome *outcome, const char *reason,
    enum log_level level, unsigned *mark)
{
	return outcome->outages == NULL ||
		       outages_note(outcome->outages, outcome->account->host,
			   reason, mark)
		   ? level
		   : LOG_LEVEL_DEBUG;
}

unsigned
outcome_log(const struct outcome *outcome)
{
	const struct evpop_result *result = &outcome->progress->result;
	enum log_level level = LOG_LEVEL_WARNING;
	unsigned mark = outcome->outage_mark;
	char retry[ADVICE_WAIT_SIZE];

	if (outcome->past.failing_since_ms != 0 && !backoff_is_failure(result))
		outcome_log_recovery(
		    outcome_level(outcome, NULL, LOG_LEVEL_INFO, &mark),
		    outcome);
	if (result->error == EVPOP_ERROR_NONE) {
		outcome_log_success(outcome->account, outcome->progress);
		return mark;
	}
	if (outcome->health == POLLER_FAILING &&
	    result->error != EVPOP_ERROR_AUTH)
		level = outcome_level(outcome, result->text, level, &mark);
	advice_write_wait(retry, outcome->retry_ms);
	outcome_log_failure(level, outcome, retry);
	if (backoff_is_failure(result))
		outcome_log_advice(outcome);
	return mark;
}

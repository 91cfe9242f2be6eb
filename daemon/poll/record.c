#include "daemon/poll/record.h"

#include "daemon/poll/backoff.h"
#include "daemon/poll/deposit.h"
#include "daemon/poll/run.h"
#include "daemon/store/store.h"

void
record_of_report(const struct evpop_sync_report *report,
    const struct deposit *deposit, struct run_progress *progress)
{
	progress->result = report->result;
	progress->tally = (struct tally){
		.messages = report->messages,
		.fetched = deposit_stored(deposit),
		.adopted = report->adopted + deposit_adopted(deposit),
		.deleted = deposit_deleted(deposit),
		.failed = report->failed,
		.too_large = report->too_large,
		.later = report->later,
		.seen = report->seen,
		.held = report->held,
		.body_octets = report->body_octets,
		.adopted_octets = report->adopted_octets,
		.octets_in = report->octets_in,
		.octets_out = report->octets_out,
	};
}

/* Who ends the daemon is no fault of the account's. */
static bool
account_fails(const struct run_progress *progress)
{
	if (progress->result.error == EVPOP_ERROR_CANCELLED)
		return progress->failing_since_ms != 0;
	return backoff_is_failure(&progress->result);
}

void
record_of_poll(const struct run_progress *progress, struct store_poll *poll)
{
	const struct evpop_result *result = &progress->result;

	*poll = (struct store_poll){
		.account_id = progress->account_id,
		.started_ms = progress->started_ms,
		.finished_ms = progress->finished_ms,
		.outcome = evpop_error_name(result->error),
		.text = result->error == EVPOP_ERROR_NONE ? progress->note
							  : result->text,
		.is_failure = account_fails(progress),
		.tally = progress->tally,
	};
}

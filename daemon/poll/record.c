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
	progress->messages = report->messages;
	progress->fetched = deposit_stored(deposit);
	progress->deleted = deposit_deleted(deposit);
	progress->adopted = report->adopted + deposit_adopted(deposit);
	progress->adopted_octets = report->adopted_octets;
	progress->seen = report->seen;
	progress->held = report->held;
	progress->failed = report->failed;
	progress->too_large = report->too_large;
	progress->later = report->later;
	progress->octets_in = report->octets_in;
	progress->octets_out = report->octets_out;
	progress->body_octets = report->body_octets;
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
		.messages = progress->messages,
		.fetched = progress->fetched,
		.failed = progress->failed,
		.deleted = progress->deleted,
		.octets_in = progress->octets_in,
		.octets_out = progress->octets_out,
		.body_octets = progress->body_octets,
		.adopted = progress->adopted,
		.adopted_octets = progress->adopted_octets,
	};
}

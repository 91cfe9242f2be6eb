#include "daemon/summary.h"

#include <inttypes.h>
#include <string.h>

#include "daemon/deliver/deliver.h"
#include "daemon/poll/poller.h"
#include "lib/base/unit.h"

static bool
summary_has_failed(const struct poller_account_status *account)
{
	return account->last_outcome != NULL &&
	       strcmp(account->last_outcome, "ok") != 0;
}

static void
summary_print_failed(FILE *out, const struct poller *poller,
    const struct poller_account_status *account)
{
	char advice[POLLER_ADVICE_SIZE];

	fprintf(out, "  %s: %s\n", account->name,
	    account->last_text != NULL ? account->last_text
				       : account->last_outcome);
	if (poller_account_advice(poller, account->name, advice))
		fprintf(out, "    what to do: %s\n", advice);
}

static void
summary_print_targets(FILE *out, const struct deliver *deliver)
{
	struct deliver_status status;

	for (size_t i = 0; deliver_status_at(deliver, i, &status); i++) {
		if (status.state == DELIVER_PAUSED ||
		    status.state == DELIVER_DISABLED ||
		    (status.waiting == 0 && status.refusals == 0))
			continue;
		fprintf(out, "  target %s:", status.name);
		if (status.waiting > 0)
			fprintf(out, " %" PRIu64 " message%s wait%s%s%s",
			    status.waiting, status.waiting == 1 ? "" : "s",
			    status.waiting == 1 ? "s" : "",
			    status.text != NULL ? ": " : "",
			    status.text != NULL ? status.text : "");
		if (status.refusals > 0)
			fprintf(out, "%s %" PRIu64 " refused",
			    status.waiting > 0 ? ";" : "", status.refusals);
		fputs("\n", out);
		if (status.refusals > 0)
			fputs("    what to do: \"evpopctl outbox --state "
			      "refused\" says why\n",
			    out);
		if (status.advice != NULL)
			fprintf(out, "    what to do: %s\n", status.advice);
	}
}

static void
summary_print_delivered(FILE *out, const struct deliver *deliver)
{
	struct deliver_totals totals;

	deliver_totals(deliver, &totals);
	if (totals.targets > 0)
		fprintf(out, ", %" PRIu64 " delivered", totals.delivered);
}

void
summary_print(FILE *out, const struct poller *poller,
    const struct deliver *deliver, int64_t took_ms)
{
	struct poller_account_status account;
	struct poller_status status;
	char size[EVPOP_UNIT_SIZE];
	size_t polled = 0, failed = 0;

	poller_status(poller, &status);
	for (size_t i = 0; poller_account_status_at(poller, i, &account); i++) {
		polled += account.last_outcome != NULL;
		failed += summary_has_failed(&account);
	}
	fprintf(out,
	    "%zu account%s: %zu ok, %zu failed; %" PRIu64
	    " message%s fetched (%s)",
	    status.chosen, status.chosen == 1 ? "" : "s", polled - failed,
	    failed, status.messages, status.messages == 1 ? "" : "s",
	    evpop_unit_size(status.octets, size));
	summary_print_delivered(out, deliver);
	fprintf(out, ", in %.1f s\n", (double)took_ms / 1000);
	for (size_t i = 0; poller_account_status_at(poller, i, &account); i++)
		if (summary_has_failed(&account))
			summary_print_failed(out, poller, &account);
	summary_print_targets(out, deliver);
	fflush(out);
}

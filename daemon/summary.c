#include "daemon/summary.h"

#include <inttypes.h>
#include <string.h>

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

void
summary_print(FILE *out, const struct poller *poller, int64_t took_ms)
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
	    " message%s fetched (%s), in %.1f s\n",
	    status.chosen, status.chosen == 1 ? "" : "s", polled - failed,
	    failed, status.messages, status.messages == 1 ? "" : "s",
	    evpop_unit_size(status.octets, size), (double)took_ms / 1000);
	for (size_t i = 0; poller_account_status_at(poller, i, &account); i++)
		if (summary_has_failed(&account))
			summary_print_failed(out, poller, &account);
	fflush(out);
}

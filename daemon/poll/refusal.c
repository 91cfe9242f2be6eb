#include "daemon/poll/refusal.h"

#include "daemon/poll/credentials.h"
#include "daemon/poll/interval.h"
#include "lib/base/clock.h"
#include "lib/base/unit.h"

/* How long to wait after it. */
static int64_t
refusal_delay_ms(const struct store_refusal *refusal, int64_t interval_ms)
{
	const struct backoff_past past = {
		.failures = refusal->times,
		.refusals = refusal->times,
		.has_worked = refusal->has_worked,
	};
	struct evpop_result refused;

	evpop_result_set(
	    &refused, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN, "refused");
	return backoff_delay_ms(&refused, &past, interval_ms, 0);
}

/* A clock that has gone back says nothing. */
bool
refusal_is_early(const struct store_refusal *refusal,
    const struct config_account *account, struct evpop_result *why)
{
	char ago[EVPOP_UNIT_SIZE], wait[EVPOP_UNIT_SIZE];
	int64_t passed_ms = evpop_clock_unix_ms() - refusal->at_ms, left_ms;

	if (refusal->at_ms == 0 || passed_ms < 0 ||
	    refusal->credentials_mark != credentials_mark(account))
		return false;
	left_ms = refusal_delay_ms(refusal, account->interval_ms) - passed_ms;
	if (left_ms <= 0)
		return false;
	evpop_unit_about(passed_ms / EVPOP_SECOND_MS, ago);
	evpop_unit_about(left_ms / EVPOP_SECOND_MS + 1, wait);
	evpop_result_set(why, EVPOP_ERROR_AUTH, EVPOP_PHASE_NONE,
	    "not tried: the server refused the credentials %s ago (%u time%s "
	    "in a row), and more tries may lock the account; they are tried "
	    "again in %s, once they are changed, or with \"evpopd --once "
	    "%.100s\"",
	    ago, (unsigned)refusal->times, refusal->times == 1 ? "" : "s", wait,
	    account->name);
	return true;
}

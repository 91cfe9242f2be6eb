#include "daemon/ctl/results.h"

#include <string.h>

#include "daemon/ctl/plan.h"
#include "daemon/ctl/print.h"
#include "lib/base/clock.h"
#include "lib/base/unit.h"

/* Nobody wonders before, and digits that change more often are in the way. */
#define SHOW_FIRST_MS    1000
#define SHOW_INTERVAL_MS 1000

void
results_begin(struct results *results_r, const struct ctl *ctl, size_t accounts)
{
	*results_r = (struct results){ .ctl = ctl,
		.begun_ms = evpop_clock_monotonic_ms(),
		.accounts = accounts };
}

/* ---- results ---- */

static enum ctl_exit
results_exit_code(const char *outcome)
{
	if (outcome == NULL)
		return CTL_TEMPORARY;
	if (strcmp(outcome, "ok") == 0)
		return CTL_OK;
	if (strcmp(outcome, "auth") == 0)
		return CTL_NO_PERMISSION;
	if (strcmp(outcome, "tls") == 0 || strcmp(outcome, "protocol") == 0)
		return CTL_PROTOCOL;
	return CTL_TEMPORARY;
}

/* What was fetched, or that there was nothing; then what else was done. */
static void
results_print(const struct ctl *ctl, const json_t *account)
{
	static const struct print_field hints[] = {
		{ "", .member = "advice" },
		{ "", .form = "?{session.held:none}" PLAN_HOW_TO_CONFIRM },
	};
	struct phrase phrase;

	phrase_begin(&phrase);
	if (ctl_text(account, "last_text") != NULL) {
		print_form(ctl, "{last_text}", account, &phrase);
	} else {
		print_form(ctl,
		    ctl_count(account, "session.fetched") > 0
			? "{last_outcome}|{session.fetched} fetched "
			  "({session.fetched_bytes:size})"
		    : ctl_count(account, "session.waiting") > 0
			? "{last_outcome}|nothing to fetch yet|"
			  "{session.messages:figure}"
			: "{last_outcome}|nothing new|"
			  "{session.messages:figure}",
		    account, &phrase);
		print_form(ctl,
		    "?{session.deleted:figure}|?{session.adopted:figure}|"
		    "?{session.seen:figure}|?{session.later:figure}|"
		    "?{session.waiting} wait{-s} (fetch_after)|"
		    "?{session.too_large:figure}|?{session.held:figure}|"
		    "?{session.failed:figure}",
		    account, &phrase);
	}
	print_form(
	    ctl, "?{stored.quarantined} in quarantine", account, &phrase);
	print_detail(ctl, ctl_text(account, "account"), phrase.text);
	print_fields(ctl, hints, PRINT_FIELD_COUNT(hints), account);
}

enum ctl_exit
results_report(struct results *results, const json_t *account)
{
	enum ctl_exit code =
	    results_exit_code(ctl_text(account, "last_outcome"));

	results_clear(results);
	if (results->ctl->json)
		(void)ctl_print_json(results->ctl, account);
	else
		results_print(results->ctl, account);
	if (code == CTL_OK)
		results->ok++;
	else
		results->failed++;
	results->fetched += ctl_count(account, "session.fetched");
	results->bytes += ctl_count(account, "session.fetched_bytes");
	return code;
}

enum ctl_exit
results_report_unpolled(
    struct results *results, const char *name, const char *state)
{
	results_clear(results);
	ctl_warn(results->ctl, "account \"%s\" was not polled: it is %s", name,
	    state);
	results->unpolled++;
	return CTL_TEMPORARY;
}

/* ---- the sign of life ---- */

/* Of one account how far it is, of many how many are over. */
static void
results_say(const struct results *results, const json_t *account,
    int64_t elapsed_ms, struct phrase *phrase_r)
{
	size_t over = results->ok + results->failed + results->unpolled;
	char span[EVPOP_UNIT_SIZE];

	phrase_begin(phrase_r);
	if (results->accounts > 1)
		phrase_add(phrase_r, "polling: %zu of %zu accounts done", over,
		    results->accounts);
	else if (ctl_count(account, "session.fetched") > 0)
		print_form(results->ctl,
		    "{account}: {session.fetched} fetched|"
		    "{session.messages:figure}",
		    account, phrase_r);
	else
		print_form(
		    results->ctl, "{account} is {state}", account, phrase_r);
	phrase_add(phrase_r, "%s", evpop_unit_span(elapsed_ms / 1000, span));
}

void
results_show(struct results *results, const json_t *account)
{
	const struct ctl *ctl = results->ctl;
	int64_t now_ms = evpop_clock_monotonic_ms();
	struct phrase phrase;

	if (!ctl->is_terminal || ctl->json ||
	    now_ms - results->begun_ms < SHOW_FIRST_MS ||
	    (results->is_shown &&
		now_ms - results->shown_ms < SHOW_INTERVAL_MS))
		return;
	results_clear(results);
	results_say(results, account, now_ms - results->begun_ms, &phrase);
	/* A line that wraps could not be cleared. */
	if (ctl->width > 0 && phrase.length >= ctl->width)
		phrase.text[ctl->width - 1] = '\0';
	fprintf(ctl->out, "%s", phrase.text);
	results->shown_ms = now_ms;
	results->is_shown = true;
}

void
results_clear(struct results *results)
{
	if (!results->is_shown)
		return;
	progress_clear(results->ctl);
	fflush(results->ctl->out);
	results->is_shown = false;
}

/* ---- the end ---- */

void
results_end(struct results *results)
{
	char size[EVPOP_UNIT_SIZE];
	struct phrase phrase;

	results_clear(results);
	if (results->accounts < 2 || results->ctl->json)
		return;
	phrase_begin(&phrase);
	phrase_add(&phrase, "%zu ok", results->ok);
	if (results->failed > 0)
		phrase_add(&phrase, "%zu failed", results->failed);
	if (results->unpolled > 0)
		phrase_add(&phrase, "%zu not polled", results->unpolled);
	phrase_add(&phrase, "%llu message%s fetched",
	    (unsigned long long)results->fetched,
	    results->fetched == 1 ? "" : "s");
	if (results->fetched > 0)
		phrase_add(
		    &phrase, "%s", evpop_unit_size(results->bytes, size));
	fprintf(results->ctl->out, "%s\n", phrase.text);
}

#include "daemon/poll/told.h"

#include <string.h>

#include "daemon/log/log.h"
#include "daemon/notify/notify.h"

static const char *
told_fate_name(int64_t failing_since_ms, enum poller_health health)
{
	if (failing_since_ms == 0)
		return "ok";
	return health == POLLER_REFUSED ? "refused" : "failing";
}

void
told_begun(const struct account *account, struct notify *notify)
{
	notify_publish(
	    notify, &(struct notify_event){ .kind = NOTIFY_POLL_BEGUN,
			.account = account_config(account)->name });
}

struct told_past
told_past(const struct account *account, const struct run_progress *progress)
{
	struct poller_account_status status;

	account_status(account, &status);
	return (struct told_past){
		.health = status.health,
		.is_remembered = status.last_finished_ms == 0,
		/* The store remembers it from before this daemon's start. */
		.failing_since_ms = status.last_finished_ms == 0
					? progress->failing_since_ms
					: status.failing_since_ms,
		.held = account_held(account),
	};
}

static void
told_fate(const struct account *account, struct notify *notify,
    const struct poller_account_status *status, const struct told_past *past)
{
	char advice[POLLER_ADVICE_SIZE];
	const char *from, *to;
	int64_t since_ms = status->failing_since_ms;

	from = told_fate_name(past->failing_since_ms, past->health);
	to = told_fate_name(since_ms, status->health);
	if (past->is_remembered && past->failing_since_ms != 0 && since_ms != 0)
		return;
	if (strcmp(from, to) == 0 ||
	    !notify_is_wanted(notify, NOTIFY_ACCOUNT_HEALTH))
		return;
	notify_publish(notify,
	    &(struct notify_event){ .kind = NOTIFY_ACCOUNT_HEALTH,
		.account = status->name,
		.fate = { .from = from,
		    .to = to,
		    .host = status->host,
		    .outcome = status->last_outcome,
		    .text = status->last_text,
		    .advice =
			account_advice(account, advice, false) ? advice : NULL,
		    .failing_since_ms =
			since_ms != 0 ? since_ms : past->failing_since_ms } });
}

void
told_over(const struct account *account, struct notify *notify,
    const struct run_progress *progress, const struct told_past *past)
{
	struct poller_account_status status;

	account_status(account, &status);
	notify_publish(
	    notify, &(struct notify_event){ .kind = NOTIFY_POLL_OVER,
			.account = status.name,
			.poll = { .started_ms = progress->started_ms,
			    .finished_ms = progress->finished_ms,
			    .outcome = evpop_error_name(progress->result.error),
			    .text = status.last_text,
			    .is_dry_run = progress->wish == POLLER_WISH_DRY_RUN,
			    .tally = &progress->tally } });
	if (account_held(account) > 0 && account_held(account) != past->held)
		notify_publish(notify,
		    &(struct notify_event){ .kind = NOTIFY_DELETIONS_HELD,
			.account = status.name,
			.held = account_held(account) });
	told_fate(account, notify, &status, past);
}

/* There is no run yet where one begins, and none any more where it ended. */
void
told_trace(const struct agenda_item *item, enum poller_state from,
    enum poller_state to)
{
	const struct config_account *config =
	    account_config((const struct account *)item);

	if (config != NULL && from != to)
		log_write(LOG_LEVEL_DEBUG, config->name, "%s -> %s",
		    poller_state_name(from), poller_state_name(to));
}

#include "daemon/hook/reminder.h"

#include "daemon/deliver/deliver.h"
#include "daemon/poll/poller.h"

static void
reminder_add_account(struct batch *batch, const struct poller *poller,
    const struct poller_account_status *status)
{
	struct batch_item *item = batch_add(
	    batch, &(struct batch_subject){ .account = status->name });
	char advice[POLLER_ADVICE_SIZE];
	bool has_advice = poller_account_advice(poller, status->name, advice);

	if (item != NULL)
		batch_describe(item,
		    &(struct batch_failure){ .host = status->host,
			.outcome = status->last_outcome,
			.text = status->last_text,
			.advice = has_advice ? advice : NULL,
			.failing_since_ms = status->failing_since_ms,
			.needs_attention = status->health == POLLER_REFUSED });
}

static void
reminder_add_target(struct batch *batch, const struct deliver_status *status)
{
	struct batch_item *item =
	    batch_add(batch, &(struct batch_subject){ .target = status->name });

	if (item != NULL)
		batch_describe(item,
		    &(struct batch_failure){ .host = status->where,
			.outcome = deliver_state_name(status->state),
			.text = status->text,
			.advice = status->advice,
			.failing_since_ms = status->down_since_ms,
			.needs_attention = status->state == DELIVER_REFUSED });
}

static bool
reminder_is_old(int64_t since_ms, int64_t before_ms)
{
	return since_ms != 0 && since_ms <= before_ms;
}

void
reminder_gather(struct batch *batch, const struct poller *poller,
    const struct deliver *deliver, int64_t before_ms)
{
	struct poller_account_status account;
	struct deliver_status target;

	for (size_t i = 0; poller_account_status_at(poller, i, &account); i++)
		if (account.health != POLLER_WELL &&
		    reminder_is_old(account.failing_since_ms, before_ms))
			reminder_add_account(batch, poller, &account);
	for (size_t i = 0; deliver_status_at(deliver, i, &target); i++)
		if (reminder_is_old(target.down_since_ms, before_ms))
			reminder_add_target(batch, &target);
}

void
reminder_gather_store(struct batch *batch, int64_t failing_since_ms,
    const char *text, int64_t before_ms)
{
	struct batch_item *item;

	if (!reminder_is_old(failing_since_ms, before_ms))
		return;
	item = batch_add(batch, &(struct batch_subject){ .account = NULL });
	if (item != NULL)
		batch_describe(
		    item, &(struct batch_failure){ .text = text,
			      .failing_since_ms = failing_since_ms });
}

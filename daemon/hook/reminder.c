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

	if (item == NULL)
		return;
	batch_set_text(&item->host, status->host);
	batch_set_text(&item->outcome, status->last_outcome);
	batch_set_text(&item->text, status->last_text);
	if (poller_account_advice(poller, status->name, advice))
		batch_set_text(&item->advice, advice);
	item->failing_since_ms = status->failing_since_ms;
	item->needs_attention = status->health == POLLER_REFUSED;
}

static void
reminder_add_target(struct batch *batch, const struct deliver_status *status)
{
	struct batch_item *item =
	    batch_add(batch, &(struct batch_subject){ .target = status->name });

	if (item == NULL)
		return;
	batch_set_text(&item->host, status->where);
	batch_set_text(&item->outcome, deliver_state_name(status->state));
	batch_set_text(&item->text, status->text);
	batch_set_text(&item->advice, status->advice);
	item->failing_since_ms = status->down_since_ms;
	item->needs_attention = status->state == DELIVER_REFUSED;
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
	if (item == NULL)
		return;
	batch_set_text(&item->text, text);
	item->failing_since_ms = failing_since_ms;
}

#include "daemon/poll/outlet.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/notify/notify.h"
#include "lib/base/clock.h"

/*
 * After a delivery that was the last of a message, so long: others of the same
 * poll follow, and go with the same session.
 */
#define SOON_MS 10000

struct outlet {
	struct accounts *accounts;
	struct agenda *agenda;
	bool (*is_full)(
	    const char *account, char text_r[POLLER_FULL_TEXT], void *arg);
	void *full_arg;
	void (*wake)(void *arg);
	void *arg;
	struct notify_subscription subscription;
};

static bool
outlet_leads_to(const struct config_account *config, const char *target)
{
	for (size_t i = 0; i < config->deliver.count; i++)
		if (strcmp(config->deliver.items[i], target) == 0)
			return true;
	return false;
}

static void
outlet_drained(struct outlet *outlet, const char *target)
{
	int64_t now_ms = evpop_clock_monotonic_ms();
	struct account *account;
	struct agenda_item *item;

	for (size_t i = 0; i < accounts_count(outlet->accounts); i++) {
		account = accounts_at(outlet->accounts, i);
		item = account_item(account);
		if (agenda_health(item) == POLLER_FAILING &&
		    outlet_leads_to(account_config(account), target))
			agenda_retry(outlet->agenda, item, now_ms);
	}
	outlet->wake(outlet->arg);
}

static void
outlet_delivered(struct outlet *outlet, const char *name)
{
	struct account *account = accounts_find(outlet->accounts, name);

	if (account != NULL &&
	    account_config(account)->keep.kind == CONFIG_KEEP_DELIVERED &&
	    agenda_soon(outlet->agenda, account_item(account),
		evpop_clock_monotonic_ms() + SOON_MS))
		outlet->wake(outlet->arg);
}

static void
outlet_on_event(const struct notify_event *event, void *arg)
{
	if (event->kind == NOTIFY_TARGET_DRAINED)
		outlet_drained(arg, event->target);
	else
		outlet_delivered(arg, event->account);
}

struct outlet *
outlet_new(const struct poller_options *options, struct accounts *accounts,
    struct agenda *agenda, void (*wake)(void *arg), void *arg)
{
	struct outlet *outlet = calloc(1, sizeof(*outlet));

	if (outlet == NULL)
		return NULL;
	outlet->accounts = accounts;
	outlet->agenda = agenda;
	outlet->is_full = options->is_full;
	outlet->full_arg = options->full_arg;
	outlet->wake = wake;
	outlet->arg = arg;
	notify_subscribe(options->notify, &outlet->subscription,
	    NOTIFY_BIT(NOTIFY_TARGET_DRAINED) |
		NOTIFY_BIT(NOTIFY_MESSAGE_DELIVERED),
	    outlet_on_event, outlet);
	return outlet;
}

void
outlet_free(struct outlet **outlet_p)
{
	struct outlet *outlet = *outlet_p;

	*outlet_p = NULL;
	if (outlet == NULL)
		return;
	notify_leave(&outlet->subscription);
	free(outlet);
}

bool
outlet_is_shut(const struct outlet *outlet, const struct account *account,
    struct evpop_result *why)
{
	char text[POLLER_FULL_TEXT];

	if (outlet->is_full == NULL ||
	    account_config(account)->deliver.count == 0 ||
	    !outlet->is_full(
		account_config(account)->name, text, outlet->full_arg))
		return false;
	evpop_result_set(why, EVPOP_ERROR_IO, EVPOP_PHASE_NONE, "%s", text);
	return true;
}

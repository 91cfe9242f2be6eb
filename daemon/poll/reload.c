/* The change from one configuration to the next. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/poll/poller_internal.h"

#include "lib/base/clock.h"

/* The accounts of the new configuration, kept or made; and those that go. */
struct takeover {
	struct poller_account **accounts;
	struct host **hosts;
	bool *made;
	size_t count;
	struct poller_account **removed;
};

static void
takeover_free(struct takeover *takeover)
{
	free(takeover->accounts);
	free(takeover->hosts);
	free(takeover->made);
	free(takeover->removed);
}

static void
takeover_undo(struct poller *poller, struct takeover *takeover)
{
	size_t i;

	for (i = 0; i < takeover->count; i++) {
		if (!takeover->made[i])
			continue;
		agenda_remove(&poller->agenda, &takeover->accounts[i]->item);
		poller_account_free(takeover->accounts[i]);
	}
	takeover_free(takeover);
	agenda_sweep_hosts(&poller->agenda);
}

/* All that needs memory, before anything is changed. */
static bool
prepare(struct poller *poller, const struct config *config,
    const struct config_diff *diff, struct takeover *takeover)
{
	const struct config_account *account;
	size_t count = config->account_count, i;

	*takeover = (struct takeover){ 0 };
	takeover->accounts = calloc(count + 1, sizeof(*takeover->accounts));
	takeover->hosts = calloc(count + 1, sizeof(*takeover->hosts));
	takeover->made = calloc(count + 1, sizeof(*takeover->made));
	takeover->removed =
	    calloc(diff->removed_count + 1, sizeof(*takeover->removed));
	if (takeover->accounts == NULL || takeover->hosts == NULL ||
	    takeover->made == NULL || takeover->removed == NULL)
		return false;
	for (i = 0; i < diff->removed_count; i++)
		takeover->removed[i] =
		    poller_find(poller, diff->removed[i]->name);
	for (i = 0; i < count; i++) {
		account = config->accounts[i];
		takeover->hosts[i] =
		    agenda_host(&poller->agenda, account->host);
		takeover->accounts[i] = poller_find(poller, account->name);
		if (takeover->hosts[i] == NULL)
			return false;
		if (takeover->accounts[i] == NULL) {
			takeover->accounts[i] =
			    poller_account_new(poller, account);
			if (takeover->accounts[i] == NULL)
				return false;
			takeover->made[i] = true;
		}
		takeover->count++;
	}
	return agenda_reserve(&poller->agenda, count);
}

static void
retire(struct poller *poller, struct poller_account *account)
{
	poller_count_held(poller, account->tally.held, 0);
	if (account->run == NULL) {
		agenda_remove(&poller->agenda, &account->item);
		poller_account_free(account);
		return;
	}
	account->config = NULL;
	run_stop(account->run);
}

/* Whether it asks another server now, or as another user. */
static bool
is_elsewhere(const struct config_account *a, const struct config_account *b)
{
	return strcasecmp(a->host, b->host) != 0 || a->port != b->port ||
	       strcmp(a->user, b->user) != 0;
}

/*
 * The old configuration is there until all is taken over: changes are looked
 * at while each account still has its own.
 */
static void
take_changed(struct poller *poller, const struct config_account *changed)
{
	struct poller_account *account = poller_find(poller, changed->name);

	memset(&account->unchanged, 0, sizeof account->unchanged);
	if (account->run != NULL)
		run_forget_unchanged(account->run);
	agenda_renew(&poller->agenda, &account->item, changed->enabled,
	    is_elsewhere(account->config, changed), evpop_clock_monotonic_ms());
}

bool
poller_reload(struct poller *poller, const struct config *config,
    const struct config_diff *diff)
{
	struct poller_account *account;
	int64_t now_ms = evpop_clock_monotonic_ms();
	struct takeover takeover;
	size_t i;

	if (!prepare(poller, config, diff, &takeover)) {
		takeover_undo(poller, &takeover);
		return false;
	}
	for (i = 0; i < diff->changed_count; i++)
		take_changed(poller, diff->changed[i]);
	free(poller->accounts);
	poller->accounts = takeover.accounts;
	poller->account_count = takeover.count;
	poller->config = config;
	for (i = 0; i < takeover.count; i++) {
		account = takeover.accounts[i];
		account->config = config->accounts[i];
		agenda_move(&poller->agenda, &account->item, takeover.hosts[i]);
		if (takeover.made[i] && account->config->enabled)
			agenda_hurry(&poller->agenda, &account->item, 0);
		else
			agenda_retry(&poller->agenda, &account->item, now_ms);
	}
	for (i = 0; i < diff->removed_count; i++)
		retire(poller, takeover.removed[i]);
	agenda_sweep_hosts(&poller->agenda);
	poller_set_limits(poller);
	configured_tell(poller->configured, config);
	for (i = 0; i < poller->account_count; i++)
		poller_tell_state(poller, poller->accounts[i]);
	/* Certificates may have changed in files of the same name. */
	tls_table_clear(&poller->tls);
	takeover.accounts = NULL;
	takeover_free(&takeover);
	poller_wake(poller);
	return true;
}

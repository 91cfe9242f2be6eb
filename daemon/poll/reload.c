/* The change from one configuration to the next. */
#include <stdlib.h>
#include <string.h>

#include "daemon/poll/poller_internal.h"

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
takeover_undo(struct takeover *takeover)
{
	size_t i;

	for (i = 0; i < takeover->count; i++)
		if (takeover->made[i])
			poller_account_free(takeover->accounts[i]);
	takeover_free(takeover);
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
	    takeover->made == NULL || takeover->removed == NULL ||
	    !schedule_reserve(&poller->schedule, count))
		return false;
	for (i = 0; i < diff->removed_count; i++)
		takeover->removed[i] =
		    poller_find(poller, diff->removed[i]->name);
	for (i = 0; i < count; i++) {
		account = config->accounts[i];
		takeover->hosts[i] = host_get(&poller->hosts, account->host);
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
	return true;
}

static void
retire(struct poller_account *account)
{
	struct poller *poller = account->poller;

	if (account->run == NULL) {
		poller_rest(account, POLLER_DISABLED);
		poller_account_free(account);
		return;
	}
	account->config = NULL;
	TAILQ_INSERT_TAIL(&poller->retired, account, queued);
	run_stop(account->run);
}

/* A changed account is looked at anew, as if it had never failed. */
static void
renew(struct poller_account *account)
{
	account->failures = 0;
	memset(&account->unchanged, 0, sizeof account->unchanged);
	if (account->state == POLLER_POLLING) {
		account->again = account->config->enabled;
		return;
	}
	if (!account->config->enabled)
		poller_rest(account, POLLER_DISABLED);
	else if (account->state != POLLER_PAUSED)
		poller_enqueue(account, false);
}

bool
poller_reload(struct poller *poller, const struct config *config,
    const struct config_diff *diff)
{
	struct takeover takeover;
	size_t i;

	if (!prepare(poller, config, diff, &takeover)) {
		takeover_undo(&takeover);
		return false;
	}
	free(poller->accounts);
	poller->accounts = takeover.accounts;
	poller->account_count = takeover.count;
	poller->config = config;
	for (i = 0; i < takeover.count; i++) {
		takeover.accounts[i]->config = config->accounts[i];
		takeover.accounts[i]->host = takeover.hosts[i];
		if (takeover.made[i])
			renew(takeover.accounts[i]);
	}
	for (i = 0; i < diff->removed_count; i++)
		retire(takeover.removed[i]);
	for (i = 0; i < diff->changed_count; i++)
		renew(poller_find(poller, diff->changed[i]->name));
	/* Certificates may have changed in files of the same name. */
	tls_table_clear(&poller->tls);
	takeover.accounts = NULL;
	takeover_free(&takeover);
	poller_wake(poller);
	return true;
}

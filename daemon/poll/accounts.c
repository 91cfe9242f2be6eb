#include "daemon/poll/accounts.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/log/log.h"
#include "lib/base/clock.h"

struct accounts {
	struct store *store;
	struct agenda *agenda;
	void (*known)(void *arg);
	void *arg;

	const struct config *config;
	struct account **list; /* sorted by name, as in the configuration */
	size_t count;
	uint64_t held_accounts, held_deletions;

	enum store_status status; /* of the last answer */
	unsigned owed;            /* answers of the store */
	bool is_freed;            /* goes when they have come */
};

struct accounts *
accounts_new(struct store *store, struct agenda *agenda,
    void (*known)(void *arg), void *arg)
{
	struct accounts *accounts = calloc(1, sizeof *accounts);

	if (accounts == NULL)
		return NULL;
	accounts->store = store;
	accounts->agenda = agenda;
	accounts->known = known;
	accounts->arg = arg;
	return accounts;
}

void
accounts_free(struct accounts **accounts_p)
{
	struct accounts *accounts = *accounts_p;
	size_t i;

	if (accounts == NULL)
		return;
	*accounts_p = NULL;
	for (i = 0; i < accounts->count; i++)
		account_free(accounts->agenda, accounts->list[i]);
	free(accounts->list);
	accounts->list = NULL;
	accounts->count = 0;
	if (accounts->owed > 0)
		accounts->is_freed = true;
	else
		free(accounts);
}

size_t
accounts_count(const struct accounts *accounts)
{
	return accounts->count;
}

struct account *
accounts_at(const struct accounts *accounts, size_t index)
{
	return index < accounts->count ? accounts->list[index] : NULL;
}

static int
accounts_compare(const void *name, const void *account)
{
	return strcmp(
	    name, account_config(*(struct account *const *)account)->name);
}

struct account *
accounts_find(const struct accounts *accounts, const char *name)
{
	struct account **found = NULL;

	if (accounts->count > 0)
		found = bsearch(name, accounts->list, accounts->count,
		    sizeof(*accounts->list), accounts_compare);
	return found == NULL ? NULL : *found;
}

/* ---- deletions that are held ---- */

static void
accounts_count_held(struct accounts *accounts, uint32_t before, uint32_t now)
{
	accounts->held_accounts -= before > 0;
	accounts->held_accounts += now > 0;
	accounts->held_deletions -= before;
	accounts->held_deletions += now;
}

void
accounts_note_held(
    struct accounts *accounts, const struct account *account, uint32_t before)
{
	accounts_count_held(accounts, before, account_held(account));
}

uint64_t
accounts_held(const struct accounts *accounts, uint64_t *accounts_r)
{
	*accounts_r = accounts->held_accounts;
	return accounts->held_deletions;
}

/* ---- from one configuration to the next ---- */

/* The accounts of the new configuration, kept or made; and those that go. */
struct takeover {
	struct account **list;
	struct host **hosts;
	bool *made;
	size_t count;
	struct account **removed;
};

static void
takeover_free(struct takeover *takeover)
{
	free(takeover->list);
	free(takeover->hosts);
	free(takeover->made);
	free(takeover->removed);
}

static void
takeover_undo(struct takeover *takeover, struct agenda *agenda)
{
	size_t i;

	for (i = 0; i < takeover->count; i++)
		if (takeover->made[i])
			account_free(agenda, takeover->list[i]);
	takeover_free(takeover);
	agenda_sweep_hosts(agenda);
}

/* Keep an account, or make it.  False without memory. */
static bool
takeover_add(struct takeover *takeover, const struct accounts *accounts,
    const struct config_account *config)
{
	size_t at = takeover->count;

	takeover->hosts[at] = agenda_host(accounts->agenda, config->host);
	takeover->list[at] = accounts_find(accounts, config->name);
	if (takeover->hosts[at] == NULL)
		return false;
	if (takeover->list[at] == NULL) {
		takeover->list[at] = account_new(accounts->agenda, config);
		takeover->made[at] = true;
	}
	if (takeover->list[at] == NULL)
		return false;
	takeover->count++;
	return true;
}

/* All that needs memory, before anything is changed. */
static bool
takeover_prepare(struct takeover *takeover, const struct accounts *accounts,
    const struct config *config, const struct config_diff *diff)
{
	size_t count = config->account_count, i;

	*takeover = (struct takeover){ 0 };
	takeover->list = calloc(count + 1, sizeof(*takeover->list));
	takeover->hosts = calloc(count + 1, sizeof(*takeover->hosts));
	takeover->made = calloc(count + 1, sizeof(*takeover->made));
	takeover->removed =
	    calloc(diff->removed_count + 1, sizeof(*takeover->removed));
	if (takeover->list == NULL || takeover->hosts == NULL ||
	    takeover->made == NULL || takeover->removed == NULL)
		return false;
	for (i = 0; i < diff->removed_count; i++)
		takeover->removed[i] =
		    accounts_find(accounts, diff->removed[i]->name);
	for (i = 0; i < count; i++)
		if (!takeover_add(takeover, accounts, config->accounts[i]))
			return false;
	return agenda_reserve(accounts->agenda, count);
}

/* Accounts that fail are tried at once, too. */
static void
takeover_place(const struct takeover *takeover, struct agenda *agenda,
    size_t at, int64_t now_ms)
{
	struct account *account = takeover->list[at];
	struct agenda_item *item = account_item(account);

	agenda_move(agenda, item, takeover->hosts[at]);
	if (takeover->made[at] && account_config(account)->enabled)
		agenda_hurry(agenda, item, 0);
	else
		agenda_retry(agenda, item, now_ms);
}

bool
accounts_take(struct accounts *accounts, const struct config *config,
    const struct config_diff *diff)
{
	int64_t now_ms = evpop_clock_monotonic_ms();
	struct takeover takeover;
	size_t i;

	if (!takeover_prepare(&takeover, accounts, config, diff)) {
		takeover_undo(&takeover, accounts->agenda);
		return false;
	}
	/* The old configuration is there until all is taken over. */
	for (i = 0; i < diff->changed_count; i++)
		account_change(accounts_find(accounts, diff->changed[i]->name),
		    accounts->agenda, diff->changed[i], now_ms);
	free(accounts->list);
	accounts->list = takeover.list;
	accounts->count = takeover.count;
	accounts->config = config;
	for (i = 0; i < takeover.count; i++) {
		account_set_config(takeover.list[i], config->accounts[i]);
		takeover_place(&takeover, accounts->agenda, i, now_ms);
	}
	for (i = 0; i < diff->removed_count; i++) {
		accounts_count_held(
		    accounts, account_held(takeover.removed[i]), 0);
		account_retire(accounts->agenda, takeover.removed[i]);
	}
	agenda_sweep_hosts(accounts->agenda);
	takeover.list = NULL;
	takeover_free(&takeover);
	return true;
}

/* ---- whose row is whose ---- */

static void
accounts_log_news(const struct store_account_news *news)
{
	switch (news->kind) {
	case STORE_ACCOUNT_RENAMED:
		log_write(LOG_LEVEL_INFO, news->name,
		    "continues as the account that was \"%s\"",
		    news->former_name);
		break;
	case STORE_ACCOUNT_RESEMBLES:
		log_write(LOG_LEVEL_WARNING, news->name,
		    "it has no mail yet, and the host and user of the account "
		    "\"%s\", which is no longer configured: if that was "
		    "renamed, write \"id = %s\" into [account %s]",
		    news->former_name, news->former_id, news->name);
		break;
	case STORE_ACCOUNT_PAUSED:
	case STORE_ACCOUNT_REFUSED:
		break;
	case STORE_ACCOUNT_REPLACES:
		log_write(LOG_LEVEL_WARNING, news->name,
		    "the account that had this name before is no longer "
		    "configured: its mail stays in the store as \"%s\"",
		    news->former_name);
		break;
	}
}

/* What polls of an account waited for may be settled. */
static void
accounts_forget_former(struct accounts *accounts)
{
	int64_t now_ms = evpop_clock_monotonic_ms();
	size_t i;

	for (i = 0; i < accounts->count; i++)
		if (account_set_former(accounts->list[i], NULL))
			agenda_retry(accounts->agenda,
			    account_item(accounts->list[i]), now_ms);
}

/* It was paused before this daemon was started, or while it was disabled. */
static bool
accounts_take_pause(
    struct accounts *accounts, const struct store_account_news *news)
{
	struct account *account = accounts_find(accounts, news->name);

	if (account == NULL ||
	    agenda_state(account_item(account)) == POLLER_DISABLED ||
	    agenda_is_paused(account_item(account)))
		return false;
	account_pause(
	    account, accounts->agenda, news->paused_ms, news->paused_by);
	return true;
}

static void
accounts_take_pauses(struct accounts *accounts,
    const struct store_account_news *news, size_t count)
{
	size_t paused = 0, i;

	for (i = 0; i < count; i++)
		if (news[i].kind == STORE_ACCOUNT_PAUSED)
			paused += accounts_take_pause(accounts, &news[i]);
	if (paused > 0)
		log_write(LOG_LEVEL_INFO, NULL,
		    "%zu account%s paused since before: \"evpopctl accounts "
		    "--state paused\" lists them, \"evpopctl resume NAME\" "
		    "ends it",
		    paused, paused == 1 ? " is" : "s are");
}

/* What was asked for before there was another configuration says nothing. */
static void
accounts_answered(enum store_status status,
    const struct store_account_news *news, size_t count, void *arg)
{
	struct accounts *accounts = arg;
	struct account *account;
	size_t i;

	accounts->owed--;
	accounts->status = status;
	if (accounts->owed > 0)
		return;
	if (accounts->is_freed) {
		free(accounts);
		return;
	}
	if (status == STORE_OK)
		accounts_forget_former(accounts);
	accounts_take_pauses(accounts, news, count);
	for (i = 0; i < count; i++) {
		accounts_log_news(&news[i]);
		account = accounts_find(accounts, news[i].name);
		if (account != NULL && news[i].kind == STORE_ACCOUNT_RESEMBLES)
			account_set_former(account, news[i].former_id);
		if (account != NULL && news[i].kind == STORE_ACCOUNT_REFUSED)
			account_set_refusal(account, &news[i].refusal);
	}
	accounts->known(accounts->arg);
}

/* Places are the caller's to free; false without memory. */
static bool
accounts_describe(const struct config *config,
    struct store_configured *configured, char **places)
{
	const struct config_account *account;
	size_t i;

	for (i = 0; i < config->account_count; i++) {
		account = config->accounts[i];
		places[i] = config_account_place(account);
		if (places[i] == NULL)
			return false;
		configured[i] = (struct store_configured){
			.name = account->name,
			.stable_id = account->id,
			.host = places[i],
			.user = account->user,
		};
	}
	return true;
}

void
accounts_tell(struct accounts *accounts)
{
	const struct config *config = accounts->config;
	size_t count = config->account_count, i;
	struct store_configured *configured;
	char **places;

	accounts->owed++;
	configured = calloc(count + 1, sizeof *configured);
	places = calloc(count + 1, sizeof(*places));
	if (configured != NULL && places != NULL &&
	    accounts_describe(config, configured, places))
		store_configure(accounts->store, configured, count,
		    accounts_answered, accounts);
	else
		accounts_answered(STORE_MEMORY, NULL, 0, accounts);
	for (i = 0; places != NULL && i < count; i++)
		free(places[i]);
	free(places);
	free(configured);
}

void
accounts_tell_again(struct accounts *accounts)
{
	if (accounts->owed == 0 && accounts->status != STORE_OK)
		accounts_tell(accounts);
}

/*
 * Where it could not be found out whose row is whose, to go by the name alone
 * might fetch everything again.
 */
bool
accounts_are_hindered(struct accounts *accounts, struct evpop_result *why)
{
	const struct store_error *health = store_health(accounts->store);
	enum store_status status = accounts->status;

	if (health->status != STORE_OK) {
		evpop_result_set(why, EVPOP_ERROR_IO, EVPOP_PHASE_NONE,
		    "the store cannot take mail (%s); it stays on the server",
		    health->text);
		return true;
	}
	if (status == STORE_OK)
		return false;
	evpop_result_set(why, EVPOP_ERROR_IO, EVPOP_PHASE_NONE,
	    "the store does not tell which account this was (%s): %s; mail "
	    "stays on the server",
	    store_status_name(status), store_status_hint(status));
	accounts_tell_again(accounts);
	return true;
}

bool
accounts_are_answered(const struct accounts *accounts)
{
	return accounts->owed == 0;
}

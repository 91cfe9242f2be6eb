#include "daemon/poll/configured.h"

#include <stdlib.h>

struct configured {
	struct store *store;
	store_configure_cb known;
	void *arg;
	enum store_status status; /* of the last answer */
	unsigned pending;         /* answers that the store owes */
	bool is_freed;            /* goes when they have come */
};

struct configured *
configured_new(struct store *store, store_configure_cb known, void *arg)
{
	struct configured *configured;

	configured = calloc(1, sizeof *configured);
	if (configured == NULL)
		return NULL;
	configured->store = store;
	configured->known = known;
	configured->arg = arg;
	return configured;
}

/* What was asked for before there was another configuration says nothing. */
static void
configured_answered(enum store_status status,
    const struct store_account_news *news, size_t count, void *arg)
{
	struct configured *configured = arg;

	configured->pending--;
	configured->status = status;
	if (configured->pending > 0)
		return;
	if (configured->is_freed)
		configured_free(&configured);
	else
		configured->known(status, news, count, configured->arg);
}

/* Places are the caller's to free; false without memory. */
static bool
configured_fill(const struct config *config, struct store_configured *accounts,
    char **places)
{
	const struct config_account *account;
	size_t i;

	for (i = 0; i < config->account_count; i++) {
		account = config->accounts[i];
		places[i] = config_account_place(account);
		if (places[i] == NULL)
			return false;
		accounts[i] = (struct store_configured){
			.name = account->name,
			.stable_id = account->id,
			.host = places[i],
			.user = account->user,
		};
	}
	return true;
}

void
configured_tell(struct configured *configured, const struct config *config)
{
	size_t count = config->account_count, i;
	struct store_configured *accounts;
	char **places;

	configured->pending++;
	accounts = calloc(count + 1, sizeof *accounts);
	places = calloc(count + 1, sizeof(*places));
	if (accounts != NULL && places != NULL &&
	    configured_fill(config, accounts, places))
		store_configure(configured->store, accounts, count,
		    configured_answered, configured);
	else
		configured_answered(STORE_MEMORY, NULL, 0, configured);
	for (i = 0; places != NULL && i < count; i++)
		free(places[i]);
	free(places);
	free(accounts);
}

void
configured_repeat(struct configured *configured, const struct config *config)
{
	if (configured->pending == 0 && configured->status != STORE_OK)
		configured_tell(configured, config);
}

bool
configured_is_answered(const struct configured *configured)
{
	return configured->pending == 0;
}

enum store_status
configured_status(const struct configured *configured)
{
	return configured->status;
}

void
configured_free(struct configured **configured_p)
{
	struct configured *configured = *configured_p;

	if (configured == NULL)
		return;
	*configured_p = NULL;
	if (configured->pending > 0)
		configured->is_freed = true;
	else
		free(configured);
}

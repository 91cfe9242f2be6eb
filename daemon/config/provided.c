#include "daemon/config/provided.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/config/oauth2.h"
#include "daemon/config/option.h"
#include "daemon/config/provider.h"

static bool
provided_has(uint64_t bits, const char *key)
{
	return (bits & config_option_bit(
			   config_option_find(CONFIG_SCOPE_ACCOUNT, key))) != 0;
}

static const struct config_provider *
account_provider(const struct config_account *account)
{
	return account->provider == NULL
		   ? NULL
		   : config_provider_find(account->provider);
}

/*
 * Whether the key is said nearer to the account than its provider: one of its
 * own stands above [defaults].
 */
static bool
account_says(const struct config_provided_given *given, const char *key)
{
	return provided_has(given->own, key) ||
	       (provided_has(given->defaults, key) &&
		   !provided_has(given->own, "provider"));
}

void
config_provided_take(struct config_account *account,
    const struct config_provided_given *given, struct evpop_arena *arena,
    struct config_report *report)
{
	const struct config_provider *provider = account_provider(account);
	const struct config_report_place place = { report, account->file,
		account->line };
	char who[192];

	if (provider != NULL && provider->host != NULL) {
		if (!account_says(given, "host"))
			account->host =
			    evpop_arena_share(arena, provider->host);
		if (!account_says(given, "port"))
			account->port = provider->port;
		if (!account_says(given, "tls"))
			account->tls = provider->tls;
		if (config_account_is_by_token(account) &&
		    !account_says(given, "auth"))
			account->auth = provider->token_mechanisms;
		if (account->host == NULL)
			config_report_no_memory(report);
	}
	if (account->oauth2 == NULL)
		return;
	(void)snprintf(who, sizeof(who), "[account %s]", account->name);
	config_oauth2_complete(account->oauth2, &account->oauth2_flow, provider,
	    arena, &place, who);
}

/* Keys of OAuth 2 that are given and that nothing uses. */
static void
account_check_unused(const struct config_account *account, uint64_t own,
    struct config_report *report)
{
	for (size_t i = 0; i < config_option_count; i++) {
		const struct config_option *option = &config_options[i];

		if (option->scope != CONFIG_SCOPE_ACCOUNT ||
		    (own & config_option_bit(option)) == 0 ||
		    strncmp(option->key, "oauth2_", strlen("oauth2_")) != 0)
			continue;
		config_report_warning(report, account->file, account->line,
		    "[account %s]: %s is not used: there is no "
		    "oauth2_client_id",
		    account->name, option->key);
		return;
	}
}

void
config_provided_check(const struct config_account *account, uint64_t own,
    struct config_report *report)
{
	const struct config_provider *provider = account_provider(account);

	if (account->oauth2 == NULL)
		account_check_unused(account, own, report);
	if (provider == NULL)
		return;
	if (account->host == NULL && provider->host == NULL)
		config_report_error(report, account->file, account->line,
		    "[account %s]: provider = %s: %s", account->name,
		    provider->name, provider->advice);
	if ((provider->flags & CONFIG_PROVIDER_NO_PASSWORD) != 0 &&
	    !config_account_is_by_token(account) && account->host != NULL &&
	    strcasecmp(account->host, provider->host) == 0)
		config_report_warning(report, account->file, account->line,
		    "[account %s]: %s takes no passwords, only OAuth 2; "
		    "expected oauth2_client_id, or token_command",
		    account->name, provider->title);
}

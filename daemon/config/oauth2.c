#include "daemon/config/oauth2.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/target.h"

#define TENANT "{tenant}"

/* What one completion works on. */
struct completion {
	struct config_oauth2 *oauth2;
	const struct config_provider_oauth2 *known; /* all NULL: nothing */
	struct evpop_arena *arena;
	const struct config_report_place *place;
	const char *who;
};

static void
completion_complain(const struct completion *completion, const char *what)
{
	config_report_error(completion->place->report, completion->place->file,
	    completion->place->line, "%s: %s", completion->who, what);
}

static void
completion_take(
    const struct completion *completion, char **member, const char *known)
{
	if (*member != NULL || known == NULL)
		return;
	*member = evpop_arena_share(completion->arena, known);
	if (*member == NULL)
		config_report_no_memory(completion->place->report);
}

/* The URL with the tenant in its place. */
static void
completion_expand(const struct completion *completion, char **member)
{
	const char *tenant = completion->oauth2->tenant;
	const char *at = *member == NULL ? NULL : strstr(*member, TENANT);
	char *text = NULL;

	if (at == NULL)
		return;
	if (tenant == NULL) {
		completion_complain(completion,
		    "oauth2_tenant is missing, and a URL has {tenant}");
		return;
	}
	if (asprintf(&text, "%.*s%s%s", (int)(at - *member), *member, tenant,
		at + strlen(TENANT)) >= 0)
		*member = evpop_arena_share(completion->arena, text);
	else
		*member = NULL;
	if (*member == NULL)
		config_report_no_memory(completion->place->report);
	free(text);
}

/* What could not stand in a URL would lead elsewhere. */
static void
completion_check_tenant(const struct completion *completion)
{
	const char *tenant = completion->oauth2->tenant;

	if (tenant == NULL ||
	    tenant[strspn(tenant,
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
		"0123456789.-_")] == '\0')
		return;
	completion_complain(completion,
	    "oauth2_tenant: expected the id or domain of a tenant, of letters, "
	    "digits and . - _");
}

static void
completion_check_url(
    const struct completion *completion, const char *key, const char *url)
{
	if (url != NULL && config_url_shows(url))
		config_report_error(completion->place->report,
		    completion->place->file, completion->place->line,
		    "%s: %s begins with http:// and would show tokens to the "
		    "network; expected https://",
		    completion->who, key);
}

static uint8_t
completion_choose_flow(const struct config_oauth2 *oauth2)
{
	if (oauth2->device_url != NULL)
		return CONFIG_OAUTH2_DEVICE;
	return oauth2->authorization_url != NULL
		   ? CONFIG_OAUTH2_CODE
		   : CONFIG_OAUTH2_CLIENT_CREDENTIALS;
}

/* Client credentials are of one organization. */
static void
completion_check_app(const struct completion *completion, bool has_tenant)
{
	const struct config_oauth2 *oauth2 = completion->oauth2;

	if (oauth2->client_secret == NULL &&
	    oauth2->client_secret_file == NULL &&
	    oauth2->client_secret_sealed == NULL)
		completion_complain(completion,
		    "oauth2_flow = client-credentials without a secret; "
		    "expected oauth2_client_secret, oauth2_client_secret_file "
		    "or oauth2_client_secret_sealed");
	if (completion->known->tenant != NULL && !has_tenant)
		completion_complain(completion,
		    "oauth2_flow = client-credentials without oauth2_tenant; "
		    "expected the id or domain of the organization");
}

static void
completion_check_flow(
    const struct completion *completion, uint8_t flow, bool has_tenant)
{
	const struct config_oauth2 *oauth2 = completion->oauth2;

	switch (flow) {
	case CONFIG_OAUTH2_DEVICE:
		if (oauth2->device_url == NULL)
			completion_complain(completion,
			    completion->known->authorization_url != NULL
				? "oauth2_flow = device: this provider gives "
				  "no access to mail that way; expected "
				  "oauth2_flow = code"
				: "oauth2_flow = device without "
				  "oauth2_device_url");
		break;
	case CONFIG_OAUTH2_CODE:
		if (oauth2->authorization_url == NULL)
			completion_complain(completion,
			    "oauth2_flow = code without "
			    "oauth2_authorization_url");
		break;
	default:
		completion_check_app(completion, has_tenant);
		break;
	}
}

static void
completion_check_secrets(const struct completion *completion)
{
	const struct config_oauth2 *oauth2 = completion->oauth2;

	if ((oauth2->client_secret != NULL) +
		(oauth2->client_secret_file != NULL) +
		(oauth2->client_secret_sealed != NULL) >
	    1)
		completion_complain(completion,
		    "expected one of oauth2_client_secret, "
		    "oauth2_client_secret_file and "
		    "oauth2_client_secret_sealed");
}

/* Without a client id the keys mean nothing; what is used is whole. */
void
config_oauth2_complete(struct config_oauth2 *oauth2, uint8_t *flow,
    const struct config_provider *provider, struct evpop_arena *arena,
    const struct config_report_place *place, const char *who)
{
	static const struct config_provider_oauth2 nothing = { 0 };
	const struct completion completion = { oauth2,
		provider != NULL ? &provider->oauth2 : &nothing, arena, place,
		who };
	const struct config_provider_oauth2 *known = completion.known;
	const bool has_tenant = oauth2->tenant != NULL;

	completion_take(&completion, &oauth2->token_url, known->token_url);
	completion_take(&completion, &oauth2->device_url, known->device_url);
	completion_take(
	    &completion, &oauth2->authorization_url, known->authorization_url);
	if (*flow == CONFIG_OAUTH2_AUTO)
		*flow = completion_choose_flow(oauth2);
	completion_take(&completion, &oauth2->scope,
	    *flow == CONFIG_OAUTH2_CLIENT_CREDENTIALS ? known->app_scope
						      : known->scope);
	completion_take(&completion, &oauth2->tenant, known->tenant);
	completion_check_tenant(&completion);
	completion_check_secrets(&completion);
	if (oauth2->token_url == NULL)
		completion_complain(&completion,
		    provider != NULL
			? "oauth2_token_url is missing: this provider is not "
			  "known to give tokens to programs of one's own"
			: "oauth2_token_url is missing; expected it, or a "
			  "provider that evpopd knows");
	completion_check_flow(&completion, *flow, has_tenant);
	completion_expand(&completion, &oauth2->token_url);
	completion_expand(&completion, &oauth2->device_url);
	completion_expand(&completion, &oauth2->authorization_url);
	completion_check_url(
	    &completion, "oauth2_token_url", oauth2->token_url);
	completion_check_url(
	    &completion, "oauth2_device_url", oauth2->device_url);
	completion_check_url(
	    &completion, "oauth2_authorization_url", oauth2->authorization_url);
}

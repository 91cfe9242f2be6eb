#include "daemon/config/gmail.h"

#include <stdio.h>
#include <string.h>

#include "daemon/config/oauth2.h"
#include "daemon/config/option.h"
#include "daemon/config/provider.h"
#include "daemon/config/target.h"

/* Google's keys; the scope is no wider than it must be. */
static void
gmail_complete_oauth2(struct config_report *report,
    const struct config_target_draft *draft, struct evpop_arena *arena)
{
	const struct config_target *target = draft->target;
	const struct config_report_place place = { report, target->file,
		target->line };
	struct config_provider google = *config_provider_find("gmail");
	char who[160];

	google.oauth2.scope = "https://www.googleapis.com/auth/gmail.modify";
	snprintf(who, sizeof(who), "[target %s]", target->name);
	config_oauth2_complete(draft->target->oauth2,
	    &draft->target->oauth2_flow, &google, arena, &place, who);
}

/* The first key of OAuth 2 that is given; NULL: none is. */
static const char *
gmail_find_oauth2(const struct config_target_draft *draft)
{
	const struct config_option *option;

	for (size_t i = 0; i < config_option_count; i++) {
		option = &config_options[i];
		if (option->scope == CONFIG_SCOPE_TARGET &&
		    strncmp(option->key, "oauth2_", strlen("oauth2_")) == 0 &&
		    (draft->given & config_option_bit(option)) != 0)
			return option->key;
	}
	return NULL;
}

static void
gmail_check_token(struct config_report *report,
    const struct config_target_draft *draft, struct evpop_arena *arena)
{
	const struct config_target *target = draft->target;
	const char *key = gmail_find_oauth2(draft);
	bool has_client =
	    target->oauth2 != NULL && target->oauth2->client_id != NULL;

	if (!has_client)
		draft->target->oauth2 = NULL;
	if (has_client)
		gmail_complete_oauth2(report, draft, arena);
	if (has_client && target->token_command != NULL)
		config_report_error(report, target->file, target->line,
		    "[target %s]: expected oauth2_client_id or token_command, "
		    "not both",
		    target->name);
	else if (!has_client && key != NULL)
		config_report_error(report, target->file, target->line,
		    "[target %s]: %s without oauth2_client_id", target->name,
		    key);
	else if (!has_client && target->token_command == NULL)
		config_report_error(report, target->file, target->line,
		    "[target %s]: no token; expected oauth2_client_id or "
		    "token_command",
		    target->name);
}

void
config_gmail_check(struct config_report *report,
    const struct config_target_draft *draft, struct evpop_arena *arena)
{
	static char api[] = "https://gmail.googleapis.com";
	const struct config_target *target = draft->target;

	if (target->url == NULL)
		draft->target->url = api;
	if (!target->allow_cleartext && config_url_shows(target->url))
		config_report_error(report, target->file, target->line,
		    "[target %s]: url begins with http:// and would show mail "
		    "and the token to the network; expected https:// (or "
		    "allow_cleartext = yes)",
		    target->name);
	gmail_check_token(report, draft, arena);
}

#include "daemon/oauth/trouble.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "daemon/config/provider.h"
#include "daemon/http/web.h"
#include "daemon/oauth/answer.h"
#include "daemon/oauth/settings.h"

#define AGAIN "give the consent anew: \"evpopctl oauth {name}\""

void
trouble_later(struct trouble *trouble, const char *format, ...)
{
	va_list arguments;

	*trouble = (struct trouble){ .kind = OAUTH_LATER };
	va_start(arguments, format);
	(void)vsnprintf(
	    trouble->text, sizeof(trouble->text), format, arguments);
	va_end(arguments);
	(void)snprintf(trouble->advice, sizeof(trouble->advice),
	    "the failure may be temporary; evpopd tries again by itself");
}

/* With the name in its place. */
static void
trouble_advise(
    struct trouble *trouble, const struct settings *settings, const char *text)
{
	const char *at = strstr(text, "{name}");

	(void)snprintf(trouble->advice, sizeof(trouble->advice), "%.*s%.128s%s",
	    at != NULL ? (int)(at - text) : 0, text,
	    at != NULL ? settings->name : "",
	    at != NULL ? at + strlen("{name}") : text);
}

void
trouble_configuration(struct trouble *trouble, const struct settings *settings,
    const char *text, const char *advice)
{
	*trouble = (struct trouble){ .kind = OAUTH_PERSON };
	(void)snprintf(trouble->text, sizeof(trouble->text), "%s", text);
	trouble_advise(trouble, settings, advice);
}

void
trouble_consent(
    struct trouble *trouble, const struct settings *settings, const char *text)
{
	trouble_configuration(trouble, settings, text,
	    "give the consent: \"evpopctl oauth {name}\"");
}

/* ---- what an endpoint says ---- */

/* An error, by its name or by a mark in its description, and what to do. */
struct trouble_known {
	const char *error; /* NULL: any */
	const char *mark;  /* of the description; NULL: any */
	enum oauth_trouble kind;
	const char *advice; /* "{name}" stands for the account's */
};

/* The first that fits. */
static const struct trouble_known trouble_table[] = {
	/* Microsoft says by a number what the matter is. */
	{ NULL, "AADSTS7000215", OAUTH_PERSON,
	    "oauth2_client_secret of \"{name}\" is wrong: take the secret's "
	    "value, not its id, from the registration of the client" },
	{ NULL, "AADSTS7000222", OAUTH_PERSON,
	    "the client's secret of \"{name}\" has expired: make a new one in "
	    "the registration of the client" },
	{ NULL, "AADSTS7000218", OAUTH_PERSON,
	    "the client of \"{name}\" is registered as one with a secret: "
	    "allow "
	    "public client flows in its registration, or give "
	    "oauth2_client_secret" },
	{ NULL, "AADSTS700016", OAUTH_PERSON,
	    "the organization does not know the client of \"{name}\": correct "
	    "oauth2_client_id and oauth2_tenant" },
	{ NULL, "AADSTS90002", OAUTH_PERSON,
	    "there is no such organization: correct oauth2_tenant of "
	    "\"{name}\"" },
	{ NULL, "AADSTS50020", OAUTH_PERSON,
	    "the user of \"{name}\" is of another organization: correct "
	    "oauth2_tenant; a personal account wants provider = outlook" },
	{ NULL, "AADSTS65001", OAUTH_PERSON,
	    AGAIN "; where users may not consent, an administrator has to do "
		  "so for the client" },
	{ NULL, "AADSTS90094", OAUTH_PERSON,
	    AGAIN ", once an administrator has consented for the client" },
	{ NULL, "AADSTS53003", OAUTH_PERSON,
	    "rules of the organization (conditional access) keep \"{name}\" "
	    "out: its administrator has to allow the client" },
	{ NULL, "AADSTS50034", OAUTH_PERSON,
	    "the organization has no such user: correct user and oauth2_tenant "
	    "of \"{name}\"" },
	/* Google */
	{ "invalid_grant", "expired or revoked", OAUTH_PERSON,
	    AGAIN "; a client that Google has in \"Testing\" loses it after 7 "
		  "days: publish the client" },
	{ NULL, "admin_policy_enforced", OAUTH_PERSON,
	    "an administrator has to trust the client of \"{name}\"" },
	/* RFC 6749 section 5.2, and 4.1.2.1 */
	{ "temporarily_unavailable", NULL, OAUTH_LATER, NULL },
	{ "server_error", NULL, OAUTH_LATER, NULL },
	{ "slow_down", NULL, OAUTH_LATER, NULL },
	{ "rate_limit_exceeded", NULL, OAUTH_LATER, NULL },
	{ "invalid_grant", NULL, OAUTH_PERSON, AGAIN },
	{ "interaction_required", NULL, OAUTH_PERSON, AGAIN },
	{ "consent_required", NULL, OAUTH_PERSON, AGAIN },
	{ "login_required", NULL, OAUTH_PERSON, AGAIN },
	{ "access_denied", NULL, OAUTH_PERSON, AGAIN },
	{ "expired_token", NULL, OAUTH_PERSON, AGAIN },
	{ "invalid_client", NULL, OAUTH_PERSON,
	    "correct oauth2_client_id of \"{name}\" and its secret" },
	{ "unauthorized_client", NULL, OAUTH_PERSON,
	    "the client of \"{name}\" may not do this: allow the flow in its "
	    "registration, or set another oauth2_flow" },
	{ "unsupported_grant_type", NULL, OAUTH_PERSON,
	    "the provider has no such flow: set another oauth2_flow of "
	    "\"{name}\"" },
	{ "invalid_scope", NULL, OAUTH_PERSON,
	    "correct oauth2_scope of \"{name}\", and what the client may ask "
	    "for in its registration" },
};

static bool
trouble_fits(
    const struct trouble_known *known, const struct grant_answer *answer)
{
	return (known->error == NULL ||
		   strcmp(known->error, answer->error) == 0) &&
	       (known->mark == NULL ||
		   strstr(answer->description, known->mark) != NULL ||
		   strstr(answer->error, known->mark) != NULL);
}

static const struct trouble_known *
trouble_find(const struct grant_answer *answer)
{
	static const struct trouble_known other = { NULL, NULL, OAUTH_PERSON,
		"correct what begins with oauth2_ in the section of "
		"\"{name}\"" };

	for (size_t i = 0; i < sizeof(trouble_table) / sizeof(trouble_table[0]);
	     i++)
		if (trouble_fits(&trouble_table[i], answer))
			return &trouble_table[i];
	return &other;
}

void
trouble_of_answer(struct trouble *trouble, const struct settings *settings,
    const struct grant_answer *answer)
{
	const struct trouble_known *known = trouble_find(answer);
	const char *colon =
	    answer->error[0] != '\0' && answer->description[0] != '\0' ? ": "
								       : "";

	if (answer->status >= 500 || answer->status == 429 ||
	    known->kind == OAUTH_LATER) {
		trouble_later(trouble,
		    "the token endpoint does not work now "
		    "(HTTP status %u): %s%s%s",
		    answer->status, answer->error, colon, answer->description);
		return;
	}
	*trouble = (struct trouble){ .kind = OAUTH_PERSON };
	(void)snprintf(trouble->text, sizeof(trouble->text),
	    "the token endpoint refuses: %s%s%s", answer->error, colon,
	    answer->description);
	trouble_advise(trouble, settings, known->advice);
}

void
trouble_of_web(struct trouble *trouble, const struct settings *settings,
    const struct web_answer *answer)
{
	if (answer->end == WEB_FORBIDDEN) {
		trouble_configuration(trouble, settings, answer->text,
		    "correct the URLs of OAuth 2 in the section of \"{name}\"");
		return;
	}
	trouble_later(
	    trouble, "the token endpoint does not answer: %s", answer->text);
	if (answer->end == WEB_MISTRUSTED)
		(void)snprintf(trouble->advice, sizeof(trouble->advice),
		    "see who answers there instead of the provider: its "
		    "certificate is not trusted");
}

/* ---- what a mail server says ---- */

void
trouble_of_server(struct trouble *trouble, const struct settings *settings)
{
	const struct config_provider *provider = settings->provider;
	const char *advice = "see that the user of \"{name}\" is the one who "
			     "has consented, and oauth2_scope what the server "
			     "asks for";

	if (provider != NULL && strcmp(provider->name, "office365") == 0)
		advice = settings->flow == CONFIG_OAUTH2_CLIENT_CREDENTIALS
			     ? "give the client of \"{name}\" the permission "
			       "POP.AccessAsApp with an administrator's "
			       "consent, register its service principal in "
			       "Exchange, and give that FullAccess to the "
			       "mailbox"
			     : "POP may be off for the mailbox of \"{name}\" "
			       "(Set-CASMailbox -PopEnabled $true), or `user' "
			       "is not the one who has consented";
	else if (provider != NULL &&
		 (provider->flags & CONFIG_PROVIDER_POP3_IS_OFF) != 0)
		advice =
		    "POP may be off for the mailbox of \"{name}\": turn it "
		    "on in its settings; and see that `user' is the one "
		    "who has consented";
	trouble_configuration(trouble, settings,
	    "the server refuses even a token that was made for it", advice);
}

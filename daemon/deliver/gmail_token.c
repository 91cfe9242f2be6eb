#include "daemon/deliver/gmail_token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config/target.h"
#include "daemon/oauth/oauth.h"
#include "daemon/secret/secret.h"

/* A command may ask an agent, but nobody is there to answer. */
#define TOKEN_COMMAND_MS 60000
/* "target:NAME", as tokens of targets are kept. */
#define TOKEN_OWNER 160

struct gmail_token {
	const struct carrier_setup *setup;
	struct secret_request *request;
	struct oauth_request *asked;
	struct secret *secret; /* NULL: not fetched */
	gmail_token_cb cb;
	void *arg;
};

struct gmail_token *
gmail_token_new(const struct carrier_setup *setup)
{
	struct gmail_token *token = calloc(1, sizeof(*token));

	if (token != NULL)
		token->setup = setup;
	return token;
}

static void
token_fetched(struct secret *secret, const char *error, void *arg)
{
	struct gmail_token *token = arg;

	token->request = NULL;
	token->secret = secret;
	if (secret == NULL)
		token->cb(NULL, CARRIED_WRONG, error, token->arg);
	else
		token->cb(
		    secret_text(secret), CARRIED_DELIVERED, NULL, token->arg);
}

/* ---- by OAuth 2 ---- */

static void
token_given(
    const char *text, enum oauth_trouble trouble, const char *why, void *arg)
{
	struct gmail_token *token = arg;

	token->asked = NULL;
	if (text != NULL) {
		token->secret = secret_new(text, strlen(text));
		if (token->secret == NULL)
			token->cb(
			    NULL, CARRIED_DOWN, "out of memory", token->arg);
		else
			token->cb(secret_text(token->secret), CARRIED_DELIVERED,
			    NULL, token->arg);
		return;
	}
	token->cb(NULL, trouble == OAUTH_LATER ? CARRIED_DOWN : CARRIED_WRONG,
	    why, token->arg);
}

static void
token_owner(const struct gmail_token *token, char owner_r[TOKEN_OWNER])
{
	snprintf(
	    owner_r, TOKEN_OWNER, "target:%.128s", token->setup->target->name);
}

/* It keeps the token, and knows when it expires: ours is for comparison. */
static void
token_ask_oauth(struct gmail_token *token, bool was_refused)
{
	const struct carrier_setup *setup = token->setup;
	struct secret *refused = was_refused ? token->secret : NULL;
	char owner[TOKEN_OWNER];

	token_owner(token, owner);
	if (!was_refused)
		secret_free(&token->secret);
	token->secret = NULL;
	if (setup->oauth != NULL)
		token->asked = oauth_ask(setup->oauth, owner,
		    refused != NULL ? secret_text(refused) : NULL, token_given,
		    token);
	secret_free(&refused);
	if (token->asked == NULL)
		token->cb(NULL, CARRIED_DOWN, "there is no token", token->arg);
}

/* ---- both ---- */

void
gmail_token_ask(
    struct gmail_token *token, bool was_refused, gmail_token_cb cb, void *arg)
{
	const struct secret_source source = {
		.kind = SECRET_TOKEN_COMMAND,
		.value = token->setup->target->token_command,
	};

	token->cb = cb;
	token->arg = arg;
	if (token->setup->target->oauth2 != NULL) {
		token_ask_oauth(token, was_refused);
		return;
	}
	if (was_refused)
		secret_free(&token->secret);
	if (token->secret != NULL) {
		cb(secret_text(token->secret), CARRIED_DELIVERED, NULL, arg);
		return;
	}
	token->request = secret_fetch(token->setup->base, &source,
	    TOKEN_COMMAND_MS, token_fetched, token);
	if (token->request == NULL)
		cb(NULL, CARRIED_DOWN, "out of memory", arg);
}

void
gmail_token_note_refused(struct gmail_token *token)
{
	char owner[TOKEN_OWNER];

	token_owner(token, owner);
	if (token->setup->target->oauth2 != NULL && token->setup->oauth != NULL)
		oauth_note_refused(token->setup->oauth, owner);
}

void
gmail_token_free(struct gmail_token **token_p)
{
	struct gmail_token *token = *token_p;

	*token_p = NULL;
	if (token == NULL)
		return;
	secret_cancel(&token->request);
	oauth_cancel(&token->asked);
	secret_free(&token->secret);
	free(token);
}

#include "daemon/poll/credentials.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/oauth/oauth.h"
#include "daemon/secret/mark.h"
#include "lib/base/hash.h"

bool
credentials_source(
    const struct config_account *account, struct secret_source *source_r)
{
	const struct secret_source sources[] = {
		{ .kind = SECRET_LITERAL, .value = account->password },
		{ .kind = SECRET_FILE, .value = account->password_file },
		{ .kind = SECRET_COMMAND, .value = account->password_command },
		{ .kind = SECRET_CREDENTIAL,
		    .value = account->password_credential },
		{ .kind = SECRET_SEALED,
		    .value = account->password_sealed,
		    .bearer = { .name = account->name, .id = account->id } },
		{ .kind = SECRET_TOKEN_COMMAND,
		    .value = account->token_command },
	};
	size_t i;

	for (i = 0; i < sizeof sources / sizeof sources[0]; i++) {
		if (sources[i].value == NULL)
			continue;
		*source_r = sources[i];
		return true;
	}
	return false;
}

uint32_t
credentials_mark(const struct config_account *account)
{
	const struct secret_source file = { .kind = SECRET_FILE,
		.value = account->file };
	struct secret_source source;
	uint32_t marks[2] = { 0, 0 };
	uint64_t mark;

	if (account->file != NULL)
		marks[0] = secret_mark(&file);
	if (credentials_source(account, &source))
		marks[1] = secret_mark(&source);
	mark = evpop_hash_add(EVPOP_HASH_START, marks, sizeof marks);
	return (uint32_t)(mark ^ mark >> 32);
}

/* A password command may ask an agent, but nobody is there to answer. */
#define SECRET_TIMEOUT_MS 60000

struct credentials {
	void (*known)(const char *, void *);
	void *arg;
	char *name, *user;
	unsigned int mechanisms;
	struct secret_request *request;
	struct secret *secret; /* a password, or a token */
	bool by_token, no_secret;
	/* With OAuth 2. */
	struct oauth *oauth; /* NULL: without */
	struct oauth_request *token;
	struct evpop_sync *sync; /* once it is started */
	enum oauth_trouble trouble;
	char *why;      /* in words; or NULL */
	bool has_other; /* another one was asked for */
};

static void
credentials_fetched(struct secret *secret, const char *error, void *arg)
{
	struct credentials *credentials = arg;

	credentials->request = NULL;
	credentials->secret = secret;
	credentials->known(secret != NULL ? NULL : error, credentials->arg);
}

/* ---- tokens of OAuth 2 ---- */

/* Keep the token, or why there is none; false: there is none. */
static bool
credentials_take_token(struct credentials *credentials, const char *token,
    enum oauth_trouble trouble, const char *why)
{
	credentials->token = NULL;
	secret_free(&credentials->secret);
	if (token != NULL) {
		credentials->secret = secret_new(token, strlen(token));
		trouble = OAUTH_LATER;
		why = "there is no memory for a token";
	}
	if (credentials->secret != NULL)
		return true;
	credentials->trouble = trouble;
	free(credentials->why);
	credentials->why = strdup(why);
	return false;
}

static void
credentials_got_token(
    const char *token, enum oauth_trouble trouble, const char *why, void *arg)
{
	struct credentials *credentials = arg;
	const bool has_token =
	    credentials_take_token(credentials, token, trouble, why);

	credentials->known(has_token ? NULL : why, credentials->arg);
}

/* The session that wants it may be over: then this is not taken. */
static void
credentials_give_token(struct credentials *credentials)
{
	struct evpop_client *client = evpop_sync_client(credentials->sync);
	enum evpop_error error = evpop_client_token(client,
	    credentials->secret != NULL ? secret_text(credentials->secret)
					: NULL);

	/* Or the session would wait for it to its end. */
	if (error == EVPOP_ERROR_MEMORY)
		error = evpop_client_token(client, NULL);
	(void)error;
}

static void
credentials_got_other(
    const char *token, enum oauth_trouble trouble, const char *why, void *arg)
{
	struct credentials *credentials = arg;

	(void)credentials_take_token(credentials, token, trouble, why);
	credentials_give_token(credentials);
}

/* The server wants the token, or another one. */
static void
credentials_want(struct evpop_client *client, void *arg)
{
	struct credentials *credentials = arg;

	(void)client;
	if (evpop_sync_wants_other_token(credentials->sync) &&
	    !credentials->has_other && credentials->secret != NULL) {
		credentials->has_other = true;
		credentials->token = oauth_ask(credentials->oauth,
		    credentials->name, secret_text(credentials->secret),
		    credentials_got_other, credentials);
		if (credentials->token != NULL)
			return;
		(void)credentials_take_token(credentials, NULL, OAUTH_LATER,
		    "there is no memory for a token");
	}
	if (credentials->token == NULL)
		credentials_give_token(credentials);
}

/* False without memory. */
static bool
credentials_ask_token(struct credentials *credentials, struct oauth *oauth)
{
	credentials->oauth = oauth;
	credentials->by_token = true;
	if (oauth != NULL)
		credentials->token = oauth_ask(oauth, credentials->name, NULL,
		    credentials_got_token, credentials);
	return credentials->token != NULL;
}

/* ---- all kinds ---- */

/* Without a secret to wait for, there is no request.  False without memory. */
static bool
credentials_fetch(struct credentials *credentials,
    const struct credentials_context *context,
    const struct config_account *account)
{
	struct secret_source source;

	if (account->oauth2 != NULL)
		return credentials_ask_token(credentials, context->oauth);
	credentials->by_token = account->token_command != NULL;
	credentials->no_secret = !credentials_source(account, &source);
	if (credentials->no_secret)
		return true;
	source.key = context->key;
	credentials->request = secret_fetch(context->base, &source,
	    SECRET_TIMEOUT_MS, credentials_fetched, credentials);
	return credentials->request != NULL;
}

struct credentials *
credentials_new(const struct credentials_context *context,
    const struct config_account *account, void (*known)(const char *, void *),
    void *arg)
{
	struct credentials *credentials = calloc(1, sizeof *credentials);

	if (credentials == NULL)
		return NULL;
	credentials->known = known;
	credentials->arg = arg;
	credentials->mechanisms = account->auth;
	credentials->name = strdup(account->name);
	credentials->user = strdup(account->user);
	if (credentials->name == NULL || credentials->user == NULL ||
	    !credentials_fetch(credentials, context, account))
		credentials_free(&credentials);
	return credentials;
}

bool
credentials_are_known(const struct credentials *credentials)
{
	return credentials->secret != NULL || credentials->no_secret;
}

enum evpop_error
credentials_error(const struct credentials *credentials)
{
	switch (credentials->trouble) {
	case OAUTH_LATER:
		return EVPOP_ERROR_IO;
	case OAUTH_PERSON:
		return EVPOP_ERROR_AUTH;
	default:
		return EVPOP_ERROR_USAGE;
	}
}

enum evpop_error
credentials_start(struct credentials *credentials, struct evpop_sync *sync,
    const char **why_r)
{
	struct evpop_credentials given = { .user = credentials->user,
		.mechanisms = credentials->mechanisms };
	enum evpop_error error;

	credentials->sync = sync;
	if (credentials->oauth != NULL) {
		given.want_token = credentials_want;
		given.want_token_arg = credentials;
	} else if (credentials->by_token)
		given.token = secret_text(credentials->secret);
	else if (!credentials->no_secret)
		given.password = secret_text(credentials->secret);
	error = evpop_sync_start(sync, &given);
	if (credentials->oauth == NULL)
		secret_free(&credentials->secret);
	*why_r = error == EVPOP_ERROR_MEMORY
		     ? "no memory for a session"
		     : "user, password or token contains a line end, which "
		       "POP3 cannot send";
	return error;
}

void
credentials_conclude(
    struct credentials *credentials, struct evpop_result *result)
{
	if (credentials == NULL || !credentials->has_other ||
	    result->error != EVPOP_ERROR_AUTH)
		return;
	if (credentials->why != NULL)
		evpop_result_set(result, credentials_error(credentials),
		    EVPOP_PHASE_LOGIN, "%s", credentials->why);
	else
		oauth_note_refused(credentials->oauth, credentials->name);
}

void
credentials_wipe(struct credentials *credentials)
{
	secret_cancel(&credentials->request);
	oauth_cancel(&credentials->token);
	secret_free(&credentials->secret);
}

void
credentials_free(struct credentials **credentials_p)
{
	struct credentials *credentials = *credentials_p;

	*credentials_p = NULL;
	if (credentials == NULL)
		return;
	credentials_wipe(credentials);
	free(credentials->name);
	free(credentials->user);
	free(credentials->why);
	free(credentials);
}

#include "daemon/poll/credentials.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/secret/mark.h"
#include "lib/base/hash.h"

bool
credentials_source(
    const struct config_account *account, struct secret_source *source_r)
{
	const struct secret_source sources[] = {
		{ SECRET_LITERAL, account->password },
		{ SECRET_FILE, account->password_file },
		{ SECRET_COMMAND, account->password_command },
		{ SECRET_CREDENTIAL, account->password_credential },
		{ SECRET_TOKEN_COMMAND, account->token_command },
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
	const struct secret_source file = { SECRET_FILE, account->file };
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
	char *user;
	unsigned int mechanisms;
	struct secret_request *request;
	struct secret *secret; /* a password, or a token */
	bool by_token, no_secret;
};

static void
credentials_fetched(struct secret *secret, const char *error, void *arg)
{
	struct credentials *credentials = arg;

	credentials->request = NULL;
	credentials->secret = secret;
	credentials->known(secret != NULL ? NULL : error, credentials->arg);
}

/* Without a secret to wait for, there is no request.  False without memory. */
static bool
credentials_fetch(struct credentials *credentials, struct event_base *base,
    const struct config_account *account)
{
	struct secret_source source;

	credentials->by_token = account->token_command != NULL;
	credentials->no_secret = !credentials_source(account, &source);
	if (credentials->no_secret)
		return true;
	credentials->request = secret_fetch(
	    base, &source, SECRET_TIMEOUT_MS, credentials_fetched, credentials);
	return credentials->request != NULL;
}

struct credentials *
credentials_new(struct event_base *base, const struct config_account *account,
    void (*known)(const char *, void *), void *arg)
{
	struct credentials *credentials = calloc(1, sizeof *credentials);

	if (credentials == NULL)
		return NULL;
	credentials->known = known;
	credentials->arg = arg;
	credentials->mechanisms = account->auth;
	credentials->user = strdup(account->user);
	if (credentials->user == NULL ||
	    !credentials_fetch(credentials, base, account))
		credentials_free(&credentials);
	return credentials;
}

bool
credentials_are_known(const struct credentials *credentials)
{
	return credentials->secret != NULL || credentials->no_secret;
}

enum evpop_error
credentials_start(struct credentials *credentials, struct evpop_sync *sync)
{
	struct evpop_credentials given = { .user = credentials->user,
		.mechanisms = credentials->mechanisms };
	enum evpop_error error;

	if (credentials->by_token)
		given.token = secret_text(credentials->secret);
	else if (!credentials->no_secret)
		given.password = secret_text(credentials->secret);
	error = evpop_sync_start(sync, &given);
	secret_free(&credentials->secret);
	return error;
}

void
credentials_wipe(struct credentials *credentials)
{
	secret_cancel(&credentials->request);
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
	free(credentials->user);
	free(credentials);
}

#include "lib/auth/credentials.h"

#include <stdint.h>
#include <string.h>

#include "lib/auth/secret.h"

static bool
credentials_copy_text(const char **copy_r, const char *text)
{
	*copy_r = text == NULL ? NULL : strdup(text);
	return text == NULL || *copy_r != NULL;
}

bool
evpop_credentials_copy(
    struct evpop_credentials *copy, const struct evpop_credentials *credentials)
{
	*copy = (struct evpop_credentials){
		.mechanisms = credentials->mechanisms != 0
				  ? credentials->mechanisms
				  : EVPOP_MECHANISMS_DEFAULT,
		.want_token = credentials->want_token,
		.want_token_arg = credentials->want_token_arg,
	};
	if (credentials_copy_text(&copy->user, credentials->user) &&
	    credentials_copy_text(&copy->password, credentials->password) &&
	    credentials_copy_text(&copy->token, credentials->token) &&
	    credentials_copy_text(
		&copy->authorization, credentials->authorization))
		return true;
	evpop_credentials_wipe(copy);
	return false;
}

void
evpop_credentials_forget(const char **text)
{
	char *own = (char *)(uintptr_t)*text;

	evpop_secret_forget(&own);
	*text = NULL;
}

void
evpop_credentials_wipe(struct evpop_credentials *copy)
{
	evpop_credentials_forget(&copy->user);
	evpop_credentials_forget(&copy->password);
	evpop_credentials_forget(&copy->token);
	evpop_credentials_forget(&copy->authorization);
}

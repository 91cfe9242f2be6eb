/* What each mechanism needs, and what no credentials may hold. */
#include <assert.h>
#include <string.h>

#include "lib/auth/mechanism.h"
#include "lib/core/name.h"

/*
 * Tokens of more than 4096 octets are seen; nothing near this is, and OpenSSL
 * counts in int.
 */
#define CREDENTIAL_MAX 65536

struct needs {
	bool user, password, token, certificate, binding;
	bool acts_as; /* can say whose identity to act as */
};

static const struct needs needs[] = {
	[EVPOP_MECHANISM_SCRAM_SHA_256_PLUS] = { .user = true,
	    .password = true,
	    .binding = true,
	    .acts_as = true },
	[EVPOP_MECHANISM_SCRAM_SHA_1_PLUS] = { .user = true,
	    .password = true,
	    .binding = true,
	    .acts_as = true },
	[EVPOP_MECHANISM_SCRAM_SHA_256] = { .user = true,
	    .password = true,
	    .acts_as = true },
	[EVPOP_MECHANISM_SCRAM_SHA_1] = { .user = true,
	    .password = true,
	    .acts_as = true },
	[EVPOP_MECHANISM_OAUTHBEARER] = { .user = true,
	    .token = true,
	    .acts_as = true },
	[EVPOP_MECHANISM_XOAUTH2] = { .user = true,
	    .token = true,
	    .acts_as = true },
	[EVPOP_MECHANISM_EXTERNAL] = { .certificate = true, .acts_as = true },
	[EVPOP_MECHANISM_CRAM_MD5] = { .user = true, .password = true },
	[EVPOP_MECHANISM_APOP] = { .user = true, .password = true },
	[EVPOP_MECHANISM_PLAIN] = { .user = true,
	    .password = true,
	    .acts_as = true },
	[EVPOP_MECHANISM_LOGIN] = { .user = true, .password = true },
	[EVPOP_MECHANISM_USER] = { .user = true, .password = true },
};
EVPOP_NAMES_MATCH(needs, EVPOP_MECHANISM_COUNT);

static bool
given(const char *text)
{
	return text != NULL && *text != '\0';
}

const char *
evpop_exchange_lack(enum evpop_mechanism mechanism,
    const struct evpop_credentials *credentials,
    const struct evpop_exchange_target *target)
{
	const struct evpop_channel *channel = &target->channel;
	const struct needs *need;

	assert(mechanism < EVPOP_MECHANISM_COUNT);
	need = &needs[mechanism];
	if (need->user && !given(credentials->user))
		return "needs a user";
	if (need->password && !given(credentials->password))
		return "needs a password";
	if (need->token && !given(credentials->token))
		return "needs a token";
	if (need->certificate && (!channel->tls || !target->client_certificate))
		return "needs TLS with a client certificate";
	if (need->binding &&
	    (!channel->tls ||
		(channel->exporter_length == 0 && channel->unique_length == 0)))
		return "needs TLS that can be bound to";
	/* As oneself it would reach, and delete from, another maildrop. */
	if (!need->acts_as && given(credentials->authorization))
		return "cannot act as another identity";
	return NULL;
}

bool
evpop_exchange_possible(enum evpop_mechanism mechanism,
    const struct evpop_credentials *credentials,
    const struct evpop_exchange_target *target)
{
	return evpop_exchange_lack(mechanism, credentials, target) == NULL;
}

/* Whether every octet is in [first, last] and not 127; NULL is fit. */
static bool
fit(const char *text, unsigned char first, unsigned char last)
{
	if (text == NULL)
		return true;
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < first ||
		    (unsigned char)*text > last || *text == 0x7f)
			return false;
	return true;
}

static bool
too_long(const char *text)
{
	return text != NULL &&
	       strnlen(text, CREDENTIAL_MAX + 1) > CREDENTIAL_MAX;
}

const char *
evpop_exchange_unfit(const struct evpop_credentials *credentials,
    const struct evpop_exchange_target *target)
{
	if (too_long(credentials->user) || too_long(credentials->password) ||
	    too_long(credentials->token) ||
	    too_long(credentials->authorization) || too_long(target->host))
		return "a credential has more than 65536 octets";
	if (!fit(credentials->user, ' ', 0xff) ||
	    !fit(credentials->authorization, ' ', 0xff))
		return "the user name holds control characters";
	if (credentials->password != NULL &&
	    strpbrk(credentials->password, "\r\n") != NULL)
		return "the password holds a line end";
	if (!fit(credentials->token, '!', '~'))
		return "the token holds more than printable ASCII";
	if (!fit(target->host, '!', '~'))
		return "the host name holds more than printable ASCII";
	return NULL;
}

/* The one table of mechanisms: their names, what they need, what they do. */
#include "lib/auth/mechanism.h"

#include <assert.h>
#include <strings.h>

#include "lib/base/name.h"

#define NEEDS_PASSWORD .user = true, .password = true
#define NEEDS_TOKEN    .user = true, .token = true

static const struct evpop_mechanism_facts facts[] = {
	[EVPOP_MECHANISM_SCRAM_SHA_256_PLUS] = { "SCRAM-SHA-256-PLUS",
	    &evpop_method_scram, NEEDS_PASSWORD, .binding = true,
	    .acts_as = true },
	[EVPOP_MECHANISM_SCRAM_SHA_1_PLUS] = { "SCRAM-SHA-1-PLUS",
	    &evpop_method_scram, NEEDS_PASSWORD, .binding = true,
	    .acts_as = true },
	[EVPOP_MECHANISM_SCRAM_SHA_256] = { "SCRAM-SHA-256",
	    &evpop_method_scram, NEEDS_PASSWORD, .acts_as = true },
	[EVPOP_MECHANISM_SCRAM_SHA_1] = { "SCRAM-SHA-1", &evpop_method_scram,
	    NEEDS_PASSWORD, .acts_as = true },
	[EVPOP_MECHANISM_OAUTHBEARER] = { "OAUTHBEARER",
	    &evpop_method_oauthbearer, NEEDS_TOKEN, .acts_as = true },
	[EVPOP_MECHANISM_XOAUTH2] = { "XOAUTH2", &evpop_method_xoauth2,
	    NEEDS_TOKEN, .acts_as = true },
	[EVPOP_MECHANISM_EXTERNAL] = { "EXTERNAL", &evpop_method_external,
	    .certificate = true, .acts_as = true },
	[EVPOP_MECHANISM_CRAM_MD5] = { "CRAM-MD5", &evpop_method_cram_md5,
	    NEEDS_PASSWORD },
	[EVPOP_MECHANISM_APOP] = { "APOP", NULL, NEEDS_PASSWORD },
	[EVPOP_MECHANISM_PLAIN] = { "PLAIN", &evpop_method_plain,
	    NEEDS_PASSWORD, .acts_as = true },
	[EVPOP_MECHANISM_LOGIN] = { "LOGIN", &evpop_method_login,
	    NEEDS_PASSWORD },
	[EVPOP_MECHANISM_USER] = { "USER", NULL, NEEDS_PASSWORD },
};
EVPOP_NAMES_MATCH(facts, EVPOP_MECHANISM_COUNT);

const struct evpop_mechanism_facts *
evpop_mechanism_facts(enum evpop_mechanism mechanism)
{
	assert(mechanism < EVPOP_MECHANISM_COUNT);
	return &facts[mechanism];
}

const char *
evpop_mechanism_name(enum evpop_mechanism mechanism)
{
	return evpop_mechanism_facts(mechanism)->name;
}

bool
evpop_mechanism_find(const char *name, enum evpop_mechanism *mechanism_r)
{
	unsigned int i;

	for (i = 0; i < EVPOP_MECHANISM_COUNT; i++)
		if (strcasecmp(facts[i].name, name) == 0) {
			*mechanism_r = (enum evpop_mechanism)i;
			return true;
		}
	return false;
}

static bool
is_given(const char *text)
{
	return text != NULL && *text != '\0';
}

const char *
evpop_mechanism_lack(enum evpop_mechanism mechanism,
    const struct evpop_credentials *credentials,
    const struct evpop_exchange_target *target)
{
	const struct evpop_mechanism_facts *need =
	    evpop_mechanism_facts(mechanism);
	const struct evpop_channel *channel = &target->channel;

	if (need->user && !is_given(credentials->user))
		return "needs a user";
	if (need->password && !is_given(credentials->password))
		return "needs a password";
	if (need->token && !is_given(credentials->token))
		return "needs a token";
	if (need->certificate && (!channel->tls || !target->client_certificate))
		return "needs TLS with a client certificate";
	if (need->binding &&
	    (!channel->tls ||
		(channel->exporter_length == 0 && channel->unique_length == 0)))
		return "needs TLS that can be bound to";
	/* As oneself it would reach, and delete from, another maildrop. */
	if (!need->acts_as && is_given(credentials->authorization))
		return "cannot act as another identity";
	return NULL;
}

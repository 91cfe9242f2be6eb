/*
 * The one table of mechanisms: their names, what they need, what they do; and
 * the exchanges that are possible by them.
 */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "lib/auth/method.h"
#include "lib/base/name.h"

/*
 * Tokens of more than 4096 octets are seen; nothing near this is, and OpenSSL
 * counts in int.
 */
#define CREDENTIAL_MAX 65536

#define NEEDS_PASSWORD .user = true, .password = true
#define NEEDS_TOKEN    .user = true, .token = true

static const struct mechanism {
	const char *name;
	const struct evpop_method *method; /* NULL: no SASL mechanism */
	bool user, password, token, certificate, binding; /* it needs them */
	bool acts_as; /* can say whose identity to act as */
} mechanisms[] = {
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
	[EVPOP_MECHANISM_OAUTHBEARER] = { "OAUTHBEARER", &evpop_method_oauth,
	    NEEDS_TOKEN, .acts_as = true },
	[EVPOP_MECHANISM_XOAUTH2] = { "XOAUTH2", &evpop_method_oauth,
	    NEEDS_TOKEN, .acts_as = true },
	[EVPOP_MECHANISM_EXTERNAL] = { "EXTERNAL", &evpop_method_plain,
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
EVPOP_NAMES_MATCH(mechanisms, EVPOP_MECHANISM_COUNT);

const char *
evpop_mechanism_name(enum evpop_mechanism mechanism)
{
	assert(mechanism < EVPOP_MECHANISM_COUNT);
	return mechanisms[mechanism].name;
}

bool
evpop_mechanism_find(const char *name, enum evpop_mechanism *mechanism_r)
{
	unsigned int i;

	for (i = 0; i < EVPOP_MECHANISM_COUNT; i++)
		if (strcasecmp(mechanisms[i].name, name) == 0) {
			*mechanism_r = (enum evpop_mechanism)i;
			return true;
		}
	return false;
}

static bool
mechanism_is_given(const char *text)
{
	return text != NULL && *text != '\0';
}

/* What the mechanism lacks to be possible ("needs a password"), or NULL. */
static const char *
mechanism_lack(const struct mechanism *need,
    const struct evpop_credentials *credentials,
    const struct evpop_exchange_target *target)
{
	const struct evpop_channel *channel = &target->channel;

	if (need->user && !mechanism_is_given(credentials->user))
		return "needs a user";
	if (need->password && !mechanism_is_given(credentials->password))
		return "needs a password";
	if (need->token && !mechanism_is_given(credentials->token))
		return "needs a token";
	if (need->certificate && (!channel->tls || !target->client_certificate))
		return "needs TLS with a client certificate";
	if (need->binding &&
	    (!channel->tls ||
		(channel->exporter_length == 0 && channel->unique_length == 0)))
		return "needs TLS that can be bound to";
	/* As oneself it would reach, and delete from, another maildrop. */
	if (!need->acts_as && mechanism_is_given(credentials->authorization))
		return "cannot act as another identity";
	return NULL;
}

/* Whether every octet is in [first, last] and not 127; NULL is fit. */
static bool
text_is_fit(const char *text, unsigned char first, unsigned char last)
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
text_is_too_long(const char *text)
{
	return text != NULL &&
	       strnlen(text, CREDENTIAL_MAX + 1) > CREDENTIAL_MAX;
}

/*
 * What is wrong with the credentials' octets: controls that could end a line
 * or a field, or more of them than a log-in can need.  NULL where nothing is.
 */
static const char *
mechanism_unfit(const struct evpop_credentials *credentials,
    const struct evpop_exchange_target *target)
{
	if (text_is_too_long(credentials->user) ||
	    text_is_too_long(credentials->password) ||
	    text_is_too_long(credentials->token) ||
	    text_is_too_long(credentials->authorization) ||
	    text_is_too_long(target->host))
		return "a credential has more than 65536 octets";
	if (!text_is_fit(credentials->user, ' ', 0xff) ||
	    !text_is_fit(credentials->authorization, ' ', 0xff))
		return "the user name holds control characters";
	if (credentials->password != NULL &&
	    strpbrk(credentials->password, "\r\n") != NULL)
		return "the password holds a line end";
	if (!text_is_fit(credentials->token, '!', '~'))
		return "the token holds more than printable ASCII";
	if (!text_is_fit(target->host, '!', '~'))
		return "the host name holds more than printable ASCII";
	return NULL;
}

bool
evpop_exchange_possible(enum evpop_mechanism mechanism,
    const struct evpop_credentials *credentials,
    const struct evpop_exchange_target *target)
{
	assert(mechanism < EVPOP_MECHANISM_COUNT);
	return mechanism_lack(&mechanisms[mechanism], credentials, target) ==
	       NULL;
}

struct evpop_exchange *
evpop_exchange_new(enum evpop_mechanism number,
    const struct evpop_credentials *credentials,
    const struct evpop_exchange_target *target, struct evpop_result *result)
{
	const struct mechanism *mechanism = &mechanisms[number];
	const char *lack = mechanism_lack(mechanism, credentials, target);
	struct evpop_credentials needed = *credentials;

	if (lack == NULL)
		lack = mechanism_unfit(credentials, target);
	if (lack == NULL && mechanism->method == NULL)
		lack = "is not a SASL mechanism";
	if (lack != NULL) {
		evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_LOGIN,
		    "%s: %s", mechanism->name, lack);
		result->scope = EVPOP_SCOPE_ACCOUNT;
		return NULL;
	}
	/* No more secrets are copied than it takes. */
	if (!mechanism->password)
		needed.password = NULL;
	if (!mechanism->token)
		needed.token = NULL;
	return evpop_exchange_begin(number, mechanism->name, mechanism->method,
	    &needed, target, result);
}

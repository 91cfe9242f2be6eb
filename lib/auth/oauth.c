/*
 * Bearer tokens of OAuth 2: OAUTHBEARER (RFC 7628) and the older XOAUTH2.  A
 * refusal comes as one more challenge, JSON that says why; it must be answered
 * before the server says -ERR.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "lib/auth/mechanism.h"

#define KVSEP "\x01" /* RFC 7628 section 3.1 */

/* RFC 5801 section 4: the two characters that a name of GS2 cannot hold. */
static void
oauth_add_gs2_name(struct evpop_secret *response, const char *name)
{
	for (; *name != '\0'; name++)
		if (*name == ',')
			evpop_secret_add_text(response, "=2C");
		else if (*name == '=')
			evpop_secret_add_text(response, "=3D");
		else
			evpop_secret_add(response, name, 1);
}

static const char *
oauth_identity(const struct evpop_exchange *exchange)
{
	return exchange->authorization != NULL ? exchange->authorization
					       : exchange->user;
}

static void
oauthbearer_say(
    const struct evpop_exchange *exchange, struct evpop_secret *response)
{
	char port[32];

	evpop_secret_add_text(response, "n,a=");
	oauth_add_gs2_name(response, oauth_identity(exchange));
	evpop_secret_add_text(response, ",");
	if (exchange->host != NULL) {
		evpop_secret_add_text(response, KVSEP "host=");
		evpop_secret_add_text(response, exchange->host);
	}
	if (exchange->port != 0) {
		snprintf(port, sizeof port, KVSEP "port=%u",
		    (unsigned int)exchange->port);
		evpop_secret_add_text(response, port);
	}
	evpop_secret_add_text(response, KVSEP "auth=Bearer ");
	evpop_secret_add_text(response, exchange->token);
	evpop_secret_add_text(response, KVSEP KVSEP);
}

static void
xoauth2_say(
    const struct evpop_exchange *exchange, struct evpop_secret *response)
{
	evpop_secret_add_text(response, "user=");
	evpop_secret_add_text(response, oauth_identity(exchange));
	evpop_secret_add_text(response, KVSEP "auth=Bearer ");
	evpop_secret_add_text(response, exchange->token);
	evpop_secret_add_text(response, KVSEP KVSEP);
}

/* Some write a status as a number. */
static void
oauth_member(const json_t *object, const char *key, char *text, size_t size)
{
	const json_t *value = json_object_get(object, key);

	text[0] = '\0';
	if (json_is_string(value))
		evpop_printable(text, size, json_string_value(value),
		    json_string_length(value));
	else if (json_is_integer(value))
		snprintf(text, size, "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
}

/*
 * RFC 7628 section 3.2.2 has "status" and "scope"; Google and Microsoft add
 * "schemes", others the members of RFC 6749 section 5.2.
 */
static void
oauth_read_refusal(struct evpop_exchange *exchange, const json_t *object)
{
	static const char *const keys[] = { "status", "error",
		"error_description", "scope", "schemes" };
	char value[EVPOP_TEXT_SIZE];
	size_t i, used = 0, size = sizeof exchange->refusal;
	int n;

	for (i = 0; i < sizeof keys / sizeof keys[0]; i++) {
		oauth_member(object, keys[i], value, sizeof value);
		if (value[0] == '\0')
			continue;
		if (i < 2 && (strcmp(value, "401") == 0 ||
				 strcmp(value, "invalid_token") == 0))
			exchange->token_expired = true;
		n = snprintf(exchange->refusal + used, size - used, "%s%s %s",
		    used == 0 ? "" : ", ", keys[i], value);
		if (n < 0 || (size_t)n >= size - used) {
			/* What does not fit goes whole: no half characters. */
			exchange->refusal[used] = '\0';
			return;
		}
		used += (size_t)n;
	}
}

static enum evpop_answer
oauth_hear_refusal(struct evpop_exchange *exchange, const char *challenge,
    size_t length, struct evpop_secret *response)
{
	json_error_t error;
	json_t *object =
	    json_loadb(challenge, length, JSON_DISABLE_EOF_CHECK, &error);

	oauth_read_refusal(exchange, object);
	json_decref(object);
	if (exchange->mechanism == EVPOP_MECHANISM_OAUTHBEARER)
		evpop_secret_add_text(response, KVSEP);
	return EVPOP_ANSWER_LAST;
}

static enum evpop_answer
oauth_answer(struct evpop_exchange *exchange, const char *challenge,
    size_t length, struct evpop_secret *response)
{
	switch (exchange->turn) {
	case 0:
		if (exchange->mechanism == EVPOP_MECHANISM_OAUTHBEARER)
			oauthbearer_say(exchange, response);
		else
			xoauth2_say(exchange, response);
		evpop_secret_forget(&exchange->token);
		exchange->proved = true;
		/* Only a refusal wants one more word. */
		return EVPOP_ANSWER_LAST;
	case 1:
		return oauth_hear_refusal(
		    exchange, challenge, length, response);
	default:
		return evpop_exchange_give_up(exchange, EVPOP_ERROR_PROTOCOL,
		    "the server asks on after it has refused the token");
	}
}

const struct evpop_method evpop_method_oauthbearer = {
	.client_first = true,
	.answer = oauth_answer,
};
const struct evpop_method evpop_method_xoauth2 = {
	.client_first = true,
	.answer = oauth_answer,
};

#include "lib/net/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What shows the password, or a token as good as one, to who listens. */
#define IN_CLEAR_TEXT                                      \
	(EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_PLAIN) |      \
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_LOGIN) |   \
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER) |    \
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_XOAUTH2) | \
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_OAUTHBEARER))

/* These three tell the server the same: who is refused by one is by all. */
#define SAME_PASSWORD                                    \
	(EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_PLAIN) |    \
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_LOGIN) | \
	    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER))

static void
forget(const char **secret)
{
	char *text = (char *)(uintptr_t)*secret;

	*secret = NULL;
	if (text == NULL)
		return;
	explicit_bzero(text, strlen(text));
	free(text);
}

static bool
copy(const char **copy_r, const char *text)
{
	*copy_r = text == NULL ? NULL : strdup(text);
	return text == NULL || *copy_r != NULL;
}

bool
evpop_login_init(
    struct evpop_login *login, const struct evpop_credentials *credentials)
{
	struct evpop_credentials *own = &login->credentials;

	memset(login, 0, sizeof *login);
	own->mechanisms = credentials->mechanisms != 0
			      ? credentials->mechanisms
			      : EVPOP_MECHANISMS_DEFAULT;
	own->want_token = credentials->want_token;
	own->want_token_arg = credentials->want_token_arg;
	if (copy(&own->user, credentials->user) &&
	    copy(&own->password, credentials->password) &&
	    copy(&own->token, credentials->token) &&
	    copy(&own->authorization, credentials->authorization))
		return true;
	evpop_login_clear(login);
	return false;
}

bool
evpop_login_wants_token(const struct evpop_login *login)
{
	return login->credentials.want_token != NULL &&
	       login->credentials.token == NULL && !login->token_told;
}

bool
evpop_login_take_token(struct evpop_login *login, const char *token)
{
	if (!copy(&login->credentials.token, token))
		return false;
	login->token_told = true;
	return true;
}

static void
login_end_exchange(struct evpop_login *login)
{
	evpop_derive_cancel(login->key_request);
	login->key_request = NULL;
	evpop_exchange_free(login->exchange);
	login->exchange = NULL;
}

void
evpop_login_clear(struct evpop_login *login)
{
	login_end_exchange(login);
	forget(&login->credentials.user);
	forget(&login->credentials.password);
	forget(&login->credentials.token);
	forget(&login->credentials.authorization);
}

static bool
is_only(unsigned int set)
{
	return (set & (set - 1)) == 0;
}

/*
 * Whether the server takes it, as far as it said.  What a person has asked for
 * by name is tried whatever the server says.
 */
static bool
offered(const struct evpop_login *login, const struct evpop_login_offer *offer,
    enum evpop_mechanism mechanism)
{
	const struct evpop_capabilities *capabilities = offer->capabilities;

	if (mechanism == EVPOP_MECHANISM_APOP)
		return offer->timestamp != NULL;
	if (is_only(login->credentials.mechanisms))
		return true;
	if (mechanism == EVPOP_MECHANISM_USER)
		return !capabilities->known || capabilities->user ||
		       capabilities->sasl[0] == '\0';
	return evpop_capabilities_sasl(
	    capabilities, evpop_mechanism_name(mechanism));
}

static bool
eligible(const struct evpop_login *login, const struct evpop_login_offer *offer,
    enum evpop_mechanism mechanism)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(mechanism);

	if ((login->credentials.mechanisms & bit) == 0 || login->tried & bit ||
	    (offer->clear && IN_CLEAR_TEXT & bit))
		return false;
	if (SAME_PASSWORD & bit && SAME_PASSWORD & login->tried)
		return false;
	return offered(login, offer, mechanism) &&
	       evpop_exchange_possible(
		   mechanism, &login->credentials, &offer->target);
}

static bool
strongest(const struct evpop_login *login,
    const struct evpop_login_offer *offer, enum evpop_mechanism *mechanism_r)
{
	int mechanism;

	for (mechanism = 0; mechanism < EVPOP_MECHANISM_COUNT; mechanism++) {
		if (!eligible(login, offer, (enum evpop_mechanism)mechanism))
			continue;
		*mechanism_r = (enum evpop_mechanism)mechanism;
		return true;
	}
	return false;
}

/* What keeps every mechanism from being used. */
static void
explain(const struct evpop_login *login, const struct evpop_login_offer *offer,
    struct evpop_result *result)
{
	const struct evpop_login_offer open = {
		.capabilities = offer->capabilities,
		.timestamp = offer->timestamp,
		.timestamp_length = offer->timestamp_length,
		.target = offer->target,
	};
	const struct evpop_capabilities *capabilities = offer->capabilities;
	enum evpop_mechanism mechanism;

	if (strongest(login, &open, &mechanism))
		evpop_result_set(result, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN,
		    "the password was not sent: it would cross the network in "
		    "clear text; use tls=implicit or tls=stls, or permit it "
		    "with allow_cleartext");
	else
		evpop_result_set(result, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN,
		    "no way to log in: the server offers %s%s%s%s, which the "
		    "account's auth, password or token cannot use",
		    capabilities->user || !capabilities->known ? "USER" : "",
		    capabilities->sasl[0] != '\0' ? " " : "",
		    capabilities->sasl,
		    offer->timestamp != NULL ? " APOP" : "");
	result->scope = EVPOP_SCOPE_ACCOUNT;
}

bool
evpop_login_choose(struct evpop_login *login,
    const struct evpop_login_offer *offer, struct evpop_result *result)
{
	if (strongest(login, offer, &login->mechanism))
		return true;
	explain(login, offer, result);
	return false;
}

bool
evpop_login_has_other(
    const struct evpop_login *login, const struct evpop_login_offer *offer)
{
	struct evpop_login after = *login;
	enum evpop_mechanism mechanism;

	/* XOAUTH2 may be tried again in two lines. */
	if (login->mechanism == EVPOP_MECHANISM_XOAUTH2 &&
	    ((offer->initial_works | offer->initial_refused |
		 login->initial_refused) &
		EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_XOAUTH2)) == 0)
		return true;
	after.tried |= EVPOP_MECHANISM_BIT(login->mechanism);
	return login->attempts + 1 < EVPOP_LOGIN_ATTEMPTS &&
	       strongest(&after, offer, &mechanism);
}

/* ---- the commands ---- */

static enum evpop_error
submit(struct evpop_proto *proto, enum evpop_command command, const char *text,
    const char *initial, bool final, void *arg, unsigned int *parts)
{
	const struct evpop_request request = {
		.command = command,
		.text = text,
		.initial = initial,
		.final = final,
		.arg = arg,
	};
	enum evpop_error error = evpop_proto_submit(proto, &request);

	*parts += error == EVPOP_ERROR_NONE;
	return error;
}

static enum evpop_error
submit_apop(struct evpop_login *login, const struct evpop_login_offer *offer,
    struct evpop_proto *proto, void *arg, unsigned int *parts,
    struct evpop_result *result)
{
	char digest[EVPOP_APOP_DIGEST_SIZE], *text;
	enum evpop_error error;

	if (!evpop_apop_digest(offer->timestamp, offer->timestamp_length,
		login->credentials.password, digest)) {
		evpop_result_set(result, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN,
		    "APOP is not possible: this system has no MD5");
		return EVPOP_ERROR_AUTH;
	}
	if (asprintf(&text, "%s %s", login->credentials.user, digest) == -1)
		return EVPOP_ERROR_MEMORY;
	error =
	    submit(proto, EVPOP_COMMAND_APOP, text, NULL, false, arg, parts);
	free(text);
	return error;
}

static enum evpop_error
submit_auth(struct evpop_login *login, const struct evpop_login_offer *offer,
    struct evpop_proto *proto, void *arg, unsigned int *parts,
    struct evpop_result *result)
{
	const char *name = evpop_mechanism_name(login->mechanism), *initial;
	bool final = false;

	login->exchange = evpop_exchange_new(
	    login->mechanism, &login->credentials, &offer->target, result);
	if (login->exchange == NULL)
		return result->error == EVPOP_ERROR_MEMORY ? EVPOP_ERROR_MEMORY
							   : EVPOP_ERROR_AUTH;
	initial = evpop_exchange_initial(login->exchange, &final);
	/* "AUTH ", " " and CRLF */
	if (initial != NULL &&
	    ((login->initial_refused | offer->initial_refused) &
		    EVPOP_MECHANISM_BIT(login->mechanism) ||
		strlen(name) + strlen(initial) + 8 > EVPOP_LOGIN_LINE)) {
		evpop_exchange_skip_initial(login->exchange);
		initial = NULL;
	}
	login->initial_sent = initial != NULL;
	login->initial_final = initial != NULL && final;
	return submit(proto, EVPOP_COMMAND_AUTH, name, initial,
	    initial != NULL && final, arg, parts);
}

enum evpop_error
evpop_login_submit(struct evpop_login *login,
    const struct evpop_login_offer *offer, struct evpop_proto *proto, void *arg,
    unsigned int *parts, struct evpop_result *result)
{
	enum evpop_error error;

	login->challenged = false;
	login->initial_sent = login->initial_final = false;
	/* One of an earlier attempt has no say in this one. */
	login_end_exchange(login);
	if (login->mechanism == EVPOP_MECHANISM_APOP)
		return submit_apop(login, offer, proto, arg, parts, result);
	if (login->mechanism != EVPOP_MECHANISM_USER)
		return submit_auth(login, offer, proto, arg, parts, result);
	error = submit(proto, EVPOP_COMMAND_USER, login->credentials.user, NULL,
	    false, arg, parts);
	if (error == EVPOP_ERROR_NONE)
		error = submit(proto, EVPOP_COMMAND_PASS,
		    login->credentials.password, NULL, false, arg, parts);
	return error;
}

/* Begin the exchange anew, as if there had been no initial response. */
static bool
say_it_again(struct evpop_login *login, const struct evpop_login_offer *offer)
{
	struct evpop_exchange *exchange;
	struct evpop_result result;

	exchange = evpop_exchange_new(
	    login->mechanism, &login->credentials, &offer->target, &result);
	if (exchange == NULL)
		return false;
	evpop_exchange_skip_initial(exchange);
	login_end_exchange(login);
	login->exchange = exchange;
	login->initial_sent = login->initial_final = false;
	login->initial_refused |= EVPOP_MECHANISM_BIT(login->mechanism);
	return true;
}

enum evpop_error
evpop_login_challenge(struct evpop_login *login,
    const struct evpop_login_offer *offer, struct evpop_proto *proto,
    const unsigned char *challenge, size_t length)
{
	const char *response;
	bool final = false;

	if (login->initial_final && !login->challenged && length == 0 &&
	    !say_it_again(login, offer))
		return EVPOP_ERROR_MEMORY;
	login->challenged = true;
	response =
	    evpop_exchange_step(login->exchange, challenge, length, &final);
	if (response == NULL)
		return EVPOP_ERROR_NONE;
	return evpop_proto_respond(proto, response, final);
}

enum evpop_error
evpop_login_take_key(struct evpop_login *login, struct evpop_proto *proto,
    const unsigned char *key)
{
	const char *response;
	bool final;

	login->key_request = NULL;
	response = evpop_exchange_take_key(login->exchange, key, &final);
	return evpop_proto_respond(proto, response, final);
}

bool
evpop_login_accepted(struct evpop_login *login, struct evpop_result *result)
{
	if (login->exchange == NULL)
		return true;
	return evpop_exchange_verified(login->exchange, result);
}

static void
add_words(struct evpop_result *result, const char *words)
{
	char text[3 * EVPOP_TEXT_SIZE];

	if (words[0] == '\0')
		return;
	snprintf(text, sizeof text, "%s (%.255s)", result->text, words);
	evpop_printable(result->text, sizeof result->text, text, strlen(text));
}

bool
evpop_login_refused(struct evpop_login *login,
    const struct evpop_login_offer *offer, struct evpop_result *result)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(login->mechanism);
	enum evpop_mechanism mechanism;

	if (login->exchange != NULL)
		add_words(result, evpop_exchange_refusal(login->exchange));
	/* What is not about this mechanism would befall the next one too. */
	if (result->error != EVPOP_ERROR_AUTH ||
	    result->code == EVPOP_CODE_AUTH)
		return false;
	if (++login->attempts >= EVPOP_LOGIN_ATTEMPTS)
		return false;
	/* Office 365 wants XOAUTH2 in two lines. */
	if (login->mechanism == EVPOP_MECHANISM_XOAUTH2 &&
	    login->initial_sent && !login->challenged &&
	    (login->initial_refused & bit) == 0) {
		login->initial_refused |= bit;
		return true;
	}
	login->tried |= bit;
	if (!strongest(login, offer, &mechanism))
		return false;
	login->mechanism = mechanism;
	return true;
}

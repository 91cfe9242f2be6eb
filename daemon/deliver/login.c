#include "daemon/deliver/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "daemon/config/target.h"
#include "daemon/deliver/password.h"
#include "daemon/secret/secret.h"
#include "lib/auth/exchange.h"
#include "lib/net/choice.h"
#include "lib/net/derive.h"
#include "lib/net/loop.h"

/* A password command may ask an agent, but nobody is there to answer. */
#define LOGIN_SECRET_MS 60000

/* Servers count refused log-ins, and shut out who has too many. */
#define LOGIN_ATTEMPTS 4

struct login {
	const struct carrier_setup *setup;
	struct talk *talk;
	const struct login_handler *handler;
	void *arg;
	struct login_offer offered;
	struct evpop_capabilities capabilities;

	struct secret_request *request;
	struct secret *secret;
	struct evpop_credentials credentials;
	struct evpop_choice choice;
	enum evpop_mechanism mechanism;
	unsigned attempts;
	struct evpop_exchange *exchange; /* NULL: LOGIN, or none yet */
	struct evpop_loop *loop;
	struct evpop_derive_request *derivation;
};

bool
login_is_wanted(const struct config_target *target)
{
	return target->user != NULL;
}

struct login *
login_new(const struct carrier_setup *setup, struct talk *talk,
    const struct login_handler *handler, void *arg)
{
	struct login *login = calloc(1, sizeof *login);

	if (login == NULL)
		return NULL;
	login->setup = setup;
	login->talk = talk;
	login->handler = handler;
	login->arg = arg;
	login->choice.credentials = &login->credentials;
	login->loop = evpop_loop_get(setup->base);
	if (login->loop == NULL)
		login_free(&login);
	return login;
}

/* The password has served, or never will. */
static void
login_forget(struct login *login)
{
	secret_cancel(&login->request);
	evpop_derive_cancel(login->derivation);
	login->derivation = NULL;
	evpop_exchange_free(login->exchange);
	login->exchange = NULL;
	login->credentials.password = login->credentials.token = NULL;
	secret_free(&login->secret);
}

void
login_free(struct login **login_p)
{
	struct login *login = *login_p;

	*login_p = NULL;
	if (login == NULL)
		return;
	login_forget(login);
	if (login->loop != NULL)
		evpop_loop_put(login->loop);
	free(login);
}

/* The login may be gone then. */
static void
login_end(struct login *login, enum carried outcome, const char *why)
{
	login_forget(login);
	login->handler->done(outcome, why, login->arg);
}

/* ---- a mechanism ---- */

static void
login_describe_offer(struct login *login, struct evpop_offer *offer)
{
	const struct config_target *target = login->setup->target;

	*offer = (struct evpop_offer){
		.capabilities = &login->capabilities,
		.target = { .host = target->host,
		    .port = config_target_port(target),
		    .client_certificate = talk_shows_certificate(login->talk) },
		.privacy = talk_privacy(login->talk),
	};
	if (target->host == NULL)
		offer->target.host = "localhost";
	talk_bind(login->talk, &offer->target.channel);
}

/* False with the reason, where the mechanism does not fit the password. */
static bool
login_start(struct login *login, const struct evpop_offer *offer,
    struct evpop_result *result)
{
	const struct evpop_credentials credentials =
	    evpop_choice_credentials(&login->choice, offer);
	const char *name = evpop_mechanism_name(login->mechanism), *initial;
	size_t most = login->offered.line_most;
	bool is_final;

	if (login->mechanism == EVPOP_MECHANISM_USER) {
		login->handler->plain(login->credentials.user,
		    login->credentials.password, login->arg);
		return true;
	}
	login->exchange = evpop_exchange_new(
	    login->mechanism, &credentials, &offer->target, result);
	if (login->exchange == NULL)
		return false;
	initial = evpop_exchange_initial(login->exchange, &is_final);
	if (initial != NULL &&
	    (!login->offered.has_initial ||
		(most != 0 && strlen(name) + 1 + strlen(initial) > most))) {
		evpop_exchange_skip_initial(login->exchange);
		initial = NULL;
	}
	login->handler->start(name, initial, login->arg);
	return true;
}

/* The strongest that is left; `refusal` is why the last one was none. */
static void
login_try(struct login *login, const char *refusal)
{
	struct evpop_result result;
	struct evpop_offer offer;
	bool is_explained = false;

	evpop_exchange_free(login->exchange);
	login->exchange = NULL;
	login_describe_offer(login, &offer);
	while (evpop_choice_make(&login->choice, &offer, &login->mechanism)) {
		if (login_start(login, &offer, &result))
			return;
		login->choice.unfit |= EVPOP_MECHANISM_BIT(login->mechanism);
		is_explained = true;
	}
	if (refusal == NULL) {
		if (!is_explained)
			evpop_choice_explain(&login->choice, &offer, &result);
		refusal = result.text;
	}
	login_end(login, CARRIED_WRONG, refusal);
}

static void
login_fetched(struct secret *secret, const char *error, void *arg)
{
	struct login *login = arg;

	login->request = NULL;
	if (secret == NULL) {
		login_end(login, CARRIED_WRONG, error);
		return;
	}
	login->secret = secret;
	if (login->setup->target->token_command != NULL)
		login->credentials.token = secret_text(secret);
	else
		login->credentials.password = secret_text(secret);
	login_try(login, NULL);
}

/* False where there is neither password nor token. */
static bool
login_source(const struct login *login, struct secret_source *source_r)
{
	const struct config_target *target = login->setup->target;

	if (target->token_command == NULL)
		return password_source(
		    target, &target->password, login->setup->key, source_r);
	*source_r = (struct secret_source){ .kind = SECRET_TOKEN_COMMAND,
		.value = target->token_command };
	return true;
}

void
login_begin(struct login *login, const struct login_offer *offered)
{
	const struct config_target *target = login->setup->target;
	struct secret_source source;

	login->offered = *offered;
	login->capabilities.known = true;
	login->capabilities.user = offered->has_plain;
	snprintf(login->capabilities.sasl, sizeof login->capabilities.sasl,
	    "%s", offered->mechanisms);
	login->offered.mechanisms = NULL;
	login->credentials = (struct evpop_credentials){
		.user = target->user,
		.mechanisms =
		    target->auth != 0 ? target->auth : EVPOP_MECHANISMS_DEFAULT,
	};
	login->choice.unfit = EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_APOP);
	if (!offered->has_plain)
		login->choice.unfit |=
		    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER);
	if (!login_source(login, &source)) {
		login_try(login, NULL);
		return;
	}
	login->request = secret_fetch(
	    login->setup->base, &source, LOGIN_SECRET_MS, login_fetched, login);
	if (login->request == NULL)
		login_end(
		    login, CARRIED_DOWN, "there is no memory for a password");
}

/* ---- what the server says ---- */

static void
login_key_derived(const unsigned char *key, void *arg)
{
	struct login *login = arg;
	bool is_final;

	login->derivation = NULL;
	login->handler->respond(
	    evpop_exchange_take_key(login->exchange, key, &is_final),
	    login->arg);
}

static void
login_derive(struct login *login)
{
	struct evpop_derive *derive = evpop_loop_derive(login->loop);
	enum evpop_derive_status status = EVPOP_DERIVE_FAILED;
	struct evpop_derivation derivation;
	unsigned char key[EVPOP_KEY_MAX];

	if (derive != NULL &&
	    evpop_exchange_wants_key(login->exchange, &derivation))
		status = evpop_derive_ask(derive, NULL, &derivation,
		    login_key_derived, login, key, &login->derivation);
	if (status == EVPOP_DERIVE_PENDING)
		return;
	login_key_derived(status == EVPOP_DERIVE_KNOWN ? key : NULL, login);
	explicit_bzero(key, sizeof key);
}

void
login_challenged(struct login *login, const char *challenge, size_t length)
{
	const char *response;
	bool is_final;

	if (login->exchange == NULL || login->derivation != NULL) {
		login_end(login, CARRIED_DOWN,
		    "the server asks for more than the log-in consists of");
		return;
	}
	response = evpop_exchange_step(login->exchange,
	    (const unsigned char *)challenge, length, &is_final);
	if (response == NULL)
		login_derive(login);
	else
		login->handler->respond(response, login->arg);
}

void
login_accepted(struct login *login)
{
	struct evpop_result result;

	if (login->derivation == NULL &&
	    (login->exchange == NULL ||
		evpop_exchange_verified(login->exchange, &result))) {
		login_end(login, CARRIED_DELIVERED, "");
		return;
	}
	if (login->derivation != NULL)
		evpop_result_set(&result, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN,
		    "the server let us in before it had proved itself");
	login_end(login, CARRIED_WRONG, result.text);
}

/* The server's words, and in brackets what the mechanism has to say. */
static void
login_describe_refusal(
    const struct login *login, const char *words, char *why, size_t size)
{
	const char *more = login->exchange == NULL
			       ? ""
			       : evpop_exchange_refusal(login->exchange);
	char text[3 * EVPOP_TEXT_SIZE];

	snprintf(text, sizeof text,
	    *more == '\0' ? "%.510s" : "%.510s (%.510s)", words, more);
	evpop_printable(why, size, text, strlen(text));
}

void
login_refused(struct login *login, const char *words, bool is_temporary)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(login->mechanism);
	char why[EVPOP_TEXT_SIZE];

	login_describe_refusal(login, words, why, sizeof why);
	if (login->derivation != NULL) {
		evpop_derive_cancel(login->derivation);
		login->derivation = NULL;
	}
	if (is_temporary) {
		login_end(login, CARRIED_DOWN, why);
		return;
	}
	login->choice.refused |= evpop_choice_refusal(login->mechanism);
	/* RFC 5802 section 6, as the log-in of POP3 has it. */
	if ((bit & EVPOP_MECHANISMS_BOUND) != 0)
		login->choice.is_unbound = true;
	if (++login->attempts < LOGIN_ATTEMPTS)
		login_try(login, why);
	else
		login_end(login, CARRIED_WRONG, why);
}

#include "lib/net/login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/auth/secret.h"
#include "lib/core/command.h"
#include "lib/core/reply.h"
#include "lib/net/server.h"

/* An initial response that makes a longer line is sent apart (RFC 5034
 * section 4). */
#define LINE_MOST 255

#define BIT(name) EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_##name)

enum token {
	TOKEN_NOT_ASKED = 0,
	TOKEN_ASKED,
	TOKEN_TOLD /* or that there is none */
};

struct evpop_login {
	struct evpop_credentials credentials; /* owned */
	enum token token;
	struct evpop_choice choice;
	unsigned int attempts;
	struct evpop_result refusal; /* the last */

	/* The attempt under way. */
	enum evpop_mechanism mechanism;
	struct evpop_exchange *exchange;
	enum evpop_initial initial; /* WORKS: it was sent */
	bool initial_said_all, was_challenged;
	struct evpop_result reply;    /* the first failure among its commands */
	unsigned int initial_refused; /* mechanisms */
};

struct evpop_login *
evpop_login_new(const struct evpop_credentials *credentials)
{
	struct evpop_login *login;

	login = calloc(1, sizeof *login);
	if (login == NULL)
		return NULL;
	login->choice.credentials = &login->credentials;
	if (evpop_credentials_copy(&login->credentials, credentials))
		return login;
	free(login);
	return NULL;
}

void
evpop_login_free(struct evpop_login **login_p)
{
	struct evpop_login *login = *login_p;

	*login_p = NULL;
	if (login == NULL)
		return;
	evpop_exchange_free(login->exchange);
	evpop_credentials_wipe(&login->credentials);
	free(login);
}

/* ---- the token ---- */

bool
evpop_login_awaits_token(struct evpop_login *login, struct evpop_client *client)
{
	const struct evpop_credentials *credentials = &login->credentials;

	if (credentials->want_token == NULL || credentials->token != NULL)
		return false;
	if (login->token == TOKEN_NOT_ASKED) {
		login->token = TOKEN_ASKED;
		credentials->want_token(client, credentials->want_token_arg);
	}
	return login->token == TOKEN_ASKED;
}

enum evpop_error
evpop_login_take_token(struct evpop_login *login, const char *token)
{
	if (login->token != TOKEN_ASKED ||
	    (token != NULL && !evpop_text_harmless(token)))
		return EVPOP_ERROR_USAGE;
	if (token != NULL) {
		login->credentials.token = evpop_secret_copy(token);
		if (login->credentials.token == NULL)
			return EVPOP_ERROR_MEMORY;
	}
	login->token = TOKEN_TOLD;
	return EVPOP_ERROR_NONE;
}

/* Whether there is another mechanism, should these be refused. */
static bool
login_has_beside(const struct evpop_login *login,
    const struct evpop_offer *offer, unsigned int refused)
{
	struct evpop_choice choice = login->choice;
	enum evpop_mechanism mechanism;

	choice.refused |= refused;
	return evpop_choice_make(&choice, offer, &mechanism);
}

enum evpop_mechanism
evpop_login_mechanism(const struct evpop_login *login)
{
	return login->mechanism;
}

unsigned int
evpop_login_tried(const struct evpop_login *login)
{
	return login->choice.refused != 0
		   ? login->choice.refused
		   : EVPOP_MECHANISM_BIT(login->mechanism);
}

/* Office 365 wants XOAUTH2 in two lines. */
static bool
login_may_split(const struct evpop_login *login)
{
	return login->mechanism == EVPOP_MECHANISM_XOAUTH2 &&
	       login->initial == EVPOP_INITIAL_WORKS &&
	       !login->was_challenged &&
	       (login->initial_refused & BIT(XOAUTH2)) == 0;
}

bool
evpop_login_wants_split(const struct evpop_login *login)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(login->mechanism);

	return (login->initial_refused & bit) != 0 &&
	       (login->choice.refused & bit) == 0;
}

bool
evpop_login_has_other(
    const struct evpop_login *login, const struct evpop_offer *offer)
{
	if (login_may_split(login) &&
	    evpop_server_initial(offer->server, login->mechanism) ==
		EVPOP_INITIAL_UNTRIED)
		return true;
	return login->attempts + 1 < EVPOP_LOGIN_ATTEMPTS &&
	       login_has_beside(
		   login, offer, evpop_choice_refusal(login->mechanism));
}

bool
evpop_login_is_judged(const struct evpop_login *login)
{
	/* A verdict on the credentials holds for all mechanisms. */
	return login->refusal.code == EVPOP_CODE_AUTH;
}

bool
evpop_login_may_go_on(const struct evpop_login *login)
{
	return !evpop_login_is_judged(login) &&
	       login->attempts < EVPOP_LOGIN_ATTEMPTS;
}

bool
evpop_login_has_left(
    const struct evpop_login *login, const struct evpop_offer *offer)
{
	return !evpop_login_is_judged(login) &&
	       login_has_beside(login, offer, evpop_login_tried(login));
}

/* ---- the commands ---- */

static enum evpop_error
login_submit_request(struct evpop_proto *proto,
    const struct evpop_request *request, unsigned int *parts)
{
	enum evpop_error error = evpop_proto_submit(proto, request);

	*parts += error == EVPOP_ERROR_NONE;
	return error;
}

static enum evpop_error
login_submit_user(struct evpop_login *login, struct evpop_proto *proto,
    void *arg, unsigned int *parts)
{
	const struct evpop_request user = { .command = EVPOP_COMMAND_USER,
		.text = login->credentials.user,
		.arg = arg };
	const struct evpop_request pass = { .command = EVPOP_COMMAND_PASS,
		.text = login->credentials.password,
		.arg = arg };
	enum evpop_error error = login_submit_request(proto, &user, parts);

	return error != EVPOP_ERROR_NONE
		   ? error
		   : login_submit_request(proto, &pass, parts);
}

static enum evpop_error
login_submit_apop(struct evpop_login *login, const struct evpop_offer *offer,
    struct evpop_proto *proto, void *arg, unsigned int *parts,
    struct evpop_result *result)
{
	struct evpop_request apop = { .command = EVPOP_COMMAND_APOP,
		.arg = arg };
	char digest[EVPOP_APOP_DIGEST_SIZE], *text;
	enum evpop_error error;

	if (!evpop_apop_digest(offer->timestamp, strlen(offer->timestamp),
		login->credentials.password, digest)) {
		evpop_result_set(result, EVPOP_ERROR_AUTH, EVPOP_PHASE_LOGIN,
		    "APOP is not possible: this system has no MD5");
		return EVPOP_ERROR_AUTH;
	}
	if (asprintf(&text, "%s %s", login->credentials.user, digest) == -1)
		return EVPOP_ERROR_MEMORY;
	apop.text = text;
	error = login_submit_request(proto, &apop, parts);
	free(text);
	return error;
}

/* Whether the initial response goes out with AUTH; "AUTH ", " " and CRLF. */
static bool
login_sends_initial(const struct evpop_login *login,
    const struct evpop_offer *offer, const char *initial)
{
	const char *name = evpop_mechanism_name(login->mechanism);

	return (login->initial_refused &
		   EVPOP_MECHANISM_BIT(login->mechanism)) == 0 &&
	       evpop_server_initial(offer->server, login->mechanism) !=
		   EVPOP_INITIAL_REFUSED &&
	       strlen(name) + strlen(initial) + 8 <= LINE_MOST;
}

static enum evpop_error
login_submit_auth(struct evpop_login *login, const struct evpop_offer *offer,
    struct evpop_proto *proto, void *arg, unsigned int *parts,
    struct evpop_result *result)
{
	const struct evpop_credentials credentials =
	    evpop_choice_credentials(&login->choice, offer);
	const char *initial;
	bool is_final = false;

	login->exchange = evpop_exchange_new(
	    login->mechanism, &credentials, &offer->target, result);
	if (login->exchange == NULL)
		return result->error == EVPOP_ERROR_MEMORY ? EVPOP_ERROR_MEMORY
							   : EVPOP_ERROR_AUTH;
	initial = evpop_exchange_initial(login->exchange, &is_final);
	if (initial != NULL && !login_sends_initial(login, offer, initial)) {
		evpop_exchange_skip_initial(login->exchange);
		initial = NULL;
	}
	if (initial != NULL)
		login->initial = EVPOP_INITIAL_WORKS;
	login->initial_said_all = initial != NULL && is_final;
	return login_submit_request(proto,
	    &(struct evpop_request){
		.command = EVPOP_COMMAND_AUTH,
		.text = evpop_mechanism_name(login->mechanism),
		.initial = initial,
		.final = login->initial_said_all,
		.arg = arg,
	    },
	    parts);
}

static enum evpop_error
login_submit(struct evpop_login *login, const struct evpop_offer *offer,
    struct evpop_proto *proto, void *arg, unsigned int *parts,
    struct evpop_result *result)
{
	memset(&login->reply, 0, sizeof login->reply);
	login->was_challenged = login->initial_said_all = false;
	login->initial = EVPOP_INITIAL_UNTRIED;
	/* One of an earlier attempt has no say in this one. */
	evpop_exchange_free(login->exchange);
	login->exchange = NULL;
	switch (login->mechanism) {
	case EVPOP_MECHANISM_APOP:
		return login_submit_apop(
		    login, offer, proto, arg, parts, result);
	case EVPOP_MECHANISM_USER:
		return login_submit_user(login, proto, arg, parts);
	default:
		return login_submit_auth(
		    login, offer, proto, arg, parts, result);
	}
}

bool
evpop_login_begin(struct evpop_login *login, const struct evpop_offer *offer,
    struct evpop_proto *proto, void *arg, unsigned int *parts,
    struct evpop_result *result)
{
	bool is_explained = false;
	enum evpop_error error;

	while (evpop_choice_make(&login->choice, offer, &login->mechanism)) {
		error = login_submit(login, offer, proto, arg, parts, result);
		if (error == EVPOP_ERROR_NONE)
			return true;
		if (error != EVPOP_ERROR_AUTH) {
			evpop_result_set(result, error, EVPOP_PHASE_LOGIN,
			    "the log-in could not be queued");
			return false;
		}
		/* It does not fit the password; another may. */
		login->choice.unfit |= EVPOP_MECHANISM_BIT(login->mechanism);
		is_explained = true;
	}
	if (login->choice.refused != 0)
		*result = login->refusal;
	else if (!is_explained)
		evpop_choice_explain(&login->choice, offer, result);
	return false;
}

/* ---- challenges ---- */

/* Begin the exchange anew, as if there had been no initial response. */
static bool
login_repeat_initial(struct evpop_login *login, const struct evpop_offer *offer)
{
	const struct evpop_credentials credentials =
	    evpop_choice_credentials(&login->choice, offer);
	struct evpop_exchange *exchange;
	struct evpop_result result;

	exchange = evpop_exchange_new(
	    login->mechanism, &credentials, &offer->target, &result);
	if (exchange == NULL)
		return false;
	evpop_exchange_skip_initial(exchange);
	evpop_exchange_free(login->exchange);
	login->exchange = exchange;
	login->initial = EVPOP_INITIAL_REFUSED;
	login->initial_said_all = false;
	login->initial_refused |= EVPOP_MECHANISM_BIT(login->mechanism);
	return true;
}

enum evpop_error
evpop_login_challenge(struct evpop_login *login,
    const struct evpop_offer *offer, struct evpop_proto *proto,
    const unsigned char *challenge, size_t length)
{
	const char *response;
	bool is_final = false;

	if (login->initial_said_all && !login->was_challenged && length == 0 &&
	    !login_repeat_initial(login, offer))
		return EVPOP_ERROR_MEMORY;
	login->was_challenged = true;
	response =
	    evpop_exchange_step(login->exchange, challenge, length, &is_final);
	if (response == NULL)
		return EVPOP_ERROR_NONE;
	return evpop_proto_respond(proto, response, is_final);
}

bool
evpop_login_wants_key(
    const struct evpop_login *login, struct evpop_derivation *derivation)
{
	return login->exchange != NULL &&
	       evpop_exchange_wants_key(login->exchange, derivation);
}

enum evpop_error
evpop_login_take_key(struct evpop_login *login, struct evpop_proto *proto,
    const unsigned char *key)
{
	const char *response;
	bool is_final = false;

	response = evpop_exchange_take_key(login->exchange, key, &is_final);
	return evpop_proto_respond(proto, response, is_final);
}

/* ---- replies ---- */

void
evpop_login_part(struct evpop_login *login, const struct evpop_event *event)
{
	/*
	 * A refused USER says why, where its PASS was not sent or is refused.
	 * Who takes a PASS that was sent along has let us in.
	 */
	if (login->reply.error == EVPOP_ERROR_NONE ||
	    event->result->error == EVPOP_ERROR_NONE)
		login->reply = *event->result;
}

/* In brackets, behind what is there. */
static void
login_add_words(struct evpop_result *result, const char *words)
{
	char text[3 * EVPOP_TEXT_SIZE];

	if (words[0] == '\0' || strstr(result->text, words) != NULL)
		return;
	snprintf(text, sizeof text, "%s (%.255s)", result->text, words);
	evpop_printable(result->text, sizeof result->text, text, strlen(text));
}

static enum evpop_login_outcome
login_refused(struct evpop_login *login, const struct evpop_result *result)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(login->mechanism);

	login->refusal = *result;
	login->attempts++;
	if (login_may_split(login)) {
		login->initial_refused |= bit;
		return EVPOP_LOGIN_REFUSED;
	}
	login->choice.refused |= evpop_choice_refusal(login->mechanism);
	/*
	 * A server that binds to another channel refuses.  The certificate was
	 * verified, so the log-in may go without a binding (RFC 5802 section
	 * 6).
	 */
	if ((bit & EVPOP_MECHANISMS_BOUND) != 0) {
		login->choice.is_unbound = true;
		login->refusal.code = EVPOP_CODE_NONE;
	}
	return EVPOP_LOGIN_REFUSED;
}

void
evpop_login_prefer_refusal(
    const struct evpop_login *login, struct evpop_result *result)
{
	if (login->refusal.error != EVPOP_ERROR_NONE)
		*result = login->refusal;
}

enum evpop_login_outcome
evpop_login_conclude(struct evpop_login *login, struct evpop_result *result)
{
	*result = login->reply;
	if (result->error == EVPOP_ERROR_NONE)
		return login->exchange == NULL ||
			       evpop_exchange_verified(login->exchange, result)
			   ? EVPOP_LOGIN_ACCEPTED
			   : EVPOP_LOGIN_UNPROVED;
	if (login->exchange != NULL)
		login_add_words(
		    result, evpop_exchange_refusal(login->exchange));
	evpop_refusal_by_words(result);
	if (result->error == EVPOP_ERROR_AUTH)
		return login_refused(login, result);
	/* A server that hangs up after a refusal has said why. */
	if (result->error == EVPOP_ERROR_IO)
		evpop_login_prefer_refusal(login, result);
	return EVPOP_LOGIN_FAILED;
}

void
evpop_login_reconsider(
    struct evpop_login *login, const struct evpop_offer *offer)
{
	unsigned int bit = EVPOP_MECHANISM_BIT(login->mechanism);

	if ((login->choice.refused & bit) == 0 ||
	    evpop_choice_is_offered(offer, login->mechanism))
		return;
	login->choice.refused &= ~evpop_choice_refusal(login->mechanism);
	login->choice.unfit |= bit;
	login->attempts--;
	login->choice.is_unbound = false;
}

enum evpop_initial
evpop_login_initial(const struct evpop_login *login)
{
	return (login->initial_refused &
		   EVPOP_MECHANISM_BIT(login->mechanism)) != 0
		   ? EVPOP_INITIAL_REFUSED
		   : login->initial;
}

bool
evpop_login_was_unbound(const struct evpop_login *login)
{
	return login->choice.is_unbound;
}

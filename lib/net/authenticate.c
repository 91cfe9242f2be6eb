/* The log-in of a session: its commands, their replies, and what is learned. */
#include <stdlib.h>
#include <string.h>

#include "lib/core/command.h"
#include "lib/net/client.h"

static void
make_offer(struct evpop_client *client, struct evpop_login_offer *offer)
{
	const struct evpop_remembered *server = client->server;

	*offer = (struct evpop_login_offer){
		.capabilities = evpop_client_capabilities(client),
		.timestamp = client->timestamp,
		.timestamp_length =
		    client->timestamp == NULL ? 0 : strlen(client->timestamp),
		.target = { .host = client->host, .port = client->port },
		.clear = client->clear,
	};
	evpop_tls_binding(client->transport.tls, &offer->target.channel);
	offer->target.client_certificate =
	    client->tls_context != NULL &&
	    evpop_tls_context_shows_certificate(client->tls_context);
	if (server != NULL) {
		offer->initial_works = server->initial_works;
		offer->initial_refused = server->initial_refused;
	}
}

/*
 * What the server offers may differ once somebody is logged in (RFC 2449
 * section 5).  Where it costs a round trip, it is asked only once.
 */
static bool
wants_capabilities(const struct evpop_client *client)
{
	const struct evpop_capabilities *before =
	    evpop_client_capabilities(client);

	/* It goes out behind the log-in, which not every server takes. */
	if (!before->known || client->one_by_one ||
	    (client->server != NULL && client->server->no_flight))
		return false;
	return client->server == NULL || !client->server->after.known ||
	       evpop_client_pipelines(client);
}

/* CAPA, right behind the log-in; without memory the session does without. */
static void
ask_capabilities(
    struct evpop_client *client, struct evpop_client_request *login)
{
	struct evpop_client_request *request;

	if (!wants_capabilities(client))
		return;
	request = calloc(1, sizeof *request);
	if (request == NULL)
		return;
	request->command = EVPOP_COMMAND_CAPA;
	TAILQ_INSERT_AFTER(&client->requests, login, request, entry);
}

/* The chosen mechanism's commands go to the core. */
static enum evpop_error
begin(struct evpop_client *client, struct evpop_client_request *request,
    const struct evpop_login_offer *offer, struct evpop_result *result)
{
	enum evpop_error error;

	client->mechanism = request->login->mechanism;
	memset(&client->first, 0, sizeof client->first);
	error = evpop_login_submit(request->login, offer, client->proto,
	    request, &request->parts, result);
	request->submitted = request->parts > 0;
	client->flight = error == EVPOP_ERROR_NONE && !client->one_by_one &&
			 !evpop_login_has_other(request->login, offer) &&
			 (client->server == NULL || !client->server->no_flight);
	if (error == EVPOP_ERROR_NONE && client->flight)
		ask_capabilities(client, request);
	if (error != EVPOP_ERROR_NONE && error != EVPOP_ERROR_AUTH)
		evpop_result_set(result, error, EVPOP_PHASE_LOGIN,
		    "the log-in could not be queued");
	return error;
}

static void
answer(struct evpop_client *client, const struct evpop_result *result)
{
	struct evpop_reply reply = { .result = *result };

	client->logged_in = result->error == EVPOP_ERROR_NONE;
	evpop_client_answer(client, &reply);
}

/* Returns whether it is still waited for. */
static bool
ask_token(struct evpop_client *client, struct evpop_login *login)
{
	const struct evpop_credentials *credentials = &login->credentials;

	if (!evpop_login_wants_token(login))
		return false;
	if (login->token_asked)
		return true;
	login->token_asked = true;
	credentials->want_token(client, credentials->want_token_arg);
	return client->freed || client->stage != EVPOP_STAGE_OPEN ||
	       evpop_login_wants_token(login);
}

enum evpop_error
evpop_client_token(struct evpop_client *client, const char *token)
{
	struct evpop_client_request *request = TAILQ_FIRST(&client->requests);

	if (client->freed || request == NULL || request->login == NULL ||
	    !request->login->token_asked ||
	    !evpop_login_wants_token(request->login) ||
	    (token != NULL && !evpop_text_harmless(token)))
		return EVPOP_ERROR_USAGE;
	if (!evpop_login_take_token(request->login, token))
		return EVPOP_ERROR_MEMORY;
	evpop_client_wake(client);
	return EVPOP_ERROR_NONE;
}

bool
evpop_client_log_in(
    struct evpop_client *client, struct evpop_client_request *request)
{
	struct evpop_login *login = request->login;
	struct evpop_login_offer offer;
	struct evpop_result result, ignored;
	enum evpop_error error;
	bool unfit = false;

	if (request->submitted)
		return client->flight;
	if (!client->connected || request != TAILQ_FIRST(&client->requests))
		return false;
	if (ask_token(client, login))
		return false;
	make_offer(client, &offer);
	while (evpop_login_choose(login, &offer, unfit ? &ignored : &result)) {
		error = begin(client, request, &offer, &result);
		if (error == EVPOP_ERROR_NONE)
			return client->flight;
		if (error != EVPOP_ERROR_AUTH || request->parts > 0)
			break;
		/* It does not fit the password; another may. */
		unfit = true;
		login->tried |= EVPOP_MECHANISM_BIT(login->mechanism);
	}
	/* What was queued of it, if anything, is answered first. */
	if (request->parts > 0)
		evpop_client_fail(client, &result);
	else {
		answer(client, &result);
		if (!client->freed)
			evpop_client_wake(client);
	}
	return false;
}

/* ---- a key that the answer to a challenge wants ---- */

bool
evpop_client_derives(const struct evpop_client *client)
{
	const struct evpop_client_request *request =
	    TAILQ_FIRST(&client->requests);

	return request != NULL && request->login != NULL &&
	       request->login->key_request != NULL;
}

static void
key_failed(struct evpop_client *client)
{
	struct evpop_result result;

	evpop_result_set(&result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_LOGIN,
	    "no memory to answer a challenge");
	evpop_client_fail(client, &result);
}

static void
key_derived(const unsigned char *key, void *arg)
{
	struct evpop_client *client = arg;
	struct evpop_client_request *request = TAILQ_FIRST(&client->requests);

	evpop_client_enter(client);
	if (evpop_login_take_key(request->login, client->proto, key) !=
	    EVPOP_ERROR_NONE)
		key_failed(client);
	evpop_client_leave(client);
}

/* Have the key derived; one that is known is taken at once. */
static enum evpop_error
key_ask(struct evpop_client *client, struct evpop_login *login)
{
	struct evpop_derive *derive = evpop_loop_derive(client->loop);
	struct evpop_keys *keys = NULL;
	unsigned char key[EVPOP_KEY_MAX];
	struct evpop_derivation derivation;
	enum evpop_derive_status status = EVPOP_DERIVE_FAILED;
	enum evpop_error error;

	if (!evpop_exchange_wants_key(login->exchange, &derivation))
		return EVPOP_ERROR_NONE;
	if (client->memory != NULL)
		keys = evpop_memory_keys(client->memory);
	if (derive != NULL)
		status = evpop_derive_ask(derive, keys, &derivation,
		    key_derived, client, key, &login->key_request);
	if (status == EVPOP_DERIVE_PENDING)
		return EVPOP_ERROR_NONE;
	error = evpop_login_take_key(
	    login, client->proto, status == EVPOP_DERIVE_KNOWN ? key : NULL);
	explicit_bzero(key, sizeof key);
	return error;
}

void
evpop_client_challenged(
    struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_client_request *request = event->arg;
	struct evpop_login_offer offer;
	enum evpop_error error;

	make_offer(client, &offer);
	error = evpop_login_challenge(
	    request->login, &offer, client->proto, event->data, event->length);
	if (error == EVPOP_ERROR_NONE)
		error = key_ask(client, request->login);
	if (error != EVPOP_ERROR_NONE)
		key_failed(client);
}

/* ---- replies ---- */

/* What this session teaches for the next. */
static void
learn(struct evpop_client *client, const struct evpop_login *login, bool ok)
{
	struct evpop_remembered *server = client->server;
	unsigned int bit = EVPOP_MECHANISM_BIT(login->mechanism);

	if (server == NULL)
		return;
	if (!ok) {
		evpop_remembered_doubt(server);
		return;
	}
	if (login->initial_sent)
		server->initial_works |= bit;
	server->initial_refused |= login->initial_refused;
}

static void
login_done(struct evpop_client *client, struct evpop_login *login,
    const struct evpop_result *result)
{
	struct evpop_result unproved;

	client->first = *result;
	if (result->error != EVPOP_ERROR_NONE)
		return;
	if (evpop_login_accepted(login, &unproved))
		return;
	/* Whoever this is does not know the password: tell it no more. */
	evpop_client_fail(client, &unproved);
	client->first = unproved;
}

void
evpop_client_learn_capabilities(
    struct evpop_client *client, const struct evpop_result *result)
{
	if (result->error != EVPOP_ERROR_NONE ||
	    evpop_proto_state(client->proto) != EVPOP_STATE_TRANSACTION)
		return;
	if (client->server != NULL)
		client->server->after =
		    *evpop_proto_capabilities(client->proto);
	evpop_client_open_window(client);
}

/* All parts are done: succeed, try something else, or fail. */
static void
conclude(struct evpop_client *client, struct evpop_client_request *request)
{
	struct evpop_result result = client->first;
	struct evpop_login_offer offer;
	bool ok = result.error == EVPOP_ERROR_NONE;

	evpop_client_reconsider_login(&result);
	if (ok || result.error == EVPOP_ERROR_AUTH)
		learn(client, request->login, ok);
	if (result.error == EVPOP_ERROR_AUTH)
		client->refused |= EVPOP_MECHANISM_BIT(client->mechanism);
	if (!ok &&
	    evpop_proto_state(client->proto) == EVPOP_STATE_AUTHORIZATION &&
	    client->stage == EVPOP_STAGE_OPEN) {
		make_offer(client, &offer);
		if (evpop_login_refused(request->login, &offer, &result) &&
		    begin(client, request, &offer, &result) == EVPOP_ERROR_NONE)
			return;
	}
	if (ok && !client->flight)
		ask_capabilities(client, request);
	answer(client, &result);
}

/*
 * The refusal may be for what was sent behind the log-in, not for the
 * credentials: to be tried again without.
 */
static void
note_swallowed(struct evpop_client *client)
{
	if (client->first.error == EVPOP_ERROR_NONE)
		return;
	evpop_result_set(&client->first, EVPOP_ERROR_PROTOCOL,
	    EVPOP_PHASE_LOGIN,
	    "the server takes nothing behind a log-in before its reply");
	client->again = EVPOP_AGAIN_ONE_BY_ONE;
	if (client->server != NULL)
		client->server->no_flight = true;
}

void
evpop_client_login_part(
    struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_client_request *request = event->arg;

	request->parts--;
	switch (event->command) {
	case EVPOP_COMMAND_USER:
		client->first = *event->result;
		break;
	case EVPOP_COMMAND_PASS:
		/* A refused USER says why; its PASS was never sent. */
		if (client->first.error != EVPOP_ERROR_NONE &&
		    event->result->error == EVPOP_ERROR_CANCELLED)
			break;
		/* FALLTHROUGH */
	default:
		login_done(client, request->login, event->result);
		break;
	}
	if (event->swallowed)
		note_swallowed(client);
	if (request->parts == 0)
		conclude(client, request);
}

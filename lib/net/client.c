/*
 * The life of a client: its connection, the requests that go out on it, and
 * the core's events that answer them.
 *
 * Every entry from the loop is bracketed by client_enter() and client_leave();
 * a client freed between them closes at once, and its memory goes when the last
 * bracket closes.
 */
#include <evpop/client.h>

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "lib/core/name.h"
#include "lib/net/client.h"
#include "lib/net/derive.h"
#include "lib/net/idn.h"
#include "lib/net/login.h"
#include "lib/net/loop.h"
#include "lib/net/server.h"
#include "lib/net/stream.h"
#include "lib/net/tls.h"

#define PORT_POP3  110
#define PORT_POP3S 995 /* RFC 8314 section 7.1 */

enum client_state {
	CLIENT_IDLE = 0,
	CLIENT_CONNECTING, /* up to greeting, STLS and CAPA */
	CLIENT_CONNECTED,
	CLIENT_LOGGED_IN,
	CLIENT_ENDING, /* closed; requests are being answered */
	CLIENT_OVER,   /* `closed` has run */
	CLIENT_STATE_COUNT
};

static const char *const state_names[] = {
	[CLIENT_IDLE] = "IDLE",
	[CLIENT_CONNECTING] = "CONNECTING",
	[CLIENT_CONNECTED] = "CONNECTED",
	[CLIENT_LOGGED_IN] = "LOGGED IN",
	[CLIENT_ENDING] = "ENDING",
	[CLIENT_OVER] = "OVER",
};
EVPOP_NAMES_MATCH(state_names, CLIENT_STATE_COUNT);

/* Requests that may be made now. */
enum accepts {
	ACCEPTS_CONNECT = 0,
	ACCEPTS_ALL,
	ACCEPTS_NOTHING /* behind QUIT */
};

/* What was asked for from inside a callback, and is done from the loop. */
enum wish {
	WISH_RESUME = 1,
	WISH_CANCEL = 2
};

struct evpop_client {
	struct event_base *base;
	struct evdns_base *dns;
	const struct evpop_client_callbacks *callbacks;
	void *arg;

	char *host;                      /* in ASCII */
	struct evpop_proxy_config proxy; /* host NULL: none */
	char *source_address;
	size_t receive_buffer;
	struct evpop_result unusable; /* what is wrong with these */
	uint16_t port;
	enum evpop_tls tls;
	struct evpop_tls_context *tls_context;
	bool allows_cleartext, asks_capabilities;
	uint32_t window_commands;
	size_t window_octets;
	struct evpop_memory *memory; /* borrowed */

	enum client_state state;
	enum accepts accepts;
	unsigned int wishes;
	unsigned int entered; /* brackets that are open */
	bool is_freed;
	struct evpop_stream *stream;
	struct evpop_proto *proto;
	struct evpop_requests requests;
	struct evpop_server *server;
	struct event wake; /* made active to come back from the loop */

	char *timestamp; /* of the greeting, for APOP */
	struct evpop_result connect_failure;
	struct evpop_derive_request *derivation; /* a log-in waits for */
	struct evpop_client_request *probe;      /* NULL: none is under way */
	enum evpop_mechanism mechanism;
	unsigned int tried; /* mechanisms */
	enum evpop_again again;
	struct evpop_server_end end;
	bool is_inside; /* of a multi-line response */
	uint64_t answered;
};

static void client_enter(void *);
static void client_leave(void *);

/* The one function that changes the state. */
static void
client_change(struct evpop_client *client, enum client_state state)
{
	const struct evpop_client_callbacks *callbacks = client->callbacks;
	enum client_state old = client->state;

	if (old == state)
		return;
	assert(state > old);
	client->state = state;
	if (!client->is_freed && callbacks != NULL && callbacks->state != NULL)
		callbacks->state(
		    client, state_names[old], state_names[state], client->arg);
}

static bool
client_is_live(const struct evpop_client *client)
{
	return !client->is_freed && client->state < CLIENT_ENDING;
}

static void
client_wake(struct evpop_client *client)
{
	event_active(&client->wake, EV_TIMEOUT, 0);
}

/* Let go of all that has to do with the network. */
static void
client_disconnect(struct evpop_client *client)
{
	evpop_derive_cancel(client->derivation);
	client->derivation = NULL;
	evpop_stream_close(client->stream);
}

/* Close, and let every unfinished request be answered with the reason. */
static void
client_fail(struct evpop_client *client, const struct evpop_result *result)
{
	struct evpop_result told = *result;

	if (!client_is_live(client))
		return;
	if (told.phase == EVPOP_PHASE_NONE)
		told.phase = evpop_stream_phase(client->stream);
	if (told.phase == EVPOP_PHASE_NONE)
		told.phase = EVPOP_PHASE_COMMAND;
	client_disconnect(client);
	client_change(client, CLIENT_ENDING);
	evpop_proto_fail(client->proto, &told);
}

static void EVPOP_PRINTF(3, 4) client_fail_with(struct evpop_client *client,
    enum evpop_error error, const char *format, ...)
{
	struct evpop_result result;
	char text[EVPOP_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	evpop_result_set(
	    &result, error, evpop_stream_phase(client->stream), "%s", text);
	client_fail(client, &result);
}

static void
client_answer(struct evpop_client *client, const struct evpop_reply *reply)
{
	client->answered++;
	if (!client->is_freed)
		evpop_requests_answer(&client->requests, client, reply);
}

static void
client_answer_with(
    struct evpop_client *client, const struct evpop_result *result)
{
	client_answer(client, &(struct evpop_reply){ .result = *result });
}

/* ---- what is known of the server ---- */

const struct evpop_capabilities *
evpop_client_capabilities(const struct evpop_client *client)
{
	const struct evpop_capabilities *said =
	    evpop_proto_capabilities(client->proto);
	const struct evpop_capabilities *after =
	    evpop_server_after(client->server);

	if (said->known)
		return said;
	if (client->state >= CLIENT_LOGGED_IN && after->known)
		return after;
	return evpop_server_before(client->server);
}

/* Let as much go out at once as the server takes. */
static void
client_open_window(struct evpop_client *client)
{
	if (evpop_server_pipelines(client->server))
		evpop_proto_set_window(client->proto, client->window_commands,
		    client->window_octets);
}

/* CAPA was answered. */
static void
client_learn_capabilities(
    struct evpop_client *client, const struct evpop_result *result)
{
	const struct evpop_capabilities *said =
	    evpop_proto_capabilities(client->proto);

	if (result->error != EVPOP_ERROR_NONE || !said->known)
		return;
	if (client->state == CLIENT_LOGGED_IN)
		evpop_server_learn_after(client->server, said);
	else
		evpop_server_learn_before(client->server, said);
	client_open_window(client);
}

/* ---- connecting ---- */

static bool
is_encrypted(const struct evpop_client *client)
{
	return evpop_stream_state(client->stream) == EVPOP_STREAM_TLS;
}

/* Answer the connect, once nothing of it is left to be done. */
static void
connect_check(struct evpop_client *client)
{
	struct evpop_client_request *request =
	    evpop_requests_first(&client->requests);

	if (client->state != CLIENT_CONNECTING || request->parts > 0 ||
	    evpop_proto_state(client->proto) != EVPOP_STATE_AUTHORIZATION ||
	    (client->tls != EVPOP_TLS_NONE && !is_encrypted(client)))
		return;
	request->is_open = false;
	client_change(client, CLIENT_CONNECTED);
	client_open_window(client);
	client_answer_with(
	    client, &(struct evpop_result){ .error = EVPOP_ERROR_NONE });
}

/* The server does not begin TLS, and so is left. */
static void
connect_refused_tls(
    struct evpop_client *client, const struct evpop_result *refusal)
{
	struct evpop_result result;

	evpop_result_set(&result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
	    "the server refuses STLS; nothing was sent in clear text: %s",
	    refusal->text);
	result.code = refusal->code;
	result.retry = refusal->retry;
	client->connect_failure = result;
	client_fail(client, &result);
}

/* A part of the connect is done; notes its failure. */
static void
connect_part(struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_client_request *request = event->arg;
	const struct evpop_result *result = event->result;
	bool is_refused = result->error == EVPOP_ERROR_REFUSED &&
			  client->connect_failure.error == EVPOP_ERROR_NONE;

	request->parts--;
	if (event->command == EVPOP_COMMAND_CAPA)
		client_learn_capabilities(client, result);
	if (event->command == EVPOP_COMMAND_STLS && is_refused)
		connect_refused_tls(client, result);
	else if (event->command == EVPOP_COMMAND_CAPA && is_refused)
		; /* RFC 2449 is optional */
	else if (client->connect_failure.error == EVPOP_ERROR_NONE)
		client->connect_failure = *result;
	if (client->connect_failure.error == EVPOP_ERROR_NONE)
		connect_check(client);
	else if (request->parts == 0)
		client_answer_with(client, &client->connect_failure);
}

static void
connect_greeted(struct evpop_client *client, const struct evpop_event *event)
{
	const char *stamp, *text = (const char *)event->data;
	size_t length;

	if (event->result->error != EVPOP_ERROR_NONE) {
		client->connect_failure = *event->result;
		return;
	}
	if (evpop_apop_timestamp(text, event->length, &stamp, &length)) {
		client->timestamp = strndup(stamp, length);
		/* Without it a plainer log-in than wanted might be chosen. */
		if (client->timestamp == NULL) {
			client_fail_with(client, EVPOP_ERROR_MEMORY,
			    "no memory for the greeting");
			return;
		}
	}
	connect_check(client);
}

/* CAPA is asked where nothing is known; the others can wait for it. */
static enum evpop_error
connect_submit(
    struct evpop_client *client, struct evpop_client_request *request)
{
	enum evpop_error error = EVPOP_ERROR_NONE;

	if (client->tls == EVPOP_TLS_STLS)
		error = evpop_request_submit(
		    request, client->proto, EVPOP_COMMAND_STLS);
	if (error == EVPOP_ERROR_NONE && client->asks_capabilities &&
	    !evpop_server_before(client->server)->known)
		error = evpop_request_submit(
		    request, client->proto, EVPOP_COMMAND_CAPA);
	return error;
}

static void
connect_begin(struct evpop_client *client, struct evpop_client_request *request)
{
	const struct evpop_dial_options options = {
		.host = client->host,
		.port = client->port,
		.proxy = client->proxy.host != NULL ? &client->proxy : NULL,
		.source_address = client->source_address,
		.receive_buffer = client->receive_buffer,
	};

	evpop_requests_advance(&client->requests);
	request->is_open = true;
	client_change(client, CLIENT_CONNECTING);
	if (client->is_freed)
		return;
	if (client->unusable.error != EVPOP_ERROR_NONE)
		client_fail(client, &client->unusable);
	else if (connect_submit(client, request) != EVPOP_ERROR_NONE ||
		 !evpop_stream_connect(client->stream, client->dns, &options,
		     client->tls == EVPOP_TLS_IMPLICIT ? client->tls_context
						       : NULL))
		client_fail_with(
		    client, EVPOP_ERROR_MEMORY, "no memory to connect");
}

/* ---- the log-in ---- */

static enum evpop_privacy
login_privacy(const struct evpop_client *client)
{
	if (is_encrypted(client))
		return EVPOP_PRIVACY_TLS;
	if (evpop_stream_is_local(client->stream))
		return EVPOP_PRIVACY_LOCAL;
	return client->allows_cleartext ? EVPOP_PRIVACY_PERMITTED
					: EVPOP_PRIVACY_NONE;
}

static void
login_offer(struct evpop_client *client, struct evpop_login_offer *offer)
{
	*offer = (struct evpop_login_offer){
		.capabilities = evpop_client_capabilities(client),
		.timestamp = client->timestamp,
		.target = { .host = client->host, .port = client->port },
		.privacy = login_privacy(client),
		.server = client->server,
	};
	evpop_stream_binding(client->stream, &offer->target.channel);
	offer->target.client_certificate =
	    client->tls_context != NULL &&
	    evpop_tls_context_shows_certificate(client->tls_context);
}

/*
 * What the server offers may differ once somebody is logged in (RFC 2449
 * section 5).  Where asking costs a round trip, it is asked once.
 */
static void
login_ask_capabilities(
    struct evpop_client *client, struct evpop_client_request *login)
{
	const struct evpop_client_request capa = { .command =
						       EVPOP_COMMAND_CAPA };
	bool is_known = evpop_server_after(client->server)->known;

	if (!evpop_client_capabilities(client)->known ||
	    (is_known && !evpop_server_pipelines(client->server)))
		return;
	/* Without memory the session does without. */
	(void)!evpop_requests_insert(&client->requests, login, &capa);
}

/*
 * A command that changes nothing goes out behind the log-in, and nothing else
 * before the log-in is answered: is it lost, the server takes nothing there,
 * and nothing is lost with it.
 */
static void
login_probe(struct evpop_client *client, struct evpop_client_request *login)
{
	const struct evpop_client_request noop = { .command =
						       EVPOP_COMMAND_NOOP };
	struct evpop_client_request *probe;

	probe = evpop_requests_insert(&client->requests, login, &noop);
	if (probe == NULL)
		return;
	probe->is_open = true;
	client->probe = probe;
}

/* Whether what waits may go out behind the log-in that has begun. */
static void
login_decide_flight(struct evpop_client *client,
    struct evpop_client_request *request, const struct evpop_login_offer *offer)
{
	enum evpop_mechanism mechanism = evpop_login_mechanism(request->login);
	bool takes = evpop_server_takes_flight(client->server, mechanism);

	request->is_open = true;
	if (evpop_login_has_other(request->login, offer) ||
	    (!takes && !evpop_server_wants_probe(client->server, mechanism)))
		return;
	evpop_server_note_flight(client->server, mechanism);
	request->is_open = false;
	if (takes)
		login_ask_capabilities(client, request);
	else
		login_probe(client, request);
}

/* Begin with a mechanism; false where there is none, or it failed. */
static bool
login_try(struct evpop_client *client, struct evpop_client_request *request,
    struct evpop_result *result)
{
	struct evpop_login_offer offer;

	login_offer(client, &offer);
	if (!evpop_login_begin(request->login, &offer, client->proto, request,
		&request->parts, result)) {
		/* What was queued of it, if anything, is answered first. */
		if (request->parts > 0)
			client_fail(client, result);
		return false;
	}
	client->mechanism = evpop_login_mechanism(request->login);
	return true;
}

/* The log-in's turn has come; false where it must wait. */
static bool
login_advance(struct evpop_client *client, struct evpop_client_request *request)
{
	struct evpop_login_offer offer;
	struct evpop_result result;

	if (client->state != CLIENT_CONNECTED ||
	    request != evpop_requests_first(&client->requests) ||
	    evpop_login_awaits_token(request->login, client) ||
	    !client_is_live(client))
		return false;
	evpop_requests_advance(&client->requests);
	if (login_try(client, request, &result)) {
		login_offer(client, &offer);
		login_decide_flight(client, request, &offer);
	} else if (request->parts == 0)
		client_answer_with(client, &result);
	return true;
}

enum evpop_error
evpop_client_token(struct evpop_client *client, const char *token)
{
	struct evpop_client_request *request =
	    evpop_requests_first(&client->requests);
	enum evpop_error error;

	if (!client_is_live(client) || request == NULL ||
	    request->login == NULL)
		return EVPOP_ERROR_USAGE;
	error = evpop_login_take_token(request->login, token);
	if (error == EVPOP_ERROR_NONE)
		client_wake(client);
	return error;
}

static void
login_answer_challenge(struct evpop_client *client, enum evpop_error error)
{
	if (error != EVPOP_ERROR_NONE)
		client_fail_with(client, EVPOP_ERROR_MEMORY,
		    "no memory to answer a challenge");
}

static void
login_key_derived(const unsigned char *key, void *arg)
{
	struct evpop_client *client = arg;
	struct evpop_client_request *request =
	    evpop_requests_first(&client->requests);

	client_enter(client);
	client->derivation = NULL;
	login_answer_challenge(
	    client, evpop_login_take_key(request->login, client->proto, key));
	client_leave(client);
}

/* Have a key derived that the answer wants; one that is known is taken. */
static enum evpop_error
login_derive(struct evpop_client *client, struct evpop_login *login)
{
	struct evpop_loop *loop = evpop_stream_loop(client->stream);
	struct evpop_derive *derive = evpop_loop_derive(loop);
	struct evpop_keys *keys = NULL;
	enum evpop_derive_status status = EVPOP_DERIVE_FAILED;
	struct evpop_derivation derivation;
	unsigned char key[EVPOP_KEY_MAX];
	enum evpop_error error;

	if (!evpop_login_wants_key(login, &derivation))
		return EVPOP_ERROR_NONE;
	if (client->memory != NULL)
		keys = evpop_memory_keys(client->memory);
	if (derive != NULL)
		status = evpop_derive_ask(derive, keys, &derivation,
		    login_key_derived, client, key, &client->derivation);
	if (status == EVPOP_DERIVE_PENDING)
		return EVPOP_ERROR_NONE;
	error = evpop_login_take_key(
	    login, client->proto, status == EVPOP_DERIVE_KNOWN ? key : NULL);
	explicit_bzero(key, sizeof key);
	return error;
}

static void
login_challenged(struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_client_request *request = event->arg;
	struct evpop_login_offer offer;
	enum evpop_error error;

	login_offer(client, &offer);
	error = evpop_login_challenge(
	    request->login, &offer, client->proto, event->data, event->length);
	if (error == EVPOP_ERROR_NONE)
		error = login_derive(client, request->login);
	login_answer_challenge(client, error);
}

/* It is over; what waited behind it may go on. */
static void
login_answer(struct evpop_client *client, struct evpop_client_request *request,
    const struct evpop_result *result)
{
	request->is_open = false;
	if (client->probe != NULL)
		client->probe->is_open = false;
	client_answer_with(client, result);
}

static void
login_accepted(struct evpop_client *client,
    struct evpop_client_request *request, const struct evpop_result *result)
{
	struct evpop_login *login = request->login;

	client->end.logged_in = true;
	client_change(client, CLIENT_LOGGED_IN);
	evpop_server_learn_login(
	    client->server, client->mechanism, evpop_login_initial(login));
	if (evpop_login_was_unbound(login))
		evpop_server_learn_binding(client->server);
	if (!evpop_requests_follow(&client->requests, request))
		login_ask_capabilities(client, request);
	else if (client->probe != NULL)
		login_ask_capabilities(client, client->probe);
	login_answer(client, request, result);
}

/*
 * Another mechanism may follow in this session.  What the server offers is
 * asked first where it was only assumed: it may have changed.
 */
static void
login_refused(struct evpop_client *client, struct evpop_client_request *request,
    const struct evpop_result *result)
{
	struct evpop_result reason = *result;
	struct evpop_login_offer offer;
	bool is_assumed = !evpop_proto_capabilities(client->proto)->known &&
			  evpop_server_before(client->server)->known;

	client->end.refused = true;
	client->tried = evpop_login_tried(request->login);
	evpop_server_learn_refusal(client->server);
	login_offer(client, &offer);
	if (evpop_requests_follow(&client->requests, request)) {
		if (evpop_login_has_left(request->login, &offer))
			client->again = EVPOP_AGAIN_OTHER_MECHANISM;
	} else if (evpop_proto_state(client->proto) ==
		       EVPOP_STATE_AUTHORIZATION &&
		   client_is_live(client) &&
		   evpop_login_may_go_on(request->login)) {
		if (is_assumed && evpop_request_submit(request, client->proto,
				      EVPOP_COMMAND_CAPA) == EVPOP_ERROR_NONE)
			return;
		if (login_try(client, request, &reason) || request->parts > 0)
			return;
	}
	login_answer(client, request, &reason);
}

/* The session ended on it, or it was refused for a reason that passes. */
static void
login_failed(struct evpop_client *client, struct evpop_client_request *request,
    const struct evpop_result *result)
{
	struct evpop_login_offer offer;

	client->tried = evpop_login_tried(request->login);
	login_offer(client, &offer);
	if (result->error == EVPOP_ERROR_IO &&
	    evpop_login_has_left(request->login, &offer))
		client->again = EVPOP_AGAIN_OTHER_MECHANISM;
	login_answer(client, request, result);
}

/* All commands of an attempt are done. */
static void
login_conclude(
    struct evpop_client *client, struct evpop_client_request *request)
{
	struct evpop_result result;

	switch (evpop_login_conclude(request->login, &result)) {
	case EVPOP_LOGIN_ACCEPTED:
		login_accepted(client, request, &result);
		break;
	case EVPOP_LOGIN_UNPROVED:
		/* Whoever this is does not know the password. */
		client_fail(client, &result);
		login_answer(client, request, &result);
		break;
	case EVPOP_LOGIN_REFUSED:
		login_refused(client, request, &result);
		break;
	case EVPOP_LOGIN_FAILED:
		login_failed(client, request, &result);
		break;
	}
}

/*
 * The server took what was sent behind the log-in for part of it: what it says
 * of the credentials means nothing.
 */
static void
login_swallowed(
    struct evpop_client *client, struct evpop_client_request *request)
{
	struct evpop_result result;

	evpop_result_set(&result, EVPOP_ERROR_PROTOCOL, EVPOP_PHASE_LOGIN,
	    "the server takes nothing behind a log-in before its reply");
	evpop_server_learn_flight(client->server, false);
	client->again = EVPOP_AGAIN_ONE_BY_ONE;
	client_fail(client, &result);
	login_answer(client, request, &result);
}

/* What the server offers was asked anew, after a refusal. */
static void
login_capabilities(struct evpop_client *client,
    struct evpop_client_request *request, const struct evpop_event *event)
{
	struct evpop_result result;

	client_learn_capabilities(client, event->result);
	if (!client_is_live(client) || evpop_proto_over(client->proto))
		login_failed(client, request, event->result);
	else if (!login_try(client, request, &result) && request->parts == 0)
		login_answer(client, request, &result);
}

static void
login_part(struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_client_request *request = event->arg;

	request->parts--;
	if (event->command == EVPOP_COMMAND_CAPA) {
		login_capabilities(client, request, event);
		return;
	}
	evpop_login_part(request->login, event);
	if (event->swallowed)
		login_swallowed(client, request);
	else if (request->parts == 0)
		login_conclude(client, request);
}

/* ---- commands ---- */

/*
 * Some servers tell it only when the maildrop is first looked at: Hotmail
 * answered STAT with "login allowed only every 15 minutes".
 */
static void
command_reconsider(const struct evpop_event *event, struct evpop_result *result)
{
	const struct evpop_client_request *request = event->arg;
	bool is_survey = event->command == EVPOP_COMMAND_STAT ||
			 event->command == EVPOP_COMMAND_LIST ||
			 event->command == EVPOP_COMMAND_UIDL;

	if (is_survey && request->number == 0)
		evpop_refusal_by_words(result);
}

/* Behind a connect that failed all others are only cancelled. */
static void
command_cancel(const struct evpop_client *client, struct evpop_result *result)
{
	struct evpop_result reason = *result;

	if (client->connect_failure.error == EVPOP_ERROR_NONE ||
	    reason.error == EVPOP_ERROR_NONE ||
	    reason.error == EVPOP_ERROR_CANCELLED)
		return;
	evpop_result_set(result, EVPOP_ERROR_CANCELLED, reason.phase,
	    "not connected: %s", reason.text);
	result->retry = reason.retry;
}

/*
 * NOOP cannot be refused (RFC 1939 section 5): what came was the answer to the
 * command behind it.
 */
static void
command_probed(struct evpop_client *client, const struct evpop_event *event)
{
	client->probe = NULL;
	if (event->result->error == EVPOP_ERROR_REFUSED &&
	    client->end.logged_in)
		client_fail_with(client, EVPOP_ERROR_PROTOCOL,
		    "the server lost what was sent behind the log-in");
	else if (event->result->error == EVPOP_ERROR_NONE)
		evpop_server_learn_flight(client->server, true);
}

static void
command_done(struct evpop_client *client, const struct evpop_event *event)
{
	const struct evpop_client_request *request = event->arg;
	struct evpop_reply reply = {
		.result = *event->result,
		.number = event->number,
		.octets = event->octets,
		.has_octets = event->has_octets,
		.ignored = event->ignored,
		.ignored_line = event->ignored_line,
		.quit = event->quit,
	};

	if (event->command == EVPOP_COMMAND_UIDL) {
		reply.unique_id = event->data;
		reply.unique_id_length = event->length;
	}
	command_reconsider(event, &reply.result);
	command_cancel(client, &reply.result);
	if (event->command == EVPOP_COMMAND_CAPA)
		client_learn_capabilities(client, event->result);
	if (request == client->probe)
		command_probed(client, event);
	else if (client->end.logged_in && client->probe == NULL &&
		 reply.result.error == EVPOP_ERROR_NONE)
		evpop_server_learn_flight(client->server, true);
	client_answer(client, &reply);
}

/* ---- the end ---- */

/* The first that is done for the session's end is the one it ended on. */
static void
end_note(struct evpop_client *client, const struct evpop_event *event)
{
	if (evpop_proto_over(client->proto) &&
	    client->end.awaited == EVPOP_COMMAND_NONE)
		client->end.awaited = event->command;
}

/* Behind a connect that failed all others are only cancelled. */
static bool
end_concerns(const struct evpop_client_request *request, bool was_connected)
{
	return was_connected || request->kind == EVPOP_REQUEST_CONNECT;
}

/* The core has no more to say: what it never saw is answered here. */
static void
client_closed(struct evpop_client *client, const struct evpop_event *event)
{
	const struct evpop_client_request *request;
	struct evpop_result reason = *event->result, cancelled;
	bool was_connected = client->state == CLIENT_CONNECTED ||
			     client->state == CLIENT_LOGGED_IN ||
			     client->connect_failure.error == EVPOP_ERROR_NONE;

	client_disconnect(client);
	client_change(client, CLIENT_ENDING);
	client->end.error = reason.error;
	if (evpop_server_learn_end(client->server, &client->end) &&
	    client->again == EVPOP_AGAIN_NO)
		client->again = EVPOP_AGAIN_ONE_BY_ONE;
	evpop_result_set(&cancelled, EVPOP_ERROR_CANCELLED, reason.phase,
	    "%s: %s", was_connected ? "the session is over" : "not connected",
	    reason.text);
	cancelled.retry = reason.retry;
	while (!client->is_freed &&
	       (request = evpop_requests_first(&client->requests)) != NULL)
		client_answer_with(
		    client, reason.error != EVPOP_ERROR_NONE &&
				    end_concerns(request, was_connected)
				? &reason
				: &cancelled);
	client_change(client, CLIENT_OVER);
	if (!client->is_freed && client->callbacks != NULL &&
	    client->callbacks->closed != NULL)
		client->callbacks->closed(client, &reason, client->arg);
}

/* ---- the core's events ---- */

/* A sink's answer: to pause is to take no further event from the core. */
static void
client_pause(struct evpop_client *client, enum evpop_flow flow)
{
	if (flow != EVPOP_FLOW_PAUSE || !client_is_live(client))
		return;
	client->wishes &= ~(unsigned int)WISH_RESUME;
	evpop_stream_pause(client->stream);
}

static void
client_done(struct evpop_client *client, const struct evpop_event *event)
{
	const struct evpop_client_request *request = event->arg;

	/* As requests are handed over, so their commands are answered. */
	assert(request == evpop_requests_first(&client->requests));
	client->is_inside = false;
	end_note(client, event);
	switch (request->kind) {
	case EVPOP_REQUEST_CONNECT:
		connect_part(client, event);
		break;
	case EVPOP_REQUEST_LOGIN:
		login_part(client, event);
		break;
	case EVPOP_REQUEST_COMMAND:
		command_done(client, event);
		break;
	}
}

static void
client_handle(struct evpop_client *client, const struct evpop_event *event)
{
	const struct evpop_client_request *request = event->arg;

	switch (event->type) {
	case EVPOP_EVENT_GREETING:
		connect_greeted(client, event);
		break;
	case EVPOP_EVENT_BEGIN:
		client->is_inside = true;
		client_pause(
		    client, evpop_request_begin(request, client, event));
		break;
	case EVPOP_EVENT_ENTRY:
	case EVPOP_EVENT_LINE:
	case EVPOP_EVENT_BODY:
		client_pause(
		    client, evpop_request_data(request, client, event));
		break;
	case EVPOP_EVENT_CHALLENGE:
		login_challenged(client, event);
		break;
	case EVPOP_EVENT_DONE:
		client_done(client, event);
		break;
	case EVPOP_EVENT_CLOSED:
		client_closed(client, event);
		break;
	default:
		break;
	}
}

/*
 * Give input to the core and act on its events; returns the octets taken,
 * which are fewer where a sink paused.
 */
static size_t
client_dispatch(
    struct evpop_client *client, const unsigned char *data, size_t length)
{
	struct evpop_event event;
	size_t taken = 0, used;

	while (!client->is_freed && client->state != CLIENT_OVER &&
	       !evpop_stream_is_paused(client->stream)) {
		evpop_proto_next(
		    client->proto, data + taken, length - taken, &used, &event);
		taken += used;
		/* The trace, called from inside the core, may have freed. */
		if (event.type == EVPOP_EVENT_NONE || client->is_freed)
			break;
		client_handle(client, &event);
	}
	return taken;
}

/* ---- the stream's events ---- */

/* STLS was accepted and all input consumed: begin the handshake. */
static void
client_begin_tls(struct evpop_client *client)
{
	struct evpop_result result;

	if (client_is_live(client) && !evpop_stream_start_tls(client->stream,
					  client->tls_context, &result))
		client_fail(client, &result);
}

static size_t
stream_input(const unsigned char *data, size_t length, void *arg)
{
	struct evpop_client *client = arg;
	size_t used = client_dispatch(client, data, length);

	if (evpop_proto_state(client->proto) == EVPOP_STATE_HANDSHAKE &&
	    evpop_stream_state(client->stream) == EVPOP_STREAM_PLAIN)
		client_begin_tls(client);
	return used;
}

static void
stream_secured(void *arg)
{
	struct evpop_client *client = arg;

	if (evpop_proto_state(client->proto) == EVPOP_STATE_HANDSHAKE)
		evpop_proto_secured(client->proto);
	connect_check(client);
}

static const unsigned char *
stream_output(size_t *length_r, void *arg)
{
	struct evpop_client *client = arg;
	const unsigned char *output;

	output = evpop_proto_output(client->proto, length_r);
	/* Without memory for a command it has ended, and must be asked how. */
	if (output == NULL && evpop_proto_over(client->proto))
		client_wake(client);
	return output;
}

static void
stream_sent(size_t length, void *arg)
{
	struct evpop_client *client = arg;

	evpop_proto_sent(client->proto, length);
}

static void
stream_ended(void *arg)
{
	struct evpop_client *client = arg;

	evpop_proto_eof(client->proto);
	client_disconnect(client);
	client_change(client, CLIENT_ENDING);
}

static void
stream_failed(const struct evpop_result *result, void *arg)
{
	client_fail(arg, result);
}

static void
stream_overdue(enum evpop_phase phase, const char *limit, void *arg)
{
	struct evpop_client *client = arg;
	const char *command =
	    evpop_command_name(evpop_proto_awaited(client->proto));

	switch (phase) {
	case EVPOP_PHASE_GREETING:
		client_fail_with(client, EVPOP_ERROR_TIMEOUT,
		    "the server sent no greeting within %s%s", limit,
		    client->tls == EVPOP_TLS_IMPLICIT
			? ""
			: "; if it speaks TLS from the first byte at this "
			  "port, set tls = implicit");
		break;
	case EVPOP_PHASE_LOGIN:
		client_fail_with(client, EVPOP_ERROR_TIMEOUT,
		    "the log-in was not answered within %s", limit);
		break;
	case EVPOP_PHASE_BODY:
		client_fail_with(client, EVPOP_ERROR_TIMEOUT,
		    "the server was silent for %s amid its answer to %s", limit,
		    command);
		break;
	default:
		client_fail_with(client, EVPOP_ERROR_TIMEOUT,
		    "%s was not answered within %s", command, limit);
		break;
	}
}

static const struct evpop_stream_handler stream_handler = {
	.enter = client_enter,
	.leave = client_leave,
	.secured = stream_secured,
	.input = stream_input,
	.output = stream_output,
	.sent = stream_sent,
	.ended = stream_ended,
	.failed = stream_failed,
	.overdue = stream_overdue,
};

/* ---- what there is to do ---- */

static enum evpop_phase
client_phase(const struct evpop_client *client)
{
	if (client->derivation != NULL)
		return EVPOP_PHASE_NONE;
	if (evpop_proto_state(client->proto) == EVPOP_STATE_GREETING)
		return EVPOP_PHASE_GREETING;
	if (client->is_inside)
		return EVPOP_PHASE_BODY;
	switch (evpop_proto_awaited(client->proto)) {
	case EVPOP_COMMAND_NONE:
		return EVPOP_PHASE_NONE;
	case EVPOP_COMMAND_USER:
	case EVPOP_COMMAND_PASS:
	case EVPOP_COMMAND_APOP:
	case EVPOP_COMMAND_AUTH:
		return EVPOP_PHASE_LOGIN;
	case EVPOP_COMMAND_QUIT:
		return EVPOP_PHASE_QUIT;
	default:
		return EVPOP_PHASE_COMMAND;
	}
}

/* Hand one request to the core; false where its turn has not come. */
static bool
client_submit(struct evpop_client *client, struct evpop_client_request *request)
{
	enum evpop_error error;

	switch (request->kind) {
	case EVPOP_REQUEST_CONNECT:
		connect_begin(client, request);
		return true;
	case EVPOP_REQUEST_LOGIN:
		return login_advance(client, request);
	case EVPOP_REQUEST_COMMAND:
		break;
	}
	error = evpop_request_submit(request, client->proto, request->command);
	if (error == EVPOP_ERROR_NONE)
		evpop_requests_advance(&client->requests);
	else if (error == EVPOP_ERROR_MEMORY)
		client_fail_with(
		    client, EVPOP_ERROR_MEMORY, "no memory for a request");
	return error == EVPOP_ERROR_NONE;
}

/* A server that answers one by one, in pieces, waits for acknowledgements. */
static void
client_hurry(struct evpop_client *client)
{
	size_t outstanding = evpop_proto_outstanding(client->proto);

	if (outstanding > 1)
		evpop_server_note_ahead(client->server);
	else if (outstanding == 1 && !evpop_server_pipelines(client->server))
		evpop_stream_hurry(client->stream);
}

/* All that there is to do, after whatever brought us here. */
static void
client_attend(struct evpop_client *client)
{
	struct evpop_client_request *request;
	unsigned int wishes = client->wishes;

	client->wishes = 0;
	if ((wishes & WISH_CANCEL) != 0)
		client_fail_with(
		    client, EVPOP_ERROR_CANCELLED, "cancelled by the caller");
	if ((wishes & WISH_RESUME) != 0)
		evpop_stream_resume(client->stream);
	while (client_is_live(client) &&
	       (request = evpop_requests_next(&client->requests)) != NULL &&
	       client_submit(client, request))
		;
	(void)client_dispatch(client, NULL, 0);
	if (client->is_freed || client->state == CLIENT_OVER)
		return;
	evpop_stream_flush(client->stream);
	/* Writing may have failed, or brought the end of the session. */
	if (client->is_freed)
		return;
	if (client->state == CLIENT_ENDING) {
		client_wake(client);
		return;
	}
	client_hurry(client);
	evpop_stream_expect(
	    client->stream, client_phase(client), client->answered);
}

static void
client_woken(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	client_enter(arg);
	client_leave(arg);
}

/* ---- life ---- */

static void
client_trace(bool from_server, const char *line, void *arg)
{
	struct evpop_client *client = arg;

	if (!client->is_freed)
		client->callbacks->trace(
		    client, from_server, line, client->arg);
}

static bool
host_is_good(const char *host)
{
	if (host == NULL || *host == '\0')
		return false;
	for (; *host != '\0'; host++) {
		if (iscntrl((unsigned char)*host))
			return false;
	}
	return true;
}

#define OR_DEFAULT(value, fallback) ((value) != 0 ? (value) : (fallback))

static void
client_configure(
    struct evpop_client *client, const struct evpop_client_config *config)
{
	client->tls = config->tls;
	client->port = OR_DEFAULT(config->port,
	    config->tls == EVPOP_TLS_IMPLICIT ? PORT_POP3S : PORT_POP3);
	if (config->tls != EVPOP_TLS_NONE && config->tls_context != NULL)
		client->tls_context =
		    evpop_tls_context_ref(config->tls_context);
	client->allows_cleartext = config->allow_cleartext;
	client->asks_capabilities = !config->no_capabilities;
	client->memory = config->memory;
	client->receive_buffer = config->receive_buffer;
	client->window_commands =
	    OR_DEFAULT(config->window_commands, EVPOP_WINDOW_COMMANDS);
	client->window_octets =
	    OR_DEFAULT(config->window_octets, EVPOP_WINDOW_OCTETS);
}

/*
 * Where to connect to, and how.  What makes no sense is kept as the reason why
 * the connect will fail; false without memory.
 */
static bool
client_copy_target(
    struct evpop_client *client, const struct evpop_client_config *config)
{
	struct evpop_result *unusable = &client->unusable;

	if (config->source_address != NULL) {
		client->source_address = strdup(config->source_address);
		if (client->source_address == NULL)
			return false;
	}
	if (config->proxy != NULL &&
	    !evpop_proxy_parse(&client->proxy, config->proxy, unusable))
		return unusable->error != EVPOP_ERROR_MEMORY;
	if (evpop_idn_to_ascii(config->host, &client->host, unusable))
		return true;
	return unusable->error != EVPOP_ERROR_MEMORY;
}

static void
client_release(struct evpop_client *client)
{
	evpop_requests_clear(&client->requests);
	evpop_stream_free(client->stream);
	evpop_server_free(client->server);
	evpop_proto_free(client->proto);
	evpop_tls_context_free(client->tls_context);
	free(client->timestamp);
	free(client->source_address);
	evpop_proxy_config_clear(&client->proxy);
	free(client->host);
	free(client);
}

struct evpop_client *
evpop_client_new(struct event_base *base, struct evdns_base *dns,
    const struct evpop_client_config *config,
    const struct evpop_client_callbacks *callbacks, void *arg)
{
	struct evpop_client *client;

	if (!host_is_good(config->host))
		return NULL;
	client = calloc(1, sizeof *client);
	if (client == NULL)
		return NULL;
	evpop_requests_init(&client->requests);
	client->base = base;
	client->dns = dns;
	client->callbacks = callbacks;
	client->arg = arg;
	client_configure(client, config);
	client->proto = evpop_proto_new(&config->limits);
	client->stream =
	    evpop_stream_new(base, &config->timeouts, &stream_handler, client);
	client->server = evpop_server_new(config->memory, config->host,
	    client->port, config->tls, config->one_by_one);
	if (!client_copy_target(client, config) || client->proto == NULL ||
	    client->stream == NULL || client->server == NULL ||
	    event_assign(&client->wake, base, -1, 0, client_woken, client) ==
		-1) {
		client_release(client);
		return NULL;
	}
	if (callbacks != NULL && callbacks->trace != NULL)
		evpop_proto_set_trace(client->proto, client_trace, client);
	return client;
}

void
evpop_client_free(struct evpop_client *client)
{
	if (client == NULL || client->is_freed)
		return;
	client->is_freed = true;
	client_disconnect(client);
	event_del(&client->wake);
	if (client->entered == 0)
		client_release(client);
}

static void
client_enter(void *arg)
{
	struct evpop_client *client = arg;

	client->entered++;
}

/* Does what there is to do; frees what was freed meanwhile. */
static void
client_leave(void *arg)
{
	struct evpop_client *client = arg;

	assert(client->entered > 0);
	/* A resolver that answers at once comes from inside. */
	if (client->entered == 1 && !client->is_freed)
		client_attend(client);
	client->entered--;
	if (client->is_freed && client->entered == 0)
		client_release(client);
}

/* ---- what its owner may ask for ---- */

static bool
client_accepts(const struct evpop_client *client, enum evpop_request_kind kind)
{
	if (!client_is_live(client))
		return false;
	if (kind != EVPOP_REQUEST_CONNECT)
		return client->accepts == ACCEPTS_ALL;
	return client->accepts == ACCEPTS_CONNECT &&
	       (client->tls == EVPOP_TLS_NONE || client->tls_context != NULL);
}

enum evpop_error
evpop_client_ask(
    struct evpop_client *client, const struct evpop_client_request *request)
{
	if (!client_accepts(client, request->kind))
		return EVPOP_ERROR_USAGE;
	if (evpop_requests_push(&client->requests, request) == NULL)
		return EVPOP_ERROR_MEMORY;
	if (request->kind == EVPOP_REQUEST_CONNECT)
		client->accepts = ACCEPTS_ALL;
	if (request->command == EVPOP_COMMAND_QUIT)
		client->accepts = ACCEPTS_NOTHING;
	client_wake(client);
	return EVPOP_ERROR_NONE;
}

static void
client_wish(struct evpop_client *client, enum wish wish)
{
	client->wishes |= wish;
	client_wake(client);
}

void
evpop_client_resume(struct evpop_client *client)
{
	if (!client->is_freed && evpop_stream_is_paused(client->stream))
		client_wish(client, WISH_RESUME);
}

void
evpop_client_cancel(struct evpop_client *client)
{
	if (!client->is_freed && client->state != CLIENT_OVER)
		client_wish(client, WISH_CANCEL);
}

enum evpop_state
evpop_client_state(const struct evpop_client *client)
{
	return evpop_proto_state(client->proto);
}

enum evpop_again
evpop_client_again(const struct evpop_client *client)
{
	return client->again;
}

unsigned int
evpop_client_tried(const struct evpop_client *client)
{
	return client->tried;
}

enum evpop_mechanism
evpop_client_mechanism(const struct evpop_client *client)
{
	return client->mechanism;
}

bool
evpop_client_can_top(const struct evpop_client *client)
{
	return evpop_server_can_top(client->server);
}

bool
evpop_client_takes_flight(const struct evpop_client *client)
{
	return evpop_server_takes_session(client->server);
}

const char *
evpop_client_tls_name(const struct evpop_client *client)
{
	const char *name = evpop_stream_tls_name(client->stream);

	return name[0] != '\0' ? name : NULL;
}

const char *
evpop_client_peer(const struct evpop_client *client)
{
	return evpop_stream_peer(client->stream);
}

uint64_t
evpop_client_octets_in(const struct evpop_client *client)
{
	return evpop_stream_octets_in(client->stream);
}

uint64_t
evpop_client_octets_out(const struct evpop_client *client)
{
	return evpop_stream_octets_out(client->stream);
}

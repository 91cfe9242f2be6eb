/*
 * A client: requests are taken over, handed to the connection in their order,
 * and answered by its events.
 *
 * Every entry from the loop is bracketed by client_enter() and client_leave();
 * a client freed between them closes at once, and its memory goes when the last
 * bracket closes.
 */
#include "lib/net/client.h"

#include <assert.h>
#include <stdlib.h>

#include <event2/event.h>

#include "lib/core/reply.h"
#include "lib/net/authenticate.h"
#include "lib/net/destination.h"
#include "lib/net/login.h"
#include "lib/net/meter.h"
#include "lib/net/server.h"
#include "lib/net/stream.h"

/* Requests that may be made now. */
enum accepts {
	ACCEPTS_CONNECT = 0,
	ACCEPTS_ALL,
	ACCEPTS_NOTHING /* behind QUIT */
};

/* Calls made inside a callback, which the loop carries out. */
enum wish {
	WISH_RESUME = 1,
	WISH_CANCEL = 2
};

struct evpop_client {
	struct evdns_base *dns;
	const struct evpop_client_callbacks *callbacks;
	void *arg;
	bool lacks_tls; /* a context that it would need */

	struct evpop_bracket bracket;
	struct evpop_connection *connection;
	struct evpop_requests requests;
	struct evpop_authentication authentication;
	struct evpop_result connect_failure;
	struct event wake; /* made active to come back from the loop */
	enum accepts accepts;
	enum evpop_again again;
	unsigned int wishes;
	unsigned int entered; /* brackets that are open */
	bool is_freed;
	void (*then)(void *); /* runs once the memory is free */
	void *then_arg;
	uint64_t answered;
};

static bool
client_is_live(const struct evpop_client *client)
{
	return !client->is_freed &&
	       evpop_connection_is_live(client->connection);
}

static struct evpop_stream *
client_stream(const struct evpop_client *client)
{
	return evpop_connection_stream(client->connection);
}

static void
client_wake(void *arg)
{
	struct evpop_client *client = arg;

	if (!client->is_freed)
		event_active(&client->wake, EV_TIMEOUT, 0);
}

static void
client_answer(struct evpop_client *client, const struct evpop_reply *reply)
{
	client->answered++;
	if (!client->is_freed)
		evpop_requests_answer(&client->requests, client, reply);
}

static void
client_answer_with(const struct evpop_result *result, void *arg)
{
	client_answer(arg, &(struct evpop_reply){ .result = *result });
}

/* ---- commands ---- */

/*
 * Some servers tell it only when the maildrop is first looked at: Hotmail
 * answered STAT with "login allowed only every 15 minutes".
 */
static void
client_reread_refusal(
    const struct evpop_event *event, struct evpop_result *result)
{
	const struct evpop_client_request *request = event->arg;
	bool is_survey = event->command == EVPOP_COMMAND_STAT ||
			 event->command == EVPOP_COMMAND_LIST ||
			 event->command == EVPOP_COMMAND_UIDL;

	if (is_survey && request->number == 0)
		evpop_refusal_by_words(result);
}

/* After a connect that failed, all other requests are cancelled. */
static void
client_mark_cancelled(
    const struct evpop_client *client, struct evpop_result *result)
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

static void
client_command_done(
    struct evpop_client *client, const struct evpop_event *event)
{
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
	client_reread_refusal(event, &reply.result);
	client_mark_cancelled(client, &reply.result);
	if (event->command == EVPOP_COMMAND_CAPA)
		evpop_connection_learn_capabilities(
		    client->connection, event->result);
	evpop_authentication_follow(&client->authentication, event);
	client_answer(client, &reply);
}

/* ---- the connection's events ---- */

static void
client_connected(const struct evpop_result *result, void *arg)
{
	struct evpop_client *client = arg;
	struct evpop_client_request *connect =
	    evpop_requests_first(&client->requests);

	client->connect_failure = *result;
	/* It may have ended before it was asked to begin. */
	if (connect == NULL || connect->kind != EVPOP_REQUEST_CONNECT)
		return;
	evpop_request_close(connect);
	client_answer_with(result, client);
}

static void
client_done(struct evpop_client *client, const struct evpop_event *event)
{
	const struct evpop_client_request *request = event->arg;

	/* As requests are handed over, so their commands are answered. */
	assert(request == evpop_requests_first(&client->requests));
	if (request->kind == EVPOP_REQUEST_LOGIN)
		evpop_authentication_done(&client->authentication, event);
	else
		client_command_done(client, event);
}

/* A sink's answer: to pause is to take no further event. */
static void
client_apply_flow(struct evpop_client *client, enum evpop_flow flow)
{
	if (flow != EVPOP_FLOW_PAUSE || !client_is_live(client))
		return;
	client->wishes &= ~(unsigned int)WISH_RESUME;
	evpop_stream_pause(client_stream(client));
}

static void
client_event(const struct evpop_event *event, void *arg)
{
	struct evpop_client *client = arg;
	const struct evpop_client_request *request = event->arg;

	switch (event->type) {
	case EVPOP_EVENT_BEGIN:
		client_apply_flow(
		    client, evpop_request_begin(request, client, event));
		break;
	case EVPOP_EVENT_ENTRY:
	case EVPOP_EVENT_LINE:
	case EVPOP_EVENT_BODY:
		client_apply_flow(
		    client, evpop_request_data(request, client, event));
		break;
	case EVPOP_EVENT_CHALLENGE:
		evpop_authentication_challenged(&client->authentication, event);
		break;
	default:
		client_done(client, event);
		break;
	}
}

/* Answer the requests that the connection never saw. */
static void
client_closed(const struct evpop_result *reason, bool has_lost, void *arg)
{
	struct evpop_client *client = arg;
	struct evpop_result answer = *reason;
	bool was_connected = client->connect_failure.error == EVPOP_ERROR_NONE;

	evpop_authentication_cancel(&client->authentication);
	client->again = client->authentication.again;
	if (client->again == EVPOP_AGAIN_NO && has_lost)
		client->again = EVPOP_AGAIN_ONE_BY_ONE;
	if (evpop_stream_status(evpop_connection_stream(client->connection))
		->resumption_failed)
		client->again = EVPOP_AGAIN_NEW_TLS;
	if (!was_connected || reason->error == EVPOP_ERROR_NONE) {
		evpop_result_set(&answer, EVPOP_ERROR_CANCELLED, reason->phase,
		    "%s: %s",
		    was_connected ? "the session is over" : "not connected",
		    reason->text);
		answer.retry = reason->retry;
	}
	while (!client->is_freed &&
	       evpop_requests_first(&client->requests) != NULL)
		client_answer_with(&answer, client);
	if (!client->is_freed && client->callbacks != NULL &&
	    client->callbacks->closed != NULL)
		client->callbacks->closed(client, reason, client->arg);
}

static void
client_changed(const char *old_name, const char *new_name, void *arg)
{
	struct evpop_client *client = arg;

	if (!client->is_freed && client->callbacks != NULL &&
	    client->callbacks->state != NULL)
		client->callbacks->state(
		    client, old_name, new_name, client->arg);
}

static bool
client_traces(const struct evpop_client *client)
{
	return client->callbacks != NULL && client->callbacks->trace != NULL;
}

static void
client_trace(bool from_server, const char *line, void *arg)
{
	struct evpop_client *client = arg;

	evpop_meter_line(
	    evpop_connection_meter(client->connection), from_server, line);
	if (!client->is_freed && client_traces(client))
		client->callbacks->trace(
		    client, from_server, line, client->arg);
}

/* ---- what there is to do ---- */

/* Hand one request over; false where its turn has not come. */
static bool
client_submit(struct evpop_client *client, struct evpop_client_request *request)
{
	enum evpop_error error;

	switch (request->kind) {
	case EVPOP_REQUEST_CONNECT:
		evpop_request_open(request);
		evpop_requests_advance(&client->requests);
		evpop_connection_open(client->connection, client->dns);
		return true;
	case EVPOP_REQUEST_LOGIN:
		return evpop_connection_state(client->connection) ==
			   EVPOP_CONNECTION_CONNECTED &&
		       request == evpop_requests_first(&client->requests) &&
		       evpop_authentication_begin(
			   &client->authentication, client, request);
	case EVPOP_REQUEST_COMMAND:
		break;
	}
	error = evpop_request_submit(request,
	    evpop_connection_proto(client->connection), request->command);
	if (error == EVPOP_ERROR_NONE)
		evpop_requests_advance(&client->requests);
	else if (error == EVPOP_ERROR_MEMORY)
		evpop_connection_fail_with(client->connection,
		    EVPOP_ERROR_MEMORY, "no memory for a request");
	return error == EVPOP_ERROR_NONE;
}

/* All that there is to do, after whatever brought us here. */
static void
client_attend(struct evpop_client *client)
{
	struct evpop_client_request *request;
	unsigned int wishes = client->wishes;

	client->wishes = 0;
	if ((wishes & WISH_CANCEL) != 0)
		evpop_connection_fail_with(client->connection,
		    EVPOP_ERROR_CANCELLED, "the session was cancelled");
	if ((wishes & WISH_RESUME) != 0)
		evpop_stream_resume(client_stream(client));
	while (client_is_live(client) &&
	       (request = evpop_requests_next(&client->requests)) != NULL &&
	       client_submit(client, request))
		;
	evpop_connection_dispatch(client->connection);
	if (!client->is_freed &&
	    evpop_connection_state(client->connection) != EVPOP_CONNECTION_OVER)
		evpop_connection_perform(client->connection, client->answered,
		    evpop_authentication_is_busy(&client->authentication));
}

static void
client_release(struct evpop_client *client)
{
	void (*then)(void *) = client->then;
	void *arg = client->then_arg;

	evpop_requests_clear(&client->requests);
	evpop_connection_free(client->connection);
	free(client);
	if (then != NULL)
		then(arg);
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

static void
client_woken(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	client_enter(arg);
	client_leave(arg);
}

/* ---- life ---- */

static const struct evpop_connection_handler connection_handler = {
	.changed = client_changed,
	.connected = client_connected,
	.event = client_event,
	.closed = client_closed,
	.wake = client_wake,
};

struct evpop_client *
evpop_client_new(struct event_base *base, struct evdns_base *dns,
    const struct evpop_client_config *config,
    const struct evpop_client_callbacks *callbacks, void *arg)
{
	struct evpop_client *client;

	if (!evpop_destination_is_named(config))
		return NULL;
	client = calloc(1, sizeof *client);
	if (client == NULL)
		return NULL;
	client->dns = dns;
	client->callbacks = callbacks;
	client->arg = arg;
	client->lacks_tls =
	    config->tls != EVPOP_TLS_NONE && config->tls_context == NULL;
	evpop_requests_init(&client->requests);
	client->bracket = (struct evpop_bracket){
		.enter = client_enter, .leave = client_leave, .arg = client
	};
	client->connection = evpop_connection_new(
	    base, config, &client->bracket, &connection_handler, client);
	if (client->connection == NULL || event_assign(&client->wake, base, -1,
					      0, client_woken, client) == -1) {
		client_release(client);
		return NULL;
	}
	if (client_traces(client) ||
	    evpop_meter_wants(evpop_connection_meter(client->connection),
		EVPOP_TELEMETRY_LINE))
		evpop_proto_set_trace(
		    evpop_connection_proto(client->connection), client_trace,
		    client);
	evpop_authentication_init(&client->authentication, client->connection,
	    &client->requests, config->memory, &client->bracket,
	    client_answer_with, client);
	return client;
}

void
evpop_client_free(struct evpop_client *client)
{
	if (client == NULL || client->is_freed)
		return;
	client->is_freed = true;
	evpop_authentication_cancel(&client->authentication);
	evpop_connection_close(client->connection);
	event_del(&client->wake);
	if (client->entered == 0)
		client_release(client);
}

void
evpop_client_free_then(
    struct evpop_client *client, void (*then)(void *), void *arg)
{
	client->then = then;
	client->then_arg = arg;
	evpop_client_free(client);
}

/* ---- what its owner may ask for ---- */

static bool
client_accepts(const struct evpop_client *client, enum evpop_request_kind kind)
{
	if (!client_is_live(client))
		return false;
	if (kind != EVPOP_REQUEST_CONNECT)
		return client->accepts == ACCEPTS_ALL;
	return client->accepts == ACCEPTS_CONNECT && !client->lacks_tls;
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

enum evpop_error
evpop_client_token(struct evpop_client *client, const char *token)
{
	const struct evpop_client_request *request =
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
client_wish(struct evpop_client *client, enum wish wish)
{
	client->wishes |= wish;
	client_wake(client);
}

void
evpop_client_resume(struct evpop_client *client)
{
	if (evpop_stream_is_paused(client_stream(client)))
		client_wish(client, WISH_RESUME);
}

void
evpop_client_cancel(struct evpop_client *client)
{
	if (evpop_connection_state(client->connection) != EVPOP_CONNECTION_OVER)
		client_wish(client, WISH_CANCEL);
}

enum evpop_state
evpop_client_state(const struct evpop_client *client)
{
	return evpop_proto_state(evpop_connection_proto(client->connection));
}

const struct evpop_capabilities *
evpop_client_capabilities(const struct evpop_client *client)
{
	return evpop_connection_capabilities(client->connection);
}

enum evpop_again
evpop_client_again(const struct evpop_client *client)
{
	return client->again;
}

unsigned int
evpop_client_tried(const struct evpop_client *client)
{
	return client->authentication.tried;
}

enum evpop_mechanism
evpop_client_mechanism(const struct evpop_client *client)
{
	return client->authentication.mechanism;
}

bool
evpop_client_can_top(const struct evpop_client *client)
{
	return evpop_server_can_top(
	    evpop_connection_server(client->connection));
}

bool
evpop_client_takes_flight(const struct evpop_client *client)
{
	return evpop_server_takes_session(
	    evpop_connection_server(client->connection));
}

const char *
evpop_client_tls_name(const struct evpop_client *client)
{
	const char *name = evpop_stream_status(client_stream(client))->tls_name;

	return name[0] != '\0' ? name : NULL;
}

const char *
evpop_client_peer(const struct evpop_client *client)
{
	return evpop_stream_status(client_stream(client))->peer;
}

int64_t
evpop_client_certificate_expires(const struct evpop_client *client)
{
	return evpop_stream_status(client_stream(client))->certificate_expires;
}

uint64_t
evpop_client_octets_in(const struct evpop_client *client)
{
	return evpop_stream_status(client_stream(client))->octets_in;
}

uint64_t
evpop_client_octets_out(const struct evpop_client *client)
{
	return evpop_stream_status(client_stream(client))->octets_out;
}

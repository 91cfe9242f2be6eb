/* The core's events become the callbacks of requests. */
#include <assert.h>
#include <string.h>

#include "lib/net/busy.h"
#include "lib/net/client.h"

/* A sink's answer: to pause is to take no further event from the core. */
static void
heed(struct evpop_client *client, enum evpop_flow flow)
{
	if (flow != EVPOP_FLOW_PAUSE || client->freed ||
	    client->stage != EVPOP_STAGE_OPEN)
		return;
	client->paused = true;
	client->resume_wanted = false;
	evpop_transport_pause(&client->transport);
}

/* Answer the oldest request; nothing of it is left. */
static void
answer(struct evpop_client *client, const struct evpop_reply *reply)
{
	struct evpop_client_request *request = TAILQ_FIRST(&client->requests);

	TAILQ_REMOVE(&client->requests, request, entry);
	client->answered++;
	if (request->sink != NULL)
		request->sink->end(
		    client, request->number, &reply->result, request->arg);
	else if (request->reply != NULL)
		request->reply(client, reply, request->arg);
	evpop_client_request_free(request);
}

static void
answer_barred(
    struct evpop_client *client, const struct evpop_client_request *request)
{
	struct evpop_reply reply = { .number = 0 };

	if (request->kind == EVPOP_REQUEST_LOGIN) {
		evpop_result_set(&reply.result, EVPOP_ERROR_AUTH,
		    EVPOP_PHASE_LOGIN,
		    "the password was not sent: it would cross the network in "
		    "clear text; use tls=implicit or tls=stls, or permit it "
		    "with allow_cleartext");
		reply.result.scope = EVPOP_SCOPE_ACCOUNT;
	} else {
		evpop_result_set(&reply.result, EVPOP_ERROR_CANCELLED,
		    EVPOP_PHASE_LOGIN,
		    "not logged in: the password may not cross the network "
		    "in clear text");
	}
	answer(client, &reply);
}

/* Answer what stands in front and is answered without the server. */
static void
answer_front(struct evpop_client *client)
{
	struct evpop_client_request *request;

	while (!client->freed) {
		request = TAILQ_FIRST(&client->requests);
		if (request == NULL || !request->barred)
			return;
		answer_barred(client, request);
	}
}

/* Servers without response codes say in words that a maildrop is locked. */
static void
reconsider_login(struct evpop_result *result)
{
	if (result->error != EVPOP_ERROR_AUTH ||
	    result->code == EVPOP_CODE_AUTH || !evpop_busy_words(result->text))
		return;
	result->error = EVPOP_ERROR_REFUSED;
	result->scope = EVPOP_SCOPE_SESSION;
	result->retry = true;
}

/* What became of the session after a connect that failed on STLS. */
static void
stls_refused(struct evpop_client *client, const struct evpop_result *refusal)
{
	struct evpop_result result;

	evpop_result_set(&result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
	    "the server refuses STLS; nothing was sent in clear text: %s",
	    refusal->text);
	result.code = refusal->code;
	result.retry = refusal->retry;
	client->first = result;
	evpop_client_fail(client, &result);
}

static void
finish_connect(struct evpop_client *client, struct evpop_reply *reply)
{
	const struct evpop_capabilities *capabilities =
	    evpop_proto_capabilities(client->proto);

	reply->result = client->first;
	if (reply->result.error != EVPOP_ERROR_NONE)
		return;
	client->connected = true;
	if (capabilities->known && capabilities->pipelining)
		evpop_proto_set_window(client->proto, client->window_commands,
		    client->window_octets);
}

/* A part of a composite request is done; notes its failure. */
static void
note_part(struct evpop_client *client, const struct evpop_event *event)
{
	const struct evpop_result *result = event->result;

	if (event->command == EVPOP_COMMAND_STLS &&
	    result->error == EVPOP_ERROR_NONE)
		client->start_tls = true;
	else if (event->command == EVPOP_COMMAND_STLS && client->greeted &&
		 result->error == EVPOP_ERROR_REFUSED)
		stls_refused(client, result);
	else if (event->command == EVPOP_COMMAND_CAPA && client->greeted &&
		 result->error == EVPOP_ERROR_REFUSED)
		return; /* RFC 2449 is optional */
	else if (event->command == EVPOP_COMMAND_PASS &&
		 result->error == EVPOP_ERROR_NONE)
		client->first = *result;
	else if (client->first.error == EVPOP_ERROR_NONE &&
		 result->error != EVPOP_ERROR_NONE)
		client->first = *result;
}

/* Behind a connect that failed all others are only cancelled. */
static void
cancel_result(const struct evpop_client *client, struct evpop_result *result)
{
	struct evpop_result reason = *result;

	if (client->connected || reason.error == EVPOP_ERROR_NONE ||
	    reason.error == EVPOP_ERROR_CANCELLED)
		return;
	evpop_result_set(result, EVPOP_ERROR_CANCELLED, reason.phase,
	    "not connected: %s", reason.text);
	result->retry = reason.retry;
}

static void
finish_composite(
    struct evpop_client *client, const struct evpop_client_request *request)
{
	struct evpop_reply reply = { .number = 0 };

	if (request->kind == EVPOP_REQUEST_CONNECT) {
		finish_connect(client, &reply);
	} else {
		reply.result = client->first;
		reconsider_login(&reply.result);
		cancel_result(client, &reply.result);
	}
	memset(&client->first, 0, sizeof(client->first));
	answer(client, &reply);
}

static void
finish_command(struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_reply reply = {
		.result = *event->result,
		.number = event->number,
		.octets = event->octets,
		.ignored = event->ignored,
		.quit = event->quit,
	};

	if (event->command == EVPOP_COMMAND_UIDL) {
		reply.unique_id = event->data;
		reply.unique_id_length = event->length;
	}
	cancel_result(client, &reply.result);
	answer(client, &reply);
}

static void
done(struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_client_request *request = event->arg;

	assert(request == TAILQ_FIRST(&client->requests));
	client->inside = false;
	request->parts--;
	if (request->kind == EVPOP_REQUEST_COMMAND) {
		finish_command(client, event);
	} else {
		note_part(client, event);
		if (request->parts > 0)
			return;
		finish_composite(client, request);
	}
	answer_front(client);
}

static void
begin(struct evpop_client *client, const struct evpop_event *event)
{
	const struct evpop_client_request *request = event->arg;

	client->inside = true;
	if (request->sink != NULL && request->sink->begin != NULL)
		heed(client,
		    request->sink->begin(client, request->number,
			event->has_octets ? event->octets : 0, request->arg));
}

static void
entry(struct evpop_client *client, const struct evpop_event *event)
{
	const struct evpop_client_request *request = event->arg;
	const struct evpop_listed listed = {
		.number = event->number,
		.octets = event->octets,
		.unique_id = event->data,
		.unique_id_length = event->length,
	};

	if (request->listed != NULL)
		request->listed(client, &listed, request->arg);
}

static void
body(struct evpop_client *client, const struct evpop_event *event)
{
	const struct evpop_client_request *request = event->arg;

	if (request->sink->data != NULL)
		heed(client, request->sink->data(client, event->data,
				 event->length, request->arg));
}

static void
greeting(struct evpop_client *client, const struct evpop_event *event)
{
	client->first = *event->result;
	client->greeted = event->result->error == EVPOP_ERROR_NONE;
}

/* The core has no more to say: what it never saw is answered here. */
static void
closed(struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_result reason = *event->result;
	struct evpop_reply reply;

	evpop_client_disconnect(client);
	client->stage = EVPOP_STAGE_ENDING;
	while (!client->freed && !TAILQ_EMPTY(&client->requests)) {
		memset(&reply, 0, sizeof(reply));
		evpop_result_set(&reply.result, EVPOP_ERROR_CANCELLED,
		    reason.phase, "%s: %s",
		    client->connected ? "the session is over" : "not connected",
		    reason.text);
		reply.result.retry = reason.retry;
		answer(client, &reply);
	}
	if (client->freed)
		return;
	client->stage = EVPOP_STAGE_OVER;
	if (client->callbacks != NULL && client->callbacks->closed != NULL)
		client->callbacks->closed(client, &reason, client->arg);
}

static void
dispatch(struct evpop_client *client, const struct evpop_event *event)
{
	switch (event->type) {
	case EVPOP_EVENT_GREETING:
		greeting(client, event);
		break;
	case EVPOP_EVENT_BEGIN:
		begin(client, event);
		break;
	case EVPOP_EVENT_ENTRY:
		entry(client, event);
		break;
	case EVPOP_EVENT_BODY:
		body(client, event);
		break;
	case EVPOP_EVENT_DONE:
		done(client, event);
		break;
	case EVPOP_EVENT_CLOSED:
		closed(client, event);
		break;
	default:
		break;
	}
}

size_t
evpop_client_dispatch(
    struct evpop_client *client, const unsigned char *data, size_t length)
{
	struct evpop_event event;
	size_t taken = 0, used;

	answer_front(client);
	while (!client->freed && !client->paused &&
	       client->stage != EVPOP_STAGE_OVER) {
		evpop_proto_next(
		    client->proto, data + taken, length - taken, &used, &event);
		taken += used;
		/* The trace, called from inside the core, may have freed. */
		if (event.type == EVPOP_EVENT_NONE || client->freed)
			break;
		dispatch(client, &event);
	}
	return taken;
}

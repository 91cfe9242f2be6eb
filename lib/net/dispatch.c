/* The core's events become the callbacks of requests. */
#include <assert.h>
#include <limits.h>
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

/* A TOP that breaks a session would break the next one. */
static void
note_top(struct evpop_client *client,
    const struct evpop_client_request *request,
    const struct evpop_result *result)
{
	if (request->command == EVPOP_COMMAND_TOP &&
	    (result->error == EVPOP_ERROR_TIMEOUT ||
		result->error == EVPOP_ERROR_PROTOCOL ||
		result->error == EVPOP_ERROR_LIMIT))
		evpop_client_cannot_top(client);
}

void
evpop_client_answer(
    struct evpop_client *client, const struct evpop_reply *reply)
{
	struct evpop_client_request *request = TAILQ_FIRST(&client->requests);

	note_top(client, request, &reply->result);
	TAILQ_REMOVE(&client->requests, request, entry);
	client->answered++;
	if (request->sink != NULL)
		request->sink->end(
		    client, request->number, &reply->result, request->arg);
	else if (request->reply != NULL)
		request->reply(client, reply, request->arg);
	evpop_client_request_clear(request);
	TAILQ_INSERT_HEAD(&client->spare, request, entry);
}

/* Servers without response codes say in words that a maildrop is locked. */
void
evpop_client_reconsider_login(struct evpop_result *result)
{
	if (result->error != EVPOP_ERROR_AUTH ||
	    result->code == EVPOP_CODE_AUTH || !evpop_busy_words(result->text))
		return;
	result->error = EVPOP_ERROR_REFUSED;
	result->scope = EVPOP_SCOPE_SESSION;
	result->retry = true;
}

/*
 * Some tell it only when the maildrop is first looked at: Hotmail answered STAT
 * with "login allowed only every 15 minutes".
 */
static void
reconsider_survey(const struct evpop_event *event, struct evpop_result *result)
{
	const struct evpop_client_request *request = event->arg;
	bool survey = event->command == EVPOP_COMMAND_STAT ||
		      event->command == EVPOP_COMMAND_LIST ||
		      event->command == EVPOP_COMMAND_UIDL;

	if (!survey || request->number != 0 ||
	    result->error != EVPOP_ERROR_REFUSED ||
	    result->code != EVPOP_CODE_NONE || !evpop_busy_words(result->text))
		return;
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

void
evpop_client_check_connected(struct evpop_client *client)
{
	const struct evpop_client_request *request =
	    TAILQ_FIRST(&client->requests);
	struct evpop_reply reply = { .result = client->first };

	if (client->connected || !client->greeted || request == NULL ||
	    request->kind != EVPOP_REQUEST_CONNECT || request->parts > 0 ||
	    (client->tls != EVPOP_TLS_NONE && client->tls_name[0] == '\0'))
		return;
	if (reply.result.error == EVPOP_ERROR_NONE) {
		client->connected = true;
		evpop_client_open_window(client);
		if (client->server != NULL &&
		    evpop_proto_capabilities(client->proto)->known)
			client->server->before =
			    *evpop_proto_capabilities(client->proto);
	}
	evpop_client_answer(client, &reply);
}

/* A part of the connect is done; notes its failure. */
static void
connect_part(struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_client_request *request = event->arg;
	const struct evpop_result *result = event->result;
	bool refused = client->greeted && result->error == EVPOP_ERROR_REFUSED;

	request->parts--;
	if (event->command == EVPOP_COMMAND_STLS &&
	    result->error == EVPOP_ERROR_NONE)
		client->start_tls = true;
	else if (event->command == EVPOP_COMMAND_STLS && refused)
		stls_refused(client, result);
	else if (event->command == EVPOP_COMMAND_CAPA && refused)
		; /* RFC 2449 is optional */
	else if (client->first.error == EVPOP_ERROR_NONE &&
		 result->error != EVPOP_ERROR_NONE)
		client->first = *result;
	if (request->parts == 0 && client->first.error != EVPOP_ERROR_NONE)
		evpop_client_answer(
		    client, &(struct evpop_reply){ .result = client->first });
	else
		evpop_client_check_connected(client);
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

/* Something that went out behind the log-in was answered as it should be. */
static void
note_flight(struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_remembered *server = client->server;

	if (!client->flight || server == NULL ||
	    event->result->error != EVPOP_ERROR_NONE ||
	    evpop_proto_state(client->proto) != EVPOP_STATE_TRANSACTION)
		return;
	client->flight = false;
	if (server->flights < UINT_MAX)
		server->flights++;
}

static void
finish_command(struct evpop_client *client, const struct evpop_event *event)
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
	reconsider_survey(event, &reply.result);
	cancel_result(client, &reply.result);
	if (event->command == EVPOP_COMMAND_CAPA)
		evpop_client_learn_capabilities(client, event->result);
	note_flight(client, event);
	evpop_client_answer(client, &reply);
}

static void
done(struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_client_request *request = event->arg;

	assert(request == TAILQ_FIRST(&client->requests));
	client->inside = false;
	switch (request->kind) {
	case EVPOP_REQUEST_CONNECT:
		connect_part(client, event);
		break;
	case EVPOP_REQUEST_LOGIN:
		evpop_client_login_part(client, event);
		break;
	case EVPOP_REQUEST_COMMAND:
		finish_command(client, event);
		break;
	}
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
line(struct evpop_client *client, const struct evpop_event *event)
{
	const struct evpop_client_request *request = event->arg;
	char text[EVPOP_TEXT_SIZE];

	if (request->line == NULL)
		return;
	evpop_printable(text, sizeof text, event->data, event->length);
	request->line(client, text, request->arg);
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
fail_for_memory(struct evpop_client *client)
{
	struct evpop_result result;

	evpop_result_set(&result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_GREETING,
	    "no memory for the greeting");
	client->greeted = false;
	client->first = result;
	evpop_client_fail(client, &result);
}

static void
greeting(struct evpop_client *client, const struct evpop_event *event)
{
	const char *stamp, *text = (const char *)event->data;
	size_t length;

	client->first = *event->result;
	client->greeted = event->result->error == EVPOP_ERROR_NONE;
	if (client->greeted &&
	    evpop_apop_timestamp(text, event->length, &stamp, &length)) {
		client->timestamp = strndup(stamp, length);
		/* Without it a plainer log-in than wanted might be chosen. */
		if (client->timestamp == NULL)
			fail_for_memory(client);
	}
	evpop_client_check_connected(client);
}

/*
 * A session that broke while commands were on their way ahead of replies: the
 * next one does without what may have broken it.
 */
static void
learn_from_end(struct evpop_client *client, const struct evpop_result *reason)
{
	struct evpop_remembered *server = client->server;
	bool lost = reason->error == EVPOP_ERROR_PROTOCOL ||
		    reason->error == EVPOP_ERROR_TIMEOUT;

	if (!client->greeted || client->again != EVPOP_AGAIN_NO)
		return;
	if (!client->logged_in && reason->error == EVPOP_ERROR_IO &&
	    reason->phase == EVPOP_PHASE_LOGIN)
		client->again = EVPOP_AGAIN_OTHER_MECHANISM;
	if (!client->pipelined)
		return;
	/* Who hangs up on a refused log-in does not do so for the flight. */
	if (!client->logged_in && client->refused != 0)
		return;
	if (lost || (!client->logged_in && reason->error == EVPOP_ERROR_IO))
		client->again = EVPOP_AGAIN_ONE_BY_ONE;
	if (server == NULL || client->again != EVPOP_AGAIN_ONE_BY_ONE)
		return;
	if (client->logged_in)
		server->no_pipelining = true;
	else
		server->no_flight = true;
}

/* The core has no more to say: what it never saw is answered here. */
static void
closed(struct evpop_client *client, const struct evpop_event *event)
{
	struct evpop_result reason = *event->result;
	struct evpop_reply reply;

	evpop_client_disconnect(client);
	client->stage = EVPOP_STAGE_ENDING;
	learn_from_end(client, &reason);
	while (!client->freed && !TAILQ_EMPTY(&client->requests)) {
		memset(&reply, 0, sizeof(reply));
		if (TAILQ_FIRST(&client->requests)->kind ==
			EVPOP_REQUEST_CONNECT &&
		    reason.error != EVPOP_ERROR_NONE) {
			reply.result = reason;
			evpop_client_answer(client, &reply);
			continue;
		}
		evpop_result_set(&reply.result, EVPOP_ERROR_CANCELLED,
		    reason.phase, "%s: %s",
		    client->connected ? "the session is over" : "not connected",
		    reason.text);
		reply.result.retry = reason.retry;
		evpop_client_answer(client, &reply);
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
	case EVPOP_EVENT_CHALLENGE:
		evpop_client_challenged(client, event);
		break;
	case EVPOP_EVENT_ENTRY:
		entry(client, event);
		break;
	case EVPOP_EVENT_LINE:
		line(client, event);
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

#include "lib/net/connection.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/base/name.h"
#include "lib/core/session.h"
#include "lib/net/destination.h"
#include "lib/net/meter.h"
#include "lib/net/opening.h"
#include "lib/net/server.h"
#include "lib/net/stream.h"
#include "lib/net/tls.h"

static const char *const state_names[] = {
	[EVPOP_CONNECTION_IDLE] = "IDLE",
	[EVPOP_CONNECTION_CONNECTING] = "CONNECTING",
	[EVPOP_CONNECTION_CONNECTED] = "CONNECTED",
	[EVPOP_CONNECTION_LOGGED_IN] = "LOGGED IN",
	[EVPOP_CONNECTION_ENDING] = "ENDING",
	[EVPOP_CONNECTION_OVER] = "OVER",
};
EVPOP_NAMES_MATCH(state_names, EVPOP_CONNECTION_STATE_COUNT);

struct evpop_connection {
	const struct evpop_connection_handler *handler;
	void *arg;

	struct evpop_destination to;
	enum evpop_connection_state state;
	struct evpop_stream *stream;
	struct evpop_proto *proto;
	struct evpop_server *server;
	struct evpop_opening opening;
	bool is_told; /* what opening came to */
	struct evpop_server_end end;
	struct evpop_meter meter;
};

/* The one function that changes the state. */
static void
connection_change(
    struct evpop_connection *connection, enum evpop_connection_state state)
{
	enum evpop_connection_state old = connection->state;

	/* It only goes forward; behind the end nothing happens. */
	if (state <= old)
		return;
	connection->state = state;
	evpop_meter_state(&connection->meter, "connection", state_names[old],
	    state_names[state]);
	connection->handler->changed(
	    state_names[old], state_names[state], connection->arg);
}

enum evpop_connection_state
evpop_connection_state(const struct evpop_connection *connection)
{
	return connection->state;
}

bool
evpop_connection_is_live(const struct evpop_connection *connection)
{
	return connection->state < EVPOP_CONNECTION_ENDING;
}

void
evpop_connection_close(struct evpop_connection *connection)
{
	evpop_stream_close(connection->stream);
	evpop_meter_end(&connection->meter, NULL);
	connection_change(connection, EVPOP_CONNECTION_OVER);
}

void
evpop_connection_fail(
    struct evpop_connection *connection, const struct evpop_result *result)
{
	struct evpop_result told = *result;

	if (!evpop_connection_is_live(connection))
		return;
	if (told.phase == EVPOP_PHASE_NONE)
		told.phase = evpop_stream_phase(connection->stream);
	if (told.phase == EVPOP_PHASE_NONE)
		told.phase = EVPOP_PHASE_COMMAND;
	evpop_stream_close(connection->stream);
	connection_change(connection, EVPOP_CONNECTION_ENDING);
	evpop_proto_fail(connection->proto, &told);
	connection->handler->wake(connection->arg);
}

void
evpop_connection_fail_with(struct evpop_connection *connection,
    enum evpop_error error, const char *format, ...)
{
	struct evpop_result result;
	char text[EVPOP_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	evpop_result_set(
	    &result, error, evpop_stream_phase(connection->stream), "%s", text);
	evpop_connection_fail(connection, &result);
}

/* ---- what the server offers ---- */

const struct evpop_capabilities *
evpop_connection_capabilities(const struct evpop_connection *connection)
{
	const struct evpop_capabilities *said =
	    evpop_proto_capabilities(connection->proto);
	const struct evpop_capabilities *after =
	    evpop_server_after(connection->server);

	if (said->known)
		return said;
	if (connection->end.logged_in && after->known)
		return after;
	return evpop_server_before(connection->server);
}

/* Let as much go out at once as the server takes. */
static void
connection_open_window(struct evpop_connection *connection)
{
	if (evpop_server_pipelines(connection->server))
		evpop_proto_set_window(connection->proto,
		    connection->to.window_commands,
		    connection->to.window_octets);
}

void
evpop_connection_learn_capabilities(
    struct evpop_connection *connection, const struct evpop_result *result)
{
	const struct evpop_capabilities *said =
	    evpop_proto_capabilities(connection->proto);

	if (result->error != EVPOP_ERROR_NONE || !said->known)
		return;
	if (connection->end.logged_in)
		evpop_server_learn_after(connection->server, said);
	else
		evpop_server_learn_before(connection->server, said);
	connection_open_window(connection);
}

static enum evpop_privacy
connection_privacy(const struct evpop_connection *connection)
{
	const struct evpop_stream_status *status =
	    evpop_stream_status(connection->stream);

	/* The name stays after the end. */
	if (status->tls_name[0] != '\0')
		return EVPOP_PRIVACY_TLS;
	if (status->is_local)
		return EVPOP_PRIVACY_LOCAL;
	return connection->to.allows_cleartext ? EVPOP_PRIVACY_PERMITTED
					       : EVPOP_PRIVACY_NONE;
}

void
evpop_connection_offer(
    struct evpop_connection *connection, struct evpop_offer *offer)
{
	*offer = (struct evpop_offer){
		.capabilities = evpop_connection_capabilities(connection),
		.timestamp = connection->opening.timestamp,
		.target = { .host = connection->to.dial.host,
		    .port = connection->to.dial.port },
		.privacy = connection_privacy(connection),
		.server = connection->server,
	};
	evpop_stream_binding(connection->stream, &offer->target.channel);
	offer->target.client_certificate =
	    connection->to.tls_context != NULL &&
	    evpop_tls_context_shows_certificate(connection->to.tls_context);
}

void
evpop_connection_logged_in(struct evpop_connection *connection)
{
	connection->end.logged_in = true;
	connection_change(connection, EVPOP_CONNECTION_LOGGED_IN);
}

void
evpop_connection_refused(struct evpop_connection *connection)
{
	connection->end.refused = true;
	evpop_server_learn_refusal(connection->server);
}

/* ---- opening ---- */

static void
connection_tell_opened(
    struct evpop_connection *connection, const struct evpop_result *result)
{
	if (connection->is_told)
		return;
	connection->is_told = true;
	connection->handler->connected(result, connection->arg);
}

/* Tell what opening came to, once nothing of it is left to be done. */
static void
connection_check_opened(struct evpop_connection *connection)
{
	const struct evpop_opening *opening = &connection->opening;

	if (opening->parts == 0 && opening->failure.error != EVPOP_ERROR_NONE)
		connection_tell_opened(connection, &opening->failure);
	/* Not between the reply to STLS and the end of the handshake. */
	if (evpop_proto_state(connection->proto) != EVPOP_STATE_AUTHORIZATION ||
	    connection->state != EVPOP_CONNECTION_CONNECTING ||
	    opening->parts > 0 || connection->is_told)
		return;
	connection_change(connection, EVPOP_CONNECTION_CONNECTED);
	connection_open_window(connection);
	if (evpop_connection_capabilities(connection)->utf8)
		evpop_opening_ask_utf8(&connection->opening, connection->proto);
	connection_tell_opened(connection, &opening->failure);
}

static void
connection_greeted(
    struct evpop_connection *connection, const struct evpop_event *event)
{
	if (!evpop_opening_greeted(&connection->opening, event))
		evpop_connection_fail_with(connection, EVPOP_ERROR_MEMORY,
		    "no memory for the greeting");
	else if (event->result->error == EVPOP_ERROR_NONE)
		connection_check_opened(connection);
}

static void
connection_opening_done(
    struct evpop_connection *connection, const struct evpop_event *event)
{
	if (event->command == EVPOP_COMMAND_CAPA)
		evpop_connection_learn_capabilities(connection, event->result);
	if (!evpop_opening_done(&connection->opening, event))
		evpop_connection_fail(connection, &connection->opening.failure);
	connection_check_opened(connection);
}

void
evpop_connection_open(
    struct evpop_connection *connection, struct evdns_base *dns)
{
	const struct evpop_destination *to = &connection->to;
	/* The others can wait for it. */
	bool wants_capabilities =
	    to->asks_capabilities &&
	    !evpop_server_before(connection->server)->known;

	evpop_meter_begin(&connection->meter);
	connection_change(connection, EVPOP_CONNECTION_CONNECTING);
	if (to->unusable.error != EVPOP_ERROR_NONE)
		evpop_connection_fail(connection, &to->unusable);
	else if (!evpop_opening_ask(&connection->opening, connection->proto,
		     to->tls == EVPOP_TLS_STLS, wants_capabilities) ||
		 !evpop_stream_connect(connection->stream, dns, &to->dial,
		     to->tls == EVPOP_TLS_IMPLICIT ? to->tls_context : NULL))
		evpop_connection_fail_with(
		    connection, EVPOP_ERROR_MEMORY, "no memory to connect");
}

/* ---- the core's events ---- */

static void
connection_closed(
    struct evpop_connection *connection, const struct evpop_event *event)
{
	struct evpop_result reason = *event->result;
	bool has_lost;

	evpop_stream_close(connection->stream);
	connection_change(connection, EVPOP_CONNECTION_ENDING);
	connection->end.error = reason.error;
	has_lost = evpop_server_learn_end(connection->server, &connection->end);
	connection_tell_opened(
	    connection, evpop_opening_failure(&connection->opening, &reason));
	evpop_meter_end(&connection->meter, &reason);
	connection_change(connection, EVPOP_CONNECTION_OVER);
	connection->handler->closed(&reason, has_lost, connection->arg);
}

static void
connection_event(
    struct evpop_connection *connection, const struct evpop_event *event)
{
	struct evpop_server_end *end = &connection->end;

	/* The first that is done by the session's end is what it ended on. */
	if (end->awaited == EVPOP_COMMAND_NONE &&
	    evpop_proto_over(connection->proto))
		end->awaited = event->command;
	if (event->arg != &connection->opening)
		connection->handler->event(event, connection->arg);
	else if (event->type == EVPOP_EVENT_DONE)
		connection_opening_done(connection, event);
}

/*
 * Give input to the core and its events to those whom they concern; returns
 * the octets taken, which are fewer where a sink paused.
 */
static size_t
connection_feed(struct evpop_connection *connection, const unsigned char *data,
    size_t length)
{
	struct evpop_event event;
	size_t taken = 0, used;

	while (connection->state != EVPOP_CONNECTION_OVER &&
	       !evpop_stream_is_paused(connection->stream)) {
		evpop_proto_next(connection->proto, data + taken,
		    length - taken, &used, &event);
		taken += used;
		evpop_meter_event(&connection->meter, &event);
		/* The trace, called from inside the core, may have closed. */
		if (connection->state == EVPOP_CONNECTION_OVER)
			return taken;
		switch (event.type) {
		case EVPOP_EVENT_NONE:
			return taken;
		case EVPOP_EVENT_GREETING:
			connection_greeted(connection, &event);
			break;
		case EVPOP_EVENT_CLOSED:
			connection_closed(connection, &event);
			break;
		default:
			connection_event(connection, &event);
			break;
		}
	}
	return taken;
}

void
evpop_connection_dispatch(struct evpop_connection *connection)
{
	(void)connection_feed(connection, (const unsigned char *)"", 0);
}

/* ---- the stream's events ---- */

/* STLS was accepted and all input consumed: begin the handshake. */
static void
connection_begin_tls(struct evpop_connection *connection)
{
	struct evpop_result result;

	if (evpop_connection_is_live(connection) &&
	    !evpop_stream_start_tls(
		connection->stream, connection->to.tls_context, &result))
		evpop_connection_fail(connection, &result);
}

/*
 * Where a greeting in clear text was due: a port for TLS from the first byte,
 * as it seems.
 */
static void
connection_fail_for_tls(struct evpop_connection *connection,
    enum evpop_error error, const char *doing)
{
	evpop_connection_fail_with(connection, error,
	    "%s; if it speaks TLS from the first byte at this port, set tls = "
	    "implicit",
	    doing);
}

static bool
connection_awaits_clear_greeting(const struct evpop_connection *connection)
{
	return evpop_stream_state(connection->stream) == EVPOP_STREAM_PLAIN &&
	       evpop_proto_state(connection->proto) == EVPOP_STATE_GREETING;
}

static size_t
connection_take_input(const unsigned char *data, size_t length, void *arg)
{
	struct evpop_connection *connection = arg;
	size_t used;

	if (connection_awaits_clear_greeting(connection) &&
	    evpop_tls_is_record(data, length)) {
		connection_fail_for_tls(connection, EVPOP_ERROR_TLS,
		    "the server greets by a TLS alert");
		return length;
	}
	used = connection_feed(connection, data, length);
	if (evpop_proto_state(connection->proto) == EVPOP_STATE_HANDSHAKE &&
	    evpop_stream_state(connection->stream) == EVPOP_STREAM_PLAIN)
		connection_begin_tls(connection);
	return used;
}

static void
connection_stream_changed(void *arg)
{
	struct evpop_connection *connection = arg;

	evpop_meter_follow(&connection->meter, connection->stream);
	if (evpop_stream_state(connection->stream) != EVPOP_STREAM_TLS)
		return;
	if (evpop_proto_state(connection->proto) == EVPOP_STATE_HANDSHAKE)
		evpop_proto_secured(connection->proto);
	connection_check_opened(connection);
}

static const unsigned char *
connection_give_output(size_t *length_r, void *arg)
{
	struct evpop_connection *connection = arg;
	const unsigned char *output;

	output = evpop_proto_output(connection->proto, length_r);
	/* Without memory for a command it has ended, and must be asked how. */
	if (output == NULL && evpop_proto_over(connection->proto))
		connection->handler->wake(connection->arg);
	return output;
}

static void
connection_note_sent(size_t length, void *arg)
{
	struct evpop_connection *connection = arg;

	evpop_proto_sent(connection->proto, length);
	evpop_meter_sent(&connection->meter);
}

static void
connection_peer_closed(void *arg)
{
	struct evpop_connection *connection = arg;

	/* A server that waited for a handshake ends so. */
	if (connection->to.tls == EVPOP_TLS_STLS &&
	    connection_awaits_clear_greeting(connection) &&
	    evpop_stream_status(connection->stream)->octets_in == 0) {
		connection_fail_for_tls(connection, EVPOP_ERROR_IO,
		    "the server closed the connection before its greeting");
		return;
	}
	evpop_proto_eof(connection->proto);
	evpop_stream_close(connection->stream);
	connection_change(connection, EVPOP_CONNECTION_ENDING);
}

static void
connection_stream_failed(const struct evpop_result *result, void *arg)
{
	evpop_connection_fail(arg, result);
}

static void
connection_overdue(enum evpop_phase phase, const char *limit, void *arg)
{
	struct evpop_connection *connection = arg;
	struct evpop_result result;

	evpop_session_describe_overdue(
	    connection->proto, phase, limit, &result);
	if (phase == EVPOP_PHASE_GREETING &&
	    connection->to.tls != EVPOP_TLS_IMPLICIT)
		connection_fail_for_tls(
		    connection, EVPOP_ERROR_TIMEOUT, result.text);
	else
		evpop_connection_fail(connection, &result);
}

static const struct evpop_stream_handler stream_handler = {
	.changed = connection_stream_changed,
	.input = connection_take_input,
	.output = connection_give_output,
	.sent = connection_note_sent,
	.ended = connection_peer_closed,
	.failed = connection_stream_failed,
	.overdue = connection_overdue,
};

/* ---- what there is to do ---- */

/* A server that answers one by one, in pieces, waits for acknowledgements. */
static void
connection_hurry(struct evpop_connection *connection)
{
	size_t outstanding = evpop_proto_outstanding(connection->proto);

	if (outstanding > 1)
		evpop_server_note_ahead(connection->server);
	else if (outstanding == 1 &&
		 !evpop_server_pipelines(connection->server))
		evpop_stream_hurry(connection->stream);
}

void
evpop_connection_perform(
    struct evpop_connection *connection, uint64_t answered, bool owner_is_busy)
{
	evpop_stream_flush(connection->stream);
	/* Writing may have brought the end of the session. */
	if (!evpop_connection_is_live(connection)) {
		connection->handler->wake(connection->arg);
		return;
	}
	connection_hurry(connection);
	evpop_meter_follow(&connection->meter, connection->stream);
	evpop_stream_expect(connection->stream,
	    owner_is_busy ? EVPOP_PHASE_NONE
			  : evpop_session_timed_phase(connection->proto),
	    answered);
}

/* ---- life ---- */

struct evpop_connection *
evpop_connection_new(struct event_base *base,
    const struct evpop_client_config *config,
    const struct evpop_bracket *bracket,
    const struct evpop_connection_handler *handler, void *arg)
{
	struct evpop_connection *connection;

	connection = calloc(1, sizeof *connection);
	if (connection == NULL)
		return NULL;
	connection->handler = handler;
	connection->arg = arg;
	connection->proto = evpop_proto_new(&config->limits);
	connection->stream = evpop_stream_new(
	    base, &config->timeouts, bracket, &stream_handler, connection);
	if (evpop_destination_init(&connection->to, config))
		connection->server = evpop_server_new(config->memory,
		    config->host, connection->to.dial.port, config->tls,
		    config->one_by_one);
	if (connection->proto == NULL || connection->stream == NULL ||
	    connection->server == NULL) {
		evpop_connection_free(connection);
		return NULL;
	}
	evpop_meter_init(&connection->meter, config->telemetry,
	    &connection->to.dial, connection->stream, connection->proto);
	return connection;
}

void
evpop_connection_free(struct evpop_connection *connection)
{
	if (connection == NULL)
		return;
	evpop_stream_free(connection->stream);
	evpop_server_free(connection->server);
	evpop_proto_free(connection->proto);
	evpop_destination_clear(&connection->to);
	evpop_opening_clear(&connection->opening);
	free(connection);
}

struct evpop_proto *
evpop_connection_proto(const struct evpop_connection *connection)
{
	return connection->proto;
}

struct evpop_server *
evpop_connection_server(const struct evpop_connection *connection)
{
	return connection->server;
}

struct evpop_stream *
evpop_connection_stream(const struct evpop_connection *connection)
{
	return connection->stream;
}

struct evpop_meter *
evpop_connection_meter(struct evpop_connection *connection)
{
	return &connection->meter;
}

/*
 * From a host to a connection on which the core can speak: resolve, connect,
 * TLS from the first byte or after STLS; and the end of it.
 */
#include <string.h>

#include "lib/net/client.h"

static void
fail_in(struct evpop_client *client, const struct evpop_result *result,
    enum evpop_phase phase)
{
	struct evpop_result told = *result;

	if (told.phase == EVPOP_PHASE_NONE)
		told.phase = phase;
	evpop_client_fail(client, &told);
}

static void
transport_ready(void *arg)
{
	struct evpop_client *client = arg;

	evpop_client_enter(client);
	evpop_transport_perform(&client->transport);
	evpop_client_leave(client);
}

/*
 * Where a greeting in clear text was due: a port for TLS from the first byte,
 * as it seems.
 */
static void
fail_for_tls(
    struct evpop_client *client, enum evpop_error error, const char *doing)
{
	struct evpop_result result;

	evpop_result_set(&result, error, EVPOP_PHASE_GREETING,
	    "%s; if it speaks TLS from the first byte at this port, set tls = "
	    "implicit",
	    doing);
	evpop_client_fail(client, &result);
}

static bool
awaits_clear_greeting(const struct evpop_client *client)
{
	return client->tls != EVPOP_TLS_IMPLICIT && !client->greeted &&
	       client->stage == EVPOP_STAGE_OPEN;
}

static size_t
transport_input(const unsigned char *data, size_t length, void *arg)
{
	struct evpop_client *client = arg;
	size_t used;

	if (awaits_clear_greeting(client) &&
	    evpop_tls_is_record(data, length)) {
		fail_for_tls(client, EVPOP_ERROR_TLS,
		    "the server greets by a TLS alert");
		return length;
	}
	used = evpop_client_dispatch(client, data, length);
	if (client->start_tls && client->stage == EVPOP_STAGE_OPEN)
		evpop_client_secure(client);
	return used;
}

static const unsigned char *
transport_output(size_t *length_r, void *arg)
{
	struct evpop_client *client = arg;
	const unsigned char *output;

	output = evpop_proto_output(client->proto, length_r);
	/* Without memory for a command it has ended, and must be asked how. */
	if (output == NULL && evpop_proto_over(client->proto))
		evpop_client_wake(client);
	return output;
}

static void
transport_sent(size_t length, void *arg)
{
	struct evpop_client *client = arg;

	evpop_proto_sent(client->proto, length);
}

static void
transport_secured(void *arg)
{
	struct evpop_client *client = arg;

	evpop_tls_name(client->transport.tls, client->tls_name);
	client->stage = EVPOP_STAGE_OPEN;
	if (evpop_proto_state(client->proto) == EVPOP_STATE_HANDSHAKE)
		evpop_proto_secured(client->proto);
	evpop_client_check_connected(client);
}

static void
transport_ended(void *arg)
{
	struct evpop_client *client = arg;

	/* So ends, at its own time, who waited for a handshake. */
	if (client->tls == EVPOP_TLS_STLS && awaits_clear_greeting(client) &&
	    client->transport.octets_in == 0) {
		fail_for_tls(client, EVPOP_ERROR_IO,
		    "the server closed the connection before its greeting");
		return;
	}
	evpop_proto_eof(client->proto);
	evpop_client_disconnect(client);
	client->stage = EVPOP_STAGE_ENDING;
}

static void
transport_failed(const struct evpop_result *result, void *arg)
{
	struct evpop_client *client = arg;

	fail_in(client, result,
	    client->phase != EVPOP_PHASE_NONE ? client->phase
					      : EVPOP_PHASE_COMMAND);
}

static const struct evpop_transport_handler handler = {
	.ready = transport_ready,
	.input = transport_input,
	.output = transport_output,
	.sent = transport_sent,
	.secured = transport_secured,
	.ended = transport_ended,
	.failed = transport_failed,
};

void
evpop_client_secure(struct evpop_client *client)
{
	struct evpop_result result;

	client->start_tls = false;
	client->stage = EVPOP_STAGE_HANDSHAKING;
	if (!evpop_transport_start_tls(&client->transport, client->tls_context,
		client->host, client->port, &result))
		evpop_client_fail(client, &result);
}

static void
dial_connecting(void *arg)
{
	struct evpop_client *client = arg;

	evpop_client_enter(client);
	client->stage = EVPOP_STAGE_CONNECTING;
	evpop_client_leave(client);
}

static void
dial_connected(const struct evpop_dialed *dialed, void *arg)
{
	struct evpop_client *client = arg;
	struct evpop_result result;

	evpop_client_enter(client);
	evpop_address_text(&dialed->address, client->peer);
	client->clear = client->tls == EVPOP_TLS_NONE &&
			!client->allow_cleartext && !dialed->loopback;
	client->stage = EVPOP_STAGE_OPEN;
	if (!evpop_transport_open(&client->transport, client->loop, dialed->fd,
		&handler, client)) {
		evpop_result_set(&result, EVPOP_ERROR_MEMORY,
		    EVPOP_PHASE_CONNECT, "no memory for a connection");
		evpop_client_fail(client, &result);
	} else if (client->tls == EVPOP_TLS_IMPLICIT) {
		evpop_client_secure(client);
		evpop_transport_perform(&client->transport);
	}
	evpop_dial_free(&client->dial);
	evpop_client_leave(client);
}

static void
dial_failed(const struct evpop_result *result, void *arg)
{
	struct evpop_client *client = arg;

	evpop_client_enter(client);
	evpop_client_fail(client, result);
	evpop_client_leave(client);
}

static const struct evpop_dial_handler dial_handler = {
	.connecting = dial_connecting,
	.connected = dial_connected,
	.failed = dial_failed,
};

static bool
dial(struct evpop_client *client)
{
	const struct evpop_dial_options options = {
		.host = client->host,
		.port = client->port,
		.proxy = client->proxy.host != NULL ? &client->proxy : NULL,
		.source_address = client->source_address,
		.receive_buffer = client->receive_buffer,
	};

	client->stage = EVPOP_STAGE_RESOLVING;
	evpop_deadline_session(&client->deadline,
	    evpop_loop_now_ms() + client->timeouts.session_ms);
	client->dial = evpop_dial_new(
	    client->base, client->dns, &options, &dial_handler, client);
	return client->dial != NULL;
}

/* CAPA is asked where nothing is known; the others can wait for it. */
static bool
submit_connect(struct evpop_client *client)
{
	struct evpop_client_request *request = TAILQ_FIRST(&client->requests);
	enum evpop_error error = EVPOP_ERROR_NONE;

	if (client->tls == EVPOP_TLS_STLS)
		error = evpop_client_request_part(
		    request, client->proto, EVPOP_COMMAND_STLS);
	if (error == EVPOP_ERROR_NONE && !client->no_capabilities &&
	    (client->server == NULL || !client->server->before.known))
		error = evpop_client_request_part(
		    request, client->proto, EVPOP_COMMAND_CAPA);
	return error == EVPOP_ERROR_NONE;
}

void
evpop_client_establish(struct evpop_client *client)
{
	struct evpop_result result;

	if (client->unusable.error != EVPOP_ERROR_NONE) {
		evpop_client_fail(client, &client->unusable);
		return;
	}
	if (submit_connect(client) && dial(client))
		return;
	evpop_result_set(&result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_RESOLVE,
	    "no memory to connect");
	evpop_client_fail(client, &result);
}

void
evpop_client_disconnect(struct evpop_client *client)
{
	evpop_dial_free(&client->dial);
	evpop_transport_close(&client->transport);
	evpop_deadline_clear(&client->deadline);
	client->paused = client->start_tls = false;
}

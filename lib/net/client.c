#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "lib/net/client.h"
#include "lib/net/idn.h"

#define PORT_POP3  110
#define PORT_POP3S 995 /* RFC 8314 section 7.1 */

static bool
good_host(const char *host)
{
	if (host == NULL || *host == '\0')
		return false;
	for (; *host != '\0'; host++) {
		if (iscntrl((unsigned char)*host))
			return false;
	}
	return true;
}

static void
trace(bool from_server, const char *line, void *arg)
{
	struct evpop_client *client = arg;

	if (!client->freed)
		client->callbacks->trace(
		    client, from_server, line, client->arg);
}

static void
woken(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_client *client = arg;

	(void)fd;
	(void)what;
	evpop_client_enter(client);
	evpop_client_leave(client);
}

void
evpop_client_wake(struct evpop_client *client)
{
	event_active(&client->wake, EV_TIMEOUT, 0);
}

static void
copy_config(
    struct evpop_client *client, const struct evpop_client_config *config)
{
	client->tls = config->tls;
	client->port = config->port;
	if (client->port == 0)
		client->port =
		    config->tls == EVPOP_TLS_IMPLICIT ? PORT_POP3S : PORT_POP3;
	if (config->tls != EVPOP_TLS_NONE && config->tls_context != NULL)
		client->tls_context =
		    evpop_tls_context_ref(config->tls_context);
	client->allow_cleartext = config->allow_cleartext;
	client->no_capabilities = config->no_capabilities;
	client->memory = config->memory;
	if (config->memory != NULL)
		client->server = evpop_memory_get(
		    config->memory, config->host, client->port, client->tls);
	client->one_by_one = config->one_by_one;
	client->receive_buffer = config->receive_buffer;
	client->timeouts = config->timeouts;
	evpop_client_timeouts(&client->timeouts);
	client->window_commands = config->window_commands != 0
				      ? config->window_commands
				      : EVPOP_WINDOW_COMMANDS;
	client->window_octets = config->window_octets != 0
				    ? config->window_octets
				    : EVPOP_WINDOW_OCTETS;
}

static void
release(struct evpop_client *client)
{
	struct evpop_client_request *request;

	TAILQ_CONCAT(&client->requests, &client->spare, entry);
	while ((request = TAILQ_FIRST(&client->requests)) != NULL) {
		TAILQ_REMOVE(&client->requests, request, entry);
		evpop_client_request_clear(request);
		free(request);
	}
	evpop_proto_free(client->proto);
	evpop_tls_context_free(client->tls_context);
	if (client->loop != NULL)
		evpop_loop_put(client->loop);
	free(client->timestamp);
	free(client->source_address);
	evpop_proxy_config_clear(&client->proxy);
	free(client->host);
	free(client);
}

/*
 * Where to connect to, and how.  What makes no sense is kept as the reason why
 * the connect will fail; false without memory.
 */
static bool
copy_target(
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

struct evpop_client *
evpop_client_new(struct event_base *base, struct evdns_base *dns,
    const struct evpop_client_config *config,
    const struct evpop_client_callbacks *callbacks, void *arg)
{
	struct evpop_client *client;

	if (!good_host(config->host))
		return NULL;
	client = calloc(1, sizeof(*client));
	if (client == NULL)
		return NULL;
	TAILQ_INIT(&client->requests);
	TAILQ_INIT(&client->spare);
	client->base = base;
	client->dns = dns;
	client->callbacks = callbacks;
	client->arg = arg;
	copy_config(client, config);
	client->proto = evpop_proto_new(&config->limits);
	client->loop = evpop_loop_get(base);
	if (!copy_target(client, config) || client->proto == NULL ||
	    client->loop == NULL ||
	    event_assign(&client->wake, base, -1, 0, woken, client) == -1 ||
	    !evpop_deadline_init(
		&client->deadline, base, evpop_client_expired, client)) {
		release(client);
		return NULL;
	}
	if (callbacks != NULL && callbacks->trace != NULL)
		evpop_proto_set_trace(client->proto, trace, client);
	return client;
}

void
evpop_client_free(struct evpop_client *client)
{
	if (client == NULL || client->freed)
		return;
	client->freed = true;
	evpop_client_disconnect(client);
	event_del(&client->wake);
	if (client->entered == 0)
		release(client);
}

void
evpop_client_enter(struct evpop_client *client)
{
	client->entered++;
}

bool
evpop_client_accepts(
    const struct evpop_client *client, enum evpop_client_request_kind kind)
{
	if (client->freed || client->stage >= EVPOP_STAGE_ENDING ||
	    client->quit_asked)
		return false;
	if (kind != EVPOP_REQUEST_CONNECT)
		return client->connect_asked;
	return !client->connect_asked &&
	       (client->tls == EVPOP_TLS_NONE || client->tls_context != NULL);
}

void
evpop_client_enqueue(
    struct evpop_client *client, struct evpop_client_request *request)
{
	TAILQ_INSERT_TAIL(&client->requests, request, entry);
	if (request->kind == EVPOP_REQUEST_CONNECT)
		client->connect_asked = true;
	if (request->command == EVPOP_COMMAND_QUIT)
		client->quit_asked = true;
	evpop_client_wake(client);
}

void
evpop_client_fail(
    struct evpop_client *client, const struct evpop_result *result)
{
	if (client->stage == EVPOP_STAGE_OVER || client->freed)
		return;
	evpop_client_disconnect(client);
	client->stage = EVPOP_STAGE_ENDING;
	evpop_proto_fail(client->proto, result);
}

static void
fail_for_memory(struct evpop_client *client)
{
	struct evpop_result result;

	evpop_result_set(&result, EVPOP_ERROR_MEMORY, client->phase,
	    "no memory for a request");
	evpop_client_fail(client, &result);
}

/*
 * Hand requests to the core: none before there is a connection, and none
 * behind a log-in that might have to be tried another way.
 */
static void
submit_waiting(struct evpop_client *client)
{
	struct evpop_client_request *request;
	enum evpop_error error;

	TAILQ_FOREACH(request, &client->requests, entry) {
		if (request->kind == EVPOP_REQUEST_CONNECT) {
			if (client->stage == EVPOP_STAGE_NEW)
				evpop_client_establish(client);
			continue;
		}
		if (client->stage != EVPOP_STAGE_HANDSHAKING &&
		    client->stage != EVPOP_STAGE_OPEN)
			return;
		if (request->kind == EVPOP_REQUEST_LOGIN) {
			if (!evpop_client_log_in(client, request))
				return;
			continue;
		}
		if (request->submitted)
			continue;
		error = evpop_client_request_submit(request, client->proto);
		if (error == EVPOP_ERROR_MEMORY)
			fail_for_memory(client);
		if (error != EVPOP_ERROR_NONE)
			return;
	}
}

static void
resume(struct evpop_client *client)
{
	client->resume_wanted = false;
	if (!client->paused)
		return;
	client->paused = false;
	evpop_transport_resume(&client->transport);
}

static void
cancel(struct evpop_client *client)
{
	struct evpop_result result;

	client->cancel_wanted = false;
	evpop_result_set(&result, EVPOP_ERROR_CANCELLED, client->phase,
	    "cancelled by the caller");
	evpop_client_fail(client, &result);
}

/* All that there is to do, after whatever brought us here. */
static void
attend(struct evpop_client *client)
{
	if (client->cancel_wanted)
		cancel(client);
	if (client->resume_wanted)
		resume(client);
	if (client->freed)
		return;
	submit_waiting(client);
	(void)evpop_client_dispatch(client, NULL, 0);
	if (client->freed || client->stage == EVPOP_STAGE_OVER)
		return;
	if (client->stage == EVPOP_STAGE_OPEN)
		evpop_transport_flush(&client->transport);
	if (evpop_proto_outstanding(client->proto) > 1)
		client->pipelined = true;
	if (client->freed)
		return;
	/* Writing may have failed, or brought the end of the session. */
	if (client->stage == EVPOP_STAGE_ENDING)
		evpop_client_wake(client);
	else
		evpop_client_expect(client);
}

void
evpop_client_leave(struct evpop_client *client)
{
	assert(client->entered > 0);
	/* A resolver that answers at once comes from inside attend(). */
	if (client->entered == 1 && !client->freed)
		attend(client);
	client->entered--;
	if (client->freed && client->entered == 0)
		release(client);
}

void
evpop_client_resume(struct evpop_client *client)
{
	if (!client->paused || client->freed)
		return;
	client->resume_wanted = true;
	evpop_client_wake(client);
}

void
evpop_client_cancel(struct evpop_client *client)
{
	if (client->freed || client->stage == EVPOP_STAGE_OVER)
		return;
	client->cancel_wanted = true;
	evpop_client_wake(client);
}

enum evpop_state
evpop_client_state(const struct evpop_client *client)
{
	return evpop_proto_state(client->proto);
}

const struct evpop_capabilities *
evpop_client_capabilities(const struct evpop_client *client)
{
	const struct evpop_capabilities *said =
	    evpop_proto_capabilities(client->proto);
	const struct evpop_remembered *server = client->server;

	if (said->known || server == NULL)
		return said;
	if (client->logged_in && server->after.known)
		return &server->after;
	return &server->before;
}

bool
evpop_client_pipelines(const struct evpop_client *client)
{
	const struct evpop_capabilities *said =
	    evpop_proto_capabilities(client->proto);
	const struct evpop_remembered *server = client->server;

	if (client->one_by_one || (server != NULL && server->no_pipelining))
		return false;
	return said->pipelining ||
	       (server != NULL &&
		   (server->before.pipelining || server->after.pipelining));
}

void
evpop_client_open_window(struct evpop_client *client)
{
	if (evpop_client_pipelines(client))
		evpop_proto_set_window(client->proto, client->window_commands,
		    client->window_octets);
}

bool
evpop_client_can_top(const struct evpop_client *client)
{
	return client->server == NULL || !client->server->no_top;
}

void
evpop_client_cannot_top(struct evpop_client *client)
{
	if (client->server != NULL)
		client->server->no_top = true;
}

enum evpop_again
evpop_client_again(const struct evpop_client *client)
{
	return client->again;
}

unsigned int
evpop_client_tried(const struct evpop_client *client)
{
	return client->refused != 0 ? client->refused
				    : EVPOP_MECHANISM_BIT(client->mechanism);
}

enum evpop_mechanism
evpop_client_mechanism(const struct evpop_client *client)
{
	return client->mechanism;
}

bool
evpop_client_takes_flight(const struct evpop_client *client)
{
	const struct evpop_remembered *server = client->server;

	/* A second log-in would come too soon (RFC 2449 section 6.5). */
	return server != NULL && server->flights > 0 && !server->no_flight &&
	       !server->before.login_delay && !server->after.login_delay &&
	       evpop_client_pipelines(client);
}

const char *
evpop_client_tls_name(const struct evpop_client *client)
{
	return client->tls_name[0] != '\0' ? client->tls_name : NULL;
}

const char *
evpop_client_peer(const struct evpop_client *client)
{
	return client->peer;
}

uint64_t
evpop_client_octets_in(const struct evpop_client *client)
{
	return client->transport.octets_in;
}

uint64_t
evpop_client_octets_out(const struct evpop_client *client)
{
	return client->transport.octets_out;
}

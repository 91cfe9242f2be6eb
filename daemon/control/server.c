#include "daemon/control/control.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/control/connections.h"
#include "daemon/control/events.h"
#include "daemon/control/exchange.h"
#include "daemon/control/framing.h"
#include "daemon/control/imports.h"
#include "daemon/control/limits.h"
#include "daemon/control/peer.h"
#include "daemon/control/record.h"
#include "daemon/control/request.h"
#include "daemon/control/route.h"
#include "daemon/control/socket.h"
#include "daemon/log/log.h"
#include "lib/base/clock.h"

struct control {
	struct event_base *base;
	struct evhttp *http;
	struct connections *connections;
	struct events *events;
	struct imports *imports;
	struct socket_bound bound;
	struct peer_users users;
	uid_t own;
	char *seal_to; /* as the store was opened, whatever a reload says */
	struct exchange_context context;
};

static enum route_method
control_method(struct evhttp_request *request)
{
	switch (evhttp_request_get_command(request)) {
	case EVHTTP_REQ_GET:
	case EVHTTP_REQ_HEAD:
		return ROUTE_GET;
	case EVHTTP_REQ_POST:
		return ROUTE_POST;
	case EVHTTP_REQ_DELETE:
		return ROUTE_DELETE;
	default:
		return ROUTE_OTHER;
	}
}

/* A user who is not known may do nothing. */
static void
control_user(const struct control *control, struct evhttp_request *request,
    struct exchange_user *user_r)
{
	struct bufferevent *bufferevent = evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(request));
	uid_t peer;

	memset(user_r, 0, sizeof(*user_r));
	if (!peer_user(bufferevent_getfd(bufferevent), &peer))
		return;
	user_r->roles = peer_roles(&control->users, control->own, peer);
	peer_name(&control->users, peer, user_r->name);
}

static struct response
control_no_route(enum route_result result, const char *path, const char *allow)
{
	struct response answer;
	char words[256], hint[512];

	if (result == ROUTE_NO_PATH) {
		route_list_words(words, sizeof(words));
		snprintf(hint, sizeof(hint),
		    "GET /v1/openapi.json describes all; what is below /v1/: "
		    "%s",
		    words);
		return response_error(404, "no_such_path", hint,
		    "there is nothing at %.200s", path);
	}
	answer = response_error(405, "bad_method", NULL,
	    "this address takes another method: %s", allow);
	answer.allow = allow;
	return answer;
}

/* What a role is for. */
static const char *
control_doing(enum peer_role role)
{
	switch (role) {
	case PEER_READ:
		return "read mail";
	case PEER_OPERATE:
		return "poll, pause and resume accounts";
	default:
		return "change anything else";
	}
}

/* NULL: only a daemon can answer. */
static route_handler *
control_handler(const struct control *control, const struct route *route)
{
	return control->context.poller != NULL ? route->handle
					       : route_without_daemon(route);
}

/* A store that was opened for its reader is nobody else's. */
static enum peer_role
control_role(const struct control *control, const struct route *route)
{
	return control->context.poller != NULL ? route->role : PEER_ADMIN;
}

/* False, after answering, if it is not certain where the request ends. */
static bool
control_can_read(struct evhttp_request *request)
{
	struct response answer;

	if (framing_is_clear(request, &answer))
		return true;
	(void)evhttp_add_header(
	    evhttp_request_get_output_headers(request), "Connection", "close");
	request_answer(request, answer);
	return false;
}

/* Handles every request by the table in route.c. */
static void
control_request(struct evhttp_request *request, void *arg)
{
	struct control *control = arg;
	const char *uri = evhttp_request_get_uri(request);
	const struct evhttp_uri *parts = evhttp_request_get_evhttp_uri(request);
	const char *path = evhttp_uri_get_path(parts);
	struct route_match match;
	struct exchange_user user;
	struct parameters parameters;
	struct problem problem;
	struct exchange *exchange;
	enum route_result result;
	enum peer_role role;

	connections_begin(control->connections, request);
	if (strlen(uri) > LIMITS_URI_SIZE) {
		request_answer(request,
		    response_error(414, "uri_too_long", NULL,
			"an address has at most %d bytes", LIMITS_URI_SIZE));
		return;
	}
	if (!control_can_read(request))
		return;
	result = route_find(control_method(request), path, &match);
	if (result != ROUTE_FOUND) {
		request_answer(
		    request, control_no_route(result, path, match.allow));
		return;
	}
	if (control_handler(control, match.route) == NULL) {
		request_answer(request, response_no_daemon());
		return;
	}
	control_user(control, request, &user);
	role = control_role(control, match.route);
	if ((user.roles & role) != role) {
		request_answer(
		    request, response_not_allowed(role, control_doing(role)));
		return;
	}
	if (!parameters_parse(&parameters, evhttp_uri_get_query(parts),
		match.route->parameters, &problem)) {
		request_answer(
		    request, response_error(400, "bad_parameter", problem.hint,
				 "%s", problem.message));
		return;
	}
	exchange = exchange_new(
	    request, &control->context, &user, &match, &parameters);
	if (exchange == NULL) {
		parameters_free(&parameters);
		request_answer(request, response_no_memory());
		return;
	}
	exchange_set_deed(exchange, match.route->deed);
	exchange_handle(exchange, control_handler(control, match.route));
}

static void
control_take_config(struct control *control, const struct config *config)
{
	control->context.max_sessions = config->max_sessions;
	control->context.max_sessions_per_host = config->max_sessions_per_host;
	control->context.memory_limit = config->memory_limit;
	control->context.store_retain_ms = config->store_retain_ms;
}

/* Allow every method, so that a wrong one gets an answer in JSON. */
static const ev_uint16_t all_methods = EVHTTP_REQ_GET | EVHTTP_REQ_POST |
				       EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
				       EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS |
				       EVHTTP_REQ_TRACE | EVHTTP_REQ_PATCH;

static bool
control_is_admin(uid_t user, void *arg)
{
	const struct control *control = arg;

	return (peer_roles(&control->users, control->own, user) & PEER_ADMIN) !=
	       0;
}

/* Set up the server on a bound socket; false without memory. */
static bool
control_start_http(struct control *control, size_t max_readers)
{
	const struct connections_options options = {
		.limits = { .admins = LIMITS_ADMIN_CONNECTIONS,
		    .others = LIMITS_CONNECTIONS,
		    .share = LIMITS_USER_CONNECTIONS,
		    .waiting = LIMITS_WAITING,
		    .waiting_each = LIMITS_USER_WAITING,
		    .readers = max_readers,
		    .readers_each = LIMITS_USER_READERS },
		.taking_ms = LIMITS_TAKING_SECONDS * 1000,
		.is_admin = control_is_admin,
		.arg = control,
	};
	struct evconnlistener *listener;

	control->http = evhttp_new(control->base);
	if (control->http == NULL)
		return false;
	listener = evconnlistener_new(control->base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0,
	    control->bound.fd);
	if (listener == NULL)
		return false;
	control->bound.fd = -1; /* the listener's now */
	if (evhttp_bind_listener(control->http, listener) == NULL) {
		evconnlistener_free(listener);
		return false;
	}
	control->connections =
	    connections_new(control->base, control->http, listener, &options);
	if (control->connections == NULL)
		return false;
	control->context.connections = control->connections;
	evhttp_set_max_headers_size(control->http, LIMITS_HEADERS_SIZE);
	evhttp_set_max_body_size(control->http, LIMITS_BODY_SIZE);
	evhttp_set_timeout(control->http, LIMITS_IDLE_SECONDS);
	evhttp_set_allowed_methods(control->http, all_methods);
	evhttp_set_gencb(control->http, control_request, control);
	return true;
}

/* Keys that do nothing are told of. */
static void
control_compare_socket(int fd, const struct config *config)
{
	char text[512];

	if (socket_differs(fd, config->control_socket, config->control_mode,
		config->control_group, text, sizeof(text)))
		log_write(LOG_LEVEL_WARNING, NULL, "%s", text);
}

struct control *
control_new(struct event_base *base, const struct config *config,
    const struct control_options *options, char *error_r, size_t error_size)
{
	struct control *control = calloc(1, sizeof(*control));

	snprintf(error_r, error_size, "out of memory");
	if (control == NULL)
		return NULL;
	control->base = base;
	control->own = geteuid();
	control->bound.fd = -1;
	if (options->seal_to != NULL) {
		control->seal_to = strdup(options->seal_to);
		if (control->seal_to == NULL)
			goto fail;
	}
	control->context = (struct exchange_context){
		.store = options->store,
		.poller = options->poller,
		.deliver = options->deliver,
		.oauth = options->oauth,
		.hook = options->hook,
		.metrics = options->metrics,
		.reload = options->reload,
		.limited = options->limited,
		.key_source = options->key_source,
		.key_public = options->key_public,
		.seal_to = control->seal_to,
		.confine = options->confine,
		.arg = options->arg,
		.started_ms = evpop_clock_elapsed_ms(),
		.unknown_users = &control->users.unknown,
	};
	control_take_config(control, config);
	/* Without a daemon nobody but the store's owner asks. */
	if (options->poller != NULL) {
		control->context.record = record_new(options->store);
		if (control->context.record == NULL)
			goto fail;
	}
	control->events =
	    events_new(base, options->notify, evpop_clock_unix_ms());
	control->context.events = control->events;
	control->imports = imports_new(base, options->store, options->notify);
	control->context.imports = control->imports;
	if (control->events == NULL || control->imports == NULL ||
	    !peer_users_resolve(&control->users, config))
		goto fail;
	if (options->listen_fd >= 0) {
		if (!socket_adopt(&control->bound, options->listen_fd, error_r,
			error_size))
			goto fail;
		if (options->poller != NULL)
			control_compare_socket(options->listen_fd, config);
	} else if (!socket_bind(&control->bound, config->control_socket,
		       config->control_mode, config->control_group, error_r,
		       error_size)) {
		goto fail;
	}
	if (!control_start_http(control, options->max_readers))
		goto fail;
	error_r[0] = '\0';
	return control;
fail:
	control_free(&control);
	return NULL;
}

void
control_reload(struct control *control, const struct config *config)
{
	struct peer_users users;

	control_take_config(control, config);
	/* Without memory the old users stay. */
	if (!peer_users_resolve(&users, config))
		return;
	peer_users_free(&control->users);
	control->users = users;
}

void
control_free(struct control **control_ref)
{
	struct control *control = *control_ref;

	*control_ref = NULL;
	if (control == NULL)
		return;
	socket_unlink(&control->bound);
	connections_free(&control->connections);
	if (control->http != NULL)
		evhttp_free(control->http);
	imports_free(control->imports);
	events_free(&control->events);
	if (control->bound.fd != -1)
		close(control->bound.fd);
	peer_users_free(&control->users);
	record_free(control->context.record);
	free(control->seal_to);
	free(control);
}

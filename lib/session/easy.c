#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "lib/net/address.h"
#include "lib/session/easy.h"

/* ---- life ---- */

static void
traced(
    struct evpop_client *client, bool from_server, const char *line, void *arg)
{
	struct evpop_easy *easy = arg;

	(void)client;
	easy->trace(from_server, line, easy->trace_arg);
}

static void
closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct evpop_easy *easy = arg;

	(void)client;
	easy->over = true;
	easy->ending = *result;
}

static bool
make_names(struct evpop_easy *easy, const struct evpop_client_config *config)
{
	struct evpop_address address;

	if (config->proxy == NULL && config->host != NULL &&
	    evpop_address_parse(&address, config->host, config->port))
		return true;
	easy->names = evpop_names_new(easy->base, NULL, NULL);
	return easy->names != NULL;
}

static bool
make_client(struct evpop_easy *easy, const struct evpop_client_config *config)
{
	const struct evpop_tls_options standard = { .ca = NULL };
	struct evpop_client_config own = *config;
	struct evpop_tls_context *context = NULL;

	if (own.tls != EVPOP_TLS_NONE && own.tls_context == NULL) {
		context = evpop_tls_context_new(&standard, &easy->unusable);
		own.tls_context = context;
	}
	easy->client = evpop_client_new(easy->base,
	    evpop_names_dns(easy->names), &own, &easy->callbacks, easy);
	evpop_tls_context_free(context);
	return easy->client != NULL;
}

static void
release(struct evpop_easy *easy)
{
	evpop_client_free(easy->client);
	evpop_easy_drop_kept(easy);
	evpop_names_free(easy->names);
	if (easy->base != NULL)
		event_base_free(easy->base);
	free(easy);
}

struct evpop_easy *
evpop_easy_new(const struct evpop_client_config *config, evpop_trace_cb trace,
    void *trace_arg)
{
	struct evpop_easy *easy = calloc(1, sizeof *easy);

	if (easy == NULL)
		return NULL;
	easy->trace = trace;
	easy->trace_arg = trace_arg;
	easy->callbacks.closed = closed;
	easy->callbacks.trace = trace != NULL ? traced : NULL;
	easy->base = event_base_new();
	if (easy->base == NULL || !make_names(easy, config) ||
	    !make_client(easy, config) ||
	    evtimer_assign(&easy->drain_timer, easy->base,
		evpop_easy_drain_expired, easy) == -1) {
		release(easy);
		return NULL;
	}
	return easy;
}

void
evpop_easy_free(struct evpop_easy *easy)
{
	if (easy == NULL)
		return;
	if (!easy->running) {
		release(easy);
		return;
	}
	easy->abandoned = true;
	evpop_client_free(easy->client);
	easy->client = NULL;
}

const struct evpop_result *
evpop_easy_result(const struct evpop_easy *easy)
{
	return &easy->result;
}

const struct evpop_client *
evpop_easy_client(const struct evpop_easy *easy)
{
	return easy->client;
}

/* ---- a call ---- */

void
evpop_easy_misused(struct evpop_easy *easy, const char *reason)
{
	evpop_result_set(
	    &easy->result, EVPOP_ERROR_USAGE, EVPOP_PHASE_NONE, "%s", reason);
	easy->result.scope = EVPOP_SCOPE_NONE;
}

bool
evpop_easy_enter_any(struct evpop_easy *easy, enum evpop_error *error_r)
{
	*error_r = EVPOP_ERROR_USAGE;
	if (easy->running)
		return false;
	memset(&easy->result, 0, sizeof easy->result);
	memset(&easy->reply, 0, sizeof easy->reply);
	easy->answered = false;
	easy->running = true;
	*error_r = EVPOP_ERROR_NONE;
	return true;
}

/* A session that is over has a reason, which is told once as it is. */
static void
refuse_over(struct evpop_easy *easy)
{
	if (easy->ending.error == EVPOP_ERROR_NONE) {
		evpop_easy_misused(easy, "the session has ended with QUIT");
		return;
	}
	easy->result = easy->ending;
	if (!easy->told)
		return;
	evpop_result_set(&easy->result, EVPOP_ERROR_CANCELLED,
	    easy->ending.phase, "the session is over: %s", easy->ending.text);
	easy->result.code = easy->ending.code;
	easy->result.retry = easy->ending.retry;
}

bool
evpop_easy_enter(
    struct evpop_easy *easy, unsigned int states, enum evpop_error *error_r)
{
	enum evpop_state state;

	if (!evpop_easy_enter_any(easy, error_r))
		return false;
	state = evpop_client_state(easy->client);
	if (easy->body == EVPOP_EASY_BODY_OPEN) {
		evpop_easy_misused(easy,
		    "a message is being read: to be read to its end, or given "
		    "up, before anything else");
	} else if (easy->over) {
		refuse_over(easy);
	} else if ((states & 1u << state) == 0) {
		evpop_result_set(&easy->result, EVPOP_ERROR_USAGE,
		    EVPOP_PHASE_NONE, "not the time for this: the state is %s",
		    evpop_state_name(state));
		easy->result.scope = EVPOP_SCOPE_NONE;
	} else {
		easy->body = EVPOP_EASY_BODY_NONE;
		evpop_easy_drop_kept(easy);
		return true;
	}
	*error_r = evpop_easy_leave(easy);
	return false;
}

void
evpop_easy_replied(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_easy *easy = arg;

	(void)client;
	easy->answered = true;
	easy->reply = *reply;
	easy->result = reply->result;
}

static void
turn(struct evpop_easy *easy)
{
	easy->answered = false;
	while (!easy->answered && !easy->over && !easy->abandoned) {
		if (event_base_loop(easy->base, EVLOOP_ONCE) == 0)
			continue;
		evpop_result_set(&easy->result, EVPOP_ERROR_IO,
		    EVPOP_PHASE_NONE, "the event loop does not run");
		easy->over = true;
		easy->ending = easy->result;
		return;
	}
	if (!easy->answered && easy->over)
		easy->result = easy->ending;
}

void
evpop_easy_wait(struct evpop_easy *easy, enum evpop_error error)
{
	if (error == EVPOP_ERROR_NONE) {
		turn(easy);
	} else if (error == EVPOP_ERROR_USAGE) {
		evpop_easy_misused(easy, "an argument makes no sense");
	} else {
		evpop_result_set(&easy->result, error, EVPOP_PHASE_NONE,
		    "no memory for a request");
		easy->result.scope = EVPOP_SCOPE_NONE;
	}
}

bool
evpop_easy_went_well(const struct evpop_easy *easy)
{
	return easy->result.error == EVPOP_ERROR_NONE && !easy->abandoned;
}

enum evpop_error
evpop_easy_leave(struct evpop_easy *easy)
{
	easy->running = false;
	if (easy->abandoned) {
		release(easy);
		return EVPOP_ERROR_CANCELLED;
	}
	if (easy->over && easy->result.error != EVPOP_ERROR_NONE)
		easy->told = true;
	return easy->result.error;
}

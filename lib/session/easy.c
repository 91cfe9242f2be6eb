#include "lib/session/easy.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "lib/net/address.h"

/* ---- life ---- */

void
evpop_easy_drop_kept(struct evpop_easy *easy)
{
	free(easy->kept);
	easy->kept = NULL;
	easy->kept_room = easy->kept_start = easy->kept_end = 0;
}

static void
easy_trace(
    struct evpop_client *client, bool from_server, const char *line, void *arg)
{
	struct evpop_easy *easy = arg;

	(void)client;
	easy->trace(from_server, line, easy->trace_arg);
}

static void
easy_closed(
    struct evpop_client *client, const struct evpop_result *result, void *arg)
{
	struct evpop_easy *easy = arg;

	(void)client;
	easy->is_over = true;
	easy->ending = *result;
}

static bool
easy_make_names(
    struct evpop_easy *easy, const struct evpop_client_config *config)
{
	struct evpop_address address;

	if (config->proxy == NULL && config->host != NULL &&
	    evpop_address_parse(&address, config->host, config->port))
		return true;
	easy->names = evpop_names_new(easy->base, NULL, NULL);
	return easy->names != NULL;
}

static bool
easy_make_client(
    struct evpop_easy *easy, const struct evpop_client_config *config)
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
easy_destroy(struct evpop_easy *easy)
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
	easy->callbacks.closed = easy_closed;
	easy->callbacks.trace = trace != NULL ? easy_trace : NULL;
	easy->base = event_base_new();
	if (easy->base == NULL || !easy_make_names(easy, config) ||
	    !easy_make_client(easy, config)) {
		easy_destroy(easy);
		return NULL;
	}
	return easy;
}

void
evpop_easy_free(struct evpop_easy *easy)
{
	if (easy == NULL)
		return;
	if (easy->calls == 0) {
		easy_destroy(easy);
		return;
	}
	easy->is_freed = true;
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
evpop_easy_enter_any(struct evpop_easy *easy)
{
	if (++easy->calls > 1)
		return false;
	memset(&easy->result, 0, sizeof easy->result);
	memset(&easy->reply, 0, sizeof easy->reply);
	easy->is_answered = false;
	return true;
}

/* The reason why a session is over is returned once as it is. */
static void
easy_refuse_over(struct evpop_easy *easy)
{
	if (easy->ending.error == EVPOP_ERROR_NONE) {
		evpop_easy_misused(easy, "the session has ended with QUIT");
		return;
	}
	easy->result = easy->ending;
	if (!easy->is_told)
		return;
	evpop_result_set(&easy->result, EVPOP_ERROR_CANCELLED,
	    easy->ending.phase, "the session is over: %s", easy->ending.text);
	easy->result.code = easy->ending.code;
	easy->result.retry = easy->ending.retry;
}

bool
evpop_easy_enter(struct evpop_easy *easy, unsigned int states)
{
	enum evpop_state state;

	if (!evpop_easy_enter_any(easy))
		return false;
	state = evpop_client_state(easy->client);
	if (easy->body == EVPOP_EASY_BODY_OPEN) {
		evpop_easy_misused(easy,
		    "a message is being read: to be read to its end, or given "
		    "up, before anything else");
	} else if (easy->is_over) {
		easy_refuse_over(easy);
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
	return false;
}

static void
easy_replied(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_easy *easy = arg;

	(void)client;
	easy->is_answered = true;
	easy->reply = *reply;
	easy->result = reply->result;
}

static void
easy_turn_loop(struct evpop_easy *easy)
{
	easy->is_answered = false;
	while (!easy->is_answered && !easy->is_over && !easy->is_freed) {
		if (event_base_loop(easy->base, EVLOOP_ONCE) == 0)
			continue;
		evpop_result_set(&easy->result, EVPOP_ERROR_IO,
		    EVPOP_PHASE_NONE, "the event loop does not run");
		easy->is_over = true;
		easy->ending = easy->result;
		return;
	}
	if (!easy->is_answered && easy->is_over)
		easy->result = easy->ending;
}

void
evpop_easy_wait(struct evpop_easy *easy, enum evpop_error error)
{
	if (error == EVPOP_ERROR_NONE) {
		easy_turn_loop(easy);
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
	return easy->calls == 1 && !easy->is_freed &&
	       easy->result.error == EVPOP_ERROR_NONE;
}

enum evpop_error
evpop_easy_leave(struct evpop_easy *easy)
{
	if (--easy->calls > 0)
		return EVPOP_ERROR_USAGE;
	if (easy->is_freed) {
		easy_destroy(easy);
		return EVPOP_ERROR_CANCELLED;
	}
	if (easy->is_over && easy->result.error != EVPOP_ERROR_NONE)
		easy->is_told = true;
	return easy->result.error;
}

/* ---- the session ---- */

enum evpop_error
evpop_easy_connect(struct evpop_easy *easy)
{
	bool may = evpop_easy_enter(easy, EVPOP_EASY_IN(GREETING));

	if (may && easy->unusable.error != EVPOP_ERROR_NONE)
		easy->result = easy->unusable;
	else if (may)
		evpop_easy_wait(easy,
		    evpop_client_connect(easy->client, easy_replied, easy));
	return evpop_easy_leave(easy);
}

static void
easy_log_in(
    struct evpop_easy *easy, const struct evpop_credentials *credentials)
{
	enum evpop_error error =
	    evpop_client_login(easy->client, credentials, easy_replied, easy);

	if (error != EVPOP_ERROR_USAGE)
		evpop_easy_wait(easy, error);
	else
		evpop_easy_misused(easy,
		    "the user or the password is missing, or holds a line end");
}

enum evpop_error
evpop_easy_login(
    struct evpop_easy *easy, const struct evpop_credentials *credentials)
{
	if (evpop_easy_enter(easy, EVPOP_EASY_IN(AUTHORIZATION)))
		easy_log_in(easy, credentials);
	return evpop_easy_leave(easy);
}

/* APOP was refused, or is not possible; the maildrop is not just busy. */
static bool
easy_may_fall_back(const struct evpop_easy *easy)
{
	return !easy->is_freed && !easy->is_over &&
	       easy->result.error == EVPOP_ERROR_AUTH &&
	       evpop_client_state(easy->client) == EVPOP_STATE_AUTHORIZATION;
}

enum evpop_error
evpop_easy_login_apop_or_user(
    struct evpop_easy *easy, const char *user, const char *password)
{
	struct evpop_credentials credentials = {
		.user = user,
		.password = password,
		.mechanisms = EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_APOP),
	};

	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(AUTHORIZATION)))
		return evpop_easy_leave(easy);
	easy_log_in(easy, &credentials);
	if (easy_may_fall_back(easy)) {
		credentials.mechanisms =
		    EVPOP_MECHANISM_BIT(EVPOP_MECHANISM_USER);
		easy_log_in(easy, &credentials);
	}
	return evpop_easy_leave(easy);
}

enum evpop_error
evpop_easy_open(struct evpop_easy *easy, const char *user, const char *password)
{
	const struct evpop_credentials credentials = {
		.user = user,
		.password = password,
	};
	enum evpop_error error = evpop_easy_connect(easy);

	return error != EVPOP_ERROR_NONE ? error
					 : evpop_easy_login(easy, &credentials);
}

enum evpop_error
evpop_easy_quit(struct evpop_easy *easy, enum evpop_quit *quit_r)
{
	const unsigned int states =
	    EVPOP_EASY_IN(AUTHORIZATION) | EVPOP_EASY_IN(TRANSACTION);

	if (quit_r != NULL)
		*quit_r = EVPOP_QUIT_NONE;
	if (!evpop_easy_enter(easy, states))
		return evpop_easy_leave(easy);
	evpop_easy_wait(
	    easy, evpop_client_quit(easy->client, easy_replied, easy));
	if (quit_r != NULL)
		*quit_r = easy->reply.quit;
	return evpop_easy_leave(easy);
}

/* ---- commands of TRANSACTION ---- */

/*
 * Give the octets of the reply; without them the server has answered wrongly.
 */
static void
easy_want_octets(struct evpop_easy *easy, uint64_t *octets_r)
{
	if (octets_r == NULL)
		return;
	*octets_r = easy->reply.octets;
	if (easy->reply.has_octets)
		return;
	evpop_result_set(&easy->result, EVPOP_ERROR_PROTOCOL,
	    EVPOP_PHASE_COMMAND, "the server did not tell the size");
	easy->result.scope = EVPOP_SCOPE_MESSAGE;
}

enum evpop_error
evpop_easy_stat(
    struct evpop_easy *easy, uint32_t *messages_r, uint64_t *octets_r)
{
	if (messages_r != NULL)
		*messages_r = 0;
	if (octets_r != NULL)
		*octets_r = 0;
	if (evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION)))
		evpop_easy_wait(
		    easy, evpop_client_stat(easy->client, easy_replied, easy));
	if (evpop_easy_went_well(easy)) {
		if (messages_r != NULL)
			*messages_r = easy->reply.number;
		easy_want_octets(easy, octets_r);
	}
	return evpop_easy_leave(easy);
}

/* Number 0 would be a listing of all, which has a call of its own. */
static enum evpop_error
easy_ask_one(uint32_t number,
    enum evpop_error (*ask)(struct evpop_client *, uint32_t, evpop_listed_cb,
	evpop_reply_cb, void *),
    evpop_reply_cb reply, struct evpop_easy *easy)
{
	if (number == 0)
		return EVPOP_ERROR_USAGE;
	return ask(easy->client, number, NULL, reply, easy);
}

enum evpop_error
evpop_easy_list(struct evpop_easy *easy, uint32_t number, uint64_t *octets_r)
{
	if (octets_r != NULL)
		*octets_r = 0;
	if (evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION)))
		evpop_easy_wait(easy, easy_ask_one(number, evpop_client_list,
					  easy_replied, easy));
	if (evpop_easy_went_well(easy))
		easy_want_octets(easy, octets_r);
	return evpop_easy_leave(easy);
}

/* The unique-id is borrowed, so it is copied at once. */
static void
easy_copy_id(
    struct evpop_client *client, const struct evpop_reply *reply, void *arg)
{
	struct evpop_easy *easy = arg;

	easy_replied(client, reply, easy);
	if (reply->result.error != EVPOP_ERROR_NONE ||
	    reply->unique_id_length == 0)
		return;
	if (reply->unique_id_length > easy->id_size) {
		evpop_result_set(&easy->result, EVPOP_ERROR_LIMIT,
		    EVPOP_PHASE_COMMAND, "the unique-id has %zu octets",
		    reply->unique_id_length);
		easy->result.scope = EVPOP_SCOPE_MESSAGE;
		return;
	}
	memcpy(easy->id, reply->unique_id, reply->unique_id_length);
}

enum evpop_error
evpop_easy_uidl(struct evpop_easy *easy, uint32_t number, void *id, size_t size,
    size_t *length_r)
{
	if (length_r != NULL)
		*length_r = 0;
	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION)))
		return evpop_easy_leave(easy);
	easy->id = id;
	easy->id_size = size;
	evpop_easy_wait(
	    easy, easy_ask_one(number, evpop_client_uidl, easy_copy_id, easy));
	if (length_r != NULL)
		*length_r = easy->reply.unique_id_length;
	return evpop_easy_leave(easy);
}

static void
easy_listed(
    struct evpop_client *client, const struct evpop_listed *entry, void *arg)
{
	struct evpop_easy *easy = arg;

	(void)client;
	easy->listed(entry, easy->listed_arg);
}

static enum evpop_error
easy_ask_all(struct evpop_easy *easy,
    enum evpop_error (*ask)(struct evpop_client *, uint32_t, evpop_listed_cb,
	evpop_reply_cb, void *),
    evpop_easy_listed_cb callback, void *arg)
{
	if (!evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION)))
		return evpop_easy_leave(easy);
	easy->listed = callback;
	easy->listed_arg = arg;
	evpop_easy_wait(
	    easy, callback == NULL
		      ? EVPOP_ERROR_USAGE
		      : ask(easy->client, 0, easy_listed, easy_replied, easy));
	return evpop_easy_leave(easy);
}

enum evpop_error
evpop_easy_list_all(
    struct evpop_easy *easy, evpop_easy_listed_cb callback, void *arg)
{
	return easy_ask_all(easy, evpop_client_list, callback, arg);
}

enum evpop_error
evpop_easy_uidl_all(
    struct evpop_easy *easy, evpop_easy_listed_cb callback, void *arg)
{
	return easy_ask_all(easy, evpop_client_uidl, callback, arg);
}

enum evpop_error
evpop_easy_dele(struct evpop_easy *easy, uint32_t number)
{
	if (evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION)))
		evpop_easy_wait(easy, evpop_client_dele(easy->client, number,
					  easy_replied, easy));
	return evpop_easy_leave(easy);
}

enum evpop_error
evpop_easy_rset(struct evpop_easy *easy)
{
	if (evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION)))
		evpop_easy_wait(
		    easy, evpop_client_rset(easy->client, easy_replied, easy));
	return evpop_easy_leave(easy);
}

enum evpop_error
evpop_easy_noop(struct evpop_easy *easy)
{
	if (evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION)))
		evpop_easy_wait(
		    easy, evpop_client_noop(easy->client, easy_replied, easy));
	return evpop_easy_leave(easy);
}

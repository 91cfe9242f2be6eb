#include "lib/net/authenticate.h"

#include <string.h>

#include "lib/net/derive.h"
#include "lib/net/login.h"
#include "lib/net/memory.h"
#include "lib/net/meter.h"
#include "lib/net/server.h"
#include "lib/net/stream.h"

void
evpop_authentication_init(struct evpop_authentication *authentication,
    struct evpop_connection *connection, struct evpop_requests *requests,
    struct evpop_memory *memory, const struct evpop_bracket *bracket,
    void (*answer)(const struct evpop_result *, void *arg), void *arg)
{
	*authentication = (struct evpop_authentication){
		.connection = connection,
		.requests = requests,
		.memory = memory,
		.bracket = bracket,
		.answer = answer,
		.arg = arg,
	};
}

void
evpop_authentication_cancel(struct evpop_authentication *authentication)
{
	evpop_derive_cancel(authentication->derivation);
	authentication->derivation = NULL;
}

bool
evpop_authentication_is_busy(const struct evpop_authentication *authentication)
{
	return authentication->derivation != NULL;
}

static struct evpop_server *
authentication_server(const struct evpop_authentication *authentication)
{
	return evpop_connection_server(authentication->connection);
}

static struct evpop_proto *
authentication_proto(const struct evpop_authentication *authentication)
{
	return evpop_connection_proto(authentication->connection);
}

static bool
authentication_is_followed(const struct evpop_authentication *authentication)
{
	return evpop_requests_follow(
	    authentication->requests, authentication->request);
}

/* It is over; what waited behind it may go on. */
static void
authentication_answer(struct evpop_authentication *authentication,
    const struct evpop_result *result)
{
	evpop_request_close(authentication->request);
	if (authentication->probe != NULL)
		evpop_request_close(authentication->probe);
	evpop_meter_logged_in(
	    evpop_connection_meter(authentication->connection),
	    authentication->mechanism, result);
	authentication->answer(result, authentication->arg);
}

/* ---- what goes out behind it ---- */

/*
 * The server may offer something else after the log-in (RFC 2449 section 5).
 * Where asking costs a round trip, it is asked once.
 */
static void
authentication_append_capa(struct evpop_authentication *authentication,
    struct evpop_client_request *behind)
{
	static const struct evpop_client_request capa = {
		.command = EVPOP_COMMAND_CAPA
	};
	const struct evpop_server *server =
	    authentication_server(authentication);
	const struct evpop_capabilities *offered =
	    evpop_connection_capabilities(authentication->connection);

	if (!offered->known || (evpop_server_after(server)->known &&
				   !evpop_server_pipelines(server)))
		return;
	/* Without memory the session does without. */
	(void)!evpop_requests_insert(authentication->requests, behind, &capa);
}

/*
 * A command that changes nothing goes out behind the log-in, and nothing else
 * before the log-in is answered: where it is lost, the server takes nothing
 * there, and nothing is lost with it.
 */
static void
authentication_append_probe(struct evpop_authentication *authentication)
{
	static const struct evpop_client_request noop = {
		.command = EVPOP_COMMAND_NOOP
	};
	struct evpop_client_request *probe;

	probe = evpop_requests_insert(
	    authentication->requests, authentication->request, &noop);
	if (probe == NULL)
		return;
	evpop_request_open(probe);
	authentication->probe = probe;
}

/* Whether what waits may go out behind the log-in that has begun. */
static void
authentication_decide_flight(struct evpop_authentication *authentication)
{
	struct evpop_server *server = authentication_server(authentication);
	bool takes =
	    evpop_server_takes_flight(server, authentication->mechanism);
	struct evpop_offer offer;

	evpop_request_open(authentication->request);
	evpop_connection_offer(authentication->connection, &offer);
	if (evpop_login_has_other(authentication->login, &offer) ||
	    (!takes &&
		!evpop_server_wants_probe(server, authentication->mechanism)))
		return;
	evpop_server_note_flight(server, authentication->mechanism);
	evpop_request_close(authentication->request);
	if (takes)
		authentication_append_capa(
		    authentication, authentication->request);
	else
		authentication_append_probe(authentication);
}

/*
 * NOOP cannot be refused (RFC 1939 section 5): what came was the answer to the
 * command behind it.  That may be an +OK as well: it takes another proper reply
 * to believe this one.
 */
static void
authentication_probed(struct evpop_authentication *authentication,
    const struct evpop_event *event)
{
	authentication->probe = NULL;
	if (event->result->error == EVPOP_ERROR_REFUSED)
		evpop_connection_fail_with(authentication->connection,
		    EVPOP_ERROR_PROTOCOL,
		    "the server lost what was sent behind the log-in");
}

void
evpop_authentication_follow(struct evpop_authentication *authentication,
    const struct evpop_event *event)
{
	if (evpop_connection_state(authentication->connection) !=
	    EVPOP_CONNECTION_LOGGED_IN) {
		if (event->arg == authentication->probe)
			authentication->probe = NULL;
		return;
	}
	if (event->arg == authentication->probe)
		authentication_probed(authentication, event);
	else if (authentication->probe == NULL &&
		 event->result->error == EVPOP_ERROR_NONE)
		evpop_server_learn_flight(
		    authentication_server(authentication), true);
}

/* ---- an attempt ---- */

/* Begin with a mechanism; false where there is none, or it failed. */
static bool
authentication_try(
    struct evpop_authentication *authentication, struct evpop_result *result)
{
	struct evpop_offer offer;

	evpop_connection_offer(authentication->connection, &offer);
	if (!evpop_login_begin(authentication->login, &offer,
		authentication_proto(authentication), authentication->request,
		&authentication->parts, result)) {
		/* Commands that were queued are answered first. */
		if (authentication->parts > 0)
			evpop_connection_fail(
			    authentication->connection, result);
		return false;
	}
	authentication->mechanism =
	    evpop_login_mechanism(authentication->login);
	return true;
}

/* The offer was taken from an earlier session. */
static bool
authentication_assumes_offer(const struct evpop_authentication *authentication)
{
	return !evpop_proto_capabilities(authentication_proto(authentication))
		    ->known &&
	       evpop_connection_capabilities(authentication->connection)->known;
}

/*
 * The offer was assumed and leaves no way to log in: it may have changed, so
 * ask the server.  False if the offer is known.
 */
static bool
authentication_ask_offer(struct evpop_authentication *authentication)
{
	if (!authentication_assumes_offer(authentication) ||
	    evpop_request_submit(authentication->request,
		authentication_proto(authentication),
		EVPOP_COMMAND_CAPA) != EVPOP_ERROR_NONE)
		return false;
	authentication->parts++;
	evpop_request_open(authentication->request);
	return true;
}

bool
evpop_authentication_begin(struct evpop_authentication *authentication,
    struct evpop_client *client, struct evpop_client_request *request)
{
	struct evpop_result result;

	authentication->request = request;
	authentication->login = evpop_request_login(request);
	if (evpop_login_awaits_token(authentication->login, client) ||
	    !evpop_connection_is_live(authentication->connection))
		return false;
	authentication->parts = 0;
	evpop_meter_step(evpop_connection_meter(authentication->connection),
	    EVPOP_PHASE_LOGIN);
	evpop_requests_advance(authentication->requests);
	if (authentication_try(authentication, &result))
		authentication_decide_flight(authentication);
	else if (authentication->parts == 0 &&
		 !authentication_ask_offer(authentication))
		authentication_answer(authentication, &result);
	return true;
}

/* ---- challenges ---- */

static void
authentication_check_answer(
    struct evpop_authentication *authentication, enum evpop_error error)
{
	if (error != EVPOP_ERROR_NONE)
		evpop_connection_fail_with(authentication->connection,
		    EVPOP_ERROR_MEMORY, "no memory to answer a challenge");
}

static void
authentication_key_derived(const unsigned char *key, void *arg)
{
	struct evpop_authentication *authentication = arg;
	const struct evpop_bracket *bracket = authentication->bracket;

	bracket->enter(bracket->arg);
	authentication->derivation = NULL;
	authentication_check_answer(
	    authentication, evpop_login_take_key(authentication->login,
				authentication_proto(authentication), key));
	bracket->leave(bracket->arg);
}

/* Have a key derived that the answer wants; one that is known is taken. */
static enum evpop_error
authentication_ask_key(struct evpop_authentication *authentication)
{
	struct evpop_derive *derive = evpop_loop_derive(evpop_stream_loop(
	    evpop_connection_stream(authentication->connection)));
	struct evpop_keys *keys = NULL;
	enum evpop_derive_status status = EVPOP_DERIVE_FAILED;
	struct evpop_derivation derivation;
	unsigned char key[EVPOP_KEY_MAX];
	enum evpop_error error;

	if (!evpop_login_wants_key(authentication->login, &derivation))
		return EVPOP_ERROR_NONE;
	if (authentication->memory != NULL)
		keys = evpop_memory_keys(authentication->memory);
	if (derive != NULL)
		status = evpop_derive_ask(derive, keys, &derivation,
		    authentication_key_derived, authentication, key,
		    &authentication->derivation);
	if (status == EVPOP_DERIVE_PENDING)
		return EVPOP_ERROR_NONE;
	error = evpop_login_take_key(authentication->login,
	    authentication_proto(authentication),
	    status == EVPOP_DERIVE_KNOWN ? key : NULL);
	explicit_bzero(key, sizeof key);
	return error;
}

void
evpop_authentication_challenged(struct evpop_authentication *authentication,
    const struct evpop_event *event)
{
	struct evpop_offer offer;
	enum evpop_error error;

	evpop_connection_offer(authentication->connection, &offer);
	error = evpop_login_challenge(authentication->login, &offer,
	    authentication_proto(authentication), event->data, event->length);
	if (error == EVPOP_ERROR_NONE)
		error = authentication_ask_key(authentication);
	authentication_check_answer(authentication, error);
}

/* ---- what it comes to ---- */

static void
authentication_accepted(struct evpop_authentication *authentication,
    const struct evpop_result *result)
{
	struct evpop_server *server = authentication_server(authentication);

	evpop_connection_logged_in(authentication->connection);
	evpop_server_learn_login(server, authentication->mechanism,
	    evpop_login_initial(authentication->login));
	if (evpop_login_was_unbound(authentication->login))
		evpop_server_learn_binding(server);
	if (!authentication_is_followed(authentication))
		authentication_append_capa(
		    authentication, authentication->request);
	else if (authentication->probe != NULL)
		authentication_append_capa(
		    authentication, authentication->probe);
	authentication_answer(authentication, result);
}

/* Try another mechanism in this session; false if there must be none. */
static bool
authentication_try_another(
    struct evpop_authentication *authentication, struct evpop_result *reason)
{
	return evpop_proto_state(authentication_proto(authentication)) ==
		   EVPOP_STATE_AUTHORIZATION &&
	       evpop_connection_is_live(authentication->connection) &&
	       evpop_login_may_go_on(authentication->login) &&
	       (authentication_ask_offer(authentication) ||
		   authentication_try(authentication, reason) ||
		   authentication->parts > 0);
}

/*
 * Say what a new session can try: another mechanism, or to ask the server for
 * its offer where that was assumed.
 */
static enum evpop_again
authentication_again(const struct evpop_authentication *authentication)
{
	const struct evpop_login *login = authentication->login;
	struct evpop_offer offer;

	evpop_connection_offer(authentication->connection, &offer);
	if (evpop_login_has_left(login, &offer))
		return EVPOP_AGAIN_OTHER_MECHANISM;
	return !evpop_login_is_judged(login) &&
		       (authentication_assumes_offer(authentication) ||
			   evpop_login_wants_split(login))
		   ? EVPOP_AGAIN_ONE_BY_ONE
		   : EVPOP_AGAIN_NO;
}

static void
authentication_refused(struct evpop_authentication *authentication,
    const struct evpop_result *result)
{
	struct evpop_result reason = *result;

	evpop_connection_refused(authentication->connection);
	authentication->tried = evpop_login_tried(authentication->login);
	if (!authentication_is_followed(authentication)) {
		if (authentication_try_another(authentication, &reason))
			return;
	} else
		/* Replies to what follows come before another log-in's. */
		authentication->again = authentication_again(authentication);
	authentication_answer(authentication, &reason);
}

/* The session ended on it, or it was refused for a reason that passes. */
static void
authentication_failed(struct evpop_authentication *authentication,
    const struct evpop_result *result)
{
	authentication->tried = evpop_login_tried(authentication->login);
	/*
	 * The server hung up, perhaps because of the mechanism or of what
	 * followed the log-in.
	 */
	if ((result->error == EVPOP_ERROR_IO ||
		result->error == EVPOP_ERROR_AUTH) &&
	    !authentication_is_followed(authentication))
		authentication->again = authentication_again(authentication);
	authentication_answer(authentication, result);
}

/* All commands of an attempt are done. */
static void
authentication_conclude(struct evpop_authentication *authentication)
{
	struct evpop_result result;

	switch (evpop_login_conclude(authentication->login, &result)) {
	case EVPOP_LOGIN_ACCEPTED:
		authentication_accepted(authentication, &result);
		break;
	case EVPOP_LOGIN_UNPROVED:
		/* This peer does not know the password. */
		evpop_connection_fail(authentication->connection, &result);
		authentication_answer(authentication, &result);
		break;
	case EVPOP_LOGIN_REFUSED:
		authentication_refused(authentication, &result);
		break;
	case EVPOP_LOGIN_FAILED:
		authentication_failed(authentication, &result);
		break;
	}
}

/*
 * The server took what was sent behind the log-in for part of it: what it says
 * of the credentials means nothing.
 */
static void
authentication_swallowed(struct evpop_authentication *authentication)
{
	struct evpop_result result;

	evpop_result_set(&result, EVPOP_ERROR_PROTOCOL, EVPOP_PHASE_LOGIN,
	    "the server takes nothing behind a log-in before its reply");
	evpop_server_learn_flight(authentication_server(authentication), false);
	authentication->again = EVPOP_AGAIN_ONE_BY_ONE;
	evpop_connection_fail(authentication->connection, &result);
	authentication_answer(authentication, &result);
}

/* The server has answered what it offers. */
static void
authentication_offered(struct evpop_authentication *authentication,
    const struct evpop_event *event)
{
	struct evpop_result result;
	struct evpop_offer offer;

	evpop_connection_learn_capabilities(
	    authentication->connection, event->result);
	if (evpop_proto_over(authentication_proto(authentication))) {
		result = *event->result;
		evpop_login_prefer_refusal(authentication->login, &result);
		authentication_failed(authentication, &result);
		return;
	}
	if (event->result->error != EVPOP_ERROR_NONE)
		evpop_server_doubt(authentication_server(authentication));
	evpop_connection_offer(authentication->connection, &offer);
	evpop_login_reconsider(authentication->login, &offer);
	if (!authentication_try(authentication, &result) &&
	    authentication->parts == 0)
		authentication_answer(authentication, &result);
}

void
evpop_authentication_done(struct evpop_authentication *authentication,
    const struct evpop_event *event)
{

	authentication->parts--;
	if (event->command == EVPOP_COMMAND_CAPA) {
		authentication_offered(authentication, event);
		return;
	}
	evpop_login_part(authentication->login, event);
	if (event->swallowed)
		authentication_swallowed(authentication);
	else if (authentication->parts == 0)
		authentication_conclude(authentication);
}

/* How long a client waits for what, and what it says when it waited enough. */
#include <inttypes.h>
#include <stdio.h>

#include "lib/net/client.h"

static void
fill(int64_t *timeout_ms, int64_t standard_ms)
{
	if (*timeout_ms <= 0)
		*timeout_ms = standard_ms;
}

void
evpop_client_timeouts(struct evpop_timeouts *timeouts)
{
	fill(&timeouts->resolve_ms, EVPOP_TIMEOUT_RESOLVE_MS);
	fill(&timeouts->connect_ms, EVPOP_TIMEOUT_CONNECT_MS);
	fill(&timeouts->handshake_ms, EVPOP_TIMEOUT_HANDSHAKE_MS);
	fill(&timeouts->greeting_ms, EVPOP_TIMEOUT_GREETING_MS);
	fill(&timeouts->login_ms, EVPOP_TIMEOUT_LOGIN_MS);
	fill(&timeouts->command_ms, EVPOP_TIMEOUT_COMMAND_MS);
	fill(&timeouts->send_ms, EVPOP_TIMEOUT_SEND_MS);
	fill(&timeouts->body_ms, EVPOP_TIMEOUT_BODY_MS);
	fill(&timeouts->quit_ms, EVPOP_TIMEOUT_QUIT_MS);
	fill(&timeouts->session_ms, EVPOP_TIMEOUT_SESSION_MS);
}

static enum evpop_phase
command_phase(const struct evpop_client *client)
{
	if (client->inside)
		return EVPOP_PHASE_BODY;
	switch (evpop_proto_awaited(client->proto)) {
	case EVPOP_COMMAND_NONE:
		return EVPOP_PHASE_NONE;
	case EVPOP_COMMAND_USER:
	case EVPOP_COMMAND_PASS:
	case EVPOP_COMMAND_APOP:
	case EVPOP_COMMAND_AUTH:
		return EVPOP_PHASE_LOGIN;
	case EVPOP_COMMAND_QUIT:
		return EVPOP_PHASE_QUIT;
	default:
		return EVPOP_PHASE_COMMAND;
	}
}

static enum evpop_phase
phase_of(const struct evpop_client *client)
{
	switch (client->stage) {
	case EVPOP_STAGE_RESOLVING:
		return EVPOP_PHASE_RESOLVE;
	case EVPOP_STAGE_CONNECTING:
		return EVPOP_PHASE_CONNECT;
	case EVPOP_STAGE_HANDSHAKING:
		return EVPOP_PHASE_HANDSHAKE;
	case EVPOP_STAGE_OPEN:
		break;
	default:
		return EVPOP_PHASE_NONE;
	}
	if (client->paused || evpop_client_derives(client))
		return EVPOP_PHASE_NONE;
	if (!client->greeted)
		return EVPOP_PHASE_GREETING;
	return command_phase(client);
}

static int64_t
timeout_of(const struct evpop_client *client, enum evpop_phase phase)
{
	const struct evpop_timeouts *timeouts = &client->timeouts;

	switch (phase) {
	case EVPOP_PHASE_RESOLVE:
		return timeouts->resolve_ms;
	case EVPOP_PHASE_CONNECT:
		return timeouts->connect_ms;
	case EVPOP_PHASE_HANDSHAKE:
		return timeouts->handshake_ms;
	case EVPOP_PHASE_GREETING:
		return timeouts->greeting_ms;
	case EVPOP_PHASE_LOGIN:
		return timeouts->login_ms;
	case EVPOP_PHASE_BODY:
		return timeouts->body_ms;
	case EVPOP_PHASE_QUIT:
		return timeouts->quit_ms;
	default:
		return timeouts->command_ms;
	}
}

/* How long the present phase may go on. */
static void
expect_phase(struct evpop_client *client)
{
	enum evpop_phase phase = phase_of(client);
	bool same = phase == client->phase &&
		    client->answered == client->phase_answered;

	/* Silence is what counts inside a body, in all else the whole. */
	if (same && (phase != EVPOP_PHASE_BODY ||
			client->phase_octets == client->transport.octets_in))
		return;
	client->phase = phase;
	client->phase_answered = client->answered;
	client->phase_octets = client->transport.octets_in;
	client->phase_at_ms =
	    phase == EVPOP_PHASE_NONE
		? 0
		: evpop_loop_now_ms() + timeout_of(client, phase);
}

/*
 * How long what is to be sent may wait.  A server that is busy sending may
 * well read nothing until it is done.
 */
static void
expect_to_send(struct evpop_client *client)
{
	const struct evpop_transport *transport = &client->transport;
	uint64_t octets = transport->octets_in + transport->octets_out;

	if (client->stage != EVPOP_STAGE_OPEN || client->paused ||
	    !transport->write_blocked) {
		client->send_at_ms = 0;
		return;
	}
	if (client->send_at_ms != 0 && client->send_octets == octets)
		return;
	client->send_octets = octets;
	client->send_at_ms = evpop_loop_now_ms() + client->timeouts.send_ms;
}

/* Whether sending is what ends first. */
static bool
is_about_sending(const struct evpop_client *client)
{
	return client->send_at_ms != 0 &&
	       (client->phase_at_ms == 0 ||
		   client->send_at_ms < client->phase_at_ms);
}

void
evpop_client_expect(struct evpop_client *client)
{
	expect_phase(client);
	expect_to_send(client);
	evpop_deadline_phase(&client->deadline, is_about_sending(client)
						    ? client->send_at_ms
						    : client->phase_at_ms);
}

/* "20 s", or "150 ms" where seconds do not come out even. */
static void
duration_text(char *text, size_t size, int64_t ms)
{
	if (ms % 1000 == 0)
		snprintf(text, size, "%" PRId64 " s", ms / 1000);
	else
		snprintf(text, size, "%" PRId64 " ms", ms);
}

static void
describe(const struct evpop_client *client, const char *limit,
    struct evpop_result *result)
{
	enum evpop_phase phase = client->phase;
	const char *command =
	    evpop_command_name(evpop_proto_awaited(client->proto));
	char tried[160] = "";

	switch (phase) {
	case EVPOP_PHASE_RESOLVE:
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "%.100s was not resolved within %s; do the name servers "
		    "(/etc/resolv.conf) answer?",
		    client->proxy.host != NULL ? client->proxy.host
					       : client->host,
		    limit);
		break;
	case EVPOP_PHASE_CONNECT:
		if (client->dial != NULL)
			evpop_dial_describe(client->dial, tried, sizeof(tried));
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "no connection within %s: %s", limit, tried);
		break;
	case EVPOP_PHASE_HANDSHAKE:
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "the TLS handshake was not finished within %s", limit);
		break;
	case EVPOP_PHASE_GREETING:
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "the server sent no greeting within %s%s", limit,
		    client->tls == EVPOP_TLS_IMPLICIT
			? ""
			: "; if it speaks TLS from the first byte at this "
			  "port, set tls = implicit");
		break;
	case EVPOP_PHASE_LOGIN:
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "the log-in was not answered within %s", limit);
		break;
	case EVPOP_PHASE_BODY:
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "the server was silent for %s amid its answer to %s", limit,
		    command);
		break;
	default:
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "%s was not answered within %s", command, limit);
		break;
	}
}

void
evpop_client_expired(bool whole_session, void *arg)
{
	struct evpop_client *client = arg;
	struct evpop_result result;
	char limit[32];

	evpop_client_enter(client);
	if (whole_session) {
		duration_text(
		    limit, sizeof(limit), client->timeouts.session_ms);
		evpop_result_set(&result, EVPOP_ERROR_TIMEOUT, client->phase,
		    "the session was not over within %s", limit);
	} else if (is_about_sending(client)) {
		duration_text(limit, sizeof(limit), client->timeouts.send_ms);
		evpop_result_set(&result, EVPOP_ERROR_TIMEOUT, client->phase,
		    "the server took nothing of what was to be sent for %s",
		    limit);
	} else {
		duration_text(
		    limit, sizeof(limit), timeout_of(client, client->phase));
		describe(client, limit, &result);
	}
	evpop_client_fail(client, &result);
	evpop_client_leave(client);
}

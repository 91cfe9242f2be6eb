#include "lib/core/session.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/name.h"
#include "lib/core/command.h"

/* Longest trace line: longer ones are cut. */
#define TRACE_SIZE 512

static const char *const state_names[] = {
	[EVPOP_STATE_GREETING] = "GREETING",
	[EVPOP_STATE_AUTHORIZATION] = "AUTHORIZATION",
	[EVPOP_STATE_HANDSHAKE] = "HANDSHAKE",
	[EVPOP_STATE_TRANSACTION] = "TRANSACTION",
	[EVPOP_STATE_UPDATE] = "UPDATE",
	[EVPOP_STATE_CLOSED] = "CLOSED",
};
EVPOP_NAMES_MATCH(state_names, EVPOP_STATE_COUNT);

static const char *const quit_names[] = {
	[EVPOP_QUIT_NONE] = "none",
	[EVPOP_QUIT_COMMITTED] = "committed",
	[EVPOP_QUIT_REFUSED] = "refused",
	[EVPOP_QUIT_UNKNOWN] = "unknown",
};
EVPOP_NAMES_MATCH(quit_names, EVPOP_QUIT_COUNT);

#define BIT(state) (1u << EVPOP_STATE_##state)

/* From each state, those that may follow. */
static const unsigned may_follow[] = {
	[EVPOP_STATE_GREETING] = BIT(AUTHORIZATION) | BIT(CLOSED),
	[EVPOP_STATE_AUTHORIZATION] =
	    BIT(HANDSHAKE) | BIT(TRANSACTION) | BIT(CLOSED),
	[EVPOP_STATE_HANDSHAKE] = BIT(AUTHORIZATION) | BIT(CLOSED),
	[EVPOP_STATE_TRANSACTION] = BIT(UPDATE) | BIT(CLOSED),
	[EVPOP_STATE_UPDATE] = BIT(CLOSED),
	[EVPOP_STATE_CLOSED] = 0,
};
EVPOP_NAMES_MATCH(may_follow, EVPOP_STATE_COUNT);

const char *
evpop_state_name(enum evpop_state state)
{
	assert(state < EVPOP_STATE_COUNT);
	return state_names[state];
}

const char *
evpop_quit_name(enum evpop_quit quit)
{
	assert(quit < EVPOP_QUIT_COUNT);
	return quit_names[quit];
}

#define OR_DEFAULT(value, fallback) ((value) != 0 ? (value) : (fallback))

struct evpop_proto *
evpop_proto_new(const struct evpop_proto_limits *limits)
{
	static const struct evpop_proto_limits defaults;
	struct evpop_proto *proto;

	if (limits == NULL)
		limits = &defaults;
	proto = calloc(1, sizeof *proto);
	if (proto == NULL)
		return NULL;
	proto->limits.line = OR_DEFAULT(limits->line, EVPOP_LIMIT_LINE);
	proto->limits.listing_line =
	    OR_DEFAULT(limits->listing_line, EVPOP_LIMIT_LISTING_LINE);
	proto->limits.listing_lines =
	    OR_DEFAULT(limits->listing_lines, EVPOP_LIMIT_LISTING_LINES);
	proto->limits.listing_octets =
	    OR_DEFAULT(limits->listing_octets, EVPOP_LIMIT_LISTING_OCTETS);
	proto->limits.capabilities =
	    OR_DEFAULT(limits->capabilities, EVPOP_LIMIT_CAPABILITIES);
	proto->limits.top = OR_DEFAULT(limits->top, EVPOP_LIMIT_TOP);
	/* Its default depends on the message. */
	proto->limits.body = limits->body;
	evpop_pipeline_set_window(&proto->pipeline, 1, 512);
	return proto;
}

void
evpop_proto_free(struct evpop_proto *proto)
{
	if (proto == NULL)
		return;
	evpop_pipeline_clear(&proto->pipeline);
	evpop_line_clear(&proto->line);
	free(proto);
}

enum evpop_state
evpop_proto_state(const struct evpop_proto *proto)
{
	return proto->state;
}

const struct evpop_capabilities *
evpop_proto_capabilities(const struct evpop_proto *proto)
{
	return &proto->capabilities;
}

void
evpop_proto_set_window(
    struct evpop_proto *proto, uint32_t commands, size_t octets)
{
	evpop_pipeline_set_window(&proto->pipeline, commands, octets);
}

void
evpop_proto_set_trace(struct evpop_proto *proto, evpop_trace_cb cb, void *arg)
{
	proto->trace = cb;
	proto->trace_arg = arg;
}

void
evpop_proto_set_state_trace(
    struct evpop_proto *proto, evpop_state_cb cb, void *arg)
{
	proto->changed = cb;
	proto->changed_arg = arg;
}

void
evpop_session_trace(struct evpop_proto *proto, bool from_server,
    const void *line, size_t length)
{
	char text[TRACE_SIZE];

	if (proto->trace == NULL)
		return;
	evpop_printable(text, sizeof text, line, length);
	proto->trace(from_server, text, proto->trace_arg);
}

void
evpop_session_enter(struct evpop_proto *proto, enum evpop_state state)
{
	enum evpop_state old = proto->state;

	assert(may_follow[old] & 1u << state);
	proto->state = state;
	if (proto->changed != NULL)
		proto->changed(old, state, proto->changed_arg);
}

enum evpop_phase
evpop_session_phase(const struct evpop_proto *proto)
{
	enum evpop_phase phase;

	if (proto->state == EVPOP_STATE_GREETING)
		return EVPOP_PHASE_GREETING;
	if (proto->state == EVPOP_STATE_HANDSHAKE)
		return EVPOP_PHASE_HANDSHAKE;
	if (proto->turn == EVPOP_TURN_BODY)
		return EVPOP_PHASE_BODY;
	phase = evpop_command_rule(evpop_proto_awaited(proto))->phase;
	return phase != EVPOP_PHASE_NONE ? phase : EVPOP_PHASE_COMMAND;
}

enum evpop_phase
evpop_session_timed_phase(const struct evpop_proto *proto)
{
	if (proto->state != EVPOP_STATE_GREETING &&
	    evpop_proto_awaited(proto) == EVPOP_COMMAND_NONE)
		return EVPOP_PHASE_NONE;
	return proto->turn == EVPOP_TURN_LISTING ||
		       proto->turn == EVPOP_TURN_BODY ||
		       proto->turn == EVPOP_TURN_PROOF
		   ? EVPOP_PHASE_BODY
		   : evpop_session_phase(proto);
}

void
evpop_session_describe_overdue(const struct evpop_proto *proto,
    enum evpop_phase phase, const char *limit, struct evpop_result *result)
{
	const char *command = evpop_command_name(evpop_proto_awaited(proto));

	switch (phase) {
	case EVPOP_PHASE_GREETING:
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "the server sent no greeting within %s", limit);
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
evpop_session_end(struct evpop_proto *proto, const struct evpop_result *result)
{
	uint32_t number;

	if (evpop_proto_over(proto))
		return;
	proto->fault = evpop_proto_body_fault(proto, &number);
	if (proto->state == EVPOP_STATE_TRANSACTION ||
	    evpop_pipeline_awaits_login(&proto->pipeline))
		proto->quit = EVPOP_QUIT_UNKNOWN;
	proto->turn = EVPOP_TURN_END;
	proto->end = *result;
	/* The unwritten output is dropped. */
	evpop_pipeline_drop_output(&proto->pipeline);
}

void
evpop_session_fail(
    struct evpop_proto *proto, enum evpop_error error, const char *format, ...)
{
	struct evpop_result result;
	char text[EVPOP_TEXT_SIZE];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	evpop_result_set(
	    &result, error, evpop_session_phase(proto), "%s", text);
	evpop_session_end(proto, &result);
}

void
evpop_session_fail_astray(struct evpop_proto *proto, const char *format, ...)
{
	char text[EVPOP_TEXT_SIZE];
	va_list ap;

	proto->fault = evpop_body_explain(&proto->body, text);
	if (proto->fault == EVPOP_BODY_FAULT_NONE) {
		va_start(ap, format);
		vsnprintf(text, sizeof text, format, ap);
		va_end(ap);
	}
	evpop_session_fail(proto, EVPOP_ERROR_PROTOCOL, "%s", text);
}

void
evpop_proto_fail(struct evpop_proto *proto, const struct evpop_result *result)
{
	struct evpop_result end = *result;
	uint32_t number;

	if (result->error == EVPOP_ERROR_TIMEOUT &&
	    evpop_proto_body_fault(proto, &number) == EVPOP_BODY_FAULT_LF_ALONE)
		snprintf(end.text, sizeof end.text,
		    "%.80s: the lines of message %lu end in LF alone, the "
		    "server's status lines in CRLF, so its end cannot be told",
		    result->text, (unsigned long)number);
	evpop_session_end(proto, &end);
}

enum evpop_body_fault
evpop_proto_body_fault(const struct evpop_proto *proto, uint32_t *number_r)
{
	char text[EVPOP_TEXT_SIZE];

	*number_r = proto->body.number;
	if (evpop_proto_over(proto) || proto->fault != EVPOP_BODY_FAULT_NONE)
		return proto->fault;
	if (proto->turn == EVPOP_TURN_PROOF)
		return evpop_body_explain(&proto->body, text);
	return proto->turn == EVPOP_TURN_BODY &&
		       evpop_body_is_lf_alone(&proto->body)
		   ? EVPOP_BODY_FAULT_LF_ALONE
		   : EVPOP_BODY_FAULT_NONE;
}

void
evpop_proto_eof(struct evpop_proto *proto)
{
	static const char *const when[EVPOP_PHASE_COUNT] = {
		[EVPOP_PHASE_GREETING] = "before its greeting",
		[EVPOP_PHASE_HANDSHAKE] = "instead of beginning TLS",
		[EVPOP_PHASE_LOGIN] = "instead of answering the log-in",
		[EVPOP_PHASE_COMMAND] = "in the middle of the session",
		[EVPOP_PHASE_BODY] = "in the middle of a message",
		[EVPOP_PHASE_QUIT] = "without answering QUIT",
	};

	evpop_session_fail(proto, EVPOP_ERROR_IO,
	    "the server closed the connection %s",
	    when[evpop_session_phase(proto)]);
}

void
evpop_proto_secured(struct evpop_proto *proto)
{
	assert(proto->state == EVPOP_STATE_HANDSHAKE);
	memset(&proto->capabilities, 0, sizeof proto->capabilities);
	evpop_session_enter(proto, EVPOP_STATE_AUTHORIZATION);
}

enum evpop_error
evpop_proto_submit(
    struct evpop_proto *proto, const struct evpop_request *request)
{
	const struct evpop_queued *last = evpop_pipeline_last(&proto->pipeline);

	if (evpop_proto_over(proto) || !evpop_command_valid(request))
		return EVPOP_ERROR_USAGE;
	if (last != NULL && last->request.command == EVPOP_COMMAND_QUIT)
		return EVPOP_ERROR_USAGE;
	if (!evpop_pipeline_push(&proto->pipeline, request))
		return EVPOP_ERROR_MEMORY;
	return EVPOP_ERROR_NONE;
}

enum evpop_error
evpop_proto_ask(
    struct evpop_proto *proto, enum evpop_command command, uint32_t number)
{
	const struct evpop_request request = { .command = command,
		.number = number };

	return evpop_proto_submit(proto, &request);
}

enum evpop_error
evpop_proto_login(
    struct evpop_proto *proto, const char *user, const char *password)
{
	const struct evpop_request name = { .command = EVPOP_COMMAND_USER,
		.text = user };
	const struct evpop_request secret = { .command = EVPOP_COMMAND_PASS,
		.text = password };
	enum evpop_error error = evpop_proto_submit(proto, &name);

	if (error != EVPOP_ERROR_NONE)
		return error;
	error = evpop_proto_submit(proto, &secret);
	if (error != EVPOP_ERROR_NONE)
		evpop_pipeline_retract(&proto->pipeline);
	return error;
}

size_t
evpop_proto_pending(const struct evpop_proto *proto)
{
	return evpop_pipeline_length(&proto->pipeline);
}

size_t
evpop_proto_outstanding(const struct evpop_proto *proto)
{
	return evpop_pipeline_outstanding(&proto->pipeline);
}

bool
evpop_proto_over(const struct evpop_proto *proto)
{
	return proto->turn >= EVPOP_TURN_END;
}

enum evpop_command
evpop_proto_awaited(const struct evpop_proto *proto)
{
	const struct evpop_queued *queued = evpop_session_awaited(proto);

	return queued == NULL ? EVPOP_COMMAND_NONE : queued->request.command;
}

const struct evpop_queued *
evpop_session_awaited(const struct evpop_proto *proto)
{
	return evpop_pipeline_owed(
	    &proto->pipeline, proto->turn == EVPOP_TURN_PROOF ? 1 : 0);
}

/* STLS belongs before the log-in (RFC 2595 section 4). */
static bool
session_is_past_tls(
    const struct evpop_proto *proto, const struct evpop_request *request)
{
	return request->command == EVPOP_COMMAND_STLS &&
	       (proto->state == EVPOP_STATE_TRANSACTION ||
		   evpop_pipeline_awaits_login(&proto->pipeline));
}

static bool
session_lacks_user(
    const struct evpop_proto *proto, const struct evpop_request *request)
{
	return request->command == EVPOP_COMMAND_PASS && proto->user_refused;
}

/* A log-in may be on its way, or done; otherwise these commands must wait. */
static bool
session_lacks_login(
    const struct evpop_proto *proto, const struct evpop_request *request)
{
	return evpop_command_rule(request->command)->transaction &&
	       proto->state != EVPOP_STATE_TRANSACTION &&
	       !evpop_pipeline_awaits_login(&proto->pipeline);
}

/* Never: in this state, or behind what was sent, it makes no sense. */
static bool
session_forbids(
    const struct evpop_proto *proto, const struct evpop_request *request)
{
	return session_lacks_login(proto, request) ||
	       session_lacks_user(proto, request) ||
	       session_is_past_tls(proto, request);
}

static bool
session_takes_commands(const struct evpop_proto *proto)
{
	return proto->state == EVPOP_STATE_AUTHORIZATION ||
	       proto->state == EVPOP_STATE_TRANSACTION;
}

bool
evpop_session_hopeless(const struct evpop_proto *proto)
{
	const struct evpop_request *next =
	    evpop_pipeline_unsent(&proto->pipeline);

	return next != NULL && evpop_proto_outstanding(proto) == 0 &&
	       session_takes_commands(proto) && session_forbids(proto, next);
}

/* A command as the trace may show it. */
static void
session_trace_command(struct evpop_proto *proto,
    const struct evpop_request *request, const char *line, size_t length)
{
	const char *name = evpop_command_name(request->command);
	char shown[64];
	int shown_length;

	if (!evpop_command_rule(request->command)->secret) {
		evpop_session_trace(proto, false, line, length);
		return;
	}
	if (request->command == EVPOP_COMMAND_AUTH)
		shown_length = snprintf(shown, sizeof shown, "AUTH %.20s%s",
		    request->text, request->initial != NULL ? " ****" : "");
	else
		shown_length = snprintf(shown, sizeof shown, "%s ****", name);
	evpop_session_trace(proto, false, shown, (size_t)shown_length);
}

/* Let the next command out; false where it must go on waiting. */
static bool
session_send(struct evpop_proto *proto)
{
	const struct evpop_request *next =
	    evpop_pipeline_unsent(&proto->pipeline);
	const char *line;
	size_t length;

	if (evpop_proto_over(proto) || next == NULL ||
	    !session_takes_commands(proto) || session_forbids(proto, next))
		return false;
	switch (evpop_pipeline_encode(&proto->pipeline, &line, &length)) {
	case EVPOP_PIPELINE_SENT:
		break;
	case EVPOP_PIPELINE_WAITS:
		return false;
	case EVPOP_PIPELINE_NO_MEMORY:
		evpop_session_fail(
		    proto, EVPOP_ERROR_MEMORY, "no memory for a command");
		return false;
	}
	if (next->command == EVPOP_COMMAND_USER)
		proto->user_refused = false;
	if (proto->turn == EVPOP_TURN_BODY)
		evpop_body_seek_replies(&proto->body);
	session_trace_command(proto, next, line, length);
	evpop_pipeline_sent(&proto->pipeline);
	return true;
}

enum evpop_error
evpop_proto_respond(struct evpop_proto *proto, const char *response, bool final)
{
	bool gives_up = strcmp(response, "*") == 0;

	/* An empty response is an empty line. */
	if (proto->turn != EVPOP_TURN_RESPONSE ||
	    (response[0] != '\0' && !evpop_text_harmless(response)))
		return EVPOP_ERROR_USAGE;
	if (!evpop_pipeline_respond(&proto->pipeline, response, final))
		return EVPOP_ERROR_MEMORY;
	proto->turn = EVPOP_TURN_STATUS;
	evpop_session_trace(
	    proto, false, gives_up ? "*" : "****", gives_up ? 1 : 4);
	return EVPOP_ERROR_NONE;
}

const unsigned char *
evpop_proto_output(struct evpop_proto *proto, size_t *length_r)
{
	while (session_send(proto))
		;
	return evpop_pipeline_output(&proto->pipeline, length_r);
}

void
evpop_proto_sent(struct evpop_proto *proto, size_t length)
{
	if (!evpop_proto_over(proto))
		evpop_pipeline_written(&proto->pipeline, length);
}

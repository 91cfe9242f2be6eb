#include "lib/core/session.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/core/command.h"
#include "lib/base/name.h"

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
	proto->limits.body = OR_DEFAULT(limits->body, UINT64_MAX);
	proto->window_commands = 1;
	proto->window_octets = 512;
	return proto;
}

void
evpop_proto_free(struct evpop_proto *proto)
{
	if (proto == NULL)
		return;
	evpop_queue_clear(&proto->queue);
	evpop_output_clear(&proto->output);
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
	if (commands > 0)
		proto->window_commands = commands;
	if (octets > 0)
		proto->window_octets = octets;
}

void
evpop_proto_set_trace(struct evpop_proto *proto, evpop_trace_cb cb, void *arg)
{
	proto->trace = cb;
	proto->trace_arg = arg;
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
	assert(may_follow[proto->state] & 1u << state);
	proto->state = state;
}

enum evpop_phase
evpop_session_phase(const struct evpop_proto *proto)
{
	if (proto->state == EVPOP_STATE_GREETING)
		return EVPOP_PHASE_GREETING;
	if (proto->state == EVPOP_STATE_HANDSHAKE)
		return EVPOP_PHASE_HANDSHAKE;
	if (proto->reading == EVPOP_READING_BODY)
		return EVPOP_PHASE_BODY;
	switch (evpop_proto_awaited(proto)) {
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

void
evpop_session_end(struct evpop_proto *proto, const struct evpop_result *result)
{
	uint32_t number;

	if (proto->over)
		return;
	proto->fault = evpop_proto_body_fault(proto, &number);
	proto->over = true;
	proto->end = *result;
	/*
	 * What was not written never will be; the state stays for those who
	 * ask what was at stake, until all commands are reported.
	 */
	evpop_output_clear(&proto->output);
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
	if (proto->over || proto->fault != EVPOP_BODY_FAULT_NONE)
		return proto->fault;
	if (proto->reading == EVPOP_READING_PROOF)
		return evpop_body_explain(&proto->body, text);
	return proto->reading == EVPOP_READING_BODY &&
		       evpop_body_is_lf_alone(&proto->body)
		   ? EVPOP_BODY_FAULT_LF_ALONE
		   : EVPOP_BODY_FAULT_NONE;
}

void
evpop_proto_eof(struct evpop_proto *proto)
{
	const char *when;

	switch (evpop_session_phase(proto)) {
	case EVPOP_PHASE_GREETING:
		when = "before its greeting";
		break;
	case EVPOP_PHASE_HANDSHAKE:
		when = "instead of beginning TLS";
		break;
	case EVPOP_PHASE_LOGIN:
		when = "instead of answering the log-in";
		break;
	case EVPOP_PHASE_BODY:
		when = "in the middle of a message";
		break;
	case EVPOP_PHASE_QUIT:
		when = "without answering QUIT";
		break;
	default:
		when = "in the middle of the session";
		break;
	}
	evpop_session_fail(
	    proto, EVPOP_ERROR_IO, "the server closed the connection %s", when);
}

void
evpop_proto_secured(struct evpop_proto *proto)
{
	assert(proto->state == EVPOP_STATE_HANDSHAKE);
	memset(&proto->capabilities, 0, sizeof proto->capabilities);
	evpop_session_enter(proto, EVPOP_STATE_AUTHORIZATION);
}

/* Commands on their way to the server: the queue and the window. */
#include <stdio.h>
#include <string.h>

#include "lib/core/command.h"
#include "lib/core/session.h"

static bool
ends_session(const struct evpop_queued *queued)
{
	return queued->request.command == EVPOP_COMMAND_QUIT;
}

enum evpop_error
evpop_proto_submit(
    struct evpop_proto *proto, const struct evpop_request *request)
{
	const struct evpop_queued *last;

	if (proto->over || !evpop_command_valid(request))
		return EVPOP_ERROR_USAGE;
	if (proto->queue.length > 0) {
		last = evpop_queue_at(&proto->queue, proto->queue.length - 1);
		if (ends_session(last))
			return EVPOP_ERROR_USAGE;
	}
	if (!evpop_queue_push(&proto->queue, request))
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
		evpop_queue_retract(&proto->queue);
	return error;
}

size_t
evpop_proto_pending(const struct evpop_proto *proto)
{
	return proto->queue.length;
}

size_t
evpop_proto_outstanding(const struct evpop_proto *proto)
{
	return proto->queue.sent;
}

bool
evpop_proto_over(const struct evpop_proto *proto)
{
	return proto->over;
}

enum evpop_command
evpop_proto_awaited(const struct evpop_proto *proto)
{
	const struct evpop_queued *queued = evpop_session_awaited(proto);

	return queued == NULL ? EVPOP_COMMAND_NONE : queued->request.command;
}

struct evpop_queued *
evpop_session_awaited(const struct evpop_proto *proto)
{
	size_t i = proto->reading == EVPOP_READING_PROOF ? 1 : 0;

	return i < proto->queue.sent ? evpop_queue_at(&proto->queue, i) : NULL;
}

/* STLS belongs before the log-in (RFC 2595 section 4). */
static bool
too_late_for_tls(
    const struct evpop_proto *proto, const struct evpop_request *request)
{
	return request->command == EVPOP_COMMAND_STLS &&
	       (proto->state == EVPOP_STATE_TRANSACTION ||
		   proto->login_pending);
}

static bool
lacks_user(const struct evpop_proto *proto, const struct evpop_request *request)
{
	return request->command == EVPOP_COMMAND_PASS && proto->user_refused;
}

/* A log-in may be on its way, or done; otherwise these commands must wait. */
static bool
lacks_login(
    const struct evpop_proto *proto, const struct evpop_request *request)
{
	return evpop_command_rule(request->command)->transaction &&
	       proto->state != EVPOP_STATE_TRANSACTION && !proto->login_pending;
}

bool
evpop_session_hopeless(const struct evpop_proto *proto)
{
	const struct evpop_queued *first;

	if (proto->queue.length == 0 || proto->queue.sent > 0 ||
	    (proto->state != EVPOP_STATE_AUTHORIZATION &&
		proto->state != EVPOP_STATE_TRANSACTION))
		return false;
	first = evpop_queue_at(&proto->queue, 0);
	return lacks_login(proto, &first->request) ||
	       lacks_user(proto, &first->request) ||
	       too_late_for_tls(proto, &first->request);
}

static bool
may_send(const struct evpop_proto *proto, const struct evpop_request *request,
    size_t length)
{
	if (proto->state != EVPOP_STATE_AUTHORIZATION &&
	    proto->state != EVPOP_STATE_TRANSACTION)
		return false;
	if (proto->last_sent || lacks_login(proto, request) ||
	    lacks_user(proto, request) || too_late_for_tls(proto, request))
		return false;
	if (proto->queue.sent == 0)
		return true;
	return proto->queue.sent < proto->window_commands &&
	       proto->outstanding_octets + length <= proto->window_octets;
}

static void
note_sent(struct evpop_proto *proto, const struct evpop_request *request)
{
	if (request->command == EVPOP_COMMAND_USER)
		proto->user_refused = false;
	if (evpop_command_rule(request->command)->login)
		proto->login_pending = true;
	if (evpop_command_stops(request))
		proto->last_sent = true;
	if (proto->reading == EVPOP_READING_BODY)
		proto->body.dot.seeks_replies = true;
}

void
evpop_session_look_ahead(struct evpop_proto *proto)
{
	const struct evpop_queued *queued;
	size_t i;

	proto->login_pending = proto->last_sent = false;
	for (i = 0; i < proto->queue.sent; i++) {
		queued = evpop_queue_at(&proto->queue, i);
		if (queued->consumed)
			continue;
		if (evpop_command_rule(queued->request.command)->login)
			proto->login_pending = true;
		/* One that was challenged may be challenged again. */
		if (evpop_command_stops(&queued->request) ||
		    queued->challenges > 0)
			proto->last_sent = true;
	}
}

/* A command as the trace may show it. */
static void
trace_command(struct evpop_proto *proto, const struct evpop_request *request,
    const char *line, size_t length)
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

/* Encode the next command that waits; false where it must go on waiting. */
static bool
encode_next(struct evpop_proto *proto)
{
	struct evpop_queued *next;
	size_t room, length;
	char *line;

	next = evpop_queue_at(&proto->queue, proto->queue.sent);
	if (next == NULL)
		return false;
	room = evpop_command_room(&next->request);
	line = evpop_output_reserve(&proto->output, room);
	if (line == NULL) {
		evpop_session_fail(
		    proto, EVPOP_ERROR_MEMORY, "no memory for a command");
		return false;
	}
	length = evpop_command_encode(&next->request, line);
	if (!may_send(proto, &next->request, length)) {
		explicit_bzero(line, length);
		return false;
	}
	trace_command(proto, &next->request, line, length - 2);
	evpop_output_commit(&proto->output, length,
	    evpop_command_rule(next->request.command)->secret);
	evpop_queued_forget_texts(next);
	proto->encoded += length;
	proto->outstanding_octets += length;
	next->wire_length = length;
	next->wire_end = proto->encoded;
	proto->queue.sent++;
	note_sent(proto, &next->request);
	return true;
}

enum evpop_error
evpop_proto_respond(struct evpop_proto *proto, const char *response, bool final)
{
	struct evpop_queued *auth = evpop_queue_at(&proto->queue, 0);
	size_t length = strlen(response);
	char *line;

	/* An empty response is an empty line. */
	if (proto->over || !proto->challenged ||
	    (length > 0 && !evpop_text_harmless(response)))
		return EVPOP_ERROR_USAGE;
	line = evpop_output_reserve(&proto->output, length + 2);
	if (line == NULL)
		return EVPOP_ERROR_MEMORY;
	memcpy(line, response, length);
	memcpy(line + length, "\r\n", 2);
	evpop_output_commit(&proto->output, length + 2, true);
	evpop_session_trace(proto, false,
	    strcmp(response, "*") == 0 ? "*" : "****",
	    strcmp(response, "*") == 0 ? 1 : 4);
	proto->encoded += length + 2;
	auth->wire_end = proto->encoded;
	auth->final = final;
	proto->challenged = false;
	return EVPOP_ERROR_NONE;
}

const unsigned char *
evpop_proto_output(struct evpop_proto *proto, size_t *length_r)
{
	while (!proto->over && encode_next(proto))
		;
	*length_r = proto->output.end - proto->output.start;
	if (*length_r == 0)
		return NULL;
	return (const unsigned char *)proto->output.bytes + proto->output.start;
}

void
evpop_proto_sent(struct evpop_proto *proto, size_t length)
{
	if (proto->over)
		return;
	evpop_output_drain(&proto->output, length);
	proto->sent += length;
}

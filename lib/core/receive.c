/* Bytes from the server become events. */
#include <stdio.h>
#include <string.h>

#include "lib/core/command.h"
#include "lib/core/reply.h"
#include "lib/core/session.h"

static struct evpop_queued *
receive_current(const struct evpop_proto *proto)
{
	return evpop_pipeline_first(&proto->pipeline);
}

static void
receive_event(struct evpop_proto *proto, enum evpop_event_type type,
    struct evpop_event *event)
{
	const struct evpop_queued *queued = receive_current(proto);

	memset(event, 0, sizeof *event);
	event->type = type;
	event->result = &proto->result;
	if (queued != NULL && type != EVPOP_EVENT_GREETING &&
	    type != EVPOP_EVENT_CLOSED) {
		event->command = queued->request.command;
		event->arg = queued->request.arg;
	}
}

/* The current command is finished: the event says so, and it is forgotten. */
static void
receive_done(struct evpop_proto *proto, struct evpop_event *event)
{
	receive_event(proto, EVPOP_EVENT_DONE, event);
	if (proto->lines.ignored > 0) {
		event->ignored = proto->lines.ignored;
		event->ignored_line = proto->lines.ignored_line;
		proto->lines.ignored = 0;
	}
	event->swallowed = receive_current(proto)->swallowed;
	evpop_pipeline_pop(&proto->pipeline);
	if (!evpop_proto_over(proto))
		proto->turn = EVPOP_TURN_STATUS;
}

static void
receive_refusal(struct evpop_proto *proto, struct evpop_event *event)
{
	enum evpop_command command = receive_current(proto)->request.command;
	bool login =
	    command == EVPOP_COMMAND_USER || evpop_command_rule(command)->login;
	static const struct evpop_result answered;

	evpop_refusal_judge(&proto->result, login);
	if (login)
		proto->login = proto->result;
	if (command == EVPOP_COMMAND_USER)
		proto->user_refused = true;
	receive_done(proto, event);
	if (command != EVPOP_COMMAND_QUIT)
		return;
	event->quit = proto->state == EVPOP_STATE_TRANSACTION
			  ? EVPOP_QUIT_REFUSED
			  : EVPOP_QUIT_NONE;
	evpop_session_end(proto, &answered);
}

/* The size in "+OK 120 octets": a number, and nothing glued to it. */
static void
receive_body_begin(struct evpop_proto *proto,
    const struct evpop_status_line *status, struct evpop_event *event)
{
	const unsigned char *text = status->text;
	size_t length = status->length;

	receive_event(proto, EVPOP_EVENT_BEGIN, event);
	event->number = receive_current(proto)->request.number;
	event->has_octets = evpop_number_take(&text, &length, &event->octets);
	proto->turn = EVPOP_TURN_BODY;
	evpop_body_begin(&proto->body, &proto->limits,
	    &receive_current(proto)->request, status->crlf,
	    event->has_octets ? event->octets : EVPOP_DOT_SIZE_UNKNOWN);
	if (evpop_proto_outstanding(proto) > 1)
		evpop_body_seek_replies(&proto->body);
}

static void
receive_entry(
    struct evpop_event *event, const struct evpop_listing_entry *entry)
{
	event->number = entry->number;
	event->octets = entry->octets;
	event->has_octets = entry->has_octets;
	event->data = entry->unique_id;
	event->length = entry->unique_id_length;
}

static void
receive_listing_begin(struct evpop_proto *proto, struct evpop_event *event)
{
	if (receive_current(proto)->request.command == EVPOP_COMMAND_CAPA) {
		memset(&proto->capabilities, 0, sizeof proto->capabilities);
		proto->capabilities.known = true;
	}
	receive_event(proto, EVPOP_EVENT_BEGIN, event);
	proto->turn = EVPOP_TURN_LISTING;
	proto->lines = (struct evpop_lines){ 0 };
}

/*
 * The numbers of STAT, LIST n and UIDL n stand in the status line.  A reply
 * that has none is a fault of that reply only.
 */
static void
receive_numbers(struct evpop_proto *proto,
    const struct evpop_status_line *status, struct evpop_event *event)
{
	enum evpop_command command = receive_current(proto)->request.command;
	struct evpop_listing_entry entry;
	bool ok;

	ok = evpop_listing_entry_parse(
	    command, status->text, status->length, &entry);
	if (!ok) {
		evpop_result_set(&proto->result, EVPOP_ERROR_PROTOCOL,
		    EVPOP_PHASE_COMMAND, "%s was answered without a %s",
		    evpop_command_name(command),
		    entry.number == 0 ? "number" : "unique-id of a fit length");
		proto->result.scope = EVPOP_SCOPE_MESSAGE;
	}
	receive_done(proto, event);
	if (ok)
		receive_entry(event, &entry);
}

static void
receive_quit(struct evpop_proto *proto, struct evpop_event *event)
{
	struct evpop_result end = { .error = EVPOP_ERROR_NONE };
	bool transaction = proto->state == EVPOP_STATE_TRANSACTION;

	receive_done(proto, event);
	event->quit = transaction ? EVPOP_QUIT_COMMITTED : EVPOP_QUIT_NONE;
	if (transaction)
		evpop_session_enter(proto, EVPOP_STATE_UPDATE);
	evpop_session_end(proto, &end);
}

static void
receive_acceptance(struct evpop_proto *proto,
    const struct evpop_status_line *status, struct evpop_event *event)
{
	const struct evpop_request *request = &receive_current(proto)->request;

	switch (request->command) {
	case EVPOP_COMMAND_USER:
		proto->user_refused = false;
		receive_done(proto, event);
		break;
	case EVPOP_COMMAND_AUTH:
	case EVPOP_COMMAND_PASS:
	case EVPOP_COMMAND_APOP:
		if (proto->state == EVPOP_STATE_AUTHORIZATION)
			evpop_session_enter(proto, EVPOP_STATE_TRANSACTION);
		receive_done(proto, event);
		break;
	case EVPOP_COMMAND_STLS:
		evpop_session_enter(proto, EVPOP_STATE_HANDSHAKE);
		receive_done(proto, event);
		break;
	case EVPOP_COMMAND_STAT:
		receive_numbers(proto, status, event);
		break;
	case EVPOP_COMMAND_LIST:
	case EVPOP_COMMAND_UIDL:
		if (request->number != 0)
			receive_numbers(proto, status, event);
		else
			receive_listing_begin(proto, event);
		break;
	case EVPOP_COMMAND_LANG:
		if (receive_current(proto)->had_text)
			receive_done(proto, event);
		else
			receive_listing_begin(proto, event);
		break;
	case EVPOP_COMMAND_CAPA:
		receive_listing_begin(proto, event);
		break;
	case EVPOP_COMMAND_RETR:
	case EVPOP_COMMAND_TOP:
		receive_body_begin(proto, status, event);
		break;
	case EVPOP_COMMAND_QUIT:
		receive_quit(proto, event);
		break;
	default:
		receive_done(proto, event);
		break;
	}
}

/* A server that refuses in its greeting may say why by a response code. */
static void
receive_greeting(struct evpop_proto *proto,
    const struct evpop_status_line *status, struct evpop_event *event)
{
	struct evpop_result end;

	if (status->ok) {
		evpop_session_enter(proto, EVPOP_STATE_AUTHORIZATION);
		receive_event(proto, EVPOP_EVENT_GREETING, event);
		event->data = status->text;
		event->length = status->length;
		return;
	}
	proto->result.scope = EVPOP_SCOPE_SESSION;
	proto->result.retry = status->code != EVPOP_CODE_SYS_PERM;
	receive_event(proto, EVPOP_EVENT_GREETING, event);
	end = proto->result;
	evpop_session_end(proto, &end);
}

/* No octet may come while nothing was asked, or before. */
static bool
receive_is_due(struct evpop_proto *proto)
{
	const struct evpop_queued *queued = evpop_session_awaited(proto);

	if (proto->state == EVPOP_STATE_GREETING)
		return true;
	if (proto->state == EVPOP_STATE_HANDSHAKE) {
		evpop_session_fail(proto, EVPOP_ERROR_PROTOCOL,
		    "octets after the reply to STLS and before the handshake: "
		    "somebody may be tampering with the connection");
		return false;
	}
	if (queued == NULL || proto->turn == EVPOP_TURN_RESPONSE ||
	    !evpop_pipeline_is_written(&proto->pipeline, queued)) {
		evpop_session_fail_astray(
		    proto, "the server spoke without being asked");
		return false;
	}
	return true;
}

static void
receive_line_failed(struct evpop_proto *proto, enum evpop_line_status status)
{
	if (status == EVPOP_LINE_TOO_LONG)
		evpop_session_fail(proto, EVPOP_ERROR_LIMIT,
		    "the server sent an endless line");
	else
		evpop_session_fail(
		    proto, EVPOP_ERROR_MEMORY, "no memory for a line");
}

static void
receive_challenge(struct evpop_proto *proto, const unsigned char *text,
    size_t length, struct evpop_event *event)
{
	if (receive_current(proto)->challenges == EVPOP_LIMIT_CHALLENGES) {
		evpop_session_fail(proto, EVPOP_ERROR_LIMIT,
		    "the server sends one challenge after another");
		return;
	}
	if (!evpop_pipeline_challenge(&proto->pipeline))
		return;
	proto->turn = EVPOP_TURN_RESPONSE;
	receive_event(proto, EVPOP_EVENT_CHALLENGE, event);
	event->data = text;
	event->length = length;
}

static void
receive_no_reply(
    struct evpop_proto *proto, const unsigned char *line, size_t length)
{
	char shown[68] = "an empty line", text[64];

	if (length > 0) {
		evpop_printable(text, sizeof text, line, length);
		snprintf(shown, sizeof shown, "\"%s\"", text);
	}
	evpop_session_fail_astray(proto,
	    proto->state == EVPOP_STATE_GREETING
		? "this is not a POP3 server: it greets with %s"
		: "not a POP3 status line: %s",
	    shown);
}

/*
 * Behind a body that is not as long as it should be: only a reply to the next
 * command shows that it has ended.  That reply is read again, then.
 */
static void
receive_proof(struct evpop_proto *proto, const unsigned char *line,
    size_t length, bool crlf, struct evpop_event *event)
{
	struct evpop_status_line status;

	if (!evpop_status_line_parse(line, length, &status)) {
		evpop_session_trace(proto, true, line, length);
		receive_no_reply(proto, line, length);
	} else if (!evpop_line_repeat(&proto->line, line, length, crlf))
		receive_line_failed(proto, EVPOP_LINE_NO_MEMORY);
	else
		receive_done(proto, event);
}

static void
receive_status(struct evpop_proto *proto, const unsigned char *data,
    size_t length, size_t *used_r, struct evpop_event *event)
{
	struct evpop_status_line status;
	enum evpop_line_status line_status;
	const unsigned char *line, *text;
	size_t line_length, text_length;
	bool crlf;

	if (!evpop_line_begun(&proto->line) && !receive_is_due(proto))
		return;
	line_status = evpop_line_feed(&proto->line, data, length,
	    proto->limits.line, used_r, &line, &line_length, &crlf);
	if (line_status == EVPOP_LINE_MORE)
		return;
	if (line_status != EVPOP_LINE_READY) {
		receive_line_failed(proto, line_status);
		return;
	}
	if (proto->turn == EVPOP_TURN_PROOF) {
		receive_proof(proto, line, line_length, crlf, event);
		return;
	}
	evpop_session_trace(proto, true, line, line_length);
	if (evpop_proto_awaited(proto) == EVPOP_COMMAND_AUTH &&
	    evpop_challenge_parse(line, line_length,
		!receive_current(proto)->final, &text, &text_length)) {
		receive_challenge(proto, text, text_length, event);
		return;
	}
	if (!evpop_status_line_parse(line, line_length, &status)) {
		receive_no_reply(proto, line, line_length);
		return;
	}
	status.crlf = crlf;
	evpop_body_forget(&proto->body);
	evpop_status_line_result(
	    &status, evpop_session_phase(proto), &proto->result);
	if (proto->state == EVPOP_STATE_GREETING)
		receive_greeting(proto, &status, event);
	else if (status.ok)
		receive_acceptance(proto, &status, event);
	else
		receive_refusal(proto, event);
}

/* Whether the line made an event. */
static bool
receive_listing_line(struct evpop_proto *proto, const unsigned char *line,
    size_t length, struct evpop_event *event)
{
	enum evpop_command command = receive_current(proto)->request.command;
	bool words =
	    command == EVPOP_COMMAND_CAPA || command == EVPOP_COMMAND_LANG;
	char text[EVPOP_TEXT_SIZE];
	struct evpop_listing_entry entry;

	evpop_session_trace(proto, true, line, length);
	if (length == 1 && line[0] == '.') {
		receive_done(proto, event);
		return true;
	}
	if (length > 0 && line[0] == '.') {
		line++;
		length--;
	}
	if (!evpop_lines_count(&proto->lines, &proto->limits, command, text)) {
		evpop_session_fail(proto, EVPOP_ERROR_LIMIT, "%s", text);
		return false;
	}
	if (command == EVPOP_COMMAND_CAPA)
		evpop_capability_line(&proto->capabilities, line, length);
	if (words) {
		receive_event(proto, EVPOP_EVENT_LINE, event);
		event->data = line;
		event->length = length;
		return true;
	}
	if (!evpop_listing_entry_parse(command, line, length, &entry)) {
		evpop_lines_ignore(&proto->lines, line, length);
		return false;
	}
	receive_event(proto, EVPOP_EVENT_ENTRY, event);
	receive_entry(event, &entry);
	return true;
}

static void
receive_listing(struct evpop_proto *proto, const unsigned char *data,
    size_t length, size_t *used_r, struct evpop_event *event)
{
	enum evpop_line_status status;
	const unsigned char *line;
	size_t line_length, used;
	bool crlf;

	while (!evpop_proto_over(proto)) {
		status = evpop_line_feed(&proto->line, data + *used_r,
		    length - *used_r, proto->limits.listing_line, &used, &line,
		    &line_length, &crlf);
		*used_r += used;
		evpop_lines_add(&proto->lines, used);
		if (status == EVPOP_LINE_MORE)
			return;
		if (status != EVPOP_LINE_READY) {
			receive_line_failed(proto, status);
			return;
		}
		if (receive_listing_line(proto, line, line_length, event))
			return;
	}
}

/* The terminator was read. */
static void
receive_body_end(
    struct evpop_proto *proto, bool more, struct evpop_event *event)
{
	switch (evpop_body_end(
	    &proto->body, evpop_proto_outstanding(proto) - 1, more)) {
	case EVPOP_BODY_WHOLE:
		receive_done(proto, event);
		break;
	case EVPOP_BODY_DOUBTFUL:
		proto->turn = EVPOP_TURN_PROOF;
		break;
	case EVPOP_BODY_BROKEN:
		evpop_session_fail_astray(
		    proto, "the server spoke without being asked");
		break;
	}
}

static void
receive_body(struct evpop_proto *proto, const unsigned char *data,
    size_t length, size_t *used_r, struct evpop_event *event)
{
	enum evpop_dot_status status;
	const unsigned char *span;
	size_t span_length, share, used;
	uint64_t left = evpop_body_room(&proto->body);

	/*
	 * Hand out all that the limit allows first, however the input is cut.
	 */
	do {
		share = length - *used_r;
		if (left > 0 && share > left)
			share = (size_t)left;
		status = evpop_body_feed(&proto->body, data + *used_r, share,
		    &used, &span, &span_length);
		*used_r += used;
	} while (status == EVPOP_DOT_MORE && *used_r < length);
	if (status == EVPOP_DOT_MORE)
		return;
	if (status == EVPOP_DOT_END) {
		receive_body_end(proto, *used_r < length, event);
		return;
	}
	if (span_length > left) {
		evpop_session_fail(proto, EVPOP_ERROR_LIMIT,
		    "%s is larger than the limit of %llu octets",
		    receive_current(proto)->request.command == EVPOP_COMMAND_TOP
			? "the answer to TOP"
			: "the message",
		    (unsigned long long)proto->body.limit);
		return;
	}
	receive_event(proto, EVPOP_EVENT_BODY, event);
	event->data = span;
	event->length = span_length;
}

/* The session is over: report what is unfinished, oldest first. */
static void
report_end(struct evpop_proto *proto, struct evpop_event *event)
{
	bool quit = evpop_proto_awaited(proto) == EVPOP_COMMAND_QUIT;

	proto->result = proto->end;
	if (receive_current(proto) != NULL) {
		receive_done(proto, event);
		event->quit = quit ? proto->quit : EVPOP_QUIT_NONE;
		return;
	}
	proto->turn = EVPOP_TURN_NONE;
	evpop_session_enter(proto, EVPOP_STATE_CLOSED);
	receive_event(proto, EVPOP_EVENT_CLOSED, event);
}

/* A command that is out of place after what became of the log-in. */
static void
report_hopeless(struct evpop_proto *proto, struct evpop_event *event)
{
	const char *why = "not logged in", *words = "";

	if (receive_current(proto)->request.command == EVPOP_COMMAND_STLS)
		why = "TLS cannot begin after the log-in";
	else if (proto->login.error != EVPOP_ERROR_NONE) {
		why = "the log-in was refused: ";
		words = proto->login.text;
	}
	evpop_result_set(&proto->result, EVPOP_ERROR_CANCELLED,
	    EVPOP_PHASE_LOGIN, "%s%s", why, words);
	receive_done(proto, event);
}

/* A command that the server took for the answer to its challenge. */
static void
report_consumed(struct evpop_proto *proto, struct evpop_event *event)
{
	evpop_result_set(&proto->result, EVPOP_ERROR_CANCELLED,
	    EVPOP_PHASE_LOGIN, "the server took it for part of the log-in");
	receive_done(proto, event);
}

static void
receive_input(struct evpop_proto *proto, const unsigned char *data,
    size_t length, size_t *used_r, struct evpop_event *event)
{
	switch (proto->turn) {
	case EVPOP_TURN_LISTING:
		receive_listing(proto, data, length, used_r, event);
		break;
	case EVPOP_TURN_BODY:
		receive_body(proto, data, length, used_r, event);
		break;
	default:
		receive_status(proto, data, length, used_r, event);
		break;
	}
}

/* Events that need no input, unless one has begun. */
static void
report_any(struct evpop_proto *proto, struct evpop_event *event)
{
	if (proto->turn == EVPOP_TURN_END)
		report_end(proto, event);
	else if (proto->turn != EVPOP_TURN_NONE &&
		 evpop_session_hopeless(proto))
		report_hopeless(proto, event);
	else if (proto->turn != EVPOP_TURN_NONE &&
		 receive_current(proto) != NULL &&
		 receive_current(proto)->consumed)
		report_consumed(proto, event);
}

enum evpop_event_type
evpop_proto_next(struct evpop_proto *proto, const void *data, size_t length,
    size_t *used_r, struct evpop_event *event)
{
	const unsigned char *input = data;
	size_t used;

	*used_r = 0;
	event->type = EVPOP_EVENT_NONE;
	report_any(proto, event);
	/* A challenge that swallowed a command is no event: read on. */
	while (event->type == EVPOP_EVENT_NONE && !evpop_proto_over(proto) &&
	       (*used_r < length || evpop_line_waits(&proto->line))) {
		used = 0;
		receive_input(
		    proto, input + *used_r, length - *used_r, &used, event);
		*used_r += used;
		if (event->type == EVPOP_EVENT_NONE)
			report_any(proto, event);
	}
	if (evpop_proto_over(proto))
		*used_r = length;
	return event->type;
}

#include "daemon/deliver/talk.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "daemon/config/target.h"
#include "daemon/deliver/outflow.h"
#include "daemon/deliver/way.h"
#include "daemon/failpoint/failpoint.h"
#include "lib/net/choice.h"
#include "lib/net/destination.h"
#include "lib/net/stream.h"

enum talk_state {
	TALK_NEW = 0,
	TALK_BEGINNING, /* once the loop turns */
	TALK_CONNECTING,
	TALK_OPEN,
	TALK_SECURING, /* STARTTLS was agreed to */
	TALK_OVER
};

struct talk {
	const struct carrier_setup *setup;
	const struct talk_handler *handler;
	void *arg;
	enum talk_state state;
	struct evpop_bracket bracket;
	struct evpop_stream *stream;
	struct evpop_destination to;
	struct event wake;
	unsigned depth; /* of calls from the loop */
	bool is_freed;  /* inside of one */
	bool is_out_of_turn;

	struct outflow *out;
	void (*sent)(bool is_whole, void *arg);

	char line[TALK_LINE + 1];
	size_t line_length;
	uint64_t literal;

	enum evpop_phase phase;
	const char *awaited;
	uint64_t awaits; /* grows with each */
};

static void talk_perform(struct talk *);

/* ---- in and out ---- */

static void
talk_release(struct talk *talk)
{
	evpop_stream_free(talk->stream);
	event_del(&talk->wake);
	outflow_free(&talk->out);
	evpop_destination_clear(&talk->to);
	free(talk);
}

static void
talk_enter(void *arg)
{
	struct talk *talk = arg;

	talk->depth++;
}

static void
talk_leave(void *arg)
{
	struct talk *talk = arg;

	assert(talk->depth == 1);
	if (!talk->is_freed)
		talk_perform(talk);
	talk->depth--;
	if (talk->is_freed)
		talk_release(talk);
}

static void
talk_woken(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	talk_enter(arg);
	talk_leave(arg);
}

/* From outside the loop's calls: what was asked for is done by the loop. */
static void
talk_wake(void *arg)
{
	struct talk *talk = arg;

	if (talk->depth == 0)
		event_active(&talk->wake, EV_TIMEOUT, 0);
}

/* ---- the end ---- */

static void
talk_fail(struct talk *talk, const struct evpop_result *result)
{
	if (talk->state == TALK_OVER)
		return;
	talk->state = TALK_OVER;
	evpop_stream_close(talk->stream);
	talk->handler->failed(result, talk->arg);
}

static void
talk_fail_with(struct talk *talk, enum evpop_error error, const char *text)
{
	struct evpop_result result;

	evpop_result_set(&result, error, talk->phase, "%s", text);
	talk_fail(talk, &result);
}

enum carried
talk_outcome(const struct evpop_result *result)
{
	return result->retry || result->error == EVPOP_ERROR_MEMORY ||
		       result->error == EVPOP_ERROR_LIMIT
		   ? CARRIED_DOWN
		   : CARRIED_WRONG;
}

static void
talk_stream_failed(const struct evpop_result *result, void *arg)
{
	talk_fail(arg, result);
}

static void
talk_stream_ended(void *arg)
{
	struct talk *talk = arg;
	struct evpop_result result;

	if (talk->awaited == NULL)
		evpop_result_set(&result, EVPOP_ERROR_IO, talk->phase,
		    "the server closed the connection");
	else
		evpop_result_set(&result, EVPOP_ERROR_IO, talk->phase,
		    "the server closed the connection before %s",
		    talk->awaited);
	talk_fail(talk, &result);
}

static void
talk_stream_overdue(enum evpop_phase phase, const char *limit, void *arg)
{
	struct talk *talk = arg;
	struct evpop_result result;

	evpop_result_set(&result, EVPOP_ERROR_TIMEOUT, phase,
	    "%s did not come within %s",
	    talk->awaited == NULL ? "an answer of the server" : talk->awaited,
	    limit);
	talk_fail(talk, &result);
}

/* ---- what comes ---- */

static void
talk_take_literal(struct talk *talk, const unsigned char *octets, size_t length)
{
	talk->literal -= length;
	talk->handler->literal(octets, length, talk->literal, talk->arg);
}

static void
talk_take_line(struct talk *talk)
{
	size_t length = talk->line_length;

	if (length > 0 && talk->line[length - 1] == '\r')
		length--;
	talk->line[length] = '\0';
	talk->line_length = 0;
	talk->handler->line(talk->line, length, talk->arg);
}

/* How many octets were of use; a line that is whole is given out. */
static size_t
talk_gather_line(struct talk *talk, const unsigned char *octets, size_t length)
{
	const unsigned char *end = memchr(octets, '\n', length);
	size_t used = end == NULL ? length : (size_t)(end - octets);

	if (used > TALK_LINE - talk->line_length) {
		talk_fail_with(talk, EVPOP_ERROR_LIMIT,
		    "the server sent a line that has no end");
		return length;
	}
	memcpy(talk->line + talk->line_length, octets, used);
	talk->line_length += used;
	if (end == NULL)
		return length;
	talk_take_line(talk);
	return used + 1;
}

/* The handler asked for TLS when the server agreed to it. */
static void
talk_secure(struct talk *talk, bool has_said_more)
{
	struct evpop_result result;

	if (has_said_more) {
		talk_fail_with(talk, EVPOP_ERROR_TLS,
		    "the server, or somebody on the way to it, spoke on in "
		    "clear text after it agreed to TLS");
		return;
	}
	if (!evpop_stream_start_tls(
		talk->stream, talk->to.tls_context, &result))
		talk_fail(talk, &result);
}

static size_t
talk_stream_input(const unsigned char *octets, size_t length, void *arg)
{
	struct talk *talk = arg;
	size_t used = 0, part;

	while (used < length && !talk->is_freed && talk->state == TALK_OPEN) {
		if (talk->literal == 0) {
			used += talk_gather_line(
			    talk, octets + used, length - used);
			continue;
		}
		part = length - used < talk->literal ? length - used
						     : (size_t)talk->literal;
		talk_take_literal(talk, octets + used, part);
		used += part;
	}
	if (!talk->is_freed && talk->state == TALK_SECURING)
		talk_secure(talk, used < length);
	return length;
}

static void
talk_opened(struct talk *talk)
{
	talk->state = TALK_OPEN;
	talk->handler->opened(talk->arg);
}

static void
talk_stream_changed(void *arg)
{
	struct talk *talk = arg;

	if (!talk->is_freed &&
	    evpop_stream_state(talk->stream) == EVPOP_STREAM_TLS)
		talk_opened(talk);
}

/* ---- what goes ---- */

static const unsigned char *
talk_stream_output(size_t *length_r, void *arg)
{
	struct talk *talk = arg;

	return outflow_octets(talk->out, length_r);
}

static void
talk_stream_sent(size_t length, void *arg)
{
	struct talk *talk = arg;

	outflow_taken(talk->out, length);
}

/* Whether the parcel's fate was told, so that there may be more to write. */
static bool
talk_fill(struct talk *talk)
{
	enum outflow_state state = outflow_fill(talk->out);
	void (*sent)(bool, void *) = talk->sent;

	if (state == OUTFLOW_NO_MEMORY) {
		talk_fail_with(talk, EVPOP_ERROR_MEMORY,
		    "no memory for what is to be sent");
		return false;
	}
	if (state != OUTFLOW_ENDED && state != OUTFLOW_UNREADABLE)
		return false;
	assert(sent != NULL);
	talk->sent = NULL;
	sent(state == OUTFLOW_ENDED, talk->arg);
	return true;
}

/* Write until the network takes no more, or there is nothing more. */
static void
talk_push(struct talk *talk)
{
	size_t before, after;
	bool is_told;

	do {
		is_told = talk_fill(talk);
		if (talk->is_freed || talk->state != TALK_OPEN)
			return;
		(void)outflow_octets(talk->out, &before);
		evpop_stream_flush(talk->stream);
		if (talk->is_freed || talk->state != TALK_OPEN)
			return;
		(void)outflow_octets(talk->out, &after);
		if (after == 0 && before > 0)
			FAILPOINT("talk: written");
	} while (is_told || after < before);
}

/* ---- what there is to do ---- */

static void
talk_begin(struct talk *talk)
{
	struct evpop_result result;

	talk->state = TALK_CONNECTING;
	if (!way_find(
		&talk->to, talk->setup->target, talk->setup->trust, &result))
		talk_fail(talk, &result);
	else if (!evpop_stream_connect(talk->stream,
		     evpop_names_dns(talk->setup->names), &talk->to.dial,
		     talk->to.tls == EVPOP_TLS_IMPLICIT ? talk->to.tls_context
							: NULL))
		talk_fail_with(
		    talk, EVPOP_ERROR_MEMORY, "no memory to connect");
}

static void
talk_perform(struct talk *talk)
{
	enum evpop_phase phase;

	if (talk->state == TALK_BEGINNING)
		talk_begin(talk);
	else if (talk->is_out_of_turn)
		talk_fail_with(talk, EVPOP_ERROR_PROTOCOL,
		    "the server spoke out of turn, while a message was being "
		    "sent to it");
	if (talk->state == TALK_CONNECTING &&
	    talk->setup->target->tls != EVPOP_TLS_IMPLICIT &&
	    evpop_stream_state(talk->stream) == EVPOP_STREAM_PLAIN)
		talk_opened(talk);
	if (!talk->is_freed && talk->state == TALK_OPEN)
		talk_push(talk);
	if (talk->is_freed || talk->state == TALK_OVER)
		return;
	phase = talk->awaited == NULL || outflow_is_busy(talk->out)
		    ? EVPOP_PHASE_NONE
		    : talk->phase;
	evpop_stream_expect(talk->stream, phase, talk->awaits);
}

static const struct evpop_stream_handler stream_handler = {
	.changed = talk_stream_changed,
	.input = talk_stream_input,
	.output = talk_stream_output,
	.sent = talk_stream_sent,
	.ended = talk_stream_ended,
	.failed = talk_stream_failed,
	.overdue = talk_stream_overdue,
};

/* ---- life ---- */

struct talk *
talk_new(const struct carrier_setup *setup, const struct talk_handler *handler,
    void *arg)
{
	const struct evpop_timeouts timeouts = way_timeouts(setup->target);
	struct talk *talk = calloc(1, sizeof *talk);

	if (talk == NULL)
		return NULL;
	talk->setup = setup;
	talk->handler = handler;
	talk->arg = arg;
	talk->bracket = (struct evpop_bracket){
		.enter = talk_enter, .leave = talk_leave, .arg = talk
	};
	talk->out = outflow_new(talk_wake, talk);
	talk->stream = evpop_stream_new(
	    setup->base, &timeouts, &talk->bracket, &stream_handler, talk);
	if (talk->out == NULL || talk->stream == NULL ||
	    event_assign(&talk->wake, setup->base, -1, 0, talk_woken, talk) ==
		-1) {
		evpop_stream_free(talk->stream);
		outflow_free(&talk->out);
		free(talk);
		return NULL;
	}
	return talk;
}

void
talk_connect(struct talk *talk)
{
	assert(talk->state == TALK_NEW);
	talk->state = TALK_BEGINNING;
	talk_wake(talk);
}

void
talk_free(struct talk **talk_p)
{
	struct talk *talk = *talk_p;

	*talk_p = NULL;
	if (talk == NULL)
		return;
	talk->state = TALK_OVER;
	talk->is_freed = true;
	evpop_stream_close(talk->stream);
	if (talk->depth == 0)
		talk_release(talk);
}

void
talk_end(struct talk **talk_p, const char *goodbye)
{
	struct talk *talk = *talk_p;

	if (talk != NULL && talk->state == TALK_OPEN &&
	    !outflow_is_busy(talk->out)) {
		talk->depth++;
		outflow_add(talk->out, goodbye, strlen(goodbye), false);
		evpop_stream_flush(talk->stream);
		talk->depth--;
	}
	talk_free(talk_p);
}

/* ---- for the owner ---- */

void
talk_start_tls(struct talk *talk)
{
	assert(talk->state == TALK_OPEN && !talk_is_tls(talk));
	talk->state = TALK_SECURING;
}

bool
talk_is_tls(const struct talk *talk)
{
	return evpop_stream_state(talk->stream) == EVPOP_STREAM_TLS;
}

static void
talk_add(struct talk *talk, const void *octets, size_t length, bool is_secret)
{
	/* It would end up in the middle of the message. */
	if (outflow_is_busy(talk->out))
		talk->is_out_of_turn = true;
	else
		outflow_add(talk->out, octets, length, is_secret);
	talk_wake(talk);
}

void
talk_write(struct talk *talk, const void *octets, size_t length)
{
	talk_add(talk, octets, length, false);
}

void
talk_write_secret(struct talk *talk, const void *octets, size_t length)
{
	talk_add(talk, octets, length, true);
}

void
talk_print(struct talk *talk, const char *format, ...)
{
	char *text;
	va_list ap;
	int length;

	va_start(ap, format);
	length = vasprintf(&text, format, ap);
	va_end(ap);
	if (length == -1) {
		outflow_lack(talk->out);
		talk_wake(talk);
		return;
	}
	talk_add(talk, text, (size_t)length, false);
	free(text);
}

void
talk_literal(struct talk *talk, uint64_t octets)
{
	talk->literal = octets;
}

void
talk_send(struct talk *talk, struct parcel *parcel, enum talk_form form,
    void (*sent)(bool is_whole, void *arg))
{
	talk->sent = sent;
	outflow_begin(talk->out, parcel, form);
	talk_wake(talk);
}

void
talk_await(struct talk *talk, enum evpop_phase phase, const char *what)
{
	talk->phase = phase;
	talk->awaited = what;
	talk->awaits++;
	talk_wake(talk);
}

const char *
talk_peer(const struct talk *talk)
{
	return talk->setup->target->socket != NULL
		   ? talk->setup->target->socket
		   : evpop_stream_status(talk->stream)->peer;
}

enum evpop_privacy
talk_privacy(const struct talk *talk)
{
	const struct evpop_stream_status *status =
	    evpop_stream_status(talk->stream);

	if (status->tls_name[0] != '\0')
		return EVPOP_PRIVACY_TLS;
	if (status->is_local)
		return EVPOP_PRIVACY_LOCAL;
	return talk->to.allows_cleartext ? EVPOP_PRIVACY_PERMITTED
					 : EVPOP_PRIVACY_NONE;
}

const char *
talk_privacy_name(const struct talk *talk)
{
	const char *name = evpop_stream_status(talk->stream)->tls_name;

	return name[0] != '\0' ? name : "without TLS";
}

void
talk_bind(struct talk *talk, struct evpop_channel *channel)
{
	evpop_stream_binding(talk->stream, channel);
}

bool
talk_shows_certificate(const struct talk *talk)
{
	return talk->to.tls_context != NULL &&
	       evpop_tls_context_shows_certificate(talk->to.tls_context);
}

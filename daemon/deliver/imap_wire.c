#include "daemon/deliver/imap_wire.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Responses to one command: a server that goes on without end is left.  The
 * fields of a header come one for each message that a folder has gained.
 */
#define REPLIES_MOST 2000000

struct imap_wire {
	const struct imap_wire_handler *handler;
	void *arg;
	struct talk *talk;
	struct imap_gather gather;
	uint32_t tag;
	bool is_asked; /* a command is not answered yet */
	bool is_over;
	uint32_t replies; /* since that command */
	void (*sent)(bool is_whole, void *arg);
	void *sent_arg;
};

static void wire_fail(struct imap_wire *, enum carried, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The last thing that is done: the wire may be gone then. */
static void
wire_fail(struct imap_wire *wire, enum carried outcome, const char *format, ...)
{
	struct imap_verdict verdict = { .outcome = outcome };
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(
	    verdict.answer, sizeof(verdict.answer), format, arguments);
	va_end(arguments);
	wire->is_over = true;
	wire->handler->failed(&verdict, wire->arg);
}

/* ---- commands ---- */

static void
wire_print(struct imap_wire *wire, const char *end, const char *what,
    const char *format, va_list arguments)
{
	char line[IMAP_LINE_MOST];
	int length = vsnprintf(line, sizeof(line), format, arguments);

	wire->tag++;
	wire->is_asked = true;
	wire->replies = 0;
	talk_print(wire->talk, "e%u ", wire->tag);
	if (length > 0)
		talk_write(wire->talk, line,
		    (size_t)length < sizeof(line) ? (size_t)length
						  : sizeof(line) - 1);
	talk_print(wire->talk, "%s", end);
	talk_await(wire->talk, EVPOP_PHASE_COMMAND, what);
}

void
imap_wire_command(
    struct imap_wire *wire, const char *what, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	wire_print(wire, "\r\n", what, format, arguments);
	va_end(arguments);
}

void
imap_wire_open(
    struct imap_wire *wire, const char *what, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	wire_print(wire, "", what, format, arguments);
	va_end(arguments);
}

static void
wire_sent(bool is_whole, void *arg)
{
	struct imap_wire *wire = arg;

	wire->sent(is_whole, wire->sent_arg);
}

void
imap_wire_send(struct imap_wire *wire, struct parcel *parcel,
    void (*sent)(bool is_whole, void *arg), void *arg)
{
	wire->sent = sent;
	wire->sent_arg = arg;
	talk_send(wire->talk, parcel, TALK_COUNTED, wire_sent);
}

/* ---- responses ---- */

static void
wire_whole(struct imap_wire *wire)
{
	struct imap_reply reply;
	char words[EVPOP_TEXT_SIZE];

	if (!imap_reply_parse(
		wire->gather.octets, wire->gather.length, &reply) ||
	    (reply.kind == IMAP_TAGGED &&
		(!wire->is_asked || reply.tag != wire->tag))) {
		(void)evpop_printable(words, sizeof(words), wire->gather.octets,
		    wire->gather.length);
		if (wire->tag == 0)
			wire_fail(wire, CARRIED_WRONG,
			    "%s does not speak IMAP: it greets with "
			    "\"%.160s\"; "
			    "is that the right port?",
			    talk_peer(wire->talk), words);
		else
			wire_fail(wire, CARRIED_DOWN,
			    "%s says what is no answer in IMAP: \"%.200s\"",
			    talk_peer(wire->talk), words);
		return;
	}
	if (++wire->replies > REPLIES_MOST) {
		wire_fail(wire, CARRIED_DOWN,
		    "%s answers a command with more than %d lines",
		    talk_peer(wire->talk), REPLIES_MOST);
		return;
	}
	imap_gather_reset(&wire->gather);
	if (reply.kind == IMAP_TAGGED) {
		wire->is_asked = false;
		talk_await(wire->talk, EVPOP_PHASE_NONE, NULL);
	}
	wire->handler->reply(&reply, wire->arg);
}

static void
wire_line(const char *line, size_t length, void *arg)
{
	struct imap_wire *wire = arg;
	uint64_t literal;

	if (wire->is_over)
		return;
	switch (imap_gather_line(&wire->gather, line, length, &literal)) {
	case IMAP_GATHERED_WHOLE:
		wire_whole(wire);
		return;
	case IMAP_GATHERED_MORE:
		if (literal > 0)
			talk_literal(wire->talk, literal);
		return;
	case IMAP_GATHERED_FLOOD:
		wire_fail(wire, CARRIED_DOWN,
		    "%s gives an answer above %zu KiB", talk_peer(wire->talk),
		    IMAP_REPLY_MOST / 1024);
		return;
	case IMAP_GATHERED_NO_MEMORY:
		wire_fail(wire, CARRIED_DOWN, "There is no memory");
		return;
	}
}

static void
wire_literal(
    const unsigned char *octets, size_t length, uint64_t left, void *arg)
{
	struct imap_wire *wire = arg;

	(void)left;
	if (!wire->is_over &&
	    !imap_gather_literal(&wire->gather, octets, length))
		wire_fail(wire, CARRIED_DOWN, "There is no memory");
}

static void
wire_opened(void *arg)
{
	struct imap_wire *wire = arg;

	wire->handler->opened(wire->arg);
}

static void
wire_broken(const struct evpop_result *result, void *arg)
{
	struct imap_wire *wire = arg;

	if (!wire->is_over)
		wire_fail(wire, talk_outcome(result), "%s", result->text);
}

static const struct talk_handler talk_handler = {
	.opened = wire_opened,
	.line = wire_line,
	.literal = wire_literal,
	.failed = wire_broken,
};

/* ---- from outside ---- */

struct imap_wire *
imap_wire_new(const struct carrier_setup *setup,
    const struct imap_wire_handler *handler, void *arg)
{
	struct imap_wire *wire = calloc(1, sizeof(*wire));

	if (wire == NULL)
		return NULL;
	wire->handler = handler;
	wire->arg = arg;
	wire->talk = talk_new(setup, &talk_handler, wire);
	if (wire->talk == NULL) {
		free(wire);
		return NULL;
	}
	talk_connect(wire->talk);
	return wire;
}

void
imap_wire_free(struct imap_wire **wire_p, bool may_say_goodbye)
{
	struct imap_wire *wire = *wire_p;
	char goodbye[32];

	*wire_p = NULL;
	if (wire == NULL)
		return;
	if (may_say_goodbye && !wire->is_asked && !wire->is_over) {
		(void)snprintf(
		    goodbye, sizeof(goodbye), "e%u LOGOUT\r\n", wire->tag + 1);
		talk_end(&wire->talk, goodbye);
	} else
		talk_free(&wire->talk);
	imap_gather_free(&wire->gather);
	free(wire);
}

struct talk *
imap_wire_talk(struct imap_wire *wire)
{
	return wire->talk;
}

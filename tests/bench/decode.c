/*
 * How fast a message is decoded, through the whole of evpop_proto, beside what
 * no reader of lines can do without: memchr for the end of each line.  And how
 * often the allocator is asked for each message, which should be never.
 */
#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <evpop/proto.h>

#include "tests/bench/allocations.h"
#include "tests/bench/mail.h"

#define MESSAGE_OCTETS 25000000
#define READ_OCTETS    65536 /* as the client's one buffer */
/* The best of so many counts, so that others' load does not. */
#define ROUNDS 9
/* What it must reach of a reader of lines. */
#define RATIO_LEAST 0.5

#define WARM_MESSAGES   1000
#define STEADY_MESSAGES 10000
#define STEADY_BATCH    100
/* Cuts lines anywhere, as segments do. */
#define STEADY_READ 1447

/* What comes of the bodies of a session; `out` may be NULL. */
struct outcome {
	unsigned char *out;
	size_t octets, messages;
};

static void
say(struct evpop_proto *proto)
{
	size_t length;

	while (evpop_proto_output(proto, &length) != NULL)
		evpop_proto_sent(proto, length);
}

static void
hear(struct evpop_proto *proto, const unsigned char *data, size_t length,
    struct outcome *outcome)
{
	struct evpop_event event;
	size_t used;

	for (;;) {
		evpop_proto_next(proto, data, length, &used, &event);
		data += used;
		length -= used;
		switch (event.type) {
		case EVPOP_EVENT_NONE:
			return;
		case EVPOP_EVENT_CLOSED:
			errx(EXIT_FAILURE, "the session ended: %s",
			    event.result->text);
		case EVPOP_EVENT_BODY:
			if (outcome->out != NULL)
				memcpy(outcome->out + outcome->octets,
				    event.data, event.length);
			outcome->octets += event.length;
			break;
		case EVPOP_EVENT_DONE:
			if (event.result->error != EVPOP_ERROR_NONE)
				errx(EXIT_FAILURE, "%s", event.result->text);
			outcome->messages +=
			    event.command == EVPOP_COMMAND_RETR;
			break;
		default:
			break;
		}
	}
}

static void
submit(struct evpop_proto *proto, const struct evpop_request *request)
{
	if (evpop_proto_submit(proto, request) != EVPOP_ERROR_NONE)
		errx(EXIT_FAILURE, "a command is refused");
}

/* A session that is logged in. */
static struct evpop_proto *
open_session(void)
{
	static const unsigned char replies[] = "+OK\r\n+OK\r\n";
	struct evpop_proto *proto = evpop_proto_new(NULL);
	struct outcome outcome = { .out = NULL };

	if (proto == NULL)
		errx(EXIT_FAILURE, "no memory");
	evpop_proto_set_window(proto, 2 * STEADY_BATCH, READ_OCTETS);
	submit(proto, &(struct evpop_request){
			  .command = EVPOP_COMMAND_USER, .text = "anna" });
	submit(proto, &(struct evpop_request){
			  .command = EVPOP_COMMAND_PASS, .text = "secret" });
	hear(proto, replies, 5, &outcome);
	say(proto);
	hear(proto, replies, 10, &outcome);
	if (evpop_proto_state(proto) != EVPOP_STATE_TRANSACTION)
		errx(EXIT_FAILURE, "not logged in");
	return proto;
}

static double
seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- how fast ---- */

struct reply {
	const unsigned char *bytes;
	size_t length;
};

static void
decode(struct evpop_proto *proto, const struct reply *reply,
    struct outcome *outcome)
{
	size_t at = 0, share;

	submit(proto, &(struct evpop_request){
			  .command = EVPOP_COMMAND_RETR, .number = 1 });
	say(proto);
	while (at < reply->length) {
		share = reply->length - at;
		if (share > READ_OCTETS)
			share = READ_OCTETS;
		hear(proto, reply->bytes + at, share, outcome);
		at += share;
	}
}

static size_t
count_lines(const struct reply *reply)
{
	const unsigned char *at = reply->bytes, *end = at + reply->length;
	size_t lines = 0;

	while (at < end) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (at == NULL)
			break;
		at++;
		lines++;
	}
	return lines;
}

/* For an octet that is not there. */
static size_t
look_through(const struct reply *reply)
{
	return memchr(reply->bytes, 0x01, reply->length) != NULL;
}

static double
megabytes_a_second(const struct reply *reply, double best)
{
	return (double)reply->length / 1e6 / best;
}

/* What is decoded is the message: that first, before its speed counts. */
static void
check_decoded(struct evpop_proto *proto, const struct reply *reply,
    const unsigned char *message, size_t length)
{
	struct outcome outcome = { .out = malloc(reply->length) };

	if (outcome.out == NULL)
		errx(EXIT_FAILURE, "no memory");
	decode(proto, reply, &outcome);
	if (outcome.messages != 1 || outcome.octets != length ||
	    memcmp(outcome.out, message, length) != 0)
		errx(EXIT_FAILURE, "the message was not decoded as it was");
	free(outcome.out);
}

/* The ratio to a reader of lines. */
static double
measure(enum mail_kind kind, struct evpop_proto *proto)
{
	double best[3] = { 1e9, 1e9, 1e9 }, started, took;
	size_t length, lines = 0, i, what;
	unsigned char *message, *bytes;
	struct reply reply;

	message = mail_make(kind, MESSAGE_OCTETS, &length);
	if (message == NULL)
		errx(EXIT_FAILURE, "no memory");
	bytes = mail_reply(message, length, &reply.length);
	if (bytes == NULL)
		errx(EXIT_FAILURE, "no memory");
	reply.bytes = bytes;
	check_decoded(proto, &reply, message, length);
	for (i = 0; i < ROUNDS * 3; i++) {
		struct outcome outcome = { .out = NULL };

		what = i % 3;
		started = seconds();
		if (what == 0)
			decode(proto, &reply, &outcome);
		else if (what == 1)
			lines += count_lines(&reply);
		else
			lines += look_through(&reply);
		took = seconds() - started;
		if (took < best[what])
			best[what] = took;
		if (what == 0 && outcome.octets != length)
			errx(EXIT_FAILURE, "decoded otherwise than before");
	}
	free(bytes);
	free(message);
	printf("%-12s %7.0f MB/s; memchr of %zu lines %7.0f MB/s, ratio %.2f; "
	       "of all at once %7.0f MB/s, ratio %.2f\n",
	    mail_kind_name(kind), megabytes_a_second(&reply, best[0]),
	    lines / ROUNDS, megabytes_a_second(&reply, best[1]),
	    best[1] / best[0], megabytes_a_second(&reply, best[2]),
	    best[2] / best[0]);
	return best[1] / best[0];
}

/* ---- how often the allocator is asked ---- */

/* Pipelined messages, in batches; the reply holds a batch. */
static void
fetch_small(struct evpop_proto *proto, size_t messages,
    const struct reply *reply, struct outcome *outcome)
{
	size_t at, share, number;

	while (outcome->messages < messages) {
		for (number = 1; number <= STEADY_BATCH; number++)
			submit(proto, &(struct evpop_request){
					  .command = EVPOP_COMMAND_RETR,
					  .number = (uint32_t)number });
		say(proto);
		for (at = 0; at < reply->length; at += share) {
			share = reply->length - at;
			if (share > STEADY_READ)
				share = STEADY_READ;
			hear(proto, reply->bytes + at, share, outcome);
		}
	}
}

static uint64_t
count_allocations(struct evpop_proto *proto)
{
	struct outcome outcome = { .out = NULL };
	unsigned char *message, *one, *batch;
	size_t length, one_length, i;
	struct reply reply;
	uint64_t before;

	message = mail_make(MAIL_TEXT, 900, &length);
	one = message == NULL ? NULL : mail_reply(message, length, &one_length);
	batch = one == NULL ? NULL : malloc(STEADY_BATCH * one_length);
	if (batch == NULL)
		errx(EXIT_FAILURE, "no memory");
	for (i = 0; i < STEADY_BATCH; i++)
		memcpy(batch + i * one_length, one, one_length);
	reply = (struct reply){ batch, STEADY_BATCH * one_length };
	fetch_small(proto, WARM_MESSAGES, &reply, &outcome);
	outcome = (struct outcome){ .out = NULL };
	before = allocations_so_far();
	fetch_small(proto, STEADY_MESSAGES, &reply, &outcome);
	before = allocations_so_far() - before;
	if (outcome.octets != STEADY_MESSAGES * length)
		errx(EXIT_FAILURE, "not all messages came whole");
	free(batch);
	free(one);
	free(message);
	return before;
}

int
main(void)
{
	struct evpop_proto *proto;
	double ratio, worst = 1e9;
	uint64_t allocations;
	int kind;

	/* Else a zero would mean nothing. */
	allocations = allocations_so_far();
	proto = open_session();
	if (allocations_so_far() == allocations)
		errx(EXIT_FAILURE, "allocations are not counted");
	for (kind = 0; kind < MAIL_KIND_COUNT; kind++) {
		ratio = measure((enum mail_kind)kind, proto);
		if (ratio < worst)
			worst = ratio;
	}
	allocations = count_allocations(proto);
	evpop_proto_free(proto);
	printf("%d pipelined messages: %" PRIu64 " allocations\n",
	    STEADY_MESSAGES, allocations);
	if (worst < RATIO_LEAST)
		errx(EXIT_FAILURE, "the worst ratio is %.2f, less than %.2f",
		    worst, RATIO_LEAST);
	if (allocations != 0)
		errx(EXIT_FAILURE, "messages are not free of allocations");
	return EXIT_SUCCESS;
}

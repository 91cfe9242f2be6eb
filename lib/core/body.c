#include "lib/core/body.h"

#include <stdio.h>

enum {
	ANNOUNCED,
	LISTED
};

static uint64_t
body_limit(const struct evpop_proto_limits *limits,
    const struct evpop_request *request)
{
	uint64_t listed = request->octets;

	if (request->command == EVPOP_COMMAND_TOP)
		return limits->top;
	if (limits->body != 0)
		return limits->body;
	return listed <= EVPOP_LIMIT_LISTED && listed * 2 > EVPOP_LIMIT_BODY
		   ? listed * 2
		   : EVPOP_LIMIT_BODY;
}

void
evpop_body_begin(struct evpop_body *body,
    const struct evpop_proto_limits *limits,
    const struct evpop_request *request, bool crlf, uint64_t announced)
{
	*body = (struct evpop_body){
		.number = request->number,
		.limit = body_limit(limits, request),
		.dot = { .ends = crlf ? EVPOP_DOT_LF_SO_FAR : EVPOP_DOT_LF,
		    .sizes = { EVPOP_DOT_SIZE_UNKNOWN,
			EVPOP_DOT_SIZE_UNKNOWN } },
	};
	/* Nobody names the size of a part that TOP returns. */
	if (request->command == EVPOP_COMMAND_TOP)
		return;
	body->dot.sizes[ANNOUNCED] = announced;
	if (request->octets > 0)
		body->dot.sizes[LISTED] = request->octets;
}

/* The size that was named, where that is known: LIST's, or the reply's. */
static uint64_t
body_size(const struct evpop_body *body)
{
	const uint64_t *sizes = body->dot.sizes;

	return sizes[LISTED] != EVPOP_DOT_SIZE_UNKNOWN ? sizes[LISTED]
						       : sizes[ANNOUNCED];
}

void
evpop_body_forget(struct evpop_body *body)
{
	body->number = 0;
}

void
evpop_body_seek_replies(struct evpop_body *body)
{
	body->dot.seeks_replies = true;
}

uint64_t
evpop_body_room(const struct evpop_body *body)
{
	return body->limit - body->dot.octets;
}

enum evpop_dot_status
evpop_body_feed(struct evpop_body *body, const unsigned char *data,
    size_t length, size_t *used_r, const unsigned char **span_r,
    size_t *span_length_r)
{
	return evpop_dot_feed(
	    &body->dot, data, length, used_r, span_r, span_length_r);
}

bool
evpop_body_is_lf_alone(const struct evpop_body *body)
{
	return body->dot.ends == EVPOP_DOT_LF_SO_FAR && body->dot.lf > 0;
}

/* Shorter than anybody said. */
static bool
body_is_short(const struct evpop_body *body)
{
	return body->dot.octets < body->dot.sizes[ANNOUNCED] &&
	       body->dot.octets < body->dot.sizes[LISTED] &&
	       body_size(body) != EVPOP_DOT_SIZE_UNKNOWN;
}

/*
 * Whether some of the lines that look like replies, no more of them than
 * replies were due, are just what there is beyond a size.
 */
static bool
body_exceeds_by_replies(const struct evpop_body *body, uint64_t size)
{
	const struct evpop_dot_reply *reply = &body->dot.reply;
	unsigned kept, set, i;
	uint64_t sum;
	size_t count;

	if (size == EVPOP_DOT_SIZE_UNKNOWN || body->dot.octets <= size)
		return false;
	kept = reply->count < EVPOP_DOT_REPLIES ? (unsigned)reply->count
						: EVPOP_DOT_REPLIES;
	for (set = 1; set < 1u << kept; set++) {
		sum = count = 0;
		for (i = 0; i < kept; i++) {
			if ((set & 1u << i) == 0)
				continue;
			sum += reply->lengths[i];
			count++;
		}
		if (count <= body->outstanding &&
		    sum == body->dot.octets - size)
			return true;
	}
	return false;
}

enum evpop_body_verdict
evpop_body_end(struct evpop_body *body, size_t outstanding, bool more)
{
	const uint64_t *sizes = body->dot.sizes;

	body->outstanding = outstanding;
	if (evpop_dot_fits(&body->dot))
		return EVPOP_BODY_WHOLE;
	/* Octets that nobody asked for are the rest of the message. */
	if (outstanding == 0)
		return more && body_is_short(body) ? EVPOP_BODY_BROKEN
						   : EVPOP_BODY_WHOLE;
	if (body_exceeds_by_replies(body, sizes[ANNOUNCED]) ||
	    body_exceeds_by_replies(body, sizes[LISTED]))
		return EVPOP_BODY_BROKEN;
	if (body_size(body) == EVPOP_DOT_SIZE_UNKNOWN &&
	    body->dot.reply.count == 0)
		return EVPOP_BODY_WHOLE;
	return EVPOP_BODY_DOUBTFUL;
}

enum evpop_body_fault
evpop_body_explain(const struct evpop_body *body, char *text)
{
	unsigned long number = body->number;

	if (number == 0 || evpop_dot_fits(&body->dot))
		return EVPOP_BODY_FAULT_NONE;
	if (body_is_short(body)) {
		snprintf(text, EVPOP_TEXT_SIZE,
		    "message %lu was cut: %llu octets were listed and %llu "
		    "came; the server does not escape a line that begins with "
		    "a dot",
		    number, (unsigned long long)body_size(body),
		    (unsigned long long)body->dot.octets);
		return EVPOP_BODY_FAULT_CUT;
	}
	if (body->outstanding == 0 ||
	    (body_size(body) == EVPOP_DOT_SIZE_UNKNOWN &&
		body->dot.reply.count == 0))
		return EVPOP_BODY_FAULT_NONE;
	snprintf(text, EVPOP_TEXT_SIZE,
	    "the server answered a command inside message %lu; commands must "
	    "go one by one",
	    number);
	return EVPOP_BODY_FAULT_ANSWER_INSIDE;
}

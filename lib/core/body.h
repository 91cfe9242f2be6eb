/*
 * The body of a RETR or TOP while it is read, and until a reply follows it: the
 * sizes that the server named, the octets that came, and whether they can be
 * the message.
 */
#ifndef EVPOP_CORE_BODY_H
#define EVPOP_CORE_BODY_H

#include <evpop/proto.h>

#include "lib/core/dot.h"

/* Zeroed, there is no body to speak of. */
struct evpop_body {
	uint32_t number; /* of the message; 0: no body */
	struct evpop_dot dot;
	uint64_t limit;     /* octets that it may have */
	size_t outstanding; /* behind it, when it ended */
};

/* The judgement of a body, once its terminator was read. */
enum evpop_body_verdict {
	EVPOP_BODY_WHOLE,
	EVPOP_BODY_DOUBTFUL, /* unless a reply follows, it is no message */
	EVPOP_BODY_BROKEN    /* it is no message */
};

/*
 * A body begins: `crlf` is how its status line ended, `announced` the size in
 * that line, or EVPOP_DOT_SIZE_UNKNOWN.
 */
void evpop_body_begin(struct evpop_body *, const struct evpop_proto_limits *,
    const struct evpop_request *, bool crlf, uint64_t announced);

/* A reply followed it, or another command: there is no body to speak of. */
void evpop_body_forget(struct evpop_body *);

/* Commands follow the body's: answers to them may stand inside it. */
void evpop_body_seek_replies(struct evpop_body *);

/* Octets that it may have still; and as evpop_dot_feed(). */
uint64_t evpop_body_room(const struct evpop_body *);
enum evpop_dot_status evpop_body_feed(struct evpop_body *,
    const unsigned char *data, size_t length, size_t *used_r,
    const unsigned char **span_r, size_t *span_length_r);

/*
 * The terminator was read; `outstanding` more commands are unanswered, and
 * `more` octets have come already.
 */
enum evpop_body_verdict evpop_body_end(
    struct evpop_body *, size_t outstanding, bool more);

/* While it is read: all its lines have ended in LF alone. */
bool evpop_body_is_lf_alone(const struct evpop_body *);

/*
 * The fault of a body that no reply followed; the sentence, of EVPOP_TEXT_SIZE,
 * explains it.  NONE without a sentence if there is no fault.
 */
enum evpop_body_fault evpop_body_explain(
    const struct evpop_body *, char *text_r);

#endif

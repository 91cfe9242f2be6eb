/*
 * The inside of a session, shared by what sends (send.c), what receives
 * (receive.c) and what they have in common (session.c).
 */
#ifndef EVPOP_CORE_SESSION_H
#define EVPOP_CORE_SESSION_H

#include <evpop/proto.h>

#include "lib/core/body.h"
#include "lib/core/line.h"
#include "lib/core/listing.h"
#include "lib/core/output.h"
#include "lib/core/queue.h"

/* What the next octet from the server is part of. */
enum evpop_reading {
	EVPOP_READING_STATUS, /* the greeting or a status line */
	EVPOP_READING_LISTING,
	EVPOP_READING_BODY,
	/* A status line again, which proves the body before it. */
	EVPOP_READING_PROOF
};

struct evpop_proto {
	enum evpop_state state;
	enum evpop_reading reading;
	struct evpop_proto_limits limits;
	struct evpop_capabilities capabilities;

	struct evpop_queue queue;
	struct evpop_output output;
	uint64_t encoded, sent; /* octets of output, since the start */
	uint32_t window_commands;
	size_t window_octets, outstanding_octets;

	struct evpop_line line;
	bool crlf; /* the last status line ended so */
	/* The one being read, or read last: until a reply follows it. */
	struct evpop_body body;
	enum evpop_body_fault fault;  /* of it, which ended the session */
	struct evpop_listing listing; /* the one being read */

	bool login_pending; /* PASS, APOP or AUTH awaits its reply */
	bool challenged;    /* AUTH waits for our response */
	bool user_refused;
	bool last_sent; /* nothing follows before the reply: STLS, QUIT,
			   AUTH with more to say */
	bool over;      /* `end` holds the reason; commands are reported DONE */
	bool closed_reported;
	struct evpop_result result, end, login;

	evpop_trace_cb trace;
	void *trace_arg;
};

/* The one function that changes the state. */
void evpop_session_enter(struct evpop_proto *, enum evpop_state);

/* The session ends for this reason, unless it has ended already. */
void evpop_session_end(struct evpop_proto *, const struct evpop_result *);

/* The same, with words; the error is EVPOP_ERROR_PROTOCOL, LIMIT or the like.
 */
void evpop_session_fail(struct evpop_proto *, enum evpop_error,
    const char *format, ...) EVPOP_PRINTF(3, 4);

/*
 * The same with EVPOP_ERROR_PROTOCOL, for octets that are no reply: the body
 * before them is blamed, where it is at fault, and else these words are used.
 */
void evpop_session_fail_astray(struct evpop_proto *, const char *format, ...)
    EVPOP_PRINTF(2, 3);

/*
 * A command was answered: what may be sent now depends on the commands that
 * were sent behind it.
 */
void evpop_session_look_ahead(struct evpop_proto *);

/* The command that the next status line answers, or NULL. */
struct evpop_queued *evpop_session_awaited(const struct evpop_proto *);

/* The phase that the awaited command belongs to. */
enum evpop_phase evpop_session_phase(const struct evpop_proto *);

/* Show a line to the trace, if there is one. */
void evpop_session_trace(
    struct evpop_proto *, bool from_server, const void *line, size_t length);

/*
 * Whether the first command of the queue, not yet sent, can never be: it
 * needs a log-in that was refused or never asked for, or is STLS behind one
 * that was accepted.
 */
bool evpop_session_hopeless(const struct evpop_proto *);

#endif

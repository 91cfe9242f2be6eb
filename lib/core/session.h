/*
 * The inside of a session, shared by session.c (its life and its output) and
 * receive.c (its input).
 */
#ifndef EVPOP_CORE_SESSION_H
#define EVPOP_CORE_SESSION_H

#include <evpop/proto.h>

#include "lib/core/body.h"
#include "lib/core/line.h"
#include "lib/core/listing.h"
#include "lib/core/pipeline.h"

/* What comes next. */
enum evpop_turn {
	EVPOP_TURN_STATUS, /* the greeting or a status line */
	EVPOP_TURN_LISTING,
	EVPOP_TURN_BODY,
	EVPOP_TURN_PROOF,    /* a status line, which proves the body before */
	EVPOP_TURN_RESPONSE, /* ours, to a challenge of AUTH */
	EVPOP_TURN_END,      /* `end` is the reason that commands are told */
	EVPOP_TURN_NONE      /* the end was told */
};

struct evpop_proto {
	enum evpop_state state;
	enum evpop_turn turn;
	struct evpop_proto_limits limits;
	struct evpop_capabilities capabilities;

	struct evpop_pipeline pipeline;
	struct evpop_line line;
	struct evpop_lines lines; /* of the response being read */
	/* The one being read, or read last: until a reply follows it. */
	struct evpop_body body;

	struct evpop_result result; /* of the event that is told */
	struct evpop_result login;  /* of the last that was refused */
	bool user_refused;          /* PASS makes no sense */

	struct evpop_result end;
	enum evpop_body_fault fault; /* of the body that brought it */
	enum evpop_quit quit;        /* of a QUIT that was overtaken by it */

	evpop_trace_cb trace;
	void *trace_arg;
	evpop_state_cb changed;
	void *changed_arg;
};

/* The one function that changes the state. */
void evpop_session_enter(struct evpop_proto *, enum evpop_state);

/* The session ends for this reason, unless it has ended already. */
void evpop_session_end(struct evpop_proto *, const struct evpop_result *);

/* The same, with words; the error is EVPOP_ERROR_PROTOCOL, LIMIT or such. */
void evpop_session_fail(struct evpop_proto *, enum evpop_error,
    const char *format, ...) EVPOP_PRINTF(3, 4);

/*
 * The same with EVPOP_ERROR_PROTOCOL, for octets that are no reply: the body
 * before them is blamed, where it is at fault, and else these words are used.
 */
void evpop_session_fail_astray(struct evpop_proto *, const char *format, ...)
    EVPOP_PRINTF(2, 3);

/* The command that the next status line answers, or NULL. */
const struct evpop_queued *evpop_session_awaited(const struct evpop_proto *);

/* The phase that the awaited command belongs to. */
enum evpop_phase evpop_session_phase(const struct evpop_proto *);

/*
 * The phase that has a deadline: EVPOP_PHASE_BODY inside any multi-line
 * response, EVPOP_PHASE_NONE where nothing is awaited; and what is said when it
 * was not over within the limit, as "20 s".
 */
enum evpop_phase evpop_session_timed_phase(const struct evpop_proto *);
void evpop_session_describe_overdue(const struct evpop_proto *,
    enum evpop_phase, const char *limit, struct evpop_result *result_r);

/* Show a line to the trace, if there is one. */
void evpop_session_trace(
    struct evpop_proto *, bool from_server, const void *line, size_t length);

/*
 * Whether the first command, not yet sent, can never be: it needs a log-in that
 * was refused or never asked for, or is STLS behind one that was accepted.
 */
bool evpop_session_hopeless(const struct evpop_proto *);

#endif

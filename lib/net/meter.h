/*
 * Measures a session for the program's telemetry (<evpop/telemetry.h>): the
 * layers say what begins and ends, and only here the clock is read.  Where
 * nothing is wanted, each of these calls costs a comparison.
 */
#ifndef EVPOP_LIB_NET_METER_H
#define EVPOP_LIB_NET_METER_H

#include <evpop/client.h>
#include <evpop/telemetry.h>

struct evpop_dial_options;
struct evpop_stream;
struct evpop_stream_status;

/* Members are private. */
struct evpop_meter {
	const struct evpop_telemetry *telemetry; /* NULL: nothing is wanted */
	const struct evpop_proto *proto;
	const struct evpop_stream_status *status; /* kept up to date */
	struct evpop_telemetry_session session;
	int64_t begun_us;      /* 0: the session has not begun, or is told */
	enum evpop_phase step; /* under way; or EVPOP_PHASE_NONE */
	int64_t step_us;       /* when it began */
	/* Since when the oldest command is awaited; 0: none is. */
	int64_t awaited_us;
	int64_t first_us; /* when its reply began; 0: it has not */
	uint64_t octets;  /* of the message in it */
};

/* All is borrowed; if changes of state are wanted, watch the session's. */
void evpop_meter_init(struct evpop_meter *, const struct evpop_telemetry *,
    const struct evpop_dial_options *, const struct evpop_stream *,
    struct evpop_proto *);

/* Whether events of this kind are wanted. */
bool evpop_meter_wants(const struct evpop_meter *, enum evpop_telemetry_kind);

/* The session begins. */
void evpop_meter_begin(struct evpop_meter *);

/* The step under way went well, and this one begins; or none. */
void evpop_meter_step(struct evpop_meter *, enum evpop_phase next);

/* How far the stream has come: steps that are over with that. */
void evpop_meter_follow(struct evpop_meter *, const struct evpop_stream *);

/* A log-in, whose step this ends, was answered. */
void evpop_meter_logged_in(
    struct evpop_meter *, enum evpop_mechanism, const struct evpop_result *);

/* Octets of commands went out. */
void evpop_meter_sent(struct evpop_meter *);

/* An event of the core's, before anybody acts on it. */
void evpop_meter_event(struct evpop_meter *, const struct evpop_event *);

void evpop_meter_state(struct evpop_meter *, const char *machine,
    const char *old_state, const char *new_state);
void evpop_meter_line(struct evpop_meter *, bool from_server, const char *line);

/* The session is over, and whatever was under way; NULL: it was given up. */
void evpop_meter_end(struct evpop_meter *, const struct evpop_result *);

#endif

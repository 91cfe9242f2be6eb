/*
 * Two deadlines on one timer: that of the phase a session is in and that of
 * the session.  Moving one costs a store: the timer is armed anew only where
 * the deadline comes nearer, and else looks when it expires how far it has
 * moved.  Thousands of sessions make progress with every read.
 */
#ifndef EVPOP_LIB_NET_DEADLINE_H
#define EVPOP_LIB_NET_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event_struct.h>

/* Runs from the loop when one has passed; both are cleared then. */
typedef void (*evpop_deadline_cb)(bool whole_session, void *arg);

struct evpop_deadline {
	struct event timer;
	evpop_deadline_cb callback;
	void *arg;
	/* Times of evpop_loop_now_ms(); 0: none. */
	int64_t phase_ms, session_ms, armed_ms;
};

/* False where libevent refuses. */
bool evpop_deadline_init(
    struct evpop_deadline *, struct event_base *, evpop_deadline_cb, void *arg);

/* Set when the phase, or the session, must be over; 0 takes it away. */
void evpop_deadline_phase(struct evpop_deadline *, int64_t at_ms);
void evpop_deadline_session(struct evpop_deadline *, int64_t at_ms);

/* Both are taken away. */
void evpop_deadline_clear(struct evpop_deadline *);

#endif

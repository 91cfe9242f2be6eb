/*
 * How long a session waits for what: the phase it is in, what is to be sent,
 * and the session as a whole, on one timer.
 *
 * Moving a deadline costs a store: the timer is armed anew only where the
 * deadline comes nearer, and else looks when it expires how far it has moved.
 * Thousands of sessions make progress with every read.
 */
#ifndef EVPOP_LIB_NET_DEADLINE_H
#define EVPOP_LIB_NET_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>

#include <event2/event_struct.h>

#include <evpop/client.h>

/* The deadline that has passed. */
enum evpop_overdue {
	EVPOP_OVERDUE_PHASE,
	EVPOP_OVERDUE_SEND, /* the server takes nothing of what is sent */
	EVPOP_OVERDUE_SESSION
};

/*
 * Runs from the loop when a deadline has passed; all are cleared then.  `limit`
 * is how long it was, as "20 s".
 */
typedef void (*evpop_deadline_cb)(
    enum evpop_overdue, enum evpop_phase, const char *limit, void *arg);

/* How far a session is. */
struct evpop_progress {
	enum evpop_phase phase; /* EVPOP_PHASE_NONE: nothing is waited for */
	uint64_t answered;      /* commands, so far */
	uint64_t octets_in, octets_out;
	bool is_send_blocked;
};

/* Members are private. */
struct evpop_deadline {
	struct event timer;
	evpop_deadline_cb callback;
	void *arg;
	struct evpop_timeouts timeouts;
	struct evpop_progress at; /* when phase_ms was set */
	/* Times of evpop_clock_monotonic_ms(); 0: none. */
	int64_t phase_ms, send_ms, session_ms, armed_ms;
	uint64_t send_octets; /* moved when send_ms was set */
};

/*
 * Timeouts that are zero get their defaults.  False where libevent refuses.
 */
bool evpop_deadline_init(struct evpop_deadline *, struct event_base *,
    const struct evpop_timeouts *, evpop_deadline_cb, void *arg) EVPOP_MUST_USE;

/* The session begins. */
void evpop_deadline_start(struct evpop_deadline *);

/*
 * The session is as far as this: a phase that is new, or has made progress,
 * gets its time anew.  Inside a body silence is what counts, in all else the
 * whole until the next command is answered.
 */
void evpop_deadline_progress(
    struct evpop_deadline *, const struct evpop_progress *);

/* The phase last told of. */
enum evpop_phase evpop_deadline_phase(const struct evpop_deadline *);

/* All are taken away. */
void evpop_deadline_clear(struct evpop_deadline *);

#endif

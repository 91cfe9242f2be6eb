/*
 * A stream on which POP3 is spoken: from the host to a greeting, STLS where it
 * is asked for, and the server's capabilities; then bytes become the core's
 * events, and the core's commands bytes, until the end.
 *
 * What its owner queues with the core comes back as events; what the
 * connection needs for itself does not.
 */
#ifndef EVPOP_LIB_NET_CONNECTION_H
#define EVPOP_LIB_NET_CONNECTION_H

#include <evpop/client.h>

#include "lib/net/choice.h"

struct evpop_bracket;
struct evpop_connection;
struct evpop_meter;
struct evpop_stream;

enum evpop_connection_state {
	EVPOP_CONNECTION_IDLE = 0,
	EVPOP_CONNECTION_CONNECTING, /* up to greeting, STLS and CAPA */
	EVPOP_CONNECTION_CONNECTED,
	EVPOP_CONNECTION_LOGGED_IN,
	EVPOP_CONNECTION_ENDING, /* closed; commands are being answered */
	EVPOP_CONNECTION_OVER,
	EVPOP_CONNECTION_STATE_COUNT
};

/* In any of these it may be closed; freed only in the bracket's `leave`. */
struct evpop_connection_handler {
	/* It changes its state; the names are for a trace. */
	void (*changed)(const char *old_name, const char *new_name, void *arg);
	/* Connected, or why not.  Once. */
	void (*connected)(const struct evpop_result *, void *arg);
	/* An event of a command of the owner's. */
	void (*event)(const struct evpop_event *, void *arg);
	/*
	 * All commands are done, and the session is over, for this reason;
	 * `has_lost`: it may do better one command at a time.
	 */
	void (*closed)(const struct evpop_result *, bool has_lost, void *arg);
	/* Come back from the loop: there is something to dispatch. */
	void (*wake)(void *arg);
};

/*
 * Nothing happens yet.  What makes no sense in the configuration, which is
 * copied, is what connecting fails for.  NULL without memory.
 */
struct evpop_connection *evpop_connection_new(struct event_base *,
    const struct evpop_client_config *, const struct evpop_bracket *,
    const struct evpop_connection_handler *, void *arg) EVPOP_MUST_USE;
/* Must not run in a handler; NULL is allowed. */
void evpop_connection_free(struct evpop_connection *);

/* Begin. */
void evpop_connection_open(struct evpop_connection *, struct evdns_base *);

/* Let go of the network at once; nothing is told. */
void evpop_connection_close(struct evpop_connection *);

/* Close, and let every unfinished command be answered with the reason. */
void evpop_connection_fail(
    struct evpop_connection *, const struct evpop_result *);
void evpop_connection_fail_with(struct evpop_connection *, enum evpop_error,
    const char *format, ...) EVPOP_PRINTF(3, 4);

enum evpop_connection_state evpop_connection_state(
    const struct evpop_connection *);
/* Neither closed nor failed. */
bool evpop_connection_is_live(const struct evpop_connection *);

/* Give out the core's events that need no input. */
void evpop_connection_dispatch(struct evpop_connection *);

/*
 * Write what there is, and set the deadlines for what is awaited; so many of
 * the owner's requests were answered so far.  Nothing is awaited of the server
 * while the owner is busy.
 */
void evpop_connection_perform(
    struct evpop_connection *, uint64_t answered, bool owner_is_busy);

/* ---- for the log-in ---- */

/* Describe the offer; borrowed. */
void evpop_connection_offer(struct evpop_connection *, struct evpop_offer *);
/* It was accepted, or refused by credentials. */
void evpop_connection_logged_in(struct evpop_connection *);
void evpop_connection_refused(struct evpop_connection *);

/* CAPA was answered: what the server offers from here on. */
void evpop_connection_learn_capabilities(
    struct evpop_connection *, const struct evpop_result *);

/* ---- what it is made of, and knows; all borrowed ---- */

struct evpop_proto *evpop_connection_proto(const struct evpop_connection *);
struct evpop_server *evpop_connection_server(const struct evpop_connection *);
struct evpop_stream *evpop_connection_stream(const struct evpop_connection *);
struct evpop_meter *evpop_connection_meter(struct evpop_connection *);
const struct evpop_capabilities *evpop_connection_capabilities(
    const struct evpop_connection *);

#endif

/*
 * A connected stream of bytes: names are resolved, a connection made, through a
 * proxy where there is one, TLS spoken from the first byte or from later on;
 * with deadlines, pauses, and a fair share of the loop.  What is said on it is
 * its owner's matter: POP3 is one, others may follow.
 *
 * It reads into the buffer that all of a loop share and keeps bytes of its own
 * only where its owner did not take them; what is to be written it asks for,
 * and confirms.  All handlers run between `enter` and `leave`; in any of them
 * the stream may be closed, and after `leave` it may be gone.
 */
#ifndef EVPOP_LIB_NET_STREAM_H
#define EVPOP_LIB_NET_STREAM_H

#include <evpop/client.h>

#include "lib/auth/exchange.h"
#include "lib/net/deadline.h"
#include "lib/net/dial.h"
#include "lib/net/loop.h"
#include "lib/net/tls.h"

struct evpop_stream;

/*
 * Octets read in one turn of the loop, after which the others have theirs: no
 * server can hold the loop.
 */
#define EVPOP_STREAM_TURN (4 * EVPOP_LOOP_BUFFER)

enum evpop_stream_state {
	EVPOP_STREAM_CLOSED = 0,
	EVPOP_STREAM_RESOLVING,
	EVPOP_STREAM_CONNECTING,
	EVPOP_STREAM_PLAIN,
	EVPOP_STREAM_HANDSHAKE,
	EVPOP_STREAM_TLS
};

/* Around everything that comes from the loop; its own argument. */
struct evpop_bracket {
	void (*enter)(void *arg);
	void (*leave)(void *arg);
	void *arg;
};

struct evpop_stream_handler {
	/* A handshake begins, or has succeeded, maybe at once. */
	void (*changed)(void *arg);
	/* Take octets; fewer than `length` only after evpop_stream_pause() or
	 * evpop_stream_close(). */
	size_t (*input)(const unsigned char *, size_t length, void *arg);
	/* As evpop_proto_output() and evpop_proto_sent(). */
	const unsigned char *(*output)(size_t *length_r, void *arg);
	void (*sent)(size_t length, void *arg);
	/* The peer closed; or something failed.  Nothing follows. */
	void (*ended)(void *arg);
	void (*failed)(const struct evpop_result *, void *arg);
	/*
	 * The owner's phase was not over within `limit`, as "20 s".  What the
	 * stream itself waits for fails by `failed`.
	 */
	void (*overdue)(enum evpop_phase, const char *limit, void *arg);
};

/* Nothing happens yet.  NULL without memory. */
struct evpop_stream *evpop_stream_new(struct event_base *,
    const struct evpop_timeouts *, const struct evpop_bracket *,
    const struct evpop_stream_handler *, void *arg) EVPOP_MUST_USE;
/* Closes; not from inside a handler.  NULL is allowed. */
void evpop_stream_free(struct evpop_stream *);

/*
 * Begin: connected() or failed() follows, from the loop.  The options are
 * borrowed until the stream is closed.  False without memory.
 */
bool evpop_stream_connect(struct evpop_stream *, struct evdns_base *,
    const struct evpop_dial_options *,
    struct evpop_tls_context *tls_at_once) EVPOP_MUST_USE;

/*
 * Speak TLS from here on, with a certificate for this host; `changed` follows.
 * Nothing that was received may be left.  False, and the reason, where it
 * cannot be begun.
 */
bool evpop_stream_start_tls(struct evpop_stream *, struct evpop_tls_context *,
    struct evpop_result *result_r) EVPOP_MUST_USE;

enum evpop_stream_state evpop_stream_state(const struct evpop_stream *);

/* Write all there is, or what the socket takes. */
void evpop_stream_flush(struct evpop_stream *);

/*
 * The owner waits for this, and so many of its commands were answered so far;
 * EVPOP_PHASE_NONE while it waits for nothing.  Sets the deadlines.
 */
void evpop_stream_expect(
    struct evpop_stream *, enum evpop_phase, uint64_t answered);
/* The phase last waited for, the stream's own or the owner's. */
enum evpop_phase evpop_stream_phase(const struct evpop_stream *);

/*
 * Acknowledge at once what comes next: a server that writes an answer in two
 * pieces may wait for that before the second (RFC 896).
 */
void evpop_stream_hurry(struct evpop_stream *);

/* Read no more, and keep what `input` leaves. */
void evpop_stream_pause(struct evpop_stream *);
bool evpop_stream_is_paused(const struct evpop_stream *);
/* Give out what was kept, then read on. */
void evpop_stream_resume(struct evpop_stream *);

/* Close, politely if that takes no waiting.  Harmless where closed. */
void evpop_stream_close(struct evpop_stream *);

/* ---- what it knows ---- */

/* The loop that it is read on. */
struct evpop_loop *evpop_stream_loop(const struct evpop_stream *);

/* How it stands; borrowed, and kept up to date. */
struct evpop_stream_status {
	uint64_t octets_in, octets_out; /* TLS not counted */
	bool is_local; /* the peer is this machine: nothing leaves it */
	/* The peer's address and port, or ""; of the proxy, behind one. */
	char peer[EVPOP_ADDRESS_TEXT];
	/* "TLSv1.3 TLS_AES_256_GCM_SHA384", or "" without TLS (yet). */
	char tls_name[EVPOP_TLS_NAME];
	/* When the peer's certificate expires: Unix time; 0: not known. */
	int64_t certificate_expires;
	/* As evpop_tls_resumption_failed(). */
	bool resumption_failed;
};
const struct evpop_stream_status *evpop_stream_status(
    const struct evpop_stream *);

/* The channel's data that a log-in can be bound to; none without TLS. */
void evpop_stream_binding(struct evpop_stream *, struct evpop_channel *);

#endif

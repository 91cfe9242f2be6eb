/*
 * A connected descriptor and its events, plain or under TLS.  It reads into
 * the buffer that all of a loop share and keeps bytes of its own only where
 * its owner did not take them; what is to be written it asks for, and confirms.
 *
 * The owner gets control first: an event only calls `ready`, which is to call
 * evpop_transport_perform().  In any handler the transport may be closed.
 */
#ifndef EVPOP_LIB_NET_TRANSPORT_H
#define EVPOP_LIB_NET_TRANSPORT_H

#include <event2/event_struct.h>
#include <event2/util.h>

#include <evpop/error.h>

#include "lib/net/loop.h"
#include "lib/net/tls.h"

/*
 * Octets read in one turn of the loop, after which the others have theirs: no
 * server can hold the loop.
 */
#define EVPOP_TRANSPORT_TURN (4 * EVPOP_LOOP_BUFFER)

/*
 * Octets of the first read, and of the first after a pause: what a pause leaves
 * over must be kept, by each of thousands.  Reads grow while all is taken.
 */
#define EVPOP_TRANSPORT_FIRST ((size_t)8192)

struct evpop_transport_handler {
	void (*ready)(void *arg);
	/* Take octets; fewer than `length` only after evpop_transport_pause()
	 * or evpop_transport_close(). */
	size_t (*input)(const unsigned char *, size_t length, void *arg);
	/* As evpop_proto_output() and evpop_proto_sent(). */
	const unsigned char *(*output)(size_t *length_r, void *arg);
	void (*sent)(size_t length, void *arg);
	/* The handshake succeeded. */
	void (*secured)(void *arg);
	/* The peer closed; or something failed.  Nothing follows. */
	void (*ended)(void *arg);
	void (*failed)(const struct evpop_result *, void *arg);
};

enum evpop_transport_mode {
	EVPOP_TRANSPORT_CLOSED = 0,
	EVPOP_TRANSPORT_PLAIN,
	EVPOP_TRANSPORT_HANDSHAKE,
	EVPOP_TRANSPORT_TLS
};

/* Zeroed, it is closed.  Members are private. */
struct evpop_transport {
	enum evpop_transport_mode mode;
	const struct evpop_transport_handler *handler;
	void *arg;
	struct evpop_loop *loop;
	evutil_socket_t fd;
	struct evpop_tls_channel *tls;
	struct event readable, writable;
	struct event again; /* next turn, without waiting for the descriptor */
	bool readable_added, writable_added;
	bool paused;
	bool write_blocked, write_wants_read, read_wants_write;
	bool write_failed; /* what was sent before may still be read */
	size_t share;      /* octets to read at once */
	unsigned char *kept;
	size_t kept_start, kept_end;
	uint64_t octets_in, octets_out;
};

/*
 * Take a connected descriptor and wait for it.  False without memory; the
 * descriptor is closed then.
 */
bool evpop_transport_open(struct evpop_transport *, struct evpop_loop *,
    evutil_socket_t, const struct evpop_transport_handler *,
    void *arg) EVPOP_MUST_USE;

/*
 * Speak TLS from here on; `secured` follows from evpop_transport_perform().
 * False, and the reason, where it cannot be begun.
 */
bool evpop_transport_start_tls(struct evpop_transport *,
    struct evpop_tls_context *, const char *host, uint16_t port,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* Handshake and read, as far as possible and fair. */
void evpop_transport_perform(struct evpop_transport *);

/* Write all there is, or what the socket takes. */
void evpop_transport_flush(struct evpop_transport *);

/* Read no more, and keep what `input` leaves. */
void evpop_transport_pause(struct evpop_transport *);
/* Give out what was kept, then read on. */
void evpop_transport_resume(struct evpop_transport *);

/* Close, politely if that takes no waiting.  Harmless where closed. */
void evpop_transport_close(struct evpop_transport *);

#endif

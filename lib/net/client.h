/*
 * The inside of a client: what its life (client.c), its connection
 * (establish.c), the core's events (dispatch.c) and its requests (request.c)
 * share.
 *
 * Every entry from the loop is bracketed by evpop_client_enter() and
 * evpop_client_leave(); a client freed between them closes at once, and its
 * memory goes when the last bracket closes.
 */
#ifndef EVPOP_LIB_NET_CLIENT_H
#define EVPOP_LIB_NET_CLIENT_H

#include <evpop/client.h>

#include "lib/net/deadline.h"
#include "lib/net/dial.h"
#include "lib/net/memory.h"
#include "lib/net/request.h"
#include "lib/net/transport.h"

enum evpop_client_stage {
	EVPOP_STAGE_NEW = 0,
	EVPOP_STAGE_RESOLVING,
	EVPOP_STAGE_CONNECTING,
	EVPOP_STAGE_HANDSHAKING,
	EVPOP_STAGE_OPEN,
	EVPOP_STAGE_ENDING, /* closed; requests are being answered */
	EVPOP_STAGE_OVER    /* `closed` has run */
};

struct evpop_client {
	struct event_base *base;
	struct evdns_base *dns;
	const struct evpop_client_callbacks *callbacks;
	void *arg;

	char *host;                      /* in ASCII */
	struct evpop_proxy_config proxy; /* host NULL: none */
	char *source_address;
	size_t receive_buffer;
	struct evpop_result unusable; /* what is wrong with these */
	uint16_t port;
	enum evpop_tls tls;
	struct evpop_tls_context *tls_context;
	bool allow_cleartext;
	bool no_capabilities;            /* are asked for */
	struct evpop_remembered *server; /* NULL: nothing is remembered */
	struct evpop_memory *memory;     /* the same; borrowed */
	struct evpop_timeouts timeouts;
	uint32_t window_commands;
	size_t window_octets;

	enum evpop_client_stage stage;
	struct evpop_proto *proto;
	struct evpop_client_requests requests;
	struct evpop_client_requests spare; /* done with, to be used again */
	struct event wake; /* made active to come back from the loop */

	struct evpop_loop *loop;
	struct evpop_dial *dial;
	struct evpop_transport transport;
	struct evpop_deadline deadline;
	char peer[EVPOP_ADDRESS_TEXT];
	char tls_name[EVPOP_TLS_NAME];

	unsigned int entered; /* brackets that are open */
	bool freed;
	bool connect_asked, quit_asked;
	bool cancel_wanted, resume_wanted;
	bool paused;
	bool greeted, connected; /* connected: that request succeeded */
	bool start_tls;          /* STLS was accepted */
	bool clear;              /* no password may cross this network */
	bool one_by_one;         /* nothing goes ahead of a reply */
	enum evpop_again again;  /* what a new session may do better */
	bool pipelined; /* more than one command was under way at once */
	bool flight;    /* requests went out behind the log-in */
	bool logged_in;
	enum evpop_mechanism mechanism;
	unsigned int refused; /* mechanisms, by the server */
	char *timestamp;      /* of the greeting, for APOP */
	bool inside;          /* of a multi-line response */

	/* The greeting; then the first failure among a request's commands. */
	struct evpop_result first;

	/* What the deadline of the phase was set for. */
	enum evpop_phase phase;
	uint64_t answered, phase_answered;
	uint64_t phase_octets;
	int64_t phase_at_ms; /* 0: none */

	/* The same for octets that wait to be sent, and what had passed. */
	int64_t send_at_ms;
	uint64_t send_octets;
};

/* ---- client.c ---- */

void evpop_client_enter(struct evpop_client *);
/* Submits, drains, writes, sets deadlines; frees what was freed meanwhile. */
void evpop_client_leave(struct evpop_client *);

/* Whether a request of this kind may be made now. */
bool evpop_client_accepts(
    const struct evpop_client *, enum evpop_client_request_kind);
/* Take a request over and see to it from the loop. */
void evpop_client_enqueue(struct evpop_client *, struct evpop_client_request *);

/* Whether the server pipelines, as far as is known. */
bool evpop_client_pipelines(const struct evpop_client *);
/* Let as much go out at once as the server takes. */
void evpop_client_open_window(struct evpop_client *);
/* That TOP broke a session with this server. */
void evpop_client_cannot_top(struct evpop_client *);
/* Come back from the loop. */
void evpop_client_wake(struct evpop_client *);

/* Close, and let every unfinished request be answered with the reason. */
void evpop_client_fail(struct evpop_client *, const struct evpop_result *);

/* ---- establish.c ---- */

/* Begin to resolve, and all that follows. */
void evpop_client_establish(struct evpop_client *);
/* STLS was accepted and all input consumed: begin the handshake. */
void evpop_client_secure(struct evpop_client *);
/* Let go of all that has to do with the network. */
void evpop_client_disconnect(struct evpop_client *);

/* ---- dispatch.c ---- */

/*
 * Give input to the core and its events to the caller; returns the octets
 * taken, which are fewer where a sink paused.
 */
size_t evpop_client_dispatch(
    struct evpop_client *, const unsigned char *, size_t length);

/* Answer the connect, once nothing of it is left to be done. */
void evpop_client_check_connected(struct evpop_client *);

/* Answer the oldest request; nothing of it is left. */
void evpop_client_answer(struct evpop_client *, const struct evpop_reply *);
/* Some servers say in words only that a maildrop is busy. */
void evpop_client_reconsider_login(struct evpop_result *);

/* ---- authenticate.c ---- */

/*
 * Begin, or go on with, the log-in whose turn it is.  False where nothing
 * behind it may be handed to the core yet.
 */
bool evpop_client_log_in(struct evpop_client *, struct evpop_client_request *);
/* The events of its commands. */
void evpop_client_challenged(struct evpop_client *, const struct evpop_event *);
void evpop_client_login_part(struct evpop_client *, const struct evpop_event *);
/* A log-in waits for a key, and the server for us. */
bool evpop_client_derives(const struct evpop_client *);
/* CAPA was answered, perhaps after the log-in. */
void evpop_client_learn_capabilities(
    struct evpop_client *, const struct evpop_result *);

/* ---- patience.c ---- */

/* Set the deadline that the present phase calls for. */
void evpop_client_expect(struct evpop_client *);
/* Runs when a deadline has passed. */
void evpop_client_expired(bool whole_session, void *client);
/* Fill what is zero with the defaults. */
void evpop_client_timeouts(struct evpop_timeouts *);

#endif

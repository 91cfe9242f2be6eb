/*
 * The inside of a play on sockets: one session with its server (server.c) and
 * its client (session.c, session_sync.c), and the stage where many of them run
 * at once (stage.c).
 */
#ifndef DIALOG_SESSION_H
#define DIALOG_SESSION_H

#include <event2/bufferevent.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <openssl/ssl.h>

#include <evpop/client.h>
#include <evpop/sync.h>

#include "tests/dialog/certificates.h"
#include "tests/dialog/play.h"
#include "tests/dialog/record.h"
#include "tests/dialog/script.h"

/* Sessions at once.  Each has a port, which serves the next one, too. */
#define STAGE_PLACES 24

/* What takes longer is stuck, on however slow a machine. */
#define SESSION_PATIENCE_S 100

/* A server's end of one connection. */
struct dialog_server {
	struct bufferevent *stream;
	SSL *ssl; /* of the stream */
	evutil_socket_t fd;
	const struct dialog_item *saying; /* or NULL */
	size_t said;                      /* octets of it */
	int64_t waiting_since_ms; /* for what was said to be read; 0: not */
	unsigned waiting_turns;   /* of the loop, since then */
	size_t said_here;         /* octets on this connection */
	bool sleeping, reading;
	unsigned reads, heard_read; /* in all, and when a line was heard */
	struct event *tick;
};

/* What sync was told to know, or has stored by itself. */
struct session_known {
	struct octets id;
	uint32_t occurrence;
	enum evpop_known_state state;
	uint64_t octets;
	bool has_header;
	unsigned char header_digest[EVPOP_HEADER_DIGEST_SIZE];
};

/* A request that is to be answered; the step tells which. */
struct session_asked {
	struct session *session;
	const struct dialog_step *step;
};

struct session {
	struct play_stage *stage;
	size_t place;
	const struct dialog *dialog;
	enum play_mode mode;
	const struct cuts *cuts;
	size_t index; /* among the ways that are played */
	bool active;

	struct script script;
	size_t delivered; /* octets, on all connections */
	struct dialog_server server;
	struct octets heard, heard_clear; /* all that the client said */
	struct octets *shown;

	struct evpop_memory *memory;
	struct evpop_client *client;
	struct evpop_sync *sync;
	size_t step;                 /* the next one to do */
	unsigned unanswered;         /* steps */
	struct session_asked *asked; /* for each step; NULL before the first */
	bool resting;
	bool closed;  /* the client said so, or was freed */
	bool done;    /* no step is left */
	size_t taken; /* octets of the body, since the last pause */
	struct evpop_sink sink;
	struct event *resume, *rest, *late;
	struct session_known *known;
	size_t known_count;
	const struct evpop_listing *listing; /* the last one */
	const struct evpop_entry *stored_late[64];
	size_t stored_late_count;

	struct record record;
	char failure[1024]; /* "": none so far */
	struct event *patience, *finish;
};

struct play_stage {
	struct event_base *base;
	struct evdns_base *dns;
	struct certificates *certificates;
	struct evpop_tls_context *tls;
	struct evconnlistener *listeners[STAGE_PLACES];
	uint16_t ports[STAGE_PLACES];
	struct session sessions[STAGE_PLACES];
	/* The run under way. */
	const struct dialog *dialog;
	enum play_mode mode;
	const struct cuts *cuts;
	size_t count, next, running, failed;
	struct octets *shown;
	play_wrong_cb wrong;
	void *wrong_arg;
};

/* ---- stage.c ---- */

/* Something is wrong: the session ends with it.  The first one counts. */
void session_fail(struct session *, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Look, from the loop, whether both sides have come to their end. */
void session_check_end(struct session *);
void session_show(
    struct session *, const char *who, const void *bytes, size_t length);

/* ---- server.c ---- */

void server_init(struct session *);
void server_accept(struct session *, evutil_socket_t fd);
/* Do what is to be done next. */
void server_advance(struct session *);
void server_clear(struct session *);

/* ---- session.c ---- */

void session_config(
    const struct session *, struct evpop_client_config *config_r);
bool session_credentials(
    const struct session *, struct evpop_credentials *credentials_r);
/* Do the steps that can be done now. */
void session_go_on(struct session *);
/* Octets that the client has read on this connection; false without one. */
bool session_octets_in(const struct session *, uint64_t *octets_r);
enum evpop_flow session_take(
    struct session *, const unsigned char *, size_t length);
void session_answered(struct session *);
/* For timers. */
void session_resume(evutil_socket_t, short, void *session);
void session_rested(evutil_socket_t, short, void *session);

/* ---- session_sync.c ---- */

void session_sync_begin(struct session *);
void session_sync_clear(struct session *);
void session_sync_late(evutil_socket_t, short, void *session);

#endif

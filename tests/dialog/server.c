/* The server of one session: its script on a socket, in pieces as told. */
#include <sys/socket.h>

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>

#include "tests/dialog/session.h"

static void on_read(struct bufferevent *, void *);
static void on_event(struct bufferevent *, short, void *);

/*
 * A bufferevent reads no more at once.  What is less, and arrives without its
 * line end, was written so.
 */
#define READ_OCTETS 4096

/*
 * Longer than a loop takes from a write on loopback to its read.  Turns alone
 * may be quicker than the kernel; time alone may pass without a turn.
 */
#define CONSUMED_PATIENCE_MS    40
#define CONSUMED_PATIENCE_TURNS 20

static int64_t
loop_ms(const struct session *session)
{
	struct timeval now;

	if (event_base_gettimeofday_cached(session->stage->base, &now) == -1)
		abort();
	return (int64_t)now.tv_sec * 1000 + now.tv_usec / 1000;
}

/* Come back in the loop's next turn, or later. */
static void
come_back(struct session *session, unsigned ms)
{
	struct timeval delay = { ms / 1000, (suseconds_t)(ms % 1000) * 1000 };

	evtimer_add(session->server.tick, &delay);
}

static void
ticked(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;

	(void)fd;
	(void)what;
	session->server.sleeping = false;
	server_advance(session);
}

void
server_init(struct session *session)
{
	memset(&session->server, 0, sizeof session->server);
	session->server.fd = -1;
	session->server.tick =
	    evtimer_new(session->stage->base, ticked, session);
	if (session->server.tick == NULL)
		abort();
}

static void
drop(struct session *session, bool reset)
{
	struct dialog_server *server = &session->server;
	struct linger linger = { 1, 0 };

	if (server->stream == NULL)
		return;
	if (reset)
		setsockopt(
		    server->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
	bufferevent_free(server->stream);
	server->stream = NULL;
	server->ssl = NULL;
	evtimer_del(server->tick);
}

void
server_clear(struct session *session)
{
	drop(session, true);
	event_free(session->server.tick);
	session->server.tick = NULL;
}

static void
open_plain(struct session *session)
{
	struct dialog_server *server = &session->server;

	server->stream = bufferevent_socket_new(
	    session->stage->base, server->fd, BEV_OPT_CLOSE_ON_FREE);
	if (server->stream == NULL)
		abort();
	bufferevent_setcb(server->stream, on_read, NULL, on_event, session);
	bufferevent_enable(server->stream, EV_WRITE);
	server->reading = false;
}

static void
open_tls(struct session *session)
{
	struct dialog_server *server = &session->server;

	server->ssl = SSL_new(certificates_server(
	    session->stage->certificates, session->dialog->settings.cert));
	if (server->ssl == NULL)
		abort();
	server->stream =
	    bufferevent_openssl_socket_new(session->stage->base, server->fd,
		server->ssl, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
	if (server->stream == NULL)
		abort();
	bufferevent_openssl_set_allow_dirty_shutdown(server->stream, 1);
	bufferevent_setcb(server->stream, on_read, NULL, on_event, session);
	bufferevent_enable(server->stream, EV_READ | EV_WRITE);
	server->reading = true;
}

/* The descriptor changes hands; what was to be written is. */
static void
change_to_tls(struct session *session)
{
	bufferevent_setfd(session->server.stream, -1);
	bufferevent_free(session->server.stream);
	open_tls(session);
}

/*
 * While the server speaks it does not listen: what is in its socket behind
 * STLS belongs to the handshake.
 */
static void
listen_to(struct session *session, bool listen)
{
	struct dialog_server *server = &session->server;

	if (server->reading == listen)
		return;
	server->reading = listen;
	if (listen)
		bufferevent_enable(server->stream, EV_READ);
	else if (server->ssl == NULL)
		bufferevent_disable(server->stream, EV_READ);
}

/*
 * Whether all that was written so far has been read.  What a client drops, or
 * takes for part of a handshake, it never counts: not to wait for longer.
 */
static bool
consumed(struct session *session)
{
	struct dialog_server *server = &session->server;
	int64_t now_ms = loop_ms(session);
	uint64_t octets;

	if (session_octets_in(session, &octets) &&
	    octets >= server->said_here) {
		server->waiting_since_ms = 0;
		return true;
	}
	if (server->waiting_since_ms == 0) {
		server->waiting_since_ms = now_ms;
		server->waiting_turns = 0;
	}
	if (now_ms - server->waiting_since_ms < CONSUMED_PATIENCE_MS ||
	    ++server->waiting_turns < CONSUMED_PATIENCE_TURNS)
		return false;
	server->waiting_since_ms = 0;
	return true;
}

/* Say the next piece; false where the loop must turn first. */
static bool
say(struct session *session)
{
	struct dialog_server *server = &session->server;
	const struct octets *octets = &server->saying->octets;
	size_t piece;

	if (server->said > 0 && !consumed(session)) {
		come_back(session, 0);
		return false;
	}
	if (server->said == octets->length) {
		server->saying = NULL;
		return true;
	}
	piece = cuts_piece(
	    session->cuts, session->delivered, octets->length - server->said);
	session_show(session, "S: ", octets->bytes + server->said, piece);
	bufferevent_write(server->stream, octets->bytes + server->said, piece);
	server->said += piece;
	server->said_here += piece;
	session->delivered += piece;
	if (server->said < octets->length) {
		come_back(session, 0);
		return false;
	}
	server->saying = NULL;
	return true;
}

/* Carry out an item; false where the loop must turn first. */
static bool
act(struct session *session, const struct dialog_item *item)
{
	struct dialog_server *server = &session->server;

	listen_to(session, false);
	switch (item->type) {
	case DIALOG_SAY:
		server->saying = item;
		server->said = 0;
		return true;
	case DIALOG_SLEEP:
		server->sleeping = true;
		come_back(session, (unsigned)item->number);
		return false;
	case DIALOG_TLS:
		session_show(session, "(TLS)", "", 0);
		change_to_tls(session);
		return true;
	default:
		session_show(session, "(server closes)", "", 0);
		drop(session, item->type == DIALOG_RST);
		return false;
	}
}

/* Hear the lines that are there; false where there is none. */
static bool
hear(struct session *session)
{
	struct dialog_server *server = &session->server;
	struct evbuffer *input = bufferevent_get_input(server->stream);
	struct octets *heard;
	size_t length;
	char *line;
	bool well;

	line = evbuffer_readln(input, &length, EVBUFFER_EOL_LF);
	if (line == NULL) {
		length = evbuffer_get_length(input);
		if (length > 0 && length < READ_OCTETS &&
		    !session->script.ignoring)
			session_fail(session, "half a line arrives");
		return false;
	}
	heard = session->server.ssl == NULL ? &session->heard_clear
					    : &session->heard;
	octets_add(heard, line, length);
	octets_add(heard, "\n", 1);
	session_show(session, "C: ", line, length);
	well = length > 0 && line[length - 1] == '\r';
	if (!well && !session->script.ignoring)
		session_fail(session, "the client ends a line in LF alone");
	else if (!session->script.ignoring &&
		 !script_hear(&session->script, (unsigned char *)line,
		     length - 1, server->heard_read == server->reads))
		session_fail(session, "%s", session->script.error);
	server->heard_read = server->reads;
	free(line);
	return session->failure[0] == '\0';
}

/* What is written must be read before the connection is closed or changed. */
static bool
must_be_consumed(const struct session *session)
{
	const struct script *script = &session->script;
	const struct dialog_item *item;

	if (script->at >= script->dialog->item_count)
		return false;
	item = &script->dialog->items[script->at];
	return item->type == DIALOG_EOF || item->type == DIALOG_RST ||
	       item->type == DIALOG_TLS || item->type == DIALOG_SLEEP;
}

/* One thing; false where the loop must turn first. */
static bool
do_next(struct session *session)
{
	const struct dialog_item *item;

	if (session->server.saying != NULL)
		return say(session);
	if (session->server.said_here > 0 && must_be_consumed(session) &&
	    !consumed(session)) {
		come_back(session, 0);
		return false;
	}
	if (script_next(&session->script, &item) == SCRIPT_ACT)
		return act(session, item);
	listen_to(session, true);
	return hear(session);
}

void
server_advance(struct session *session)
{
	struct dialog_server *server = &session->server;

	if (server->sleeping || evtimer_pending(server->tick, NULL))
		return;
	while (server->stream != NULL && session->failure[0] == '\0' &&
	       do_next(session))
		;
}

static void
on_read(struct bufferevent *stream, void *arg)
{
	struct session *session = arg;

	(void)stream;
	session->server.reads++;
	server_advance(session);
}

static void
on_event(struct bufferevent *stream, short what, void *arg)
{
	struct session *session = arg;

	(void)stream;
	if (what & BEV_EVENT_CONNECTED) {
		server_advance(session);
		return;
	}
	session_show(session, "(the client's side is closed)", "", 0);
	drop(session, false);
	session_check_end(session);
}

void
server_accept(struct session *session, evutil_socket_t fd)
{
	struct dialog_server *server = &session->server;
	int on = 1;

	if (server->fd != -1) {
		drop(session, false);
		session_show(session, "(another connection)", "", 0);
		if (!script_again(&session->script))
			session_fail(session, "%s", session->script.error);
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	server->fd = fd;
	server->saying = NULL;
	server->said_here = 0;
	server->sleeping = false;
	if (session->failure[0] != '\0') {
		evutil_closesocket(fd);
		return;
	}
	if (session->mode == PLAY_TLS)
		open_tls(session);
	else {
		open_plain(session);
		server_advance(session);
	}
}

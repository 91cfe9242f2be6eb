#include "connection.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event_struct.h>

#include <openssl/err.h>

#include "wire_bio.h"

/* Queued output above which no command is carried out. */
#define OUTPUT_LIMIT ((size_t)256 * 1024)

/* Unanswered input above which the socket is not read. */
#define INPUT_LIMIT ((size_t)64 * 1024)

/* The longest command line; bearer tokens make them long. */
#define LINE_LIMIT 8192

/* Plain octets that go into one TLS record. */
#define RECORD_SIZE 16384

/* Octets that came together and are acted on together, after the delay. */
struct arrival {
	STAILQ_ENTRY(arrival) next;
	int64_t due_us;
	size_t size;
};

struct connection {
	LIST_ENTRY(connection) next;
	struct server *server;
	struct session *session;
	SSL *ssl; /* or NULL */
	evutil_socket_t fd;
	struct event reader, writer, delay_timer, pace_timer;
	STAILQ_HEAD(, arrival) arrivals;
	struct evbuffer *delayed;  /* as read, not due yet */
	struct evbuffer *wire_in;  /* as read, due */
	struct evbuffer *input;    /* command lines */
	struct evbuffer *output;   /* answers */
	struct evbuffer *wire_out; /* as to be written */
	bool greeted;
	bool end_of_input;
	bool failed;       /* to be closed without more ado */
	bool all_answered; /* nothing is owed to the client */
	bool farewell;     /* TLS close_notify is queued */
	bool breaks_off;   /* in the middle of an answer: */
	uint64_t left;     /* octets of output that still leave */
	size_t allowance;  /* octets that may be written in this second */
};

static void connection_run(struct connection *connection);

static int64_t
now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
connection_free(struct connection *connection)
{
	struct arrival *arrival;

	LIST_REMOVE(connection, next);
	connection->server->open_count--;
	event_del(&connection->reader);
	event_del(&connection->writer);
	event_del(&connection->delay_timer);
	event_del(&connection->pace_timer);
	while ((arrival = STAILQ_FIRST(&connection->arrivals)) != NULL) {
		STAILQ_REMOVE_HEAD(&connection->arrivals, next);
		free(arrival);
	}
	session_free(connection->session);
	SSL_free(connection->ssl);
	evbuffer_free(connection->delayed);
	evbuffer_free(connection->wire_in);
	evbuffer_free(connection->input);
	evbuffer_free(connection->output);
	evbuffer_free(connection->wire_out);
	close(connection->fd);
	free(connection);
}

static void
arm_delay_timer(struct connection *connection)
{
	struct arrival *first = STAILQ_FIRST(&connection->arrivals);
	struct timeval wait = { 0 };
	int64_t left_us;

	if (first == NULL)
		return;
	left_us = first->due_us - now_us();
	if (left_us > 0) {
		wait.tv_sec = left_us / 1000000;
		wait.tv_usec = left_us % 1000000;
	}
	evtimer_add(&connection->delay_timer, &wait);
}

/* Notes that SIZE octets, or a new client if 0, came now. */
static void
note_arrival(struct connection *connection, size_t size)
{
	struct arrival *arrival = calloc(1, sizeof *arrival);
	bool first = STAILQ_EMPTY(&connection->arrivals);

	if (arrival == NULL) {
		connection->failed = true;
		return;
	}
	arrival->due_us = now_us() + connection->server->delay_us;
	arrival->size = size;
	STAILQ_INSERT_TAIL(&connection->arrivals, arrival, next);
	if (first)
		arm_delay_timer(connection);
}

static void
on_delay_over(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;
	struct arrival *arrival;
	int64_t now = now_us();

	(void)fd;
	(void)what;
	while ((arrival = STAILQ_FIRST(&connection->arrivals)) != NULL &&
	       arrival->due_us <= now) {
		evbuffer_remove_buffer(
		    connection->delayed, connection->wire_in, arrival->size);
		STAILQ_REMOVE_HEAD(&connection->arrivals, next);
		free(arrival);
	}
	arm_delay_timer(connection);
	connection_run(connection);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;
	bool delay = connection->server->delay_us > 0;
	int size;

	(void)what;
	size = evbuffer_read(delay ? connection->delayed : connection->wire_in,
	    fd, (int)INPUT_LIMIT);
	if (size == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (size == -1)
		connection->failed = true;
	else if (size == 0)
		connection->end_of_input = true;
	else {
		connection->server->bytes_in += (uint64_t)size;
		if (delay)
			note_arrival(connection, (size_t)size);
	}
	if (!delay || size <= 0 || connection->failed)
		connection_run(connection);
}

static void
on_next_second(evutil_socket_t fd, short what, void *arg)
{
	struct connection *connection = arg;

	(void)fd;
	(void)what;
	connection->allowance = connection->server->octets_per_second;
	connection_run(connection);
}

static void
on_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	connection_run(arg);
}

/* Puts TLS on the connection, as its server. */
static bool
start_tls(struct connection *connection)
{
	BIO *bio = wire_bio_new(connection->wire_in, connection->wire_out);

	connection->ssl = SSL_new(connection->server->tls);
	if (bio == NULL || connection->ssl == NULL) {
		BIO_free(bio);
		return false;
	}
	SSL_set_bio(connection->ssl, bio, bio);
	SSL_set_accept_state(connection->ssl);
	return true;
}

/* Whether an SSL call only waits for more from the client. */
static bool
tls_only_waits(struct connection *connection, int result)
{
	switch (SSL_get_error(connection->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		return true;
	case SSL_ERROR_ZERO_RETURN:
		connection->end_of_input = true;
		return true;
	default:
		connection->server->tls_failures++;
		connection->failed = true;
		return false;
	}
}

/* Goes on with the handshake.  Returns true when it is complete. */
static bool
shake_hands(struct connection *connection)
{
	int result;

	if (SSL_is_init_finished(connection->ssl))
		return true;
	ERR_clear_error();
	result = SSL_do_handshake(connection->ssl);
	if (result != 1) {
		(void)tls_only_waits(connection, result);
		return false;
	}
	connection->server->tls_handshakes++;
	if (SSL_session_reused(connection->ssl))
		connection->server->tls_resumed++;
	return true;
}

/* Moves what the wire brought to the command lines. */
static void
take_input(struct connection *connection)
{
	static unsigned char plain[RECORD_SIZE];
	int size;

	if (connection->ssl == NULL) {
		evbuffer_add_buffer(connection->input, connection->wire_in);
		return;
	}
	if (!shake_hands(connection))
		return;
	while (evbuffer_get_length(connection->input) < INPUT_LIMIT) {
		ERR_clear_error();
		size = SSL_read(connection->ssl, plain, sizeof plain);
		if (size <= 0) {
			(void)tls_only_waits(connection, size);
			break;
		}
		evbuffer_add(connection->input, plain, (size_t)size);
	}
}

/* Drops the answers that are not to leave, and counts those that are. */
static void
break_off(struct connection *connection)
{
	size_t size = evbuffer_get_length(connection->output);
	struct evbuffer *leaving;

	if (size > connection->left) {
		leaving = evbuffer_new();
		if (leaving == NULL)
			connection->failed = true;
		else
			evbuffer_remove_buffer(connection->output, leaving,
			    (size_t)connection->left);
		evbuffer_drain(connection->output, size);
		if (leaving != NULL) {
			evbuffer_add_buffer(connection->output, leaving);
			evbuffer_free(leaving);
		}
		size = (size_t)connection->left;
	}
	connection->left -= size;
}

/* Moves answers to the wire. */
static void
give_output(struct connection *connection)
{
	size_t left;

	if (connection->breaks_off)
		break_off(connection);
	left = evbuffer_get_length(connection->output);
	if (connection->ssl == NULL) {
		evbuffer_add_buffer(connection->wire_out, connection->output);
		return;
	}
	while (left > 0 && !connection->failed) {
		size_t size = left < RECORD_SIZE ? left : RECORD_SIZE;
		unsigned char *plain =
		    evbuffer_pullup(connection->output, (ev_ssize_t)size);
		int result;

		ERR_clear_error();
		result = SSL_write(connection->ssl, plain, (int)size);
		if (result <= 0)
			(void)tls_only_waits(connection, result);
		if (result <= 0)
			break;
		evbuffer_drain(connection->output, (size_t)result);
		left -= (size_t)result;
	}
}

/* Whether nothing more will be answered, and the client is to see that. */
static bool
is_over(const struct connection *connection)
{
	if (connection->breaks_off)
		return !connection->server->sessions.faults.stalls &&
		       (connection->left == 0 ||
			   !session_produces(connection->session));
	return session_ended(connection->session);
}

/* Carries out one command, if there is a whole one. */
static bool
serve_command(struct connection *connection)
{
	size_t size, before = evbuffer_get_length(connection->output);
	char *line =
	    evbuffer_readln(connection->input, &size, EVBUFFER_EOL_CRLF);

	if (line == NULL) {
		if (evbuffer_get_length(connection->input) > LINE_LIMIT)
			connection->failed = true;
		return false;
	}
	if (connection->all_answered)
		connection->server->round_trips++;
	connection->all_answered = false;
	session_command(connection->session, line, size, connection->output);
	free(line);
	if (session_breaks_off(connection->session, &connection->left)) {
		connection->breaks_off = true;
		connection->left += before;
	}
	if (session_wants_tls(connection->session)) {
		/* What came in the clear behind STLS must not be believed. */
		evbuffer_drain(
		    connection->input, evbuffer_get_length(connection->input));
		give_output(connection);
		if (!start_tls(connection))
			connection->failed = true;
		session_tls_started(connection->session);
	}
	return true;
}

/* Whether commands wait for connections_release(). */
static bool
held(const struct server *server)
{
	return server->hold_after > 0 &&
	       server->sessions.counters.messages_sent >= server->hold_after;
}

/*
 * Answers while there are commands and room for answers.  Returns whether it
 * stopped for want of room.
 */
static bool
serve(struct connection *connection)
{
	struct session *session = connection->session;

	while (!connection->failed) {
		size_t queued = evbuffer_get_length(connection->wire_out) +
				evbuffer_get_length(connection->output);

		if (queued >= OUTPUT_LIMIT)
			return true;
		if (connection->breaks_off &&
		    evbuffer_get_length(connection->output) >= connection->left)
			break;
		if (session_produces(session))
			session_produce(session, connection->output,
			    OUTPUT_LIMIT -
				evbuffer_get_length(connection->wire_out));
		else if (connection->breaks_off || session_ended(session) ||
			 held(connection->server) || !serve_command(connection))
			break;
	}
	return false;
}

/* Whether there is something to write that may be written in this second. */
static bool
may_write(const struct connection *connection)
{
	return evbuffer_get_length(connection->wire_out) > 0 &&
	       (connection->server->octets_per_second == 0 ||
		   connection->allowance > 0);
}

/* Writes what the socket takes now. */
static void
write_output(struct connection *connection)
{
	bool paced = connection->server->octets_per_second > 0;
	int size;

	if (!may_write(connection))
		return;
	size = evbuffer_write_atmost(connection->wire_out, connection->fd,
	    paced ? (ev_ssize_t)connection->allowance : -1);
	if (size > 0) {
		connection->server->bytes_out += (uint64_t)size;
		if (paced)
			connection->allowance -= (size_t)size;
	} else if (size == -1 && errno != EAGAIN && errno != EINTR)
		connection->failed = true;
}

/* Once the session is over, says so to a TLS client too. */
static void
say_farewell(struct connection *connection)
{
	if (!session_ended(connection->session) || connection->farewell)
		return;
	connection->farewell = true;
	if (connection->ssl == NULL || connection->failed)
		return;
	ERR_clear_error();
	(void)SSL_shutdown(connection->ssl);
}

static void
choose_events(struct connection *connection, bool no_room)
{
	size_t unanswered = evbuffer_get_length(connection->delayed) +
			    evbuffer_get_length(connection->wire_in) +
			    evbuffer_get_length(connection->input);
	bool waits = evbuffer_get_length(connection->wire_out) > 0 &&
		     !may_write(connection);

	/* What waits for the next second is not asked for before. */
	if (waits)
		event_del(&connection->writer);
	else if (no_room || may_write(connection))
		event_add(&connection->writer, NULL);
	if (connection->end_of_input || unanswered >= INPUT_LIMIT ||
	    is_over(connection))
		event_del(&connection->reader);
	else
		event_add(&connection->reader, NULL);
}

/* Does whatever can be done now.  The connection may be gone afterwards. */
static void
connection_run(struct connection *connection)
{
	bool no_room = false, done;

	take_input(connection);
	if (!connection->failed && !connection->greeted &&
	    (connection->ssl == NULL ||
		SSL_is_init_finished(connection->ssl))) {
		connection->greeted = true;
		connection->all_answered = true;
		session_greet(connection->session, connection->output);
	}
	if (connection->greeted)
		no_room = serve(connection);
	if (connection->ssl == NULL || SSL_is_init_finished(connection->ssl))
		give_output(connection);
	say_farewell(connection);
	write_output(connection);
	/* Input that stayed inside TLS because there was much of it. */
	if (connection->ssl != NULL &&
	    evbuffer_get_length(connection->wire_in) > 0)
		no_room = true;
	done = !no_room && evbuffer_get_length(connection->wire_out) == 0 &&
	       STAILQ_EMPTY(&connection->arrivals) &&
	       (connection->end_of_input || is_over(connection));
	if (connection->failed || done) {
		connection_free(connection);
		return;
	}
	if (!no_room && evbuffer_get_length(connection->wire_out) == 0)
		connection->all_answered = true;
	choose_events(connection, no_room);
}

void
connection_start(struct server *server, evutil_socket_t fd, bool tls)
{
	const struct timeval second = { .tv_sec = 1 };
	struct connection *connection = calloc(1, sizeof *connection);

	if (connection == NULL) {
		close(fd);
		return;
	}
	connection->server = server;
	connection->fd = fd;
	connection->delayed = evbuffer_new();
	connection->wire_in = evbuffer_new();
	connection->input = evbuffer_new();
	connection->output = evbuffer_new();
	connection->wire_out = evbuffer_new();
	STAILQ_INIT(&connection->arrivals);
	event_assign(&connection->reader, server->base, fd,
	    EV_READ | EV_PERSIST, on_readable, connection);
	event_assign(&connection->writer, server->base, fd, EV_WRITE,
	    on_writable, connection);
	evtimer_assign(
	    &connection->delay_timer, server->base, on_delay_over, connection);
	event_assign(&connection->pace_timer, server->base, -1, EV_PERSIST,
	    on_next_second, connection);
	LIST_INSERT_HEAD(&server->connections, connection, next);
	server->connection_count++;
	if (++server->open_count > server->open_peak)
		server->open_peak = server->open_count;
	connection->session =
	    session_new(&server->sessions, server->connection_count, tls);
	if (connection->session == NULL || (tls && !start_tls(connection))) {
		connection_free(connection);
		return;
	}
	event_add(&connection->reader, NULL);
	connection->allowance = server->octets_per_second;
	if (server->octets_per_second > 0)
		event_add(&connection->pace_timer, &second);
	if (tls)
		return;
	if (server->delay_us > 0)
		note_arrival(connection, 0);
	else
		connection_run(connection);
}

void
connections_release(struct server *server)
{
	struct connection *connection, *next;

	server->hold_after = 0;
	for (connection = LIST_FIRST(&server->connections); connection != NULL;
	     connection = next) {
		next = LIST_NEXT(connection, next);
		connection_run(connection);
	}
}

void
connections_close(struct server *server)
{
	struct connection *connection;

	while ((connection = LIST_FIRST(&server->connections)) != NULL)
		connection_free(connection);
}

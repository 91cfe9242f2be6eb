#include "daemon/control/connections.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/control/limits.h"
#include "daemon/control/peer.h"
#include "daemon/control/refusal.h"
#include "lib/base/clock.h"

/*
 * How soon a closed connection is noticed; only waiting ones notice the delay.
 */
static const struct timeval sweep_interval = { 0, 200000 };

/* evhttp goes on with what it has read in the next turn of the loop. */
#define STUCK_MS 1000

/* When to look for a descriptor again if there was none. */
static const struct timeval retry_interval = { 0, 200000 };

/*
 * Limits how many connections the listener accepts in one turn of the loop, and
 * keeps a spare descriptor for when the process has none left.
 */
struct door {
	struct evconnlistener *listener;
	struct event *knock; /* a client wants in */
	struct event *retry;
	struct connections *connections;
	unsigned passed; /* in this turn of the loop */
	/* The spare descriptor; -1 while it is in use. */
	int spare;
};

/*
 * This holds a reference to the bufferevent. evhttp removes its callbacks when
 * it releases a connection, which shows that the connection has ended; dropping
 * the last reference then closes the descriptor.
 */
struct connection {
	struct admission_guest guest;
	TAILQ_ENTRY(connection) link; /* in the order of their coming */
	struct connections *connections;
	struct bufferevent *bufferevent;
	struct evbuffer_cb_entry *output_watch;
	bool is_known;     /* its user has been looked up */
	bool is_refused;   /* evhttp answers by itself */
	int64_t taking_ms; /* since when an answer waits to be read */
	int64_t full_ms;   /* since when no more is read; 0: it is */
};

struct connections {
	struct connections_options options;
	struct evhttp *http;
	struct admission *admission;
	TAILQ_HEAD(, connection) all;
	struct door door;
	/* Due when connections are new, or waiting ones may be served. */
	struct event *judge;
	struct event *sweeper;
	struct connections_count count;
};

/* ---- the door ---- */

static bool connections_make_room(struct connections *);

/*
 * Count an accepted connection; after many, the others wait until door_open().
 */
static void
door_passed(struct door *door)
{
	if (++door->passed >= LIMITS_ACCEPTED_A_TURN)
		evconnlistener_disable(door->listener);
}

static void
door_open(struct door *door)
{
	door->passed = 0;
	evconnlistener_enable(door->listener);
	event_add(door->knock, NULL);
}

/* Whether the process and the system have a descriptor left. */
static bool
is_descriptor_left(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return false;
	close(fd);
	return true;
}

/*
 * Without a descriptor, accept() would fail in every turn of the loop as long
 * as a client waits.  Therefore keep one descriptor spare, or stop accepting
 * for a while.
 */
static void
door_knocked(evutil_socket_t fd, short what, void *arg)
{
	struct door *door = arg;

	(void)what;
	if (door->spare == -1)
		door->spare = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (is_descriptor_left() || connections_make_room(door->connections))
		return;
	if (door->spare != -1) {
		close(door->spare);
		door->spare = -1;
		return;
	}
	evconnlistener_disable(door->listener);
	event_del(door->knock);
	event_add(door->retry, &retry_interval);
}

static void
door_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	door_open(arg);
}

/* Nothing to do: the door handles the lack of descriptors. */
static void
door_accept_failed(struct evconnlistener *listener, void *arg)
{
	(void)listener;
	(void)arg;
}

static void
door_end(struct door *door)
{
	if (door->knock != NULL)
		event_free(door->knock);
	if (door->retry != NULL)
		event_free(door->retry);
	if (door->spare != -1)
		close(door->spare);
}

/* False without memory; end it then, too. */
static bool
door_begin(struct door *door, struct event_base *base,
    struct evconnlistener *listener, struct connections *connections)
{
	int fd = evconnlistener_get_fd(listener);

	door->listener = listener;
	door->connections = connections;
	door->spare = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	door->knock =
	    event_new(base, fd, EV_READ | EV_PERSIST, door_knocked, door);
	door->retry = evtimer_new(base, door_retry, door);
	evconnlistener_set_error_cb(listener, door_accept_failed);
	return door->knock != NULL && door->retry != NULL &&
	       event_add(door->knock, NULL) == 0;
}

/* ---- a connection ---- */

static bool
connection_has_ended(const struct connection *connection)
{
	bufferevent_event_cb event_cb;

	bufferevent_getcb(connection->bufferevent, NULL, NULL, &event_cb, NULL);
	return event_cb == NULL;
}

/* Free a connection that evhttp has released. */
static void
connection_free(struct connection *connection)
{
	struct connections *connections = connection->connections;

	TAILQ_REMOVE(&connections->all, connection, link);
	if (connection->guest.user != NULL)
		admission_leave(connections->admission, &connection->guest);
	evbuffer_remove_cb_entry(
	    bufferevent_get_output(connection->bufferevent),
	    connection->output_watch);
	(void)bufferevent_decref(connection->bufferevent);
	free(connection);
}

/* Make evhttp close the connection, like one that was idle for too long. */
static void
connection_end(struct connection *connection)
{
	admission_leave(connection->connections->admission, &connection->guest);
	bufferevent_trigger_event(
	    connection->bufferevent, BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

static void
connection_end_for_another(struct connection *connection)
{
	connection->connections->count.closed++;
	connection_end(connection);
}

static struct connection *
connection_of(struct admission_guest *guest)
{
	return (struct connection *)((char *)guest -
				     offsetof(struct connection, guest));
}

/* A part of an answer was added to the output buffer, or sent. */
static void
connection_output_changed(
    struct evbuffer *output, const struct evbuffer_cb_info *info, void *arg)
{
	struct connection *connection = arg;
	struct admission *admission = connection->connections->admission;
	struct admission_guest *guest = &connection->guest;

	if (guest->user == NULL)
		return;
	/*
	 * Nothing was asked: evhttp says by itself why not.  It is done with
	 * that, and nothing is sent yet, when the judge comes.
	 */
	if (guest->state != ADMISSION_ASKING &&
	    guest->state != ADMISSION_TAKING) {
		if (info->n_added > 0 && !connection->is_refused)
			event_active(
			    connection->connections->judge, EV_TIMEOUT, 1);
		connection->is_refused |= info->n_added > 0;
		return;
	}
	if (evbuffer_get_length(output) == 0) {
		admission_change(admission, guest, ADMISSION_ASKING);
	} else if (guest->state == ADMISSION_ASKING) {
		connection->taking_ms = evpop_clock_monotonic_ms();
		admission_change(admission, guest, ADMISSION_TAKING);
	} else if (info->n_deleted > 0) {
		admission_touch(admission, guest);
	}
}

/* evhttp has accepted a connection and needs a bufferevent for it. */
static struct bufferevent *
connection_new(struct event_base *base, void *arg)
{
	struct connections *connections = arg;
	struct connection *connection = calloc(1, sizeof(*connection));
	struct bufferevent *bufferevent = NULL;

	if (connection == NULL)
		return NULL;
	bufferevent = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (bufferevent == NULL)
		goto fail;
	connection->output_watch =
	    evbuffer_add_cb(bufferevent_get_output(bufferevent),
		connection_output_changed, connection);
	if (connection->output_watch == NULL)
		goto fail;
	bufferevent_setwatermark(bufferevent, EV_READ, 0, LIMITS_READ_AHEAD);
	bufferevent_incref(bufferevent);
	connection->connections = connections;
	connection->bufferevent = bufferevent;
	TAILQ_INSERT_TAIL(&connections->all, connection, link);
	/*
	 * Judge it after evhttp has set its descriptor, and before anything is
	 * read.
	 */
	event_active(connections->judge, EV_TIMEOUT, 1);
	door_passed(&connections->door);
	return bufferevent;
fail:
	if (bufferevent != NULL)
		bufferevent_free(bufferevent);
	free(connection);
	return NULL;
}

/* Send the reason, without blocking, and close. */
static void
connection_refuse(struct connection *connection, const char *status)
{
	refusal_send(connection->bufferevent, status);
	connection->connections->count.refused++;
	connection_end(connection);
}

static void
connection_judge(struct connection *connection)
{
	struct connections *connections = connection->connections;
	struct admission_guest *guest = &connection->guest, *victim;

	switch (admission_judge(connections->admission, guest, &victim)) {
	case ADMISSION_SERVE:
		if (victim != NULL)
			connection_end_for_another(connection_of(victim));
		admission_change(
		    connections->admission, guest, ADMISSION_FRESH);
		(void)bufferevent_enable(connection->bufferevent, EV_READ);
		break;
	case ADMISSION_WAIT:
		if (guest->state == ADMISSION_WAITING)
			break;
		admission_change(
		    connections->admission, guest, ADMISSION_WAITING);
		(void)bufferevent_disable(connection->bufferevent, EV_READ);
		break;
	case ADMISSION_REFUSE:
		connection_refuse(connection, "503 Service Unavailable");
		break;
	}
}

/* Without a peer, the connection has already ended. */
static void
connection_enter(struct connection *connection)
{
	const struct connections_options *options =
	    &connection->connections->options;
	uid_t user = (uid_t)-1;
	bool is_admin =
	    peer_user(bufferevent_getfd(connection->bufferevent), &user) &&
	    options->is_admin(user, options->arg);

	connection->is_known = true;
	if (!admission_enter(connection->connections->admission,
		&connection->guest, user, is_admin))
		bufferevent_trigger_event(connection->bufferevent,
		    BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

/*
 * All that is read ahead is there, and is no request, nor will it be one: a
 * line of a chunked body without end.  evhttp would wait for ever, for its
 * deadline runs only while it reads.
 */
static bool
connection_is_stuck(struct connection *connection, int64_t now_ms)
{
	size_t length =
	    evbuffer_get_length(bufferevent_get_input(connection->bufferevent));

	if (connection->guest.state != ADMISSION_IDLE ||
	    length < LIMITS_READ_AHEAD) {
		connection->full_ms = 0;
		return false;
	}
	if (connection->full_ms == 0)
		connection->full_ms = now_ms;
	return now_ms - connection->full_ms >= STUCK_MS;
}

/* A client that is no admin has not taken its answer in time. */
static bool
connection_is_late(const struct connection *connection, int64_t now_ms)
{
	return connection->guest.state == ADMISSION_TAKING &&
	       !connection->guest.is_admin &&
	       now_ms - connection->taking_ms >=
		   connection->connections->options.taking_ms;
}

/* ---- all connections ---- */

static void
connections_sweep(struct connections *connections)
{
	int64_t now_ms = evpop_clock_monotonic_ms();
	struct connection *connection, *next;

	for (connection = TAILQ_FIRST(&connections->all); connection != NULL;
	     connection = next) {
		next = TAILQ_NEXT(connection, link);
		if (connection->guest.user != NULL) {
			if (connection_is_stuck(connection, now_ms))
				connection_refuse(
				    connection, "413 Content Too Large");
			else if (connection_is_late(connection, now_ms))
				connection_end(connection);
		}
		if (connection_has_ended(connection))
			connection_free(connection);
	}
}

/* By now the loop has read what fresh connections had sent. */
static void
connections_age_fresh(struct connections *connections)
{
	struct connection *connection;

	TAILQ_FOREACH(connection, &connections->all, link) {
		if (connection->guest.user != NULL &&
		    connection->guest.state == ADMISSION_FRESH)
			admission_change(connections->admission,
			    &connection->guest, ADMISSION_IDLE);
	}
}

/* Waiting connections precede new ones in the list. */
static void
connections_judge(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval next_turn = { 0, 0 };
	struct connections *connections = arg;
	struct connection *connection;

	(void)fd;
	(void)what;
	connections_sweep(connections);
	connections_age_fresh(connections);
	TAILQ_FOREACH(connection, &connections->all, link) {
		if (connection->is_refused)
			refusal_reword(connection->bufferevent);
		connection->is_refused = false;
		if (!connection->is_known)
			connection_enter(connection);
		if (connection->guest.user != NULL &&
		    connection->guest.state >= ADMISSION_NEW)
			connection_judge(connection);
	}
	connections_sweep(connections);
	door_open(&connections->door);
	if (!TAILQ_EMPTY(&connections->all))
		event_add(connections->sweeper, &sweep_interval);
	/* Fresh connections that send nothing are idle in the next turn. */
	if (admission_count(connections->admission, ADMISSION_WAITING) > 0 &&
	    admission_count(connections->admission, ADMISSION_FRESH) > 0)
		event_add(connections->judge, &next_turn);
}

/* Close a connection to free its descriptor; false if none is idle. */
static bool
connections_make_room(struct connections *connections)
{
	struct admission_guest *victim =
	    admission_spare(connections->admission);

	if (victim == NULL)
		return false;
	connection_end_for_another(connection_of(victim));
	connections_sweep(connections);
	return true;
}

struct connections *
connections_new(struct event_base *base, struct evhttp *http,
    struct evconnlistener *listener, const struct connections_options *options)
{
	struct connections *connections = calloc(1, sizeof(*connections));

	if (connections == NULL)
		return NULL;
	connections->options = *options;
	connections->http = http;
	TAILQ_INIT(&connections->all);
	connections->admission = admission_new(&options->limits);
	connections->judge = evtimer_new(base, connections_judge, connections);
	connections->sweeper =
	    evtimer_new(base, connections_judge, connections);
	if (!door_begin(&connections->door, base, listener, connections) ||
	    connections->admission == NULL || connections->judge == NULL ||
	    connections->sweeper == NULL) {
		connections_free(&connections);
		return NULL;
	}
	evhttp_set_bevcb(http, connection_new, connections);
	return connections;
}

void
connections_free(struct connections **connections_ref)
{
	struct connections *connections = *connections_ref;

	*connections_ref = NULL;
	if (connections == NULL)
		return;
	evhttp_set_bevcb(connections->http, NULL, NULL);
	while (!TAILQ_EMPTY(&connections->all))
		connection_free(TAILQ_FIRST(&connections->all));
	admission_free(&connections->admission);
	door_end(&connections->door);
	if (connections->judge != NULL)
		event_free(connections->judge);
	if (connections->sweeper != NULL)
		event_free(connections->sweeper);
	free(connections);
}

/* evhttp has sent the answer. */
static void
connection_completed(struct evhttp_request *request, void *arg)
{
	struct connection *connection = arg;
	struct connections *connections = connection->connections;

	(void)request;
	if (connection->guest.user == NULL)
		return;
	admission_change(
	    connections->admission, &connection->guest, ADMISSION_IDLE);
	if (admission_count(connections->admission, ADMISSION_WAITING) > 0)
		event_active(connections->judge, EV_TIMEOUT, 1);
}

/* The connection of a request; NULL if it was closed for another. */
static struct connection *
connections_find(
    const struct connections *connections, struct evhttp_request *request)
{
	const struct bufferevent *bufferevent =
	    evhttp_connection_get_bufferevent(
		evhttp_request_get_connection(request));
	struct connection *connection;

	TAILQ_FOREACH(connection, &connections->all, link)
		if (connection->bufferevent == bufferevent &&
		    connection->guest.user != NULL)
			break;
	return connection;
}

void
connections_begin(
    struct connections *connections, struct evhttp_request *request)
{
	struct connection *connection = connections_find(connections, request);

	if (connection == NULL)
		return;
	connection->full_ms = 0;
	admission_change(
	    connections->admission, &connection->guest, ADMISSION_ASKING);
	evhttp_request_set_on_complete_cb(
	    request, connection_completed, connection);
}

bool
connections_read(
    struct connections *connections, struct evhttp_request *request)
{
	struct connection *connection = connections_find(connections, request);

	if (connection == NULL ||
	    !admission_read(connections->admission, &connection->guest))
		return false;
	if (admission_count(connections->admission, ADMISSION_WAITING) > 0)
		event_active(connections->judge, EV_TIMEOUT, 1);
	return true;
}

struct connections_count
connections_count(const struct connections *connections)
{
	struct connections_count count = connections->count;

	count.waiting =
	    admission_count(connections->admission, ADMISSION_WAITING);
	count.served = admission_served(connections->admission);
	return count;
}

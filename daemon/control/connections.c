#include "daemon/control/connections.h"

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdlib.h>

#include "daemon/control/limits.h"

/* How soon a closed connection is noticed; nobody waits for it but a queue. */
static const struct timeval sweep_interval = { 0, 200000 };

/*
 * A reference to each connection's bufferevent is held.  evhttp takes its
 * callbacks off when it lets go of one, and that is how its end is seen; the
 * last reference, ours, then closes the descriptor.
 */
struct connections {
	struct evconnlistener *listener;
	struct event *sweeper;
	size_t count, most;
	struct bufferevent *held[];
};

static bool
has_ended(struct bufferevent *bufferevent)
{
	bufferevent_event_cb event_cb;

	bufferevent_getcb(bufferevent, NULL, NULL, &event_cb, NULL);
	return event_cb == NULL;
}

/* Let go of what has ended. */
static void
sweep(struct connections *connections)
{
	size_t kept = 0;

	for (size_t i = 0; i < connections->count; i++) {
		if (has_ended(connections->held[i]))
			(void)bufferevent_decref(connections->held[i]);
		else
			connections->held[kept++] = connections->held[i];
	}
	connections->count = kept;
}

static void
sweep_due(evutil_socket_t fd, short what, void *arg)
{
	struct connections *connections = arg;

	(void)fd;
	(void)what;
	sweep(connections);
	if (connections->count < connections->most)
		evconnlistener_enable(connections->listener);
	if (connections->count > 0)
		event_add(connections->sweeper, &sweep_interval);
}

/* evhttp asks for the bufferevent of a new connection. */
static struct bufferevent *
new_bufferevent(struct event_base *base, void *arg)
{
	struct connections *connections = arg;
	struct bufferevent *bufferevent;

	/*
	 * One that is held already was just made, and has no callbacks yet,
	 * only if evhttp failed to set it up: it may be swept.
	 */
	sweep(connections);
	/* evhttp then makes one itself: a listener may accept once more. */
	if (connections->count == connections->most)
		return NULL;
	bufferevent = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (bufferevent == NULL)
		return NULL;
	bufferevent_setwatermark(bufferevent, EV_READ, 0, LIMITS_READ_AHEAD);
	bufferevent_incref(bufferevent);
	connections->held[connections->count++] = bufferevent;
	if (connections->count == connections->most)
		evconnlistener_disable(connections->listener);
	if (!event_pending(connections->sweeper, EV_TIMEOUT, NULL))
		event_add(connections->sweeper, &sweep_interval);
	return bufferevent;
}

struct connections *
connections_new(struct event_base *base, struct evhttp *http,
    struct evconnlistener *listener, size_t most)
{
	struct connections *connections = calloc(
	    1, sizeof(*connections) + most * sizeof(connections->held[0]));

	if (connections == NULL)
		return NULL;
	connections->sweeper = evtimer_new(base, sweep_due, connections);
	if (connections->sweeper == NULL) {
		free(connections);
		return NULL;
	}
	connections->listener = listener;
	connections->most = most;
	evhttp_set_bevcb(http, new_bufferevent, connections);
	return connections;
}

void
connections_free(struct connections **connections_ref)
{
	struct connections *connections = *connections_ref;

	*connections_ref = NULL;
	if (connections == NULL)
		return;
	for (size_t i = 0; i < connections->count; i++)
		(void)bufferevent_decref(connections->held[i]);
	event_free(connections->sweeper);
	free(connections);
}

size_t
connections_count(struct connections *connections)
{
	sweep(connections);
	return connections->count;
}

#include "daemon/control/door.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/control/limits.h"

/* When to look for a descriptor again where there was none. */
static const struct timeval retry_interval = { 0, 200000 };

struct door {
	struct evconnlistener *listener;
	struct event *knock; /* somebody wants in */
	struct event *retry;
	door_make_room_cb make_room;
	void *arg;
	unsigned passed; /* in this turn of the loop */
	/* A descriptor to let one more in with; -1: one is in with it. */
	int spare;
};

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
 * Without a descriptor accepting fails, in every turn of the loop, for as long
 * as somebody wants in.  So there is one left, or nobody is let in for a while.
 */
static void
door_knocked(evutil_socket_t fd, short what, void *arg)
{
	struct door *door = arg;

	(void)what;
	if (door->spare == -1)
		door->spare = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (is_descriptor_left() || door->make_room(door->arg))
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
retry_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	door_open(arg);
}

/* The door sees to what accept() lacks; here the argument is the evhttp's. */
static void
accept_failed(struct evconnlistener *listener, void *arg)
{
	(void)listener;
	(void)arg;
}

struct door *
door_new(struct event_base *base, struct evconnlistener *listener,
    door_make_room_cb make_room, void *arg)
{
	struct door *door = calloc(1, sizeof(*door));
	int fd = evconnlistener_get_fd(listener);

	if (door == NULL)
		return NULL;
	door->listener = listener;
	door->make_room = make_room;
	door->arg = arg;
	door->spare = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	door->knock =
	    event_new(base, fd, EV_READ | EV_PERSIST, door_knocked, door);
	door->retry = evtimer_new(base, retry_due, door);
	if (door->knock == NULL || door->retry == NULL ||
	    event_add(door->knock, NULL) != 0) {
		door_free(&door);
		return NULL;
	}
	evconnlistener_set_error_cb(listener, accept_failed);
	return door;
}

void
door_free(struct door **door_ref)
{
	struct door *door = *door_ref;

	*door_ref = NULL;
	if (door == NULL)
		return;
	if (door->knock != NULL)
		event_free(door->knock);
	if (door->retry != NULL)
		event_free(door->retry);
	if (door->spare != -1)
		close(door->spare);
	free(door);
}

void
door_passed(struct door *door)
{
	if (++door->passed >= LIMITS_ACCEPTED_A_TURN)
		evconnlistener_disable(door->listener);
}

void
door_open(struct door *door)
{
	door->passed = 0;
	evconnlistener_enable(door->listener);
	event_add(door->knock, NULL);
}

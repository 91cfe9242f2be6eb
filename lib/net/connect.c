#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "lib/net/connect.h"

struct attempt {
	struct evpop_connect *race;
	struct evpop_address address;
	struct event event;
	evutil_socket_t fd; /* -1 where there is no attempt under way */
	int error;          /* why it failed; 0: not started, or no answer */
	bool started;
};

struct evpop_connect {
	struct event_base *base;
	struct event timer; /* until the next attempt, or at once */
	evpop_connect_cb callback;
	void *arg;
	size_t count, next, running;
	struct attempt attempts[];
};

static void
attempt_close(struct attempt *attempt)
{
	if (attempt->fd == -1)
		return;
	event_del(&attempt->event);
	close(attempt->fd);
	attempt->fd = -1;
	attempt->race->running--;
}

static void
schedule(struct evpop_connect *race, int delay_ms)
{
	struct timeval delay;

	delay.tv_sec = delay_ms / 1000;
	delay.tv_usec = delay_ms % 1000 * 1000;
	evtimer_add(&race->timer, &delay);
}

static void
report_failure(struct evpop_connect *race)
{
	struct evpop_result result;
	char text[EVPOP_TEXT_SIZE];

	evpop_connect_describe(race, text, sizeof(text));
	evpop_result_set(&result, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT,
	    "cannot connect: %s", text);
	race->callback(-1, NULL, &result, race->arg);
}

static void
attempt_connected(evutil_socket_t fd, short what, void *arg)
{
	struct attempt *attempt = arg;
	struct evpop_connect *race = attempt->race;
	socklen_t length = sizeof(attempt->error);
	size_t i;
	int on = 1;

	(void)what;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &attempt->error, &length) ==
	    -1)
		attempt->error = errno;
	if (attempt->error != 0) {
		attempt_close(attempt);
		schedule(race, 0);
		return;
	}
	event_del(&attempt->event);
	attempt->fd = -1;
	race->running--;
	for (i = 0; i < race->count; i++)
		attempt_close(&race->attempts[i]);
	evtimer_del(&race->timer);
	/* A socket that refuses this still works, only slower. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	race->callback(fd, &attempt->address, NULL, race->arg);
}

/* False where the attempt failed at once. */
static bool
attempt_start(struct attempt *attempt)
{
	const struct sockaddr *address =
	    (const struct sockaddr *)&attempt->address.storage;
	struct evpop_connect *race = attempt->race;
	evutil_socket_t fd;

	attempt->started = true;
	fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		attempt->error = errno;
		return false;
	}
	if (connect(fd, address, attempt->address.length) == -1 &&
	    errno != EINPROGRESS) {
		attempt->error = errno;
		close(fd);
		return false;
	}
	attempt->fd = fd;
	race->running++;
	/* Even where connect() succeeded: the callback comes from the loop. */
	if (event_assign(&attempt->event, race->base, fd, EV_WRITE,
		attempt_connected, attempt) == -1 ||
	    event_add(&attempt->event, NULL) == -1) {
		attempt->error = ENOMEM;
		attempt_close(attempt);
		return false;
	}
	return true;
}

static void
next_attempt(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_connect *race = arg;

	(void)fd;
	(void)what;
	while (race->next < race->count) {
		if (!attempt_start(&race->attempts[race->next++]))
			continue;
		if (race->next < race->count)
			schedule(race, EVPOP_CONNECT_DELAY_MS);
		return;
	}
	if (race->running == 0)
		report_failure(race);
}

struct evpop_connect *
evpop_connect_new(struct event_base *base,
    const struct evpop_address *addresses, size_t count,
    evpop_connect_cb callback, void *arg)
{
	struct evpop_connect *race;
	size_t i;

	race = calloc(1, sizeof(*race) + count * sizeof(race->attempts[0]));
	if (race == NULL)
		return NULL;
	race->base = base;
	race->callback = callback;
	race->arg = arg;
	race->count = count;
	for (i = 0; i < count; i++) {
		race->attempts[i].race = race;
		race->attempts[i].address = addresses[i];
		race->attempts[i].fd = -1;
	}
	if (evtimer_assign(&race->timer, base, next_attempt, race) == -1) {
		free(race);
		return NULL;
	}
	schedule(race, 0);
	return race;
}

void
evpop_connect_describe(
    const struct evpop_connect *race, char *text, size_t text_size)
{
	char address[EVPOP_ADDRESS_TEXT];
	const struct attempt *attempt;
	size_t i, length = 0;
	int written;

	text[0] = '\0';
	for (i = 0; i < race->count && length < text_size; i++) {
		attempt = &race->attempts[i];
		if (!attempt->started)
			break;
		evpop_address_text(&attempt->address, address);
		written = snprintf(text + length, text_size - length,
		    "%s%s: %s", i == 0 ? "" : "; ", address,
		    attempt->error == 0 ? "no answer"
					: strerror(attempt->error));
		if (written < 0)
			return;
		length += (size_t)written;
	}
}

void
evpop_connect_free(struct evpop_connect **connect_r)
{
	struct evpop_connect *race = *connect_r;
	size_t i;

	if (race == NULL)
		return;
	*connect_r = NULL;
	evtimer_del(&race->timer);
	for (i = 0; i < race->count; i++)
		attempt_close(&race->attempts[i]);
	free(race);
}

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "lib/base/clock.h"
#include "lib/net/connect.h"

struct attempt {
	struct evpop_connect *race;
	struct evpop_address address;
	struct event event;
	evutil_socket_t fd; /* -1 where there is no attempt under way */
	int error;          /* why it failed; 0: not started, or no answer */
	bool started;
	bool unbound; /* it failed for the source address */
};

struct evpop_connect {
	struct event_base *base;
	struct event timer; /* until the next attempt, or at once */
	evpop_connect_cb callback;
	void *arg;
	struct evpop_address source; /* length 0: the system chooses */
	int receive_buffer;          /* 0: likewise */
	int delay_ms;
	bool expecting; /* further addresses */
	size_t count, next, running;
	struct attempt *attempts[EVPOP_CONNECT_ADDRESSES];
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
race_schedule(struct evpop_connect *race, int delay_ms)
{
	const struct timeval delay = evpop_clock_wait(delay_ms);

	evtimer_add(&race->timer, &delay);
}

static void
race_fail(struct evpop_connect *race)
{
	char text[EVPOP_TEXT_SIZE - EVPOP_CONNECT_PREFIX];
	char source[EVPOP_ADDRESS_TEXT];
	struct evpop_result result;

	evpop_connect_describe(race, text, sizeof(text));
	if (text[0] == '\0' && race->source.length > 0) {
		evpop_address_bare(&race->source, source);
		snprintf(text, sizeof(text),
		    "no address of the server can be reached from the source "
		    "address %s, which is IPv%c",
		    source,
		    race->source.storage.ss_family == AF_INET ? '4' : '6');
	}
	evpop_result_set(&result, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT,
	    "connection failed: %s", text);
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
		race_schedule(race, 0);
		return;
	}
	event_del(&attempt->event);
	attempt->fd = -1;
	race->running--;
	for (i = 0; i < race->count; i++)
		attempt_close(race->attempts[i]);
	evtimer_del(&race->timer);
	/* A socket that refuses this still works, only slower. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	race->callback(fd, &attempt->address, NULL, race->arg);
}

/* Whether the source address has the family for it. */
static bool
attempt_may_start(const struct attempt *attempt)
{
	const struct evpop_connect *race = attempt->race;

	return race->source.length == 0 ||
	       race->source.storage.ss_family ==
		   attempt->address.storage.ss_family;
}

/* Give the socket its own address, where one was chosen. */
static bool
attempt_bind(struct attempt *attempt, evutil_socket_t fd)
{
	const struct evpop_address *source = &attempt->race->source;
	int on = 1;

	if (source->length == 0)
		return true;
	/*
	 * Let connect() choose the port: two connections to different servers
	 * may then share one.  Without it there are fewer of them.
	 */
	(void)setsockopt(
	    fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&source->storage,
		source->length) == 0)
		return true;
	attempt->error = errno;
	attempt->unbound = true;
	return false;
}

/*
 * TCP agrees on a window when it connects, and a later value does not bound
 * it.  A socket that refuses this still works.
 */
static void
attempt_set_buffer(const struct evpop_connect *race, evutil_socket_t fd)
{
	if (race->receive_buffer > 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF,
		    &race->receive_buffer, sizeof(race->receive_buffer));
}

/* A socket that connects or has connected; -1 and the attempt's error. */
static evutil_socket_t
attempt_open(struct attempt *attempt)
{
	const struct sockaddr *address =
	    (const struct sockaddr *)&attempt->address.storage;
	evutil_socket_t fd;

	fd = socket(
	    address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1) {
		attempt->error = errno;
		return -1;
	}
	attempt_set_buffer(attempt->race, fd);
	if (!attempt_bind(attempt, fd)) {
		close(fd);
		return -1;
	}
	if (connect(fd, address, attempt->address.length) == -1 &&
	    errno != EINPROGRESS) {
		attempt->error = errno;
		close(fd);
		return -1;
	}
	return fd;
}

/* False where the attempt failed at once. */
static bool
attempt_start(struct attempt *attempt)
{
	struct evpop_connect *race = attempt->race;

	attempt->started = true;
	attempt->fd = attempt_open(attempt);
	if (attempt->fd == -1)
		return false;
	race->running++;
	/* Even where connect() succeeded: the callback comes from the loop. */
	if (event_assign(&attempt->event, race->base, attempt->fd, EV_WRITE,
		attempt_connected, attempt) == -1 ||
	    event_add(&attempt->event, NULL) == -1) {
		attempt->error = ENOMEM;
		attempt_close(attempt);
		return false;
	}
	return true;
}

static void
race_next(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_connect *race = arg;
	struct attempt *attempt;

	(void)fd;
	(void)what;
	while (race->next < race->count) {
		attempt = race->attempts[race->next++];
		if (!attempt_may_start(attempt) || !attempt_start(attempt))
			continue;
		if (race->next < race->count)
			race_schedule(race, race->delay_ms);
		return;
	}
	if (race->running == 0 && !race->expecting)
		race_fail(race);
}

static void
race_no_memory(struct evpop_result *result)
{
	evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_CONNECT,
	    "no memory to connect");
}

static bool
race_append(struct evpop_connect *race, const struct evpop_address *addresses,
    size_t count)
{
	struct attempt *attempt;
	size_t i;

	for (i = 0; i < count && race->count < EVPOP_CONNECT_ADDRESSES; i++) {
		attempt = calloc(1, sizeof(*attempt));
		if (attempt == NULL)
			return false;
		attempt->race = race;
		attempt->address = addresses[i];
		attempt->fd = -1;
		race->attempts[race->count++] = attempt;
	}
	return true;
}

struct evpop_connect *
evpop_connect_new(struct event_base *base,
    const struct evpop_address *addresses, size_t count,
    const struct evpop_connect_options *options, evpop_connect_cb callback,
    void *arg, struct evpop_result *result)
{
	struct evpop_address source = { .length = 0 };
	struct evpop_connect *race;

	if (options->source_address != NULL &&
	    !evpop_address_parse(&source, options->source_address, 0)) {
		evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_CONNECT,
		    "the source address %.100s is not an address",
		    options->source_address);
		return NULL;
	}
	race = calloc(1, sizeof(*race));
	if (race == NULL ||
	    evtimer_assign(&race->timer, base, race_next, race) == -1) {
		free(race);
		race_no_memory(result);
		return NULL;
	}
	race->base = base;
	race->callback = callback;
	race->arg = arg;
	race->source = source;
	race->receive_buffer = options->receive_buffer > INT_MAX
				   ? INT_MAX
				   : (int)options->receive_buffer;
	race->delay_ms =
	    options->delay_ms > 0 ? options->delay_ms : EVPOP_CONNECT_DELAY_MS;
	if (!race_append(race, addresses, count)) {
		evpop_connect_free(&race);
		race_no_memory(result);
		return NULL;
	}
	race_schedule(race, options->first_delay_ms);
	return race;
}

void
evpop_connect_expect(struct evpop_connect *race, bool more)
{
	race->expecting = more;
	/* Should all have failed, nobody else would tell. */
	if (!more && race->running == 0)
		race_schedule(race, 0);
}

/* Order anew what was not tried yet, after whatever was tried last. */
static void
race_take_turns(struct evpop_connect *race)
{
	struct evpop_address waiting[EVPOP_CONNECT_ADDRESSES];
	size_t i, count = race->count - race->next;
	sa_family_t first = AF_INET6;

	if (race->next > 0 &&
	    race->attempts[race->next - 1]->address.storage.ss_family ==
		AF_INET6)
		first = AF_INET;
	for (i = 0; i < count; i++)
		waiting[i] = race->attempts[race->next + i]->address;
	evpop_address_interleave_from(waiting, count, first);
	for (i = 0; i < count; i++)
		race->attempts[race->next + i]->address = waiting[i];
}

bool
evpop_connect_add(struct evpop_connect *race,
    const struct evpop_address *addresses, size_t count)
{
	if (!race_append(race, addresses, count))
		return false;
	race_take_turns(race);
	/* Where one is under way, it still has its time before the next. */
	if (race->running == 0)
		race_schedule(race, 0);
	else if (!evtimer_pending(&race->timer, NULL))
		race_schedule(race, race->delay_ms);
	return true;
}

/* "127.0.0.1:995: Connection refused" */
static void
attempt_describe(const struct attempt *attempt, char *text, size_t text_size)
{
	char address[EVPOP_ADDRESS_TEXT], source[EVPOP_ADDRESS_TEXT] = "";

	evpop_address_text(&attempt->address, address);
	if (attempt->unbound)
		evpop_address_bare(&attempt->race->source, source);
	snprintf(text, text_size, "%s%s%s: %s", address,
	    attempt->unbound ? " from " : "", source,
	    attempt->error == 0 ? "no answer" : strerror(attempt->error));
}

void
evpop_connect_describe(
    const struct evpop_connect *race, char *text, size_t text_size)
{
	char one[2 * EVPOP_ADDRESS_TEXT + 64], more[32];
	size_t i, shown = 0, started = 0, used = 0, length;

	text[0] = '\0';
	for (i = 0; i < race->count; i++)
		started += race->attempts[i]->started;
	for (i = 0; i < race->count && shown < started; i++) {
		if (!race->attempts[i]->started)
			continue;
		attempt_describe(race->attempts[i], one, sizeof(one));
		snprintf(more, sizeof(more), "; and %zu more", started - shown);
		length = strlen(one) + (shown > 0 ? strlen("; ") : 0);
		/* Room for the number of the rest stays, but for the last. */
		if (used + length + (shown + 1 < started ? strlen(more) : 0) >=
			text_size &&
		    shown > 0) {
			snprintf(text + used, text_size - used, "%s", more);
			return;
		}
		snprintf(text + used, text_size - used, "%s%s",
		    shown > 0 ? "; " : "", one);
		used = strlen(text);
		shown++;
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
	for (i = 0; i < race->count; i++) {
		attempt_close(race->attempts[i]);
		free(race->attempts[i]);
	}
	free(race);
}

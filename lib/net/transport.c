#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/net/transport.h"

static void
wake(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_transport *transport = arg;

	(void)fd;
	(void)what;
	transport->handler->ready(transport->arg);
}

static void
set_event(struct event *event, bool *added, bool wanted)
{
	if (*added == wanted)
		return;
	if (wanted)
		event_add(event, NULL);
	else
		event_del(event);
	*added = wanted;
}

static void
update_events(struct evpop_transport *transport)
{
	if (transport->mode == EVPOP_TRANSPORT_CLOSED)
		return;
	set_event(&transport->readable, &transport->readable_added,
	    !transport->paused || transport->write_wants_read);
	set_event(&transport->writable, &transport->writable_added,
	    transport->write_blocked || transport->read_wants_write);
}

bool
evpop_transport_open(struct evpop_transport *transport, struct evpop_loop *loop,
    evutil_socket_t fd, const struct evpop_transport_handler *handler,
    void *arg)
{
	struct event_base *base = evpop_loop_base(loop);

	assert(transport->mode == EVPOP_TRANSPORT_CLOSED);
	memset(transport, 0, sizeof(*transport));
	transport->handler = handler;
	transport->arg = arg;
	transport->loop = loop;
	transport->share = EVPOP_TRANSPORT_FIRST;
	transport->fd = fd;
	if (event_assign(&transport->readable, base, fd, EV_READ | EV_PERSIST,
		wake, transport) == -1 ||
	    event_assign(&transport->writable, base, fd, EV_WRITE | EV_PERSIST,
		wake, transport) == -1 ||
	    evtimer_assign(&transport->again, base, wake, transport) == -1) {
		close(fd);
		return false;
	}
	transport->mode = EVPOP_TRANSPORT_PLAIN;
	update_events(transport);
	return true;
}

bool
evpop_transport_start_tls(struct evpop_transport *transport,
    struct evpop_tls_context *context, const char *host, uint16_t port,
    struct evpop_result *result)
{
	assert(transport->mode == EVPOP_TRANSPORT_PLAIN);
	assert(transport->kept == NULL);
	transport->tls =
	    evpop_tls_new(context, transport->fd, host, port, result);
	if (transport->tls == NULL)
		return false;
	transport->mode = EVPOP_TRANSPORT_HANDSHAKE;
	return true;
}

static enum evpop_io
system_outcome(const char *doing, struct evpop_result *result)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return EVPOP_IO_WANT_READ;
	evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_NONE, "%s: %s",
	    doing, strerror(errno));
	return EVPOP_IO_FAILED;
}

static enum evpop_io
read_some(struct evpop_transport *transport, size_t *length_r,
    struct evpop_result *result)
{
	unsigned char *buffer = evpop_loop_buffer(transport->loop);
	ssize_t n;

	if (transport->mode == EVPOP_TRANSPORT_TLS)
		return evpop_tls_read(
		    transport->tls, buffer, transport->share, length_r, result);
	n = recv(transport->fd, buffer, transport->share, 0);
	if (n == -1)
		return system_outcome("read", result);
	*length_r = (size_t)n;
	return n == 0 ? EVPOP_IO_END : EVPOP_IO_DONE;
}

static enum evpop_io
write_some(struct evpop_transport *transport, const unsigned char *data,
    size_t length, size_t *length_r, struct evpop_result *result)
{
	enum evpop_io io;
	ssize_t n;

	if (transport->mode == EVPOP_TRANSPORT_TLS)
		return evpop_tls_write(
		    transport->tls, data, length, length_r, result);
	n = send(transport->fd, data, length, MSG_NOSIGNAL);
	if (n == -1) {
		io = system_outcome("write", result);
		return io == EVPOP_IO_WANT_READ ? EVPOP_IO_WANT_WRITE : io;
	}
	*length_r = (size_t)n;
	return EVPOP_IO_DONE;
}

/* Keep what the owner left, which lies in the buffer of the loop. */
static void
keep(
    struct evpop_transport *transport, const unsigned char *data, size_t length)
{
	struct evpop_result result;

	assert(transport->paused);
	transport->kept = malloc(length);
	if (transport->kept == NULL) {
		evpop_result_set(&result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
		    "no memory to pause with");
		transport->handler->failed(&result, transport->arg);
		return;
	}
	memcpy(transport->kept, data, length);
	transport->kept_start = 0;
	transport->kept_end = length;
}

static void
give(struct evpop_transport *transport, size_t length)
{
	const unsigned char *buffer = evpop_loop_buffer(transport->loop);
	size_t used;

	transport->octets_in += length;
	used = transport->handler->input(buffer, length, transport->arg);
	if (used < length && transport->mode != EVPOP_TRANSPORT_CLOSED)
		keep(transport, buffer + used, length - used);
}

static bool
may_read(const struct evpop_transport *transport)
{
	return !transport->paused &&
	       (transport->mode == EVPOP_TRANSPORT_PLAIN ||
		   transport->mode == EVPOP_TRANSPORT_TLS);
}

static void
read_turn(struct evpop_transport *transport)
{
	static const struct timeval at_once = { 0, 0 };
	struct evpop_result result;
	enum evpop_io io;
	bool plain;
	size_t length, share, turn = 0;

	transport->read_wants_write = false;
	while (may_read(transport)) {
		plain = transport->mode == EVPOP_TRANSPORT_PLAIN;
		share = transport->share;
		io = read_some(transport, &length, &result);
		if (io == EVPOP_IO_WANT_WRITE)
			transport->read_wants_write = true;
		else if (io == EVPOP_IO_END)
			transport->handler->ended(transport->arg);
		else if (io == EVPOP_IO_FAILED)
			transport->handler->failed(&result, transport->arg);
		if (io != EVPOP_IO_DONE)
			return;
		give(transport, length);
		if (plain && length < share)
			return;
		if (may_read(transport) && share < EVPOP_LOOP_BUFFER)
			transport->share = share * 2;
		turn += length;
		if (turn >= EVPOP_TRANSPORT_TURN && may_read(transport)) {
			/* Octets inside TLS would wake nobody. */
			evtimer_add(&transport->again, &at_once);
			return;
		}
	}
}

static void
handshake(struct evpop_transport *transport)
{
	struct evpop_result result;
	enum evpop_io io;

	io = evpop_tls_handshake(transport->tls, &result);
	transport->write_blocked = io == EVPOP_IO_WANT_WRITE;
	switch (io) {
	case EVPOP_IO_DONE:
		transport->mode = EVPOP_TRANSPORT_TLS;
		transport->handler->secured(transport->arg);
		break;
	case EVPOP_IO_WANT_READ:
	case EVPOP_IO_WANT_WRITE:
		break;
	case EVPOP_IO_END:
	case EVPOP_IO_FAILED:
		transport->handler->failed(&result, transport->arg);
		break;
	}
}

void
evpop_transport_perform(struct evpop_transport *transport)
{
	read_turn(transport);
	/* The owner may have asked for TLS just now. */
	if (transport->mode == EVPOP_TRANSPORT_HANDSHAKE) {
		handshake(transport);
		/* The first octets may have come with the end of it. */
		read_turn(transport);
	}
	update_events(transport);
}

/* False where nothing more can be written for now. */
static bool
write_turn(struct evpop_transport *transport)
{
	struct evpop_result result;
	const unsigned char *data;
	size_t length, written;
	enum evpop_io io;

	data = transport->handler->output(&length, transport->arg);
	if (length == 0 || transport->mode == EVPOP_TRANSPORT_CLOSED)
		return false;
	io = write_some(transport, data, length, &written, &result);
	switch (io) {
	case EVPOP_IO_DONE:
		transport->octets_out += written;
		transport->handler->sent(written, transport->arg);
		return true;
	case EVPOP_IO_WANT_WRITE:
		transport->write_blocked = true;
		return false;
	case EVPOP_IO_WANT_READ:
		transport->write_wants_read = true;
		return false;
	case EVPOP_IO_END:
		transport->handler->ended(transport->arg);
		return false;
	case EVPOP_IO_FAILED:
		/*
		 * A server may say why before it closes: read that first.  TLS
		 * allows nothing after a failure.
		 */
		if (transport->mode == EVPOP_TRANSPORT_PLAIN)
			transport->write_failed = true;
		else
			transport->handler->failed(&result, transport->arg);
		return false;
	}
	return false;
}

void
evpop_transport_flush(struct evpop_transport *transport)
{
	transport->write_wants_read = false;
	if (transport->mode == EVPOP_TRANSPORT_PLAIN ||
	    transport->mode == EVPOP_TRANSPORT_TLS)
		transport->write_blocked = false;
	while (!transport->write_failed &&
	       (transport->mode == EVPOP_TRANSPORT_PLAIN ||
		   transport->mode == EVPOP_TRANSPORT_TLS)) {
		if (!write_turn(transport))
			break;
	}
	update_events(transport);
}

void
evpop_transport_pause(struct evpop_transport *transport)
{
	transport->paused = true;
	transport->share = EVPOP_TRANSPORT_FIRST;
	update_events(transport);
}

void
evpop_transport_resume(struct evpop_transport *transport)
{
	unsigned char *kept = transport->kept;
	size_t length, used = 0;

	if (transport->mode == EVPOP_TRANSPORT_CLOSED || !transport->paused)
		return;
	transport->paused = false;
	if (kept != NULL) {
		/* Ours while it is given out, should the owner close. */
		transport->kept = NULL;
		length = transport->kept_end - transport->kept_start;
		used = transport->handler->input(
		    kept + transport->kept_start, length, transport->arg);
		if (used < length &&
		    transport->mode != EVPOP_TRANSPORT_CLOSED) {
			assert(transport->paused);
			transport->kept_start += used;
			transport->kept = kept;
			return;
		}
		free(kept);
	}
	evpop_transport_perform(transport);
}

void
evpop_transport_close(struct evpop_transport *transport)
{
	if (transport->mode == EVPOP_TRANSPORT_CLOSED)
		return;
	transport->mode = EVPOP_TRANSPORT_CLOSED;
	evpop_tls_free(&transport->tls);
	event_del(&transport->readable);
	event_del(&transport->writable);
	evtimer_del(&transport->again);
	close(transport->fd);
	transport->fd = -1;
	free(transport->kept);
	transport->kept = NULL;
}

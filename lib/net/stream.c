#include "lib/net/stream.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "lib/net/loop.h"
#include "lib/net/tls.h"

/* The result of the last write. */
enum stream_writing {
	STREAM_WRITES = 0,
	STREAM_WRITE_BLOCKED,
	STREAM_WRITE_WANTS_READ,
	STREAM_WRITE_FAILED /* what was sent before may still be read */
};

struct evpop_stream {
	enum evpop_stream_state state;
	const struct evpop_bracket *bracket;
	const struct evpop_stream_handler *handler;
	void *arg;
	struct evpop_loop *loop;
	struct evpop_deadline deadline;

	struct evpop_dial *dial;
	const struct evpop_dial_options *options;
	struct evpop_tls_context *tls_at_once;

	evutil_socket_t fd;
	struct evpop_tls_channel *tls;
	struct event readable, writable;
	struct event again; /* next turn, without waiting for the descriptor */
	bool is_reading, is_writing; /* events that are added */
	bool is_paused;
	enum stream_writing writing;
	bool read_wants_write;
	struct evpop_share share;
	unsigned char *kept;
	size_t kept_start, kept_end;
	struct evpop_stream_status status;
};

static void stream_perform(struct evpop_stream *);

static void
stream_enter(const struct evpop_stream *stream)
{
	stream->bracket->enter(stream->bracket->arg);
}

/* The stream may be gone then. */
static void
stream_leave(const struct evpop_stream *stream)
{
	stream->bracket->leave(stream->bracket->arg);
}

static bool
stream_is_open(const struct evpop_stream *stream)
{
	return stream->state == EVPOP_STREAM_PLAIN ||
	       stream->state == EVPOP_STREAM_TLS;
}

/* ---- deadlines ---- */

static enum evpop_phase
stream_own_phase(const struct evpop_stream *stream)
{
	switch (stream->state) {
	case EVPOP_STREAM_RESOLVING:
		return EVPOP_PHASE_RESOLVE;
	case EVPOP_STREAM_CONNECTING:
		return EVPOP_PHASE_CONNECT;
	case EVPOP_STREAM_HANDSHAKE:
		return EVPOP_PHASE_HANDSHAKE;
	default:
		return EVPOP_PHASE_NONE;
	}
}

void
evpop_stream_expect(
    struct evpop_stream *stream, enum evpop_phase phase, uint64_t answered)
{
	enum evpop_phase own = stream_own_phase(stream);
	bool is_open = stream_is_open(stream);

	if (own != EVPOP_PHASE_NONE)
		phase = own;
	else if (!is_open || stream->is_paused)
		phase = EVPOP_PHASE_NONE;
	evpop_deadline_progress(&stream->deadline,
	    &(struct evpop_progress){
		.phase = phase,
		.answered = answered,
		.octets_in = stream->status.octets_in,
		.octets_out = stream->status.octets_out,
		.is_send_blocked = is_open && !stream->is_paused &&
				   stream->writing == STREAM_WRITE_BLOCKED,
	    });
}

enum evpop_phase
evpop_stream_phase(const struct evpop_stream *stream)
{
	return evpop_deadline_phase(&stream->deadline);
}

/* False where it is for the owner to say. */
static bool
stream_describe_overdue(const struct evpop_stream *stream,
    enum evpop_overdue overdue, enum evpop_phase phase, const char *limit,
    struct evpop_result *result)
{
	if (overdue == EVPOP_OVERDUE_SESSION)
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "the session was not over within %s", limit);
	else if (overdue == EVPOP_OVERDUE_SEND)
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "the server took nothing of what was to be sent for %s",
		    limit);
	else if (phase == EVPOP_PHASE_RESOLVE || phase == EVPOP_PHASE_CONNECT)
		evpop_dial_describe_overdue(stream->dial, phase, limit, result);
	else if (phase == EVPOP_PHASE_HANDSHAKE)
		evpop_result_set(result, EVPOP_ERROR_TIMEOUT, phase,
		    "the TLS handshake was not finished within %s", limit);
	else
		return false;
	return true;
}

static void
stream_overdue(enum evpop_overdue overdue, enum evpop_phase phase,
    const char *limit, void *arg)
{
	struct evpop_stream *stream = arg;
	struct evpop_result result;

	stream_enter(stream);
	if (stream_describe_overdue(stream, overdue, phase, limit, &result))
		stream->handler->failed(&result, stream->arg);
	else
		stream->handler->overdue(phase, limit, stream->arg);
	stream_leave(stream);
}

/* ---- events ---- */

static void
stream_woken(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_stream *stream = arg;

	(void)fd;
	(void)what;
	stream_enter(stream);
	stream_perform(stream);
	stream_leave(stream);
}

static void
stream_set_event(struct event *event, bool *is_added, bool is_wanted)
{
	if (*is_added == is_wanted)
		return;
	if (is_wanted)
		event_add(event, NULL);
	else
		event_del(event);
	*is_added = is_wanted;
}

static void
stream_update_events(struct evpop_stream *stream)
{
	if (stream->state < EVPOP_STREAM_PLAIN)
		return;
	stream_set_event(&stream->readable, &stream->is_reading,
	    !stream->is_paused || stream->writing == STREAM_WRITE_WANTS_READ);
	stream_set_event(&stream->writable, &stream->is_writing,
	    stream->writing == STREAM_WRITE_BLOCKED ||
		stream->read_wants_write);
}

static void
stream_fail_for_memory(struct evpop_stream *stream, enum evpop_phase phase)
{
	struct evpop_result result;

	evpop_result_set(
	    &result, EVPOP_ERROR_MEMORY, phase, "no memory for the connection");
	stream->handler->failed(&result, stream->arg);
}

/* ---- life ---- */

struct evpop_stream *
evpop_stream_new(struct event_base *base, const struct evpop_timeouts *timeouts,
    const struct evpop_bracket *bracket,
    const struct evpop_stream_handler *handler, void *arg)
{
	struct evpop_stream *stream;

	stream = calloc(1, sizeof *stream);
	if (stream == NULL)
		return NULL;
	stream->bracket = bracket;
	stream->handler = handler;
	stream->arg = arg;
	stream->fd = -1;
	stream->loop = evpop_loop_get(base);
	if (stream->loop != NULL && evpop_deadline_init(&stream->deadline, base,
					timeouts, stream_overdue, stream))
		return stream;
	if (stream->loop != NULL)
		evpop_loop_put(stream->loop);
	free(stream);
	return NULL;
}

void
evpop_stream_free(struct evpop_stream *stream)
{
	if (stream == NULL)
		return;
	evpop_stream_close(stream);
	evpop_loop_put(stream->loop);
	free(stream);
}

static void
stream_connecting(void *arg)
{
	struct evpop_stream *stream = arg;

	stream_enter(stream);
	stream->state = EVPOP_STREAM_CONNECTING;
	stream_leave(stream);
}

static bool
stream_open(struct evpop_stream *stream, const struct evpop_dialed *dialed)
{
	struct event_base *base = evpop_loop_base(stream->loop);

	evpop_address_text(&dialed->address, stream->status.peer);
	stream->status.is_local = dialed->loopback;
	stream->fd = dialed->fd;
	if (event_assign(&stream->readable, base, stream->fd,
		EV_READ | EV_PERSIST, stream_woken, stream) == -1 ||
	    event_assign(&stream->writable, base, stream->fd,
		EV_WRITE | EV_PERSIST, stream_woken, stream) == -1 ||
	    evtimer_assign(&stream->again, base, stream_woken, stream) == -1) {
		close(stream->fd);
		stream->fd = -1;
		return false;
	}
	stream->state = EVPOP_STREAM_PLAIN;
	stream_update_events(stream);
	return true;
}

static void
stream_begin(struct evpop_stream *stream)
{
	struct evpop_result result;

	if (stream->tls_at_once == NULL)
		return;
	if (evpop_stream_start_tls(stream, stream->tls_at_once, &result))
		stream_perform(stream);
	else
		stream->handler->failed(&result, stream->arg);
}

static void
stream_connected(const struct evpop_dialed *dialed, void *arg)
{
	struct evpop_stream *stream = arg;

	stream_enter(stream);
	if (stream_open(stream, dialed))
		stream_begin(stream);
	else
		stream_fail_for_memory(stream, EVPOP_PHASE_CONNECT);
	evpop_dial_free(&stream->dial);
	stream_leave(stream);
}

static void
stream_dial_failed(const struct evpop_result *result, void *arg)
{
	struct evpop_stream *stream = arg;

	stream_enter(stream);
	stream->handler->failed(result, stream->arg);
	stream_leave(stream);
}

static const struct evpop_dial_handler dial_handler = {
	.connecting = stream_connecting,
	.connected = stream_connected,
	.failed = stream_dial_failed,
};

bool
evpop_stream_connect(struct evpop_stream *stream, struct evdns_base *dns,
    const struct evpop_dial_options *options,
    struct evpop_tls_context *tls_at_once)
{
	assert(stream->state == EVPOP_STREAM_CLOSED);
	stream->options = options;
	stream->tls_at_once = tls_at_once;
	stream->state = EVPOP_STREAM_RESOLVING;
	evpop_deadline_start(&stream->deadline);
	stream->dial = evpop_dial_new(
	    evpop_loop_base(stream->loop), dns, options, &dial_handler, stream);
	return stream->dial != NULL;
}

bool
evpop_stream_start_tls(struct evpop_stream *stream,
    struct evpop_tls_context *context, struct evpop_result *result)
{
	assert(stream->state == EVPOP_STREAM_PLAIN);
	assert(stream->kept == NULL);
	stream->tls = evpop_tls_new(context, stream->fd, stream->options->host,
	    stream->options->port, result);
	if (stream->tls == NULL)
		return false;
	stream->state = EVPOP_STREAM_HANDSHAKE;
	stream->handler->changed(stream->arg);
	return true;
}

enum evpop_stream_state
evpop_stream_state(const struct evpop_stream *stream)
{
	return stream->state;
}

void
evpop_stream_close(struct evpop_stream *stream)
{
	evpop_dial_free(&stream->dial);
	evpop_deadline_clear(&stream->deadline);
	if (stream->state >= EVPOP_STREAM_PLAIN) {
		evpop_tls_free(&stream->tls);
		event_del(&stream->readable);
		event_del(&stream->writable);
		evtimer_del(&stream->again);
		close(stream->fd);
		stream->fd = -1;
	}
	stream->state = EVPOP_STREAM_CLOSED;
	stream->is_paused = false;
	free(stream->kept);
	stream->kept = NULL;
}

/* ---- reading ---- */

/* Keep what the owner left, which lies in the buffer of the loop. */
static void
stream_keep(
    struct evpop_stream *stream, const unsigned char *data, size_t length)
{
	assert(stream->is_paused);
	stream->kept = malloc(length);
	if (stream->kept == NULL) {
		stream_fail_for_memory(stream, EVPOP_PHASE_NONE);
		return;
	}
	memcpy(stream->kept, data, length);
	stream->kept_start = 0;
	stream->kept_end = length;
}

static void
stream_give(struct evpop_stream *stream, size_t length)
{
	const unsigned char *buffer = evpop_loop_buffer(stream->loop);
	size_t used;

	stream->status.octets_in += length;
	used = stream->handler->input(buffer, length, stream->arg);
	if (used < length && stream->state != EVPOP_STREAM_CLOSED)
		stream_keep(stream, buffer + used, length - used);
}

static bool
stream_may_read(const struct evpop_stream *stream)
{
	return !stream->is_paused && stream_is_open(stream);
}

static void
stream_read_turn(struct evpop_stream *stream)
{
	static const struct timeval at_once = { 0, 0 };
	struct evpop_result result;
	enum evpop_io io;
	size_t length, share, turn = 0;
	bool is_plain;

	stream->read_wants_write = false;
	while (stream_may_read(stream)) {
		is_plain = stream->state == EVPOP_STREAM_PLAIN;
		share = evpop_loop_share(stream->loop, &stream->share);
		io = evpop_io_read(stream->fd, stream->tls,
		    evpop_loop_buffer(stream->loop), share, &length, &result);
		if (io == EVPOP_IO_WANT_WRITE)
			stream->read_wants_write = true;
		else if (io == EVPOP_IO_END)
			stream->handler->ended(stream->arg);
		else if (io == EVPOP_IO_FAILED)
			stream->handler->failed(&result, stream->arg);
		if (io != EVPOP_IO_DONE)
			return;
		stream_give(stream, length);
		if (is_plain && length < share)
			return;
		if (stream_may_read(stream))
			evpop_loop_share_taken(&stream->share);
		turn += length;
		if (turn >= EVPOP_STREAM_TURN && stream_may_read(stream)) {
			/* Octets inside TLS would wake nobody. */
			evtimer_add(&stream->again, &at_once);
			return;
		}
	}
}

static void
stream_handshake(struct evpop_stream *stream)
{
	struct evpop_result result;
	enum evpop_io io;

	io = evpop_tls_handshake(stream->tls, &result);
	stream->writing =
	    io == EVPOP_IO_WANT_WRITE ? STREAM_WRITE_BLOCKED : STREAM_WRITES;
	if (io == EVPOP_IO_DONE) {
		stream->state = EVPOP_STREAM_TLS;
		evpop_tls_describe(stream->tls, stream->status.tls_name,
		    &stream->status.certificate_expires);
		stream->handler->changed(stream->arg);
	} else if (io == EVPOP_IO_END || io == EVPOP_IO_FAILED) {
		stream->status.resumption_failed =
		    evpop_tls_resumption_failed(stream->tls);
		stream->handler->failed(&result, stream->arg);
	}
}

/* Handshake and read, as far as possible and fair. */
static void
stream_perform(struct evpop_stream *stream)
{
	stream_read_turn(stream);
	/* The owner may have asked for TLS just now. */
	if (stream->state == EVPOP_STREAM_HANDSHAKE) {
		stream_handshake(stream);
		/* The first octets may have come with the end of it. */
		stream_read_turn(stream);
	}
	stream_update_events(stream);
}

void
evpop_stream_hurry(struct evpop_stream *stream)
{
	if (stream->fd != -1)
		evpop_io_acknowledge(stream->fd);
}

void
evpop_stream_pause(struct evpop_stream *stream)
{
	stream->is_paused = true;
	evpop_loop_note_pause(stream->loop);
	stream_update_events(stream);
}

bool
evpop_stream_is_paused(const struct evpop_stream *stream)
{
	return stream->is_paused;
}

void
evpop_stream_resume(struct evpop_stream *stream)
{
	unsigned char *kept = stream->kept;
	size_t length, used = 0;

	if (stream->state == EVPOP_STREAM_CLOSED || !stream->is_paused)
		return;
	stream->is_paused = false;
	if (kept != NULL) {
		/* Ours while it is given out, should the owner close. */
		stream->kept = NULL;
		length = stream->kept_end - stream->kept_start;
		used = stream->handler->input(
		    kept + stream->kept_start, length, stream->arg);
		if (used < length && stream->state != EVPOP_STREAM_CLOSED) {
			assert(stream->is_paused);
			stream->kept_start += used;
			stream->kept = kept;
			return;
		}
		free(kept);
	}
	stream_perform(stream);
}

/* ---- writing ---- */

/* False where nothing more can be written for now. */
static bool
stream_write_turn(struct evpop_stream *stream)
{
	struct evpop_result result;
	const unsigned char *data;
	size_t length, written;
	enum evpop_io io;

	data = stream->handler->output(&length, stream->arg);
	if (length == 0 || stream->state == EVPOP_STREAM_CLOSED)
		return false;
	io = evpop_io_write(
	    stream->fd, stream->tls, data, length, &written, &result);
	switch (io) {
	case EVPOP_IO_DONE:
		stream->status.octets_out += written;
		stream->handler->sent(written, stream->arg);
		return true;
	case EVPOP_IO_WANT_WRITE:
		stream->writing = STREAM_WRITE_BLOCKED;
		return false;
	case EVPOP_IO_WANT_READ:
		stream->writing = STREAM_WRITE_WANTS_READ;
		return false;
	case EVPOP_IO_END:
		stream->handler->ended(stream->arg);
		return false;
	case EVPOP_IO_FAILED:
		/*
		 * A server may say why before it closes: read that first.  TLS
		 * allows nothing after a failure.
		 */
		if (stream->state == EVPOP_STREAM_PLAIN)
			stream->writing = STREAM_WRITE_FAILED;
		else
			stream->handler->failed(&result, stream->arg);
		return false;
	}
	return false;
}

void
evpop_stream_flush(struct evpop_stream *stream)
{
	if (stream_is_open(stream) && stream->writing != STREAM_WRITE_FAILED)
		stream->writing = STREAM_WRITES;
	while (stream_is_open(stream) && stream->writing == STREAM_WRITES &&
	       stream_write_turn(stream))
		;
	stream_update_events(stream);
}

/* ---- what it knows ---- */

struct evpop_loop *
evpop_stream_loop(const struct evpop_stream *stream)
{
	return stream->loop;
}

const struct evpop_stream_status *
evpop_stream_status(const struct evpop_stream *stream)
{
	return &stream->status;
}

void
evpop_stream_binding(struct evpop_stream *stream, struct evpop_channel *channel)
{
	evpop_tls_binding(stream->tls, channel);
}

/* Bodies are pulled: the client is paused except during a read. */
#include "lib/base/clock.h"
#include "lib/session/easy.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

/* Give up the body, and the session with it. */
static void
body_give_up(
    struct evpop_easy *easy, enum evpop_error error, const char *reason)
{
	evpop_result_set(&easy->broken, error, EVPOP_PHASE_BODY, "%s", reason);
	evpop_client_cancel(easy->client);
}

/* ---- the sink ---- */

static enum evpop_flow
body_begin(
    struct evpop_client *client, uint32_t number, uint64_t octets, void *arg)
{
	struct evpop_easy *easy = arg;

	(void)client;
	(void)number;
	easy->body = EVPOP_EASY_BODY_OPEN;
	easy->octets = octets;
	easy->is_answered = true;
	return EVPOP_FLOW_PAUSE;
}

/* Keep what the reader has no room for; nothing is kept yet. */
static bool
body_keep(struct evpop_easy *easy, const unsigned char *bytes, size_t length)
{
	unsigned char *room;

	if (length > easy->kept_room) {
		room = realloc(easy->kept, length);
		if (room == NULL)
			return false;
		easy->kept = room;
		easy->kept_room = length;
	}
	memcpy(easy->kept, bytes, length);
	easy->kept_start = 0;
	easy->kept_end = length;
	return true;
}

/* Count what is read over; too much of it ends the session. */
static void
body_drain(struct evpop_easy *easy, size_t length)
{
	easy->drained += length;
	if (easy->drained > EVPOP_EASY_DRAIN_OCTETS)
		body_give_up(easy, EVPOP_ERROR_CANCELLED,
		    "too much was left of a message that was given up: the "
		    "session was closed without QUIT");
}

static enum evpop_flow
body_data(struct evpop_client *client, const unsigned char *bytes,
    size_t length, void *arg)
{
	struct evpop_easy *easy = arg;
	size_t taken = length < easy->room ? length : easy->room;

	(void)client;
	if (easy->is_draining) {
		body_drain(easy, length);
		return EVPOP_FLOW_CONTINUE;
	}
	if (taken > 0)
		memcpy(easy->into, bytes, taken);
	easy->got = taken;
	easy->room = 0;
	if (taken == length || body_keep(easy, bytes + taken, length - taken))
		easy->is_answered = true;
	else
		body_give_up(easy, EVPOP_ERROR_MEMORY,
		    "no memory for what the reader did not take");
	return EVPOP_FLOW_PAUSE;
}

static void
body_end(struct evpop_client *client, uint32_t number,
    const struct evpop_result *result, void *arg)
{
	struct evpop_easy *easy = arg;

	(void)client;
	(void)number;
	easy->body = result->error == EVPOP_ERROR_NONE ? EVPOP_EASY_BODY_ENDED
						       : EVPOP_EASY_BODY_NONE;
	easy->result =
	    easy->broken.error != EVPOP_ERROR_NONE ? easy->broken : *result;
	easy->is_answered = true;
}

static const struct evpop_sink body_sink = {
	.begin = body_begin,
	.data = body_data,
	.end = body_end,
};

/* ---- calls ---- */

enum body_request {
	BODY_RETR,
	BODY_TOP
};

static enum evpop_error
body_ask(struct evpop_easy *easy, enum body_request request, uint32_t number,
    uint32_t lines, uint64_t *octets_r)
{
	if (octets_r != NULL)
		*octets_r = 0;
	if (evpop_easy_enter(easy, EVPOP_EASY_IN(TRANSACTION)))
		evpop_easy_wait(easy, request == BODY_TOP
					  ? evpop_client_top(easy->client,
						number, lines, &body_sink, easy)
					  : evpop_client_retr(easy->client,
						number, &body_sink, easy));
	if (evpop_easy_went_well(easy) && octets_r != NULL)
		*octets_r = easy->octets;
	return evpop_easy_leave(easy);
}

enum evpop_error
evpop_easy_retr(struct evpop_easy *easy, uint32_t number, uint64_t *octets_r)
{
	return body_ask(easy, BODY_RETR, number, 0, octets_r);
}

enum evpop_error
evpop_easy_top(struct evpop_easy *easy, uint32_t number, uint32_t lines,
    uint64_t *octets_r)
{
	return body_ask(easy, BODY_TOP, number, lines, octets_r);
}

/* Take from what was kept of an earlier span. */
static size_t
body_take_kept(struct evpop_easy *easy, void *buffer, size_t size)
{
	size_t length = easy->kept_end - easy->kept_start;

	if (length > size)
		length = size;
	memcpy(buffer, easy->kept + easy->kept_start, length);
	easy->kept_start += length;
	return length;
}

static bool
body_has_kept(const struct evpop_easy *easy)
{
	return easy->kept_end > easy->kept_start;
}

/* Let the client read until a span or the end has come. */
static void
body_pull(struct evpop_easy *easy, void *buffer, size_t size)
{
	easy->into = buffer;
	easy->room = size;
	easy->got = 0;
	evpop_client_resume(easy->client);
	evpop_easy_wait(easy, EVPOP_ERROR_NONE);
}

/* Begin a call about the message; as evpop_easy_enter(). */
static bool
body_enter(struct evpop_easy *easy)
{
	/* The error tells why there is no message. */
	if (easy->body == EVPOP_EASY_BODY_NONE && easy->is_over)
		return evpop_easy_enter(easy, 0);
	if (!evpop_easy_enter_any(easy))
		return false;
	if (easy->body == EVPOP_EASY_BODY_NONE)
		evpop_easy_misused(easy, "no message has been begun");
	return easy->body != EVPOP_EASY_BODY_NONE;
}

enum evpop_error
evpop_easy_read(
    struct evpop_easy *easy, void *buffer, size_t size, size_t *length_r)
{
	*length_r = 0;
	if (!body_enter(easy))
		return evpop_easy_leave(easy);
	if (size == 0) {
		evpop_easy_misused(easy, "there is no room to read into");
	} else if (body_has_kept(easy)) {
		*length_r = body_take_kept(easy, buffer, size);
	} else if (easy->body == EVPOP_EASY_BODY_OPEN) {
		body_pull(easy, buffer, size);
		if (easy->result.error == EVPOP_ERROR_NONE)
			*length_r = easy->got;
	}
	return evpop_easy_leave(easy);
}

enum evpop_error
evpop_easy_more(struct evpop_easy *easy, bool *more_r)
{
	*more_r = false;
	if (!body_enter(easy))
		return evpop_easy_leave(easy);
	if (!body_has_kept(easy) && easy->body == EVPOP_EASY_BODY_OPEN)
		body_pull(easy, NULL, 0);
	*more_r = easy->result.error == EVPOP_ERROR_NONE && body_has_kept(easy);
	return evpop_easy_leave(easy);
}

static void
body_drain_expired(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	body_give_up(arg, EVPOP_ERROR_CANCELLED,
	    "a message that was given up did not come to its end in time: the "
	    "session was closed without QUIT");
}

static void
body_read_over(struct evpop_easy *easy)
{
	const struct timeval patience = evpop_clock_wait(EVPOP_EASY_DRAIN_MS);

	easy->is_draining = true;
	easy->drained = 0;
	if (evtimer_assign(&easy->drain_timer, easy->base, body_drain_expired,
		easy) == -1 ||
	    evtimer_add(&easy->drain_timer, &patience) == -1)
		body_give_up(easy, EVPOP_ERROR_MEMORY,
		    "no memory to read over a message that was given up");
	evpop_client_resume(easy->client);
	evpop_easy_wait(easy, EVPOP_ERROR_NONE);
	easy->is_draining = false;
	evtimer_del(&easy->drain_timer);
}

enum evpop_error
evpop_easy_abandon(struct evpop_easy *easy)
{
	if (!evpop_easy_enter_any(easy))
		return evpop_easy_leave(easy);
	evpop_easy_drop_kept(easy);
	if (easy->body == EVPOP_EASY_BODY_OPEN)
		body_read_over(easy);
	easy->body = EVPOP_EASY_BODY_NONE;
	return evpop_easy_leave(easy);
}

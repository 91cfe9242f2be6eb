#include "daemon/control/exchange.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/limits.h"

struct exchange {
	struct evhttp_request *request; /* NULL: the client has gone */
	const struct exchange_context *context;
	char *name;
	struct parameters parameters;
	bool waiting; /* for an answer of the store's */
	void *state;
	void (*free_state)(void *);
	void (*written)(struct exchange *);
};

static void
exchange_free(struct exchange *exchange)
{
	if (exchange->free_state != NULL)
		exchange->free_state(exchange->state);
	parameters_free(&exchange->parameters);
	free(exchange->name);
	free(exchange);
}

/* The connection is about to go, by the client, by a deadline or by us. */
static void
connection_closed(struct evhttp_connection *connection, void *arg)
{
	struct exchange *exchange = arg;
	struct evhttp_request *request = exchange->request;

	(void)connection;
	exchange->request = NULL;
	/* evhttp takes a request off a failed connection, and leaves it us. */
	if (evhttp_request_get_connection(request) == NULL)
		evhttp_request_free(request);
	if (exchange->waiting)
		store_leave(exchange->context->store, exchange);
	else
		exchange_free(exchange);
}

struct exchange *
exchange_new(struct evhttp_request *request,
    const struct exchange_context *context, const char *name,
    struct parameters *parameters)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	if (exchange == NULL)
		return NULL;
	exchange->name = strdup(name);
	if (exchange->name == NULL) {
		free(exchange);
		return NULL;
	}
	exchange->request = request;
	exchange->context = context;
	exchange->parameters = *parameters;
	memset(parameters, 0, sizeof(*parameters));
	evhttp_connection_set_closecb(evhttp_request_get_connection(request),
	    connection_closed, exchange);
	return exchange;
}

const struct exchange_context *
exchange_context(const struct exchange *exchange)
{
	return exchange->context;
}

const char *
exchange_name(const struct exchange *exchange)
{
	return exchange->name;
}

const struct parameters *
exchange_parameters(const struct exchange *exchange)
{
	return &exchange->parameters;
}

void
exchange_set_state(
    struct exchange *exchange, void *state, void (*free_state)(void *))
{
	assert(exchange->free_state == NULL);
	exchange->state = state;
	exchange->free_state = free_state;
}

void *
exchange_state(const struct exchange *exchange)
{
	return exchange->state;
}

/*
 * evhttp reads nothing from who waits for an answer, and would not see it go.
 * What comes meanwhile stays in the buffer: evhttp looks there when the answer
 * is out, and takes its callbacks back with it.
 */
static void
watch_client(struct evhttp_request *request)
{
	struct bufferevent *bufferevent = evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(request));
	bufferevent_data_cb write_cb;
	bufferevent_event_cb event_cb;
	void *arg;

	bufferevent_getcb(bufferevent, NULL, &write_cb, &event_cb, &arg);
	bufferevent_setcb(bufferevent, NULL, write_cb, event_cb, arg);
	/* Without memory for it, it is not seen to go. */
	(void)bufferevent_enable(bufferevent, EV_READ);
}

void
exchange_wait(struct exchange *exchange)
{
	assert(!exchange->waiting && exchange->request != NULL);
	exchange->waiting = true;
	watch_client(exchange->request);
}

bool
exchange_resume(struct exchange *exchange)
{
	assert(exchange->waiting);
	exchange->waiting = false;
	if (exchange->request != NULL)
		return true;
	exchange_free(exchange);
	return false;
}

static void
set_headers(struct evhttp_request *request, const char *content_type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	/* A header that finds no memory is missing, and the body is not. */
	(void)evhttp_add_header(headers, "Content-Type", content_type);
	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
}

void
exchange_answer_request(struct evhttp_request *request, struct answer answer)
{
	struct evbuffer *body = evhttp_request_get_output_buffer(request);
	char *text =
	    answer.json == NULL
		? NULL
		: json_dumps(answer.json, JSON_COMPACT | JSON_PRESERVE_ORDER);

	json_decref(answer.json);
	set_headers(request, "application/json");
	if (answer.allow != NULL)
		(void)evhttp_add_header(
		    evhttp_request_get_output_headers(request), "Allow",
		    answer.allow);
	if (text == NULL || evbuffer_add(body, text, strlen(text)) != 0 ||
	    evbuffer_add(body, "\n", 1) != 0) {
		evbuffer_drain(body, evbuffer_get_length(body));
		answer.status = 503;
	}
	free(text);
	/* RFC 9110 section 9.3.2: a HEAD's answer has no body. */
	if (evhttp_request_get_command(request) == EVHTTP_REQ_HEAD)
		evbuffer_drain(body, evbuffer_get_length(body));
	evhttp_send_reply(request, answer.status, NULL, NULL);
}

/* The exchange lets go of its request, which goes on without it. */
static struct evhttp_request *
release_request(struct exchange *exchange)
{
	struct evhttp_request *request = exchange->request;

	assert(request != NULL && !exchange->waiting);
	evhttp_connection_set_closecb(
	    evhttp_request_get_connection(request), NULL, NULL);
	exchange_free(exchange);
	return request;
}

void
exchange_answer(struct exchange *exchange, struct answer answer)
{
	exchange_answer_request(release_request(exchange), answer);
}

bool
exchange_id(struct exchange *exchange, int64_t *id_r)
{
	if (number_parse(exchange->name, 1, INT64_MAX, id_r))
		return true;
	exchange_answer(exchange, answer_bad_id(exchange->name));
	return false;
}

static void
set_deadlines(struct evhttp_request *request, const struct timeval *reading,
    time_t writing_seconds)
{
	const struct timeval writing = { writing_seconds, 0 };

	bufferevent_set_timeouts(evhttp_connection_get_bufferevent(
				     evhttp_request_get_connection(request)),
	    reading, &writing);
}

void
exchange_stream(
    struct exchange *exchange, const char *content_type, uint64_t length)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)length);
	set_headers(exchange->request, content_type);
	(void)evhttp_add_header(
	    evhttp_request_get_output_headers(exchange->request),
	    "Content-Length", digits);
	/*
	 * A client says nothing while it takes a long body: only a write that
	 * makes no progress may end it.
	 */
	set_deadlines(exchange->request, NULL, LIMITS_STALL_SECONDS);
	evhttp_send_reply_start(exchange->request, 200, NULL);
}

static void
part_written(struct evhttp_connection *connection, void *arg)
{
	struct exchange *exchange = arg;

	(void)connection;
	exchange->written(exchange);
}

void
exchange_stream_part(struct exchange *exchange, const void *bytes,
    size_t length, void (*written)(struct exchange *))
{
	struct evbuffer *part = evbuffer_new();

	assert(length > 0);
	if (part == NULL || evbuffer_add(part, bytes, length) != 0) {
		if (part != NULL)
			evbuffer_free(part);
		exchange_cut(exchange);
		return;
	}
	exchange->written = written;
	evhttp_send_reply_chunk_with_cb(
	    exchange->request, part, part_written, exchange);
	evbuffer_free(part);
}

void
exchange_stream_end(struct exchange *exchange)
{
	const struct timeval idle = { LIMITS_IDLE_SECONDS, 0 };

	set_deadlines(exchange->request, &idle, LIMITS_IDLE_SECONDS);
	evhttp_send_reply_end(release_request(exchange));
}

void
exchange_cut(struct exchange *exchange)
{
	evhttp_connection_free(evhttp_request_get_connection(
	    exchange->request)); /* runs connection_closed() */
}

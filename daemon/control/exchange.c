#include "daemon/control/exchange.h"

#include <assert.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/control/connections.h"
#include "daemon/control/etag.h"
#include "daemon/control/field.h"
#include "daemon/control/limits.h"
#include "daemon/control/record.h"
#include "daemon/control/request.h"
#include "daemon/control/route.h"
#include "daemon/poll/poller.h"
#include "daemon/store/question.h"
#include "lib/base/glob.h"

struct exchange {
	struct evhttp_request *request; /* NULL: the client has gone */
	const struct exchange_context *context;
	struct exchange_user user;
	const char *deed; /* NULL: nothing to be recorded */
	const char *deed_name;
	char *names[ROUTE_NAMES];
	struct parameters parameters;
	bool is_waiting;                  /* for an answer of the store's */
	void (*leave)(struct exchange *); /* or of somebody else's */
	void *state;
	void (*free_state)(void *);
	void (*written)(struct exchange *);
	void (*handle)(struct exchange *); /* once the account is known */
};

/* ---- exchanges ---- */

static void
exchange_free(struct exchange *exchange)
{
	if (exchange->free_state != NULL)
		exchange->free_state(exchange->state);
	parameters_free(&exchange->parameters);
	for (size_t i = 0; i < ROUTE_NAMES; i++)
		free(exchange->names[i]);
	free(exchange);
}

/* The connection ends: by the client, a deadline, or this side. */
static void
exchange_closed(struct evhttp_connection *connection, void *arg)
{
	struct exchange *exchange = arg;
	struct evhttp_request *request = exchange->request;

	(void)connection;
	exchange->request = NULL;
	/*
	 * evhttp detaches a request from a failed connection without freeing
	 * it.
	 */
	if (evhttp_request_get_connection(request) == NULL)
		evhttp_request_free(request);
	if (exchange->is_waiting && exchange->leave == NULL) {
		store_leave(exchange->context->store, exchange);
		return;
	}
	if (exchange->is_waiting)
		exchange->leave(exchange);
	exchange_free(exchange);
}

struct exchange *
exchange_new(struct evhttp_request *request,
    const struct exchange_context *context, const struct exchange_user *user,
    const struct route_match *match, struct parameters *parameters)
{
	struct exchange *exchange = calloc(1, sizeof(*exchange));

	if (exchange == NULL)
		return NULL;
	for (size_t i = 0; i < ROUTE_NAMES; i++) {
		exchange->names[i] = strdup(match->names[i]);
		if (exchange->names[i] == NULL) {
			exchange_free(exchange);
			return NULL;
		}
	}
	exchange->request = request;
	exchange->context = context;
	exchange->user = *user;
	exchange->parameters = *parameters;
	memset(parameters, 0, sizeof(*parameters));
	evhttp_connection_set_closecb(
	    evhttp_request_get_connection(request), exchange_closed, exchange);
	return exchange;
}

const struct exchange_context *
exchange_context(const struct exchange *exchange)
{
	return exchange->context;
}

const struct exchange_user *
exchange_user(const struct exchange *exchange)
{
	return &exchange->user;
}

void
exchange_set_deed(struct exchange *exchange, const char *deed)
{
	exchange_set_deed_of(exchange, deed, exchange->names[0]);
}

void
exchange_set_deed_of(
    struct exchange *exchange, const char *deed, const char *name)
{
	exchange->deed = deed;
	exchange->deed_name = name;
}

/* Once, when it is known that it was done. */
static void
exchange_record(struct exchange *exchange)
{
	if (exchange->deed != NULL && exchange->context->record != NULL)
		record_add(exchange->context->record, exchange->user.name,
		    exchange->deed, exchange->deed_name);
	exchange->deed = NULL;
}

const char *
exchange_name(const struct exchange *exchange)
{
	return exchange->names[0];
}

const char *
exchange_second_name(const struct exchange *exchange)
{
	return exchange->names[1];
}

const struct parameters *
exchange_parameters(const struct exchange *exchange)
{
	return &exchange->parameters;
}

const char *
exchange_header(const struct exchange *exchange, const char *name)
{
	return evhttp_find_header(
	    evhttp_request_get_input_headers(exchange->request), name);
}

bool
exchange_is_head(const struct exchange *exchange)
{
	return request_is_head(exchange->request);
}

struct event_base *
exchange_base(const struct exchange *exchange)
{
	return evhttp_connection_get_base(
	    evhttp_request_get_connection(exchange->request));
}

size_t
exchange_body(struct exchange *exchange, const unsigned char **bytes_r)
{
	struct evbuffer *body =
	    evhttp_request_get_input_buffer(exchange->request);
	size_t length = evbuffer_get_length(body);

	if (bytes_r != NULL)
		*bytes_r = length > 0 ? evbuffer_pullup(body, -1) : NULL;
	return length;
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

void
exchange_wait(struct exchange *exchange)
{
	assert(!exchange->is_waiting && exchange->request != NULL);
	exchange->is_waiting = true;
	request_watch_client(exchange->request);
}

/* Who waits for somebody else's server says nothing for longer than usual. */
void
exchange_wait_until(struct exchange *exchange, void (*leave)(struct exchange *))
{
	exchange->leave = leave;
	request_set_deadlines(exchange->request, NULL, LIMITS_IDLE_SECONDS);
	exchange_wait(exchange);
}

bool
exchange_resume(struct exchange *exchange)
{
	assert(exchange->is_waiting);
	exchange->is_waiting = false;
	if (exchange->leave != NULL && exchange->request != NULL)
		request_set_idle_deadlines(exchange->request);
	exchange->leave = NULL;
	if (exchange->request != NULL)
		return true;
	exchange_free(exchange);
	return false;
}

static void
exchange_account_known(enum store_status status,
    const struct store_account_row *rows, size_t count, void *arg)
{
	struct exchange *exchange = arg;

	(void)rows;
	if (!exchange_resume(exchange))
		return;
	if (status != STORE_OK)
		exchange_answer(exchange, response_store(status, NULL));
	else if (count == 0)
		exchange_answer(exchange,
		    response_no_account(
			parameters_text(&exchange->parameters, "account")));
	else
		exchange->handle(exchange);
}

void
exchange_handle(struct exchange *exchange, void (*handle)(struct exchange *))
{
	const char *account = parameters_text(&exchange->parameters, "account");

	exchange->handle = handle;
	if (exchange->context->poller != NULL || account == NULL ||
	    evpop_glob_is_pattern(account)) {
		handle(exchange);
		return;
	}
	exchange_wait(exchange);
	store_accounts(exchange->context->store, account, account,
	    exchange_account_known, exchange);
}

/* Free the exchange, but not its request. */
static struct evhttp_request *
exchange_release_request(struct exchange *exchange)
{
	struct evhttp_request *request = exchange->request;

	assert(request != NULL && !exchange->is_waiting);
	evhttp_connection_set_closecb(
	    evhttp_request_get_connection(request), NULL, NULL);
	exchange_free(exchange);
	return request;
}

void
exchange_set_header(
    struct exchange *exchange, const char *name, const char *value)
{
	/* Without memory it is left out, but the body is sent. */
	(void)evhttp_add_header(
	    evhttp_request_get_output_headers(exchange->request), name, value);
}

void
exchange_set_content_range(
    struct exchange *exchange, uint64_t first, uint64_t length, uint64_t whole)
{
	char text[80];

	if (length == 0)
		snprintf(text, sizeof(text), "bytes */%llu",
		    (unsigned long long)whole);
	else
		snprintf(text, sizeof(text), "bytes %llu-%llu/%llu",
		    (unsigned long long)first,
		    (unsigned long long)(first + length - 1),
		    (unsigned long long)whole);
	exchange_set_header(exchange, "Content-Range", text);
}

void
exchange_answer_not_modified(struct exchange *exchange)
{
	evhttp_send_reply(exchange_release_request(exchange), 304, NULL, NULL);
}

void
exchange_answer(struct exchange *exchange, struct response answer)
{
	if (answer.status < 400)
		exchange_record(exchange);
	request_answer(exchange_release_request(exchange), answer);
}

void
exchange_answer_problem(
    struct exchange *exchange, const struct problem *problem)
{
	exchange_answer(exchange, response_error(400, "bad_parameter",
				      problem->hint, "%s", problem->message));
}

void
exchange_answer_fixed(struct exchange *exchange, const char *content_type,
    const char *etag, const char *bytes, size_t length)
{
	const char *known = exchange_header(exchange, "If-None-Match");
	struct evhttp_request *request = exchange_release_request(exchange);
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	(void)evhttp_add_header(headers, "ETag", etag);
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	if (known != NULL && etag_is_listed(known, etag)) {
		evhttp_send_reply(request, 304, NULL, NULL);
		return;
	}
	(void)evhttp_add_header(headers, "Content-Type", content_type);
	if (evbuffer_add(
		evhttp_request_get_output_buffer(request), bytes, length) != 0)
		request_answer(request, response_no_memory());
	else
		request_send(request, 200);
}

void
exchange_answer_page(struct exchange *exchange, json_t *json, int64_t next_id)
{
	if (next_id != 0)
		field_cursor(json, next_id);
	exchange_answer(exchange, response_json(200, json));
}

void
exchange_answer_rows(
    struct exchange *exchange, const char *name, json_t *rows, int64_t next_id)
{
	json_t *json = json_object();

	field_value(json, name, rows);
	exchange_answer_page(exchange, json, next_id);
}

bool
exchange_resume_rows(
    struct exchange *exchange, enum store_status status, size_t count)
{
	struct poller_account_status known;
	const char *account;

	if (!exchange_resume(exchange))
		return false;
	if (status != STORE_OK) {
		exchange_answer(exchange, response_store(status, NULL));
		return false;
	}
	account = parameters_text(&exchange->parameters, "account");
	if (count > 0 || account == NULL || exchange->context->poller == NULL ||
	    poller_account_status(exchange->context->poller, account, &known))
		return true;
	exchange_answer(exchange, response_no_account(account));
	return false;
}

int64_t
exchange_path_id(const struct exchange *exchange)
{
	int64_t id;

	return number_parse(exchange->names[0], 1, INT64_MAX, &id) ? id : 0;
}

bool
exchange_id(struct exchange *exchange, int64_t *id_r)
{
	*id_r = exchange_path_id(exchange);
	if (*id_r != 0)
		return true;
	exchange_answer(exchange,
	    response_error(400, "bad_id",
		"ids are whole numbers from 1, as the lists show them",
		"\"%.64s\" is no id", exchange->names[0]));
	return false;
}

bool
exchange_page(struct exchange *exchange, unsigned *limit_r, int64_t *below_id_r)
{
	struct problem problem;

	if (parameters_page(
		&exchange->parameters, limit_r, below_id_r, &problem))
		return true;
	exchange_answer_problem(exchange, &problem);
	return false;
}

/* ---- bodies in parts ---- */

static bool
exchange_begin_stream(struct exchange *exchange, int status,
    const char *content_type, uint64_t length)
{
	request_set_headers(exchange->request, content_type);
	/* Without it evhttp sends chunks, or closes the connection behind. */
	if (length != EXCHANGE_UNTIL_END)
		request_set_length(exchange->request, length);
	if (request_is_head(exchange->request)) {
		evhttp_send_reply(
		    exchange_release_request(exchange), status, NULL, NULL);
		return false;
	}
	exchange_record(exchange);
	/*
	 * A client sends nothing while it reads a long body: only a write
	 * without progress may end the connection.
	 */
	request_set_deadlines(exchange->request, NULL, LIMITS_STALL_SECONDS);
	evhttp_send_reply_start(exchange->request, status, NULL);
	return true;
}

bool
exchange_stream(
    struct exchange *exchange, const char *content_type, uint64_t length)
{
	return exchange_begin_stream(exchange, 200, content_type, length);
}

bool
exchange_stream_range(struct exchange *exchange, const char *content_type,
    uint64_t first, uint64_t length, uint64_t whole)
{
	exchange_set_content_range(exchange, first, length, whole);
	return exchange_begin_stream(exchange, 206, content_type, length);
}

bool
exchange_listen(struct exchange *exchange)
{
	const int room = LIMITS_EVENTS_SOCKET;
	evutil_socket_t fd =
	    bufferevent_getfd(evhttp_connection_get_bufferevent(
		evhttp_request_get_connection(exchange->request)));

	/* Without this bound a client that sleeps costs somewhat more. */
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	return connections_read(
	    exchange->context->connections, exchange->request);
}

static void
exchange_part_written(struct evhttp_connection *connection, void *arg)
{
	struct exchange *exchange = arg;

	(void)connection;
	exchange->written(exchange);
}

void
exchange_stream_buffer(struct exchange *exchange, struct evbuffer *part,
    void (*written)(struct exchange *))
{
	assert(evbuffer_get_length(part) > 0);
	exchange->written = written;
	evhttp_send_reply_chunk_with_cb(
	    exchange->request, part, exchange_part_written, exchange);
}

void
exchange_stream_part(struct exchange *exchange, const void *bytes,
    size_t length, void (*written)(struct exchange *))
{
	struct evbuffer *part = evbuffer_new();

	if (part == NULL || evbuffer_add(part, bytes, length) != 0) {
		if (part != NULL)
			evbuffer_free(part);
		exchange_cut(exchange);
		return;
	}
	exchange_stream_buffer(exchange, part, written);
	evbuffer_free(part);
}

void
exchange_stream_end(struct exchange *exchange)
{
	request_set_idle_deadlines(exchange->request);
	evhttp_send_reply_end(exchange_release_request(exchange));
}

void
exchange_cut(struct exchange *exchange)
{
	evhttp_connection_free(evhttp_request_get_connection(
	    exchange->request)); /* runs exchange_closed() */
}

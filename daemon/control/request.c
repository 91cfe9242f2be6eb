#include "daemon/control/request.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/limits.h"

bool
request_is_head(struct evhttp_request *request)
{
	return evhttp_request_get_command(request) == EVHTTP_REQ_HEAD;
}

/*
 * evhttp does not read while a client waits for an answer, and would not notice
 * that the client disconnects.  Data that arrives meanwhile stays in the
 * buffer; evhttp reads it, and sets its callbacks again, after the answer.
 */
void
request_watch_client(struct evhttp_request *request)
{
	struct bufferevent *bufferevent = evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(request));
	bufferevent_data_cb write_cb;
	bufferevent_event_cb event_cb;
	void *arg;

	bufferevent_getcb(bufferevent, NULL, &write_cb, &event_cb, &arg);
	bufferevent_setcb(bufferevent, NULL, write_cb, event_cb, arg);
	/* Without memory for this, the end is not noticed. */
	(void)bufferevent_enable(bufferevent, EV_READ);
}

void
request_set_deadlines(struct evhttp_request *request,
    const struct timeval *reading, time_t writing_seconds)
{
	const struct timeval writing = { writing_seconds, 0 };

	bufferevent_set_timeouts(evhttp_connection_get_bufferevent(
				     evhttp_request_get_connection(request)),
	    reading, &writing);
}

void
request_set_idle_deadlines(struct evhttp_request *request)
{
	const struct timeval idle = { LIMITS_IDLE_SECONDS, 0 };

	request_set_deadlines(request, &idle, LIMITS_IDLE_SECONDS);
}

void
request_set_length(struct evhttp_request *request, uint64_t length)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%llu", (unsigned long long)length);
	(void)evhttp_add_header(evhttp_request_get_output_headers(request),
	    "Content-Length", digits);
}

void
request_set_headers(struct evhttp_request *request, const char *content_type)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);

	/* Without memory a header is left out, but the body is sent. */
	(void)evhttp_add_header(headers, "Content-Type", content_type);
	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	(void)evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
}

/*
 * RFC 9110 section 9.3.2: a HEAD's answer has the headers of a GET's, and no
 * body.
 */
void
request_send(struct evhttp_request *request, int status)
{
	struct evbuffer *body = evhttp_request_get_output_buffer(request);

	if (request_is_head(request)) {
		request_set_length(request, evbuffer_get_length(body));
		evbuffer_drain(body, evbuffer_get_length(body));
	}
	evhttp_send_reply(request, status, NULL, NULL);
}

void
request_answer(struct evhttp_request *request, struct response answer)
{
	struct evbuffer *body = evhttp_request_get_output_buffer(request);
	char *text =
	    answer.json == NULL
		? NULL
		: json_dumps(answer.json, JSON_COMPACT | JSON_PRESERVE_ORDER);

	json_decref(answer.json);
	request_set_headers(request, "application/json");
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
	request_send(request, answer.status);
}

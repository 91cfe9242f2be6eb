#include "daemon/control/refusal.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "daemon/control/limits.h"
#include "daemon/control/response.h"

/* "HTTP/1.1 400 Bad Request", also of a longer version */
#define STATUS_LINE_SIZE 96

/* What evhttp, or this server, means by a status. */
static struct response
refusal_response(int status)
{
	switch (status) {
	case 413:
		return response_error(status, "request_too_large",
		    "leave the body out, or send a message in smaller pieces",
		    "the request's body is broken, or larger than %d bytes",
		    LIMITS_BODY_SIZE);
	case 417:
		return response_error(status, "expectation_failed",
		    "leave the header Expect out",
		    "only \"100-continue\" can be expected");
	case 503:
		return response_error(status, "too_many_connections",
		    "close some of them, or try again when their requests are "
		    "answered",
		    "this user has too many connections to the daemon");
	case 501:
		return response_error(status, "unknown_method",
		    "GET, HEAD, POST and DELETE are known, in capitals",
		    "the request's method is unknown");
	default:
		return response_error(status, "bad_request",
		    "a request begins like \"GET /v1/status HTTP/1.1\"; it "
		    "and its headers have at most 16 KiB",
		    "the request is no HTTP/1.1, or too long");
	}
}

/*
 * The status and reason of a page that evhttp has made, "400 Bad Request"; NULL
 * for anything else.  The version in front of them is whatever the request's
 * was.
 */
static const char *
refusal_find_page(struct evbuffer *output, char line_r[STATUS_LINE_SIZE])
{
	static const char page[] = "\r\nContent-Type: text/html\r\n";
	struct evbuffer_ptr found =
	    evbuffer_search(output, page, strlen(page), NULL);
	ev_ssize_t length;
	char *end, *status;

	if (found.pos == -1)
		return NULL;
	length = evbuffer_copyout(output, line_r, STATUS_LINE_SIZE - 1);
	if (length < 0)
		return NULL;
	line_r[length] = '\0';
	end = strstr(line_r, "\r\n");
	status = strchr(line_r, ' ');
	if (end == NULL || status == NULL || status > end ||
	    strncmp(line_r, "HTTP/", 5) != 0)
		return NULL;
	*end = '\0';
	return atoi(status) >= 400 ? status + 1 : NULL;
}

/* The whole answer; for free().  NULL without memory. */
static char *
refusal_compose(const char *status)
{
	struct response answer = refusal_response(atoi(status));
	char *body = NULL, *text = NULL;

	if (answer.json != NULL)
		body =
		    json_dumps(answer.json, JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(answer.json);
	if (body != NULL && asprintf(&text,
				"HTTP/1.1 %s\r\n"
				"Content-Type: application/json\r\n"
				"Cache-Control: no-store\r\n"
				"X-Content-Type-Options: nosniff\r\n"
				"Content-Length: %zu\r\n"
				"Connection: close\r\n\r\n%s\n",
				status, strlen(body) + 1, body) < 0)
		text = NULL;
	free(body);
	return text;
}

static void
refusal_replace(struct evbuffer *output)
{
	char line[STATUS_LINE_SIZE];
	const char *status = refusal_find_page(output, line);
	char *text = status != NULL ? refusal_compose(status) : NULL;

	/* Without memory the page is sent. */
	if (text == NULL)
		return;
	(void)evbuffer_drain(output, evbuffer_get_length(output));
	(void)evbuffer_add(output, text, strlen(text));
	free(text);
}

void
refusal_reword(struct bufferevent *bufferevent)
{
	struct evbuffer *output = bufferevent_get_output(bufferevent);

	/* A bufferevent lets nobody but itself look at its output. */
	(void)evbuffer_unfreeze(output, 1);
	refusal_replace(output);
	(void)evbuffer_freeze(output, 1);
}

void
refusal_send(struct bufferevent *bufferevent, const char *status)
{
	char *text = refusal_compose(status);

	if (text == NULL)
		return;
	(void)send(bufferevent_getfd(bufferevent), text, strlen(text),
	    MSG_DONTWAIT | MSG_NOSIGNAL);
	free(text);
}

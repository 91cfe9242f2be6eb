#include "daemon/control/refusal.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/limits.h"
#include "daemon/control/response.h"

/* "HTTP/1.1 400 Bad Request" */
#define STATUS_LINE_SIZE 80
#define HEADERS_SIZE     512

/* What evhttp means by a status. */
static struct response
refusal_response(int status)
{
	switch (status) {
	case 413:
		return response_error(status, "request_too_large",
		    "leave the body out: no address needs one",
		    "the request's body is broken, or larger than %d bytes",
		    LIMITS_BODY_SIZE);
	case 417:
		return response_error(status, "expectation_failed",
		    "leave the header Expect out",
		    "only \"100-continue\" can be expected");
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

/* The first line of a page that evhttp has made; false for anything else. */
static bool
refusal_is_page(
    struct evbuffer *output, char line_r[STATUS_LINE_SIZE], int *status_r)
{
	static const char page[] = "\r\nContent-Type: text/html\r\n";
	struct evbuffer_ptr found =
	    evbuffer_search(output, page, strlen(page), NULL);
	ev_ssize_t length;
	char *end;

	if (found.pos == -1)
		return false;
	length = evbuffer_copyout(output, line_r, STATUS_LINE_SIZE - 1);
	if (length < 0)
		return false;
	line_r[length] = '\0';
	end = strstr(line_r, "\r\n");
	if (end == NULL || strncmp(line_r, "HTTP/1.", 7) != 0)
		return false;
	*end = '\0';
	*status_r = atoi(line_r + strlen("HTTP/1.x "));
	return *status_r >= 400;
}

static void
refusal_replace(struct evbuffer *output)
{
	char line[STATUS_LINE_SIZE], headers[HEADERS_SIZE], *body;
	struct response answer;
	int status;

	if (!refusal_is_page(output, line, &status))
		return;
	answer = refusal_response(status);
	body = answer.json == NULL ? NULL
				   : json_dumps(answer.json,
					 JSON_COMPACT | JSON_PRESERVE_ORDER);
	json_decref(answer.json);
	/* Without memory the page is sent. */
	if (body == NULL)
		return;
	snprintf(headers, sizeof(headers),
	    "%s\r\n"
	    "Content-Type: application/json\r\n"
	    "Cache-Control: no-store\r\n"
	    "X-Content-Type-Options: nosniff\r\n"
	    "Content-Length: %zu\r\n"
	    "Connection: close\r\n\r\n",
	    line, strlen(body) + 1);
	(void)evbuffer_drain(output, evbuffer_get_length(output));
	(void)evbuffer_add_printf(output, "%s%s\n", headers, body);
	free(body);
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

#include "daemon/http/web.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "daemon/http/web_loop.h"
#include "daemon/http/web_setup.h"
#include "lib/base/clock.h"
#include "lib/base/guarded.h"
#include "lib/base/text.h"

/* Octets of an answer's header; libcurl takes more. */
#define WEB_HEADER_MOST ((size_t)64 * 1024)
#define WEB_TEXT        512
#define WEB_STATUS_LINE 128
#define WEB_AGENT       "evpopd/" EVPOP_VERSION

enum web_state {
	WEB_STATE_IDLE = 0,
	WEB_STATE_RESOLVING,
	WEB_STATE_UNDER_WAY,
	WEB_STATE_ENDING /* `done` is called in the loop's next turn */
};

enum web_method {
	WEB_METHOD_POST = 0,
	WEB_METHOD_GET,
	WEB_METHOD_CONNECT
};

/* A body on its way, as libcurl asks for it. */
struct web_body {
	uint64_t octets, given;
	const char *piece; /* what libcurl has not taken yet */
	size_t at, length;
	char copy[WEB_PIECE];
	bool is_wanted; /* `more` was called, and nothing has come */
	bool is_paused; /* libcurl waits */
	bool is_aborted;
};

/* What comes back. */
struct web_reply {
	char *body;
	size_t length;
	size_t header_length;
	char status_line[WEB_STATUS_LINE];
	bool is_long; /* more than is kept */
};

struct web {
	struct web_options options;
	const struct web_handler *handler;
	void *arg;
	enum web_state state;
	enum web_method method;
	struct web_loop *loop;
	CURL *easy;
	struct curl_slist *headers;
	struct web_place *place;
	struct web_place *proxy; /* or NULL */
	struct web_body body;
	struct web_reply reply;
	struct event deadline, ending;
	struct web_answer answer;
	char text[WEB_TEXT];
	char error[CURL_ERROR_SIZE];
	char forbidden[WEB_PLACE_TEXT]; /* why no address was taken; "" */
	bool *is_freed;                 /* set while `done` runs */
};

/* What is connected to. */
static struct web_place *
web_first(const struct web *web)
{
	return web->proxy != NULL ? web->proxy : web->place;
}

/* ---- the end of a request ---- */

/* One function ends it; the loop's next turn tells. */
static void
web_end(struct web *web, enum web_end end)
{
	web->state = WEB_STATE_ENDING;
	web_place_cancel(web_first(web));
	web_loop_remove(web->loop, web->easy);
	(void)event_del(&web->deadline);
	web->answer = (struct web_answer){ .end = end, .text = web->text };
	event_active(&web->ending, EV_TIMEOUT, 1);
}

static void
web_fail(struct web *web, enum web_end end, const char *reason)
{
	size_t length;

	snprintf(web->text, sizeof(web->text), "%s: %s", web_host(web), reason);
	length = strlen(web->text);
	while (length > 0 && strchr(". \r\n", web->text[length - 1]) != NULL)
		length--;
	(void)evpop_text_printable(
	    web->text, sizeof(web->text), web->text, length);
	web_end(web, end);
}

static bool
web_is_sent(const struct web *web)
{
	return web->method == WEB_METHOD_POST &&
	       web->body.given == web->body.octets &&
	       web->body.at == web->body.length;
}

static void
web_ended(evutil_socket_t fd, short events, void *arg)
{
	struct web *web = arg;
	bool is_freed = false;

	(void)fd;
	(void)events;
	web->state = WEB_STATE_IDLE;
	web->is_freed = &is_freed;
	web->handler->done(&web->answer, web->arg);
	if (is_freed)
		return;
	web->is_freed = NULL;
	/* Another request may have begun, but nothing of it has come. */
	if (web->options.is_secret)
		explicit_bzero(web->reply.body, web->options.answer_most + 1);
}

static void
web_take_answer(struct web *web)
{
	struct web_answer *answer = &web->answer;
	curl_off_t retry_after_s = 0;
	struct curl_header *location;
	char *redirect = NULL;
	long status = 0;

	(void)curl_easy_getinfo(web->easy, CURLINFO_RESPONSE_CODE, &status);
	(void)curl_easy_getinfo(
	    web->easy, CURLINFO_RETRY_AFTER, &retry_after_s);
	(void)curl_easy_getinfo(web->easy, CURLINFO_REDIRECT_URL, &redirect);
	memcpy(
	    web->text, web->reply.status_line, sizeof(web->reply.status_line));
	web_end(web, WEB_ANSWERED);
	answer->status = (unsigned)status;
	if (retry_after_s > 0 && retry_after_s < INT32_MAX)
		answer->retry_after_ms = retry_after_s * 1000;
	answer->redirect = redirect;
	if (redirect == NULL && curl_easy_header(web->easy, "Location", 0,
				    CURLH_HEADER, -1, &location) == CURLHE_OK)
		answer->location = location->value;
	answer->body = web->reply.body;
	answer->length = web->reply.length;
}

static void
web_finished(CURLcode code, void *arg)
{
	struct web *web = arg;

	if (web->forbidden[0] != '\0') {
		web_fail(web, WEB_FORBIDDEN, web->forbidden);
		return;
	}
	switch (code) {
	case CURLE_OK:
		web_take_answer(web);
		return;
	case CURLE_WRITE_ERROR:
		if (web->reply.is_long &&
		    web->reply.header_length <= WEB_HEADER_MOST) {
			web_take_answer(web);
			return;
		}
		snprintf(web->error, sizeof(web->error),
		    "its answer has too long a header");
		break;
	case CURLE_UNSUPPORTED_PROTOCOL: /* what curl takes for HTTP/0.9 */
		snprintf(
		    web->error, sizeof(web->error), "it does not speak HTTP");
		break;
	case CURLE_SEND_FAIL_REWIND:
		snprintf(web->error, sizeof(web->error),
		    "it closed the connection and did not answer");
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
		web_fail(web, WEB_MISTRUSTED, web->error);
		return;
	default:
		break;
	}
	web_fail(web, web_is_sent(web) ? WEB_UNANSWERED : WEB_FAILED,
	    web->error[0] != '\0' ? web->error : curl_easy_strerror(code));
}

/* ---- deadlines ---- */

static void
web_arm(struct web *web)
{
	const struct timeval wait = evpop_clock_wait(web->options.timeout_ms);

	(void)event_add(&web->deadline, &wait);
}

static void
web_overdue(evutil_socket_t fd, short events, void *arg)
{
	struct web *web = arg;
	char reason[WEB_TEXT];
	bool is_sent = web_is_sent(web);

	(void)fd;
	(void)events;
	snprintf(reason, sizeof(reason), "%s within %g s",
	    web->state == WEB_STATE_RESOLVING ? "its name is not resolved"
	    : is_sent || web->method == WEB_METHOD_GET ? "it does not answer"
	    : web->body.given > 0 ? "it does not read the message"
				  : "it cannot be reached",
	    web->options.timeout_ms / 1000.0);
	web_fail(web, is_sent ? WEB_UNANSWERED : WEB_FAILED, reason);
}

/* ---- what libcurl calls ---- */

static size_t
web_read(char *buffer, size_t size, size_t count, void *arg)
{
	struct web *web = arg;
	struct web_body *body = &web->body;
	size_t length = size * count;

	if (body->at == body->length && body->given < body->octets &&
	    !body->is_wanted) {
		body->is_wanted = true;
		/* What takes long here is not the server's fault. */
		(void)event_del(&web->deadline);
		web->handler->more(web->arg);
	}
	if (body->is_aborted)
		return CURL_READFUNC_ABORT;
	if (body->at == body->length) {
		body->is_paused = body->given < body->octets;
		return body->is_paused ? CURL_READFUNC_PAUSE : 0;
	}
	if (length > body->length - body->at)
		length = body->length - body->at;
	memcpy(buffer, body->piece + body->at, length);
	body->at += length;
	web_arm(web);
	return length;
}

static int
web_seek(void *arg, curl_off_t offset, int origin)
{
	struct web *web = arg;
	struct web_body *body = &web->body;

	if (offset != 0 || origin != SEEK_SET || body->is_wanted ||
	    (web->options.goes_once && web_is_sent(web)))
		return CURL_SEEKFUNC_FAIL;
	body->given = 0;
	body->at = body->length = 0;
	web->handler->rewind(web->arg);
	return CURL_SEEKFUNC_OK;
}

static void
web_keep_status_line(struct web_reply *reply, const char *line, size_t length)
{
	const char *blank = memchr(line, ' ', length);

	if (blank == NULL)
		return;
	length -= (size_t)(blank + 1 - line);
	while (length > 0 && strchr(" \r\n", blank[length]) != NULL)
		length--;
	(void)evpop_text_printable(
	    reply->status_line, sizeof(reply->status_line), blank + 1, length);
}

static size_t
web_header(char *line, size_t size, size_t count, void *arg)
{
	struct web_reply *reply = &((struct web *)arg)->reply;
	size_t length = size * count;

	reply->header_length += length;
	if (reply->header_length > WEB_HEADER_MOST)
		return 0;
	if (length > 5 && strncmp(line, "HTTP/", 5) == 0)
		web_keep_status_line(reply, line, length);
	return length;
}

static size_t
web_receive(char *bytes, size_t size, size_t count, void *arg)
{
	struct web *web = arg;
	struct web_reply *reply = &web->reply;
	size_t length = size * count;
	size_t room = web->options.answer_most - reply->length;

	if (reply->body == NULL)
		return 0;
	reply->is_long = length > room;
	if (length < room)
		room = length;
	memcpy(reply->body + reply->length, bytes, room);
	reply->length += room;
	reply->body[reply->length] = '\0';
	return reply->is_long ? 0 : length;
}

/* Called with each address that is about to be connected to. */
static curl_socket_t
web_open(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct web *web = arg;

	web->forbidden[0] = '\0';
	if (purpose != CURLSOCKTYPE_IPCXN ||
	    (web->proxy == NULL &&
		!web_place_allows(web->place, web->options.rules, &to->addr,
		    to->addrlen, web->forbidden)))
		return CURL_SOCKET_BAD;
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* ---- a request ---- */

static void
web_start(struct web *web)
{
	web->state = WEB_STATE_UNDER_WAY;
	(void)curl_easy_setopt(web->easy, CURLOPT_HTTPHEADER, web->headers);
	(void)curl_easy_setopt(
	    web->easy, CURLOPT_RESOLVE, web_place_addresses(web_first(web)));
	(void)curl_easy_setopt(web->easy, CURLOPT_CONNECT_ONLY,
	    web->method == WEB_METHOD_CONNECT ? 1L : 0L);
	(void)curl_easy_setopt(web->easy,
	    web->method == WEB_METHOD_GET ? CURLOPT_HTTPGET : CURLOPT_POST, 1L);
	(void)curl_easy_setopt(web->easy, CURLOPT_POSTFIELDSIZE_LARGE,
	    (curl_off_t)web->body.octets);
	if (!web_loop_add(web->loop, web->easy))
		web_fail(web, WEB_FAILED, "out of memory");
}

static void
web_found(const char *why, void *arg)
{
	struct web *web = arg;

	if (why != NULL)
		web_fail(web, WEB_FAILED, why);
	else
		web_start(web);
}

static void
web_begin(struct web *web, enum web_method method, uint64_t octets)
{
	struct web_body *body = &web->body;

	web->method = method;
	body->octets = octets;
	body->given = body->at = body->length = 0;
	body->is_wanted = body->is_paused = body->is_aborted = false;
	web->reply.length = web->reply.header_length = 0;
	web->reply.is_long = false;
	web->reply.status_line[0] = '\0';
	if (web->reply.body != NULL)
		web->reply.body[0] = '\0';
	web->answer = (struct web_answer){ .end = WEB_FAILED };
	web->error[0] = web->text[0] = web->forbidden[0] = '\0';
	web->state = WEB_STATE_RESOLVING;
	web_arm(web);
	web_place_find(web_first(web), web->options.names, web_found, web);
}

static void
web_request(struct web *web, enum web_method method, const char *const *headers,
    uint64_t octets)
{
	web_setup_forget(&web->headers);
	web->headers = web_setup_headers(headers);
	if (web->headers != NULL)
		web_begin(web, method, octets);
	else
		web_fail(web, WEB_FAILED, "out of memory");
}

void
web_post(struct web *web, const char *const *headers, uint64_t octets)
{
	web_request(web, WEB_METHOD_POST, headers, octets);
}

void
web_get(struct web *web, const char *const *headers)
{
	web_request(web, WEB_METHOD_GET, headers, 0);
}

void
web_connect(struct web *web)
{
	web_begin(web, WEB_METHOD_CONNECT, 0);
}

static void
web_go_on(struct web *web)
{
	if (!web->body.is_paused)
		return;
	web->body.is_paused = false;
	(void)curl_easy_pause(web->easy, CURLPAUSE_CONT);
}

void
web_lend(struct web *web, const void *octets, size_t length)
{
	struct web_body *body = &web->body;

	if (!body->is_wanted || length == 0 ||
	    web->state != WEB_STATE_UNDER_WAY)
		return;
	body->is_wanted = false;
	/* A server must not get more than was said to come. */
	if (length > body->octets - body->given)
		length = (size_t)(body->octets - body->given);
	body->piece = octets;
	body->at = 0;
	body->length = length;
	body->given += length;
	web_arm(web);
	web_go_on(web);
}

void
web_write(struct web *web, const void *octets, size_t length)
{
	assert(length <= WEB_PIECE);
	if (!web->body.is_wanted)
		return;
	memcpy(web->body.copy, octets, length);
	web_lend(web, web->body.copy, length);
}

void
web_abort(struct web *web)
{
	web->body.is_aborted = true;
	if (web->state == WEB_STATE_UNDER_WAY)
		web_go_on(web);
}

/* ---- its life ---- */

static void
web_set_options(struct web *web)
{
	CURL *easy = web->easy;

	(void)curl_easy_setopt(easy, CURLOPT_URL, web->options.url);
	(void)curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	(void)curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	(void)curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	(void)curl_easy_setopt(easy, CURLOPT_USERAGENT, WEB_AGENT);
	(void)curl_easy_setopt(
	    easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	(void)curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, web->error);
	/* Deadlines are ours: libcurl's are of the whole. */
	(void)curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, 0L);
	(void)curl_easy_setopt(
	    easy, CURLOPT_CONNECTTIMEOUT_MS, (long)INT32_MAX);
	(void)curl_easy_setopt(easy, CURLOPT_READFUNCTION, web_read);
	(void)curl_easy_setopt(easy, CURLOPT_READDATA, web);
	(void)curl_easy_setopt(easy, CURLOPT_SEEKFUNCTION, web_seek);
	(void)curl_easy_setopt(easy, CURLOPT_SEEKDATA, web);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, web_header);
	(void)curl_easy_setopt(easy, CURLOPT_HEADERDATA, web);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, web_receive);
	(void)curl_easy_setopt(easy, CURLOPT_WRITEDATA, web);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, web_open);
	(void)curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, web);
	web_setup_tls(easy, &web->options);
	web_setup_way(easy, &web->options);
}

struct web *
web_new(const struct web_options *options, const struct web_handler *handler,
    void *arg)
{
	struct web *web = calloc(1, sizeof(*web));

	if (web == NULL)
		return NULL;
	web->options = *options;
	web->handler = handler;
	web->arg = arg;
	(void)evtimer_assign(&web->deadline, options->base, web_overdue, web);
	(void)evtimer_assign(&web->ending, options->base, web_ended, web);
	web->loop = web_loop_new(options->base, web_finished, web);
	web->easy = web->loop != NULL ? curl_easy_init() : NULL;
	web->reply.body = options->is_secret
			      ? evpop_guarded_alloc(options->answer_most + 1)
			      : calloc(1, options->answer_most + 1);
	web->place = web_place_new(options->url);
	if (options->proxy != NULL)
		web->proxy = web_place_new(options->proxy);
	if (web->easy == NULL || web->reply.body == NULL ||
	    web->place == NULL ||
	    (options->proxy != NULL && web->proxy == NULL)) {
		web_free(&web);
		return NULL;
	}
	web_set_options(web);
	return web;
}

bool
web_aim(struct web *web, const char *path)
{
	CURLU *url = curl_url();
	char *text = NULL;
	bool is_set =
	    url != NULL &&
	    curl_url_set(url, CURLUPART_URL, web->options.url, 0) ==
		CURLUE_OK &&
	    curl_url_set(url, CURLUPART_URL, path, 0) == CURLUE_OK &&
	    curl_url_get(url, CURLUPART_URL, &text, 0) == CURLUE_OK &&
	    curl_easy_setopt(web->easy, CURLOPT_URL, text) == CURLE_OK;

	curl_free(text);
	curl_url_cleanup(url);
	return is_set;
}

const char *
web_host(const struct web *web)
{
	return web_place_host(web->place);
}

void
web_free(struct web **web_r)
{
	struct web *web = *web_r;

	if (web == NULL)
		return;
	*web_r = NULL;
	if (web->is_freed != NULL)
		*web->is_freed = true;
	(void)event_del(&web->deadline);
	(void)event_del(&web->ending);
	if (web->easy != NULL) {
		web_loop_remove(web->loop, web->easy);
		curl_easy_cleanup(web->easy);
	}
	web_loop_free(&web->loop);
	web_setup_forget(&web->headers);
	web_place_free(&web->place);
	web_place_free(&web->proxy);
	if (web->options.is_secret)
		evpop_guarded_free(web->reply.body);
	else
		free(web->reply.body);
	free(web);
}

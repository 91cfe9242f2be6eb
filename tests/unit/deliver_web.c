#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/deliver_web.h"

#define REQUEST_MOST ((size_t)8 * 1024 * 1024)

static void
web_over(struct bufferevent *client, short what, void *arg)
{
	(void)what;
	(void)arg;
	bufferevent_free(client);
}

static void
web_flood(struct bufferevent *client, void *arg)
{
	static const char octets[4096] = { [0 ... 4095] = 'x' };

	(void)arg;
	bufferevent_write(client, octets, sizeof(octets));
}

static void
web_flushed(struct bufferevent *client, void *arg)
{
	(void)arg;
	bufferevent_free(client);
}

static void
web_answer(struct deliver_web *web, struct bufferevent *client)
{
	web->requests++;
	switch (web->manner) {
	case WEB_HANGS_UP:
		bufferevent_free(client);
		return;
	case WEB_IS_SILENT:
		return;
	case WEB_SPEAKS_FOREVER:
		bufferevent_setcb(client, NULL, web_flood, web_over, web);
		break;
	case WEB_CLOSES_QUIETLY:
		bufferevent_setcb(client, NULL, web_flushed, web_over, web);
		break;
	case WEB_ANSWERS_EARLY:
	case WEB_ANSWERS:
		break;
	}
	bufferevent_write(client, web->answer, strlen(web->answer));
}

static void
web_read(struct bufferevent *client, void *arg)
{
	struct deliver_web *web = arg;
	struct evbuffer *input = bufferevent_get_input(client);
	size_t length = evbuffer_get_length(input), wanted = 0;
	struct evbuffer_ptr end = evbuffer_search(input, "\r\n\r\n", 4, NULL);
	const char *value;

	if (end.pos < 0)
		return;
	assert_true(length < REQUEST_MOST);
	evbuffer_copyout(input, web->request, length);
	web->request[length] = '\0';
	web->length = length;
	web->body = (size_t)end.pos + 4;
	value = deliver_web_value(web, "Content-Length");
	if (value != NULL)
		wanted = strtoul(value, NULL, 10);
	if (length < web->body + wanted && web->manner != WEB_ANSWERS_EARLY)
		return;
	evbuffer_drain(input, length);
	web_answer(web, client);
}

static void
web_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int length, void *arg)
{
	struct deliver_web *web = arg;
	struct bufferevent *client =
	    bufferevent_socket_new(web->base, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)listener;
	(void)address;
	(void)length;
	assert_non_null(client);
	web->connections++;
	bufferevent_setcb(client, web_read, NULL, web_over, web);
	bufferevent_enable(client, EV_READ | EV_WRITE);
}

struct deliver_web *
deliver_web_new(struct event_base *base)
{
	struct deliver_web *web = calloc(1, sizeof(*web));
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	assert_non_null(web);
	web->base = base;
	web->answer = "HTTP/1.1 200 Fine\r\nContent-Length: 0\r\n\r\n";
	web->request = malloc(REQUEST_MOST + 1);
	assert_non_null(web->request);
	web->listener = evconnlistener_new_bind(base, web_accept, web,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16,
	    (struct sockaddr *)&address, sizeof(address));
	assert_non_null(web->listener);
	assert_int_equal(getsockname(evconnlistener_get_fd(web->listener),
			     (struct sockaddr *)&address, &length),
	    0);
	web->port = ntohs(address.sin_port);
	return web;
}

void
deliver_web_free(struct deliver_web *web)
{
	evconnlistener_free(web->listener);
	free(web->request);
	free(web);
}

bool
deliver_web_has(const struct deliver_web *web, const char *line)
{
	char whole[512];
	char *found;

	snprintf(whole, sizeof(whole), "\r\n%s\r\n", line);
	found = strstr(web->request, whole);
	return found != NULL && found < web->request + web->body;
}

const char *
deliver_web_value(const struct deliver_web *web, const char *name)
{
	static char value[512];
	char begin[128];
	const char *found;

	snprintf(begin, sizeof(begin), "\r\n%s: ", name);
	found = strstr(web->request, begin);
	if (found == NULL || found >= web->request + web->body)
		return NULL;
	found += strlen(begin);
	snprintf(
	    value, sizeof(value), "%.*s", (int)strcspn(found, "\r"), found);
	return value;
}

#include "tests/unit/net_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event_struct.h>
#include <event2/listener.h>
#include <openssl/evp.h>

/* Octets that trickle: its own answers, and the beginning of the server's. */
#define TRICKLED 100

enum stage {
	GREETING,
	LOGIN,
	REQUEST,
	RELAY,
	REFUSED
};

struct net_proxied {
	struct net_proxied *next;
	struct net_proxy *proxy;
	enum stage stage;
	struct bufferevent *client, *server;
	struct evbuffer *waiting; /* to be said octet by octet */
	size_t trickled;
	struct event octet;
};

static void
drop(struct net_proxied *connection)
{
	struct net_proxied **link = &connection->proxy->connections;

	while (*link != connection)
		link = &(*link)->next;
	*link = connection->next;
	connection->proxy->open--;
	event_del(&connection->octet);
	bufferevent_free(connection->client);
	if (connection->server != NULL)
		bufferevent_free(connection->server);
	evbuffer_free(connection->waiting);
	free(connection);
}

static void
say_octet(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval soon = { 0, 0 };
	struct net_proxied *connection = arg;

	(void)fd;
	(void)what;
	connection->trickled++;
	assert_true(evbuffer_remove_buffer(connection->waiting,
			bufferevent_get_output(connection->client),
			connection->trickled < TRICKLED ? 1 : SIZE_MAX) >= 0);
	if (evbuffer_get_length(connection->waiting) > 0)
		evtimer_add(&connection->octet, &soon);
}

static void
say(struct net_proxied *connection, const void *octets, size_t length)
{
	if (!connection->proxy->options.trickle) {
		assert_int_equal(
		    bufferevent_write(connection->client, octets, length), 0);
		return;
	}
	assert_int_equal(evbuffer_add(connection->waiting, octets, length), 0);
	event_active(&connection->octet, EV_TIMEOUT, 0);
}

static void
say_success(struct net_proxied *connection)
{
	static const unsigned char socks[] = { 5, 0, 0, 3, 4, 'h', 'o', 's',
		't', 4, 56 };
	static const char http[] = "HTTP/1.1 200 Connection established\r\n"
				   "Content-Length: 5\r\n\r\n";

	if (connection->proxy->options.kind == EVPOP_PROXY_SOCKS5)
		say(connection, socks, sizeof(socks));
	else
		say(connection, http, strlen(http));
}

/* All that the server said has been passed on. */
static void
said_all(struct bufferevent *stream, void *arg)
{
	struct net_proxied *connection = arg;

	(void)stream;
	if (evbuffer_get_length(connection->waiting) == 0)
		drop(connection);
}

static void
on_event(struct bufferevent *stream, short what, void *arg)
{
	struct net_proxied *connection = arg;

	if (stream == connection->server && what == BEV_EVENT_CONNECTED) {
		if (!connection->proxy->options.together)
			say_success(connection);
		return;
	}
	if (stream == connection->server &&
	    evbuffer_get_length(connection->waiting) +
		    evbuffer_get_length(
			bufferevent_get_output(connection->client)) >
		0) {
		bufferevent_setcb(
		    connection->client, NULL, said_all, on_event, connection);
		return;
	}
	drop(connection);
}

static void
from_server(struct bufferevent *stream, void *arg)
{
	struct net_proxied *connection = arg;
	struct evbuffer *input = bufferevent_get_input(stream);

	if (connection->stage == REQUEST) {
		connection->stage = RELAY;
		if (connection->proxy->options.together)
			say_success(connection);
	}
	say(connection, evbuffer_pullup(input, -1), evbuffer_get_length(input));
	assert_int_equal(evbuffer_drain(input, evbuffer_get_length(input)), 0);
}

static void
reach_server(struct net_proxied *connection)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };

	sin.sin_port = htons(connection->proxy->server_port);
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	connection->server = bufferevent_socket_new(
	    connection->proxy->base, -1, BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(connection->server);
	bufferevent_setcb(
	    connection->server, from_server, NULL, on_event, connection);
	assert_int_equal(
	    bufferevent_enable(connection->server, EV_READ | EV_WRITE), 0);
	assert_int_equal(bufferevent_socket_connect(connection->server,
			     (struct sockaddr *)&sin, sizeof(sin)),
	    0);
}

/* Two octets, of which the second tells; and say no more where it refuses. */
static void
say_pair(struct net_proxied *connection, unsigned char first,
    unsigned char second, enum stage next)
{
	unsigned char pair[] = { first, second };

	say(connection, pair, sizeof(pair));
	connection->stage = next;
}

static bool
same_text(const unsigned char *octets, size_t length, const char *text)
{
	return text != NULL && length == strlen(text) &&
	       memcmp(octets, text, length) == 0;
}

static size_t
take_greeting(
    struct net_proxied *connection, const unsigned char *octets, size_t length)
{
	unsigned char wanted = connection->proxy->options.user == NULL ? 0 : 2;

	if (length < 2 || length < 2 + (size_t)octets[1])
		return 0;
	assert_int_equal(octets[0], 5);
	if (memchr(octets + 2, wanted, octets[1]) != NULL)
		say_pair(connection, 5, wanted, wanted == 2 ? LOGIN : REQUEST);
	else
		say_pair(connection, 5, 0xff, REFUSED);
	return 2 + (size_t)octets[1];
}

static size_t
take_login(
    struct net_proxied *connection, const unsigned char *octets, size_t length)
{
	const struct net_proxy_options *options = &connection->proxy->options;
	size_t user, password;

	if (length < 2 || length < 3 + (size_t)octets[1])
		return 0;
	assert_int_equal(octets[0], 1);
	user = octets[1];
	password = octets[2 + user];
	if (length < 3 + user + password)
		return 0;
	if (same_text(octets + 2, user, options->user) &&
	    same_text(octets + 3 + user, password, options->password)) {
		say_pair(connection, 1, 0, REQUEST);
	} else {
		connection->proxy->refused_logins++;
		say_pair(connection, 1, 1, REFUSED);
	}
	return 3 + user + password;
}

static void
note_asked(
    struct net_proxied *connection, const unsigned char *octets, size_t address)
{
	char text[256];
	unsigned int port =
	    (unsigned int)octets[4 + address] << 8 | octets[5 + address];
	const char *kind = octets[3] == 1 ? "4" : octets[3] == 4 ? "6" : "name";

	if (octets[3] == 3)
		snprintf(text, sizeof(text), "%.*s", (int)octets[4],
		    (const char *)octets + 5);
	else
		assert_non_null(inet_ntop(octets[3] == 1 ? AF_INET : AF_INET6,
		    octets + 4, text, sizeof(text)));
	snprintf(connection->proxy->asked, sizeof(connection->proxy->asked),
	    "%s %s %u", kind, text, port);
}

static size_t
take_request(
    struct net_proxied *connection, const unsigned char *octets, size_t length)
{
	const struct net_proxy_options *options = &connection->proxy->options;
	size_t address;

	if (length < 5)
		return 0;
	assert_memory_equal(octets, "\x05\x01\x00", 3);
	address = octets[3] == 1   ? 4
		  : octets[3] == 4 ? 16
				   : 1 + (size_t)octets[4];
	if (length < 6 + address)
		return 0;
	note_asked(connection, octets, address);
	if (options->refuse == 0) {
		reach_server(connection);
	} else {
		unsigned char reply[] = { 5, 0, 0, 1, 0, 0, 0, 0, 0, 0 };

		reply[1] = (unsigned char)options->refuse;
		say(connection, reply, sizeof(reply));
		connection->stage = REFUSED;
	}
	return 6 + address;
}

static void
answer_http(struct net_proxied *connection, const char *request)
{
	const struct net_proxy_options *options = &connection->proxy->options;
	char login[128], encoded[256] = "", wanted[320], reply[128];
	unsigned int status = options->refuse;

	assert_int_equal(strncmp(request, "CONNECT ", 8), 0);
	snprintf(connection->proxy->asked, sizeof(connection->proxy->asked),
	    "%.*s", (int)strcspn(request + 8, " "), request + 8);
	snprintf(wanted, sizeof(wanted), "\r\nHost: %s\r\n",
	    connection->proxy->asked);
	assert_non_null(strstr(request, wanted));
	if (options->user != NULL) {
		snprintf(login, sizeof(login), "%s:%s", options->user,
		    options->password);
		EVP_EncodeBlock((unsigned char *)encoded,
		    (const unsigned char *)login, (int)strlen(login));
		snprintf(wanted, sizeof(wanted),
		    "\r\nProxy-Authorization: Basic %s\r\n", encoded);
		if (strstr(request, wanted) == NULL) {
			connection->proxy->refused_logins++;
			status = 407;
		}
	} else {
		assert_null(strstr(request, "Authorization"));
	}
	if (status == 0) {
		connection->stage = REQUEST;
		reach_server(connection);
		return;
	}
	snprintf(reply, sizeof(reply),
	    "HTTP/1.1 %u Not Today\r\nContent-Length: 3\r\n\r\nno\n", status);
	say(connection, reply, strlen(reply));
	connection->stage = REFUSED;
}

static size_t
take_http(
    struct net_proxied *connection, const unsigned char *octets, size_t length)
{
	const char *end = memmem(octets, length, "\r\n\r\n", 4);
	size_t used;
	char *request;

	if (end == NULL)
		return 0;
	used = (size_t)(end + 4 - (const char *)octets);
	request = strndup((const char *)octets, used);
	assert_non_null(request);
	answer_http(connection, request);
	free(request);
	return used;
}

/* One message of the dialog; 0 where it is not there yet. */
static size_t
take(struct net_proxied *connection, const unsigned char *octets, size_t length)
{
	const struct net_proxy_options *options = &connection->proxy->options;

	if (options->mute || connection->stage == REFUSED)
		return length;
	if (connection->stage == RELAY || connection->server != NULL) {
		/* Nothing may come before it was said to be there. */
		assert_non_null(connection->server);
		assert_int_equal(
		    bufferevent_write(connection->server, octets, length), 0);
		return length;
	}
	if (options->kind == EVPOP_PROXY_HTTP)
		return take_http(connection, octets, length);
	if (connection->stage == GREETING)
		return take_greeting(connection, octets, length);
	if (connection->stage == LOGIN)
		return take_login(connection, octets, length);
	return take_request(connection, octets, length);
}

static void
from_client(struct bufferevent *stream, void *arg)
{
	struct net_proxied *connection = arg;
	const struct net_proxy_options *options = &connection->proxy->options;
	struct evbuffer *input = bufferevent_get_input(stream);
	size_t length, used;

	while ((length = evbuffer_get_length(input)) > 0) {
		if (options->hang_up && (options->kind == EVPOP_PROXY_HTTP ||
					    connection->stage == REQUEST)) {
			drop(connection);
			return;
		}
		used = take(connection, evbuffer_pullup(input, -1), length);
		if (used == 0)
			return;
		assert_int_equal(evbuffer_drain(input, used), 0);
	}
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int length, void *arg)
{
	struct net_proxy *proxy = arg;
	struct net_proxied *connection = calloc(1, sizeof(*connection));
	int on = 1;

	(void)listener;
	(void)address;
	(void)length;
	assert_non_null(connection);
	assert_int_equal(
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)), 0);
	connection->proxy = proxy;
	connection->next = proxy->connections;
	proxy->connections = connection;
	proxy->accepted++;
	proxy->open++;
	connection->waiting = evbuffer_new();
	connection->client =
	    bufferevent_socket_new(proxy->base, fd, BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(connection->waiting);
	assert_non_null(connection->client);
	assert_int_equal(evtimer_assign(&connection->octet, proxy->base,
			     say_octet, connection),
	    0);
	bufferevent_setcb(
	    connection->client, from_client, NULL, on_event, connection);
	assert_int_equal(
	    bufferevent_enable(connection->client, EV_READ | EV_WRITE), 0);
}

void
net_proxy_start(struct net_proxy *proxy, struct event_base *base,
    const struct net_proxy_options *options, uint16_t server_port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t length = sizeof(sin);

	memset(proxy, 0, sizeof(*proxy));
	proxy->base = base;
	proxy->options = *options;
	proxy->server_port = server_port;
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	proxy->listener = evconnlistener_new_bind(base, on_accept, proxy,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, -1,
	    (struct sockaddr *)&sin, sizeof(sin));
	assert_non_null(proxy->listener);
	assert_int_equal(getsockname(evconnlistener_get_fd(proxy->listener),
			     (struct sockaddr *)&sin, &length),
	    0);
	proxy->port = ntohs(sin.sin_port);
}

void
net_proxy_stop(struct net_proxy *proxy)
{
	while (proxy->connections != NULL)
		drop(proxy->connections);
	evconnlistener_free(proxy->listener);
}

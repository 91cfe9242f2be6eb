#include "tests/unit/net_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>

struct net_connection {
	struct net_connection *next;
	struct net_server *server;
	struct bufferevent *stream;
	SSL *ssl;
	evutil_socket_t fd;
	enum net_then then;
	bool halted;
	bool marked[NET_DELETES_MAX];
};

static void
drop(struct net_connection *connection)
{
	struct net_connection **link = &connection->server->connections;
	struct linger linger = { 1, 0 };

	while (*link != connection)
		link = &(*link)->next;
	*link = connection->next;
	connection->server->open--;
	if (connection->then == NET_RESET)
		setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger,
		    sizeof(linger));
	bufferevent_free(connection->stream);
	test_free(connection);
}

static void
say(struct net_connection *connection, const char *text, size_t length)
{
	assert_int_equal(
	    bufferevent_write(connection->stream, text, length), 0);
}

static void
say_text(struct net_connection *connection, const char *text)
{
	say(connection, text, strlen(text));
}

/* Byte-stuff (RFC 1939 section 3) and end a message. */
static void
say_message(
    struct net_connection *connection, const struct net_message *message)
{
	const char *at = message->octets, *end = at + message->length, *line;

	while (at < end) {
		if (*at == '.')
			say(connection, ".", 1);
		line = memchr(at, '\n', (size_t)(end - at));
		line = line == NULL ? end : line + 1;
		say(connection, at, (size_t)(line - at));
		at = line;
	}
	if (message->length > 0 && end[-1] != '\n')
		say_text(connection, "\r\n");
	say_text(connection, ".\r\n");
}

/* Where the message of this number stands; none: message_count. */
static size_t
index_of(const struct net_connection *connection, unsigned long number)
{
	const struct net_server *server = connection->server;
	size_t i, count = server->options.message_count;

	if (!server->options.deletes)
		return number >= 1 && number <= count ? number - 1 : count;
	for (i = 0; i < count; i++)
		if (!server->deleted[i] && number-- == 1)
			return i;
	return count;
}

static const struct net_message *
message_of(struct net_connection *connection, const char *number)
{
	const struct net_server_options *options = &connection->server->options;
	size_t index = index_of(connection, strtoul(number, NULL, 10));

	if (index < options->message_count)
		return &options->messages[index];
	say_text(connection, "-ERR no such message\r\n");
	return NULL;
}

static void
mark(struct net_connection *connection, const char *number)
{
	const struct net_server_options *options = &connection->server->options;
	size_t index = index_of(connection, strtoul(number, NULL, 10));

	if (options->deletes && index < options->message_count) {
		assert_true(index < NET_DELETES_MAX);
		connection->marked[index] = true;
	}
	say_text(connection, "+OK\r\n");
}

static void
commit(struct net_connection *connection)
{
	size_t i;

	for (i = 0; i < NET_DELETES_MAX; i++)
		connection->server->deleted[i] |= connection->marked[i];
}

static void
answer_capa(struct net_connection *connection)
{
	const struct net_server_options *options = &connection->server->options;

	if (options->no_capa) {
		say_text(connection, "-ERR what?\r\n");
		return;
	}
	say_text(connection, "+OK\r\nUSER\r\nTOP\r\nUIDL\r\n");
	if (options->pipelining)
		say_text(connection, "PIPELINING\r\n");
	if (options->stls && connection->ssl == NULL)
		say_text(connection, "STLS\r\n");
	say_text(connection, ".\r\n");
}

static void
answer_listing(struct net_connection *connection, const char *line)
{
	const struct net_server_options *options = &connection->server->options;
	const struct net_message *message;
	bool uidl = strncmp(line, "UIDL", 4) == 0;
	char text[64];
	size_t i, number = 0;

	if (line[4] == ' ') {
		message = message_of(connection, line + 5);
		if (message == NULL)
			return;
		if (uidl)
			snprintf(text, sizeof(text), "+OK %s id-%s\r\n",
			    line + 5, line + 5);
		else
			snprintf(text, sizeof(text), "+OK %s %zu\r\n", line + 5,
			    message->length);
		say_text(connection, text);
		return;
	}
	say_text(connection, "+OK\r\n");
	for (i = 0; i < options->message_count; i++) {
		if (options->deletes && connection->server->deleted[i])
			continue;
		number++;
		if (uidl)
			snprintf(text, sizeof(text), "%zu id-%zu\r\n", number,
			    i + 1);
		else
			snprintf(text, sizeof(text), "%zu %zu\r\n", number,
			    options->messages[i].length);
		say_text(connection, text);
	}
	say_text(connection, ".\r\n");
}

static void
answer_stat(struct net_connection *connection)
{
	const struct net_server_options *options = &connection->server->options;
	size_t i, octets = 0;
	char text[64];

	for (i = 0; i < options->message_count; i++)
		octets += options->messages[i].length;
	snprintf(text, sizeof(text), "+OK %zu %zu\r\n", options->message_count,
	    octets);
	say_text(connection, text);
}

static void
answer_body(struct net_connection *connection, const char *number)
{
	const struct net_message *message = message_of(connection, number);
	char text[64];

	if (message == NULL)
		return;
	snprintf(text, sizeof(text), "+OK %zu octets\r\n", message->length);
	say_text(connection, text);
	say_message(connection, message);
}

static void on_read(struct bufferevent *, void *);
static void on_written(struct bufferevent *, void *);
static void on_event(struct bufferevent *, short, void *);

static void
begin_tls(struct net_connection *connection)
{
	struct net_server *server = connection->server;

	connection->ssl = SSL_new(server->options.tls);
	assert_non_null(connection->ssl);
	connection->stream = bufferevent_openssl_socket_new(server->base,
	    connection->fd, connection->ssl, BUFFEREVENT_SSL_ACCEPTING,
	    BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(connection->stream);
	bufferevent_openssl_set_allow_dirty_shutdown(connection->stream, 1);
	bufferevent_setcb(
	    connection->stream, on_read, on_written, on_event, connection);
	bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
}

/* The reply to STLS is written: the descriptor changes hands. */
static void
change_to_tls(struct net_connection *connection)
{
	connection->then = NET_GO_ON;
	assert_int_equal(bufferevent_setfd(connection->stream, -1), 0);
	bufferevent_free(connection->stream);
	begin_tls(connection);
}

/* Whether a rule answered it. */
static bool
answer_by_rule(struct net_connection *connection, const char *line)
{
	const struct net_server_options *options = &connection->server->options;
	const struct net_rule *rule;
	size_t i;

	for (i = 0; i < options->rule_count; i++) {
		rule = &options->rules[i];
		if (strcmp(rule->command, line) != 0)
			continue;
		if (rule->reply != NULL)
			say_text(connection, rule->reply);
		connection->then = rule->then;
		connection->halted =
		    rule->then != NET_GO_ON && rule->then != NET_TLS;
		if (rule->then == NET_DEAF)
			bufferevent_disable(connection->stream, EV_READ);
		/* Even with nothing to write, it is written. */
		bufferevent_trigger(
		    connection->stream, EV_WRITE, BEV_TRIG_DEFER_CALLBACKS);
		return true;
	}
	return false;
}

static void
answer(struct net_connection *connection, const char *line)
{
	if (answer_by_rule(connection, line))
		return;
	if (strcmp(line, "CAPA") == 0) {
		answer_capa(connection);
	} else if (strcmp(line, "STLS") == 0) {
		say_text(connection, "+OK begin\r\n");
		connection->then = NET_TLS;
	} else if (strcmp(line, "STAT") == 0) {
		answer_stat(connection);
	} else if (strncmp(line, "LIST", 4) == 0 ||
		   strncmp(line, "UIDL", 4) == 0) {
		answer_listing(connection, line);
	} else if (strncmp(line, "RETR ", 5) == 0) {
		answer_body(connection, line + 5);
	} else if (strncmp(line, "TOP ", 4) == 0) {
		answer_body(connection, line + 4);
	} else if (strncmp(line, "DELE ", 5) == 0) {
		mark(connection, line + 5);
	} else {
		say_text(connection, "+OK\r\n");
		if (strcmp(line, "QUIT") == 0) {
			commit(connection);
			connection->then = NET_CLOSE;
			connection->halted = true;
		}
	}
}

static void
note(struct net_server *server, const char *line)
{
	size_t length = strlen(server->log);

	snprintf(
	    server->log + length, sizeof(server->log) - length, "%s;", line);
}

static void
on_read(struct bufferevent *stream, void *arg)
{
	struct net_connection *connection = arg;
	char *line;

	connection->server->flights++;
	while (!connection->halted && stream == connection->stream) {
		line = evbuffer_readln(bufferevent_get_input(stream), NULL,
		    EVBUFFER_EOL_CRLF_STRICT);
		if (line == NULL)
			return;
		note(connection->server, line);
		answer(connection, line);
		free(line);
	}
}

static void
on_written(struct bufferevent *stream, void *arg)
{
	struct net_connection *connection = arg;

	if (evbuffer_get_length(bufferevent_get_output(stream)) > 0)
		return;
	if (connection->then == NET_TLS)
		change_to_tls(connection);
	else if (connection->then == NET_CLOSE || connection->then == NET_RESET)
		drop(connection);
}

static void
on_event(struct bufferevent *stream, short what, void *arg)
{
	struct net_connection *connection = arg;

	(void)stream;
	if (what & BEV_EVENT_CONNECTED) {
		if (SSL_session_reused(connection->ssl))
			connection->server->resumed++;
		return;
	}
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		drop(connection);
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int length, void *arg)
{
	struct net_server *server = arg;
	struct net_connection *connection;

	(void)listener;
	(void)address;
	(void)length;
	/* Not by calloc(), which a test may let fail for the client. */
	connection = test_calloc(1, sizeof(*connection));
	assert_non_null(connection);
	connection->server = server;
	connection->fd = fd;
	connection->next = server->connections;
	server->connections = connection;
	server->accepted++;
	server->open++;
	if (server->options.tls != NULL && !server->options.stls) {
		begin_tls(connection);
	} else {
		connection->stream = bufferevent_socket_new(
		    server->base, fd, BEV_OPT_CLOSE_ON_FREE);
		assert_non_null(connection->stream);
		bufferevent_setcb(connection->stream, on_read, on_written,
		    on_event, connection);
		bufferevent_enable(connection->stream, EV_READ | EV_WRITE);
	}
	if (!answer_by_rule(connection, ""))
		say_text(connection, "+OK ready\r\n");
}

void
net_server_start(struct net_server *server, struct event_base *base,
    const struct net_server_options *options, const char *address,
    uint16_t port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	socklen_t length = sizeof(sin);

	memset(server, 0, sizeof(*server));
	server->base = base;
	if (options != NULL)
		server->options = *options;
	sin.sin_port = htons(port);
	assert_int_equal(
	    inet_pton(AF_INET, address != NULL ? address : "127.0.0.1",
		&sin.sin_addr),
	    1);
	server->listener = evconnlistener_new_bind(base, on_accept, server,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 1024,
	    (struct sockaddr *)&sin, (int)sizeof(sin));
	assert_non_null(server->listener);
	assert_int_equal(getsockname(evconnlistener_get_fd(server->listener),
			     (struct sockaddr *)&sin, &length),
	    0);
	server->port = ntohs(sin.sin_port);
}

void
net_server_stop(struct net_server *server)
{
	while (server->connections != NULL)
		drop(server->connections);
	evconnlistener_free(server->listener);
}

void
net_server_say(struct net_server *server, const char *text)
{
	struct net_connection *connection;

	for (connection = server->connections; connection != NULL;
	     connection = connection->next) {
		if (connection->halted)
			say_text(connection, text);
	}
}

size_t
net_server_waiting(const struct net_server *server)
{
	const struct net_connection *connection;
	size_t octets = 0;

	for (connection = server->connections; connection != NULL;
	     connection = connection->next)
		octets += evbuffer_get_length(
		    bufferevent_get_output(connection->stream));
	return octets;
}

void
net_server_skip(struct net_server *server, size_t octets)
{
	struct net_connection *connection;
	char dropped[65536];

	assert_true(octets <= sizeof(dropped));
	for (connection = server->connections; connection != NULL;
	     connection = connection->next) {
		if (connection->then == NET_DEAF)
			(void)recv(connection->fd, dropped, octets, 0);
	}
}

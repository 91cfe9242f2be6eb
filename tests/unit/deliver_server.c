#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <evpop/client.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/deliver_server.h"

static void
server_hang_up(struct deliver_server *server)
{
	if (server->client != NULL)
		bufferevent_free(server->client);
	server->client = NULL;
	server->literal = 0;
	server->is_mail = false;
}

/* ---- what it says ---- */

static const struct server_rule *
server_find(struct deliver_server *server, const char *command)
{
	for (size_t i = 0; i < server->rule_count; i++) {
		const struct server_rule *rule = &server->rules[i];
		size_t length = strlen(rule->command);

		if (strncmp(command, rule->command, length) != 0 ||
		    (length == 0 && command[0] != '\0') ||
		    (rule->times > 0 && server->used[i] == rule->times))
			continue;
		server->used[i]++;
		return rule;
	}
	fail_msg("no rule for \"%s\"", command);
	return NULL;
}

/* What it says, or that it has hung up. */
static const char *
server_answer(struct deliver_server *server, const char *command)
{
	const char *reply = server_find(server, command)->reply;
	bool begins = true;

	if (reply == NULL) {
		server_hang_up(server);
		return NULL;
	}
	for (const char *at = reply; *at != '\0'; at++) {
		if (begins && *at == '=' && server->is_imap)
			bufferevent_write(
			    server->client, server->tag, strlen(server->tag));
		else
			bufferevent_write(server->client, at, 1);
		begins = *at == '\n';
	}
	return reply;
}

/* ---- what it is told ---- */

static void
server_log(struct deliver_server *server, const char *line)
{
	size_t room = sizeof(server->log) - server->log_length;
	int length =
	    snprintf(server->log + server->log_length, room, "%s;", line);

	assert_true(length > 0 && (size_t)length < room);
	server->log_length += (size_t)length;
}

static void
server_keep_mail(struct deliver_server *server, size_t length)
{
	struct evbuffer *input = bufferevent_get_input(server->client);

	assert_true(server->mail_length + length < sizeof(server->mail));
	evbuffer_remove(input, server->mail + server->mail_length, length);
	server->mail_length += length;
	server->mail[server->mail_length] = '\0';
}

/* False: more has to come. */
static bool
server_take_mail(struct deliver_server *server)
{
	struct evbuffer *input = bufferevent_get_input(server->client);
	struct evbuffer_ptr end = evbuffer_search(input, "\r\n.\r\n", 5, NULL);

	if (end.pos < 0)
		return false;
	server_keep_mail(server, (size_t)end.pos + 5);
	server->is_mail = false;
	(void)server_answer(server, ".");
	return true;
}

static bool
server_take_literal(struct deliver_server *server)
{
	struct evbuffer *input = bufferevent_get_input(server->client);
	size_t length = evbuffer_get_length(input);

	if (length < server->literal)
		return false;
	server_keep_mail(server, server->literal);
	server->literal = 0;
	return true;
}

/* Whether a literal follows, before which nothing is answered. */
static bool
server_awaits_literal(struct deliver_server *server, const char *line)
{
	const char *open = strrchr(line, '{');
	char *end;

	if (!server->is_imap || open == NULL || line[strlen(line) - 1] != '}')
		return false;
	server->literal = strtoul(open + 1, &end, 10);
	if (*end != '+')
		bufferevent_write(server->client, "+ go\r\n", 6);
	return true;
}

static void
server_take_line(struct deliver_server *server, const char *line)
{
	const char *reply;
	int tag = 0;

	if (server->is_imap &&
	    sscanf(line, "%15[e0-9] %n", server->tag, &tag) == 1 && tag > 0)
		line += tag;
	if (!server->is_imap || tag > 0) {
		snprintf(server->command, sizeof(server->command), "%s", line);
		server_log(server, line);
	}
	if (server_awaits_literal(server, line))
		return;
	reply = server_answer(server, server->command);
	server->is_mail = reply != NULL && !server->is_imap &&
			  strcmp(line, "DATA") == 0 && reply[0] == '3';
}

static bool
server_take(struct deliver_server *server)
{
	char *line;

	if (server->literal > 0)
		return server_take_literal(server);
	if (server->is_mail)
		return server_take_mail(server);
	line = evbuffer_readln(bufferevent_get_input(server->client), NULL,
	    EVBUFFER_EOL_CRLF_STRICT);
	if (line == NULL)
		return false;
	server_take_line(server, line);
	free(line);
	return true;
}

static void
server_read(struct bufferevent *client, void *arg)
{
	struct deliver_server *server = arg;

	(void)client;
	while (server->client != NULL && server_take(server))
		;
}

static void
server_over(struct bufferevent *client, short what, void *arg)
{
	struct deliver_server *server = arg;

	(void)what;
	assert_ptr_equal(client, server->client);
	server_hang_up(server);
}

static void
server_accept(struct evconnlistener *listener, evutil_socket_t fd,
    struct sockaddr *address, int length, void *arg)
{
	struct deliver_server *server = arg;

	(void)listener;
	(void)address;
	(void)length;
	/* The end of the one before may not have been read yet. */
	server_hang_up(server);
	server->client = bufferevent_socket_new(
	    server->post->base, fd, BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(server->client);
	server->connections++;
	bufferevent_setcb(
	    server->client, server_read, NULL, server_over, server);
	bufferevent_enable(server->client, EV_READ | EV_WRITE);
	(void)server_answer(server, "");
}

/* ---- its life ---- */

struct deliver_server *
deliver_server_new(struct post *post, bool is_imap)
{
	static char host[] = "127.0.0.1";
	struct deliver_server *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof(address);

	assert_non_null(server);
	server->post = post;
	server->is_imap = is_imap;
	server->listener = evconnlistener_new_bind(post->base, server_accept,
	    server, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 16,
	    (struct sockaddr *)&address, sizeof(address));
	assert_non_null(server->listener);
	assert_int_equal(getsockname(evconnlistener_get_fd(server->listener),
			     (struct sockaddr *)&address, &length),
	    0);
	post->target.type = is_imap ? CONFIG_TARGET_IMAP : CONFIG_TARGET_LMTP;
	post->target.host = host;
	post->target.port = ntohs(address.sin_port);
	post->target.tls = EVPOP_TLS_NONE;
	return server;
}

void
deliver_server_free(struct deliver_server *server)
{
	server_hang_up(server);
	evconnlistener_free(server->listener);
	free(server);
}

void
deliver_server_rule(struct deliver_server *server, const char *command,
    const char *reply, unsigned times)
{
	assert_true(server->rule_count < SERVER_RULES);
	memmove(server->rules + 1, server->rules,
	    server->rule_count * sizeof(server->rules[0]));
	memmove(server->used + 1, server->used,
	    server->rule_count * sizeof(server->used[0]));
	server->rules[0] = (struct server_rule){ command, reply, times };
	server->used[0] = 0;
	server->rule_count++;
}

unsigned
deliver_server_heard(const struct deliver_server *server, const char *text)
{
	unsigned count = 0;

	for (const char *at = server->log; (at = strstr(at, text)) != NULL;
	     at++)
		count++;
	return count;
}

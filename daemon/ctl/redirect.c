#include "daemon/ctl/redirect.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "lib/base/hex.h"

/* Browsers open several, some of which say nothing for a while. */
#define CLIENTS_MAX 8
#define REQUEST_MAX ((size_t)8192)
#define CLIENT_MS   30000
#define LISTENERS   2
#define LINE_ROOM   8192

struct redirect_client {
	int fd; /* -1: none */
	int64_t since_ms;
	size_t length;
	char request[REQUEST_MAX + 1];
};

struct redirect {
	int listeners[LISTENERS]; /* -1: none */
	char uri[64];
	struct redirect_client clients[CLIENTS_MAX];
	int waiting; /* the browser's connection that is to be told; -1: none */
	char line[LINE_ROOM];
	size_t line_length;
};

/* ---- parameters ---- */

/* "%2F" and "+", up to the end of the value. */
static bool
redirect_decode(const char *text, char *value_r, size_t size)
{
	size_t length = 0;

	for (; *text != '\0' && strchr("&# \t\r\n", *text) == NULL; text++) {
		char c = *text;

		if (c == '+')
			c = ' ';
		if (c == '%') {
			int octet = evpop_hex_octet(text + 1);

			if (octet <= 0)
				return false;
			c = (char)octet;
			text += 2;
		}
		if (length + 1 >= size)
			return false;
		value_r[length++] = c;
	}
	value_r[length] = '\0';
	return true;
}

bool
redirect_parameter(
    const char *address, const char *name, char *value_r, size_t size)
{
	const char *at = strchr(address, '?');
	size_t length = strlen(name);

	while (at != NULL && *at != '#') {
		at++;
		if (strncmp(at, name, length) == 0 && at[length] == '=')
			return redirect_decode(at + length + 1, value_r, size);
		at += strcspn(at, "&# \t\r\n");
		if (*at != '&')
			return false;
	}
	return false;
}

/* Whether an address is the answer that is waited for. */
static bool
redirect_take(
    const char *address, const char *state, struct redirect_answer *answer_r)
{
	char given[REDIRECT_TEXT], why[REDIRECT_TEXT];

	memset(answer_r, 0, sizeof(*answer_r));
	/* Any page can make a browser come here: only this one knows it. */
	if (!redirect_parameter(address, "state", given, sizeof(given)) ||
	    strcmp(given, state) != 0)
		return false;
	if (redirect_parameter(
		address, "code", answer_r->code, sizeof(answer_r->code)))
		return answer_r->code[0] != '\0';
	if (!redirect_parameter(
		address, "error", answer_r->error, sizeof(answer_r->error)))
		return false;
	if (redirect_parameter(address, "error_description", why, sizeof(why)))
		memcpy(answer_r->error, why, sizeof(why));
	return true;
}

/* ---- listening ---- */

static int
redirect_listen(int family, uint16_t *port)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6,
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
		.sin6_port = htons(*port) };
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(*port) };
	struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&four
						     : (struct sockaddr *)&six;
	socklen_t length = family == AF_INET ? sizeof(four) : sizeof(six);
	const int yes = 1;
	int error, fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
	if (bind(fd, address, length) == 0 && listen(fd, CLIENTS_MAX) == 0 &&
	    getsockname(fd, address, &length) == 0) {
		if (family == AF_INET)
			*port = ntohs(four.sin_port);
		return fd;
	}
	error = errno;
	(void)close(fd);
	errno = error;
	return -1;
}

struct redirect *
redirect_new(uint16_t port)
{
	struct redirect *redirect = calloc(1, sizeof(*redirect));

	if (redirect == NULL)
		return NULL;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		redirect->clients[i].fd = -1;
	redirect->waiting = -1;
	redirect->listeners[0] = redirect_listen(AF_INET, &port);
	/* To a browser localhost may be either; there may be no IPv6. */
	redirect->listeners[1] =
	    redirect->listeners[0] >= 0 ? redirect_listen(AF_INET6, &port) : -1;
	if (redirect->listeners[0] < 0) {
		int error = errno;

		free(redirect);
		errno = error;
		return NULL;
	}
	(void)snprintf(
	    redirect->uri, sizeof(redirect->uri), "http://localhost:%u/", port);
	return redirect;
}

const char *
redirect_uri(const struct redirect *redirect)
{
	return redirect->uri;
}

void
redirect_free(struct redirect **redirect_p)
{
	struct redirect *redirect = *redirect_p;

	if (redirect == NULL)
		return;
	for (size_t i = 0; i < LISTENERS; i++)
		if (redirect->listeners[i] >= 0)
			(void)close(redirect->listeners[i]);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (redirect->clients[i].fd >= 0)
			(void)close(redirect->clients[i].fd);
	if (redirect->waiting >= 0)
		(void)close(redirect->waiting);
	explicit_bzero(redirect, sizeof(*redirect));
	free(redirect);
	*redirect_p = NULL;
}

/* ---- the browser ---- */

/* Nothing of what came stands in a page: it may be anybody's. */
static void
redirect_say(int fd, const char *status, const char *words)
{
	char page[512], whole[1024];
	int length = snprintf(page, sizeof(page),
	    "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\">"
	    "<title>evpop</title></head><body><p>%s</p></body></html>\n",
	    words);

	(void)snprintf(whole, sizeof(whole),
	    "HTTP/1.1 %s\r\nContent-Type: text/html; charset=utf-8\r\n"
	    "Content-Length: %d\r\nCache-Control: no-store\r\n"
	    "Content-Security-Policy: default-src 'none'\r\n"
	    "Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n%s",
	    status, length, page);
	/* It is short: what does not fit into the socket is not missed. */
	if (send(fd, whole, strlen(whole), MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
		(void)shutdown(fd, SHUT_WR);
}

static void
redirect_close(struct redirect_client *client)
{
	(void)close(client->fd);
	client->fd = -1;
	explicit_bzero(client->request, sizeof(client->request));
}

static void
redirect_accept(struct redirect *redirect, int listener)
{
	struct redirect_client *client = NULL;
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return;
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		/* With no room left, who has waited longest leaves. */
		if (client == NULL || redirect->clients[i].fd < 0 ||
		    (client->fd >= 0 &&
			redirect->clients[i].since_ms < client->since_ms))
			client = &redirect->clients[i];
	if (client->fd >= 0)
		redirect_close(client);
	client->fd = fd;
	client->length = 0;
	client->since_ms = evpop_clock_monotonic_ms();
}

/* True: it was the answer, and this browser waits to be told. */
static bool
redirect_read(struct redirect *redirect, struct redirect_client *client,
    const char *state, struct redirect_answer *answer_r)
{
	ssize_t got = recv(client->fd, client->request + client->length,
	    REQUEST_MAX - client->length, 0);

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (got <= 0) {
		redirect_close(client);
		return false;
	}
	client->length += (size_t)got;
	client->request[client->length] = '\0';
	if (strchr(client->request, '\n') == NULL &&
	    client->length < REQUEST_MAX)
		return false;
	client->request[strcspn(client->request, "\r\n")] = '\0';
	if (strncmp(client->request, "GET /", 5) == 0 &&
	    redirect_take(client->request + 4, state, answer_r)) {
		redirect->waiting = client->fd;
		client->fd = -1;
		return true;
	}
	redirect_say(client->fd, "404 Not Found",
	    "This is not what evpopctl waits for.");
	redirect_close(client);
	return false;
}

void
redirect_finish(struct redirect *redirect, bool is_well)
{
	if (redirect->waiting < 0)
		return;
	redirect_say(redirect->waiting, "200 OK",
	    is_well ? "evpop may fetch this mail now. You can close this page."
		    : "This did not work. evpopctl says why; you can close "
		      "this page.");
	(void)close(redirect->waiting);
	redirect->waiting = -1;
}

/* ---- the terminal ---- */

/* A line that was typed; false: there is none yet. */
static bool
redirect_read_line(struct redirect *redirect, bool *has_ended_r)
{
	char *line = redirect->line;
	ssize_t got = read(STDIN_FILENO, line + redirect->line_length,
	    LINE_ROOM - 1 - redirect->line_length);

	*has_ended_r = got == 0 || (got < 0 && errno != EINTR);
	if (got <= 0)
		return false;
	redirect->line_length += (size_t)got;
	line[redirect->line_length] = '\0';
	if (strchr(line, '\n') == NULL && redirect->line_length < LINE_ROOM - 1)
		return false;
	redirect->line_length = 0;
	return true;
}

/* ---- both ---- */

enum redirect_place {
	PLACE_TERMINAL = 0,
	PLACE_LISTENERS,
	PLACE_CLIENTS = PLACE_LISTENERS + LISTENERS,
	PLACE_COUNT = PLACE_CLIENTS + CLIENTS_MAX
};

static void
redirect_prepare(const struct redirect *redirect, bool takes_lines,
    struct pollfd polled_r[PLACE_COUNT])
{
	for (size_t i = 0; i < PLACE_COUNT; i++)
		polled_r[i] = (struct pollfd){ .fd = -1, .events = POLLIN };
	if (takes_lines)
		polled_r[PLACE_TERMINAL].fd = STDIN_FILENO;
	for (size_t i = 0; i < LISTENERS; i++)
		polled_r[PLACE_LISTENERS + i].fd = redirect->listeners[i];
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		polled_r[PLACE_CLIENTS + i].fd = redirect->clients[i].fd;
}

static bool
redirect_serve(struct redirect *redirect,
    const struct pollfd polled[PLACE_COUNT], const char *state,
    struct redirect_answer *answer_r)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (polled[PLACE_CLIENTS + i].revents != 0 &&
		    redirect_read(
			redirect, &redirect->clients[i], state, answer_r))
			return true;
	for (size_t i = 0; i < LISTENERS; i++)
		if (polled[PLACE_LISTENERS + i].revents != 0)
			redirect_accept(redirect, redirect->listeners[i]);
	return false;
}

enum redirect_end
redirect_wait(struct redirect *redirect, const char *state, int64_t timeout_ms,
    bool takes_lines, struct redirect_answer *answer_r)
{
	int64_t end_ms = evpop_clock_monotonic_ms() + timeout_ms;
	struct pollfd polled[PLACE_COUNT];
	bool has_ended;

	for (;;) {
		int64_t left_ms = end_ms - evpop_clock_monotonic_ms();

		if (left_ms <= 0)
			return REDIRECT_TIMEOUT;
		redirect_prepare(redirect, takes_lines, polled);
		if (poll(polled, PLACE_COUNT,
			left_ms < CLIENT_MS ? (int)left_ms : CLIENT_MS) <= 0)
			continue;
		if (redirect_serve(redirect, polled, state, answer_r))
			return REDIRECT_ANSWERED;
		if (polled[PLACE_TERMINAL].revents == 0)
			continue;
		if (redirect_read_line(redirect, &has_ended))
			return redirect_take(redirect->line, state, answer_r)
				   ? REDIRECT_ANSWERED
				   : REDIRECT_OTHER;
		if (has_ended)
			return REDIRECT_LEFT;
	}
}

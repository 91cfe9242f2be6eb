#include <sys/socket.h>

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>
#include <event2/event_struct.h>

#include "lib/net/tunnel.h"

/* Looked at in one go: more than any answer but that of a talkative proxy. */
#define PEEK_OCTETS 1024

struct evpop_tunnel {
	evutil_socket_t fd;
	struct evpop_proxy *proxy;
	struct event readable, writable;
	evpop_tunnel_cb callback;
	void *arg;
};

static void
tunnel_unwatch(struct evpop_tunnel *tunnel)
{
	event_del(&tunnel->readable);
	event_del(&tunnel->writable);
}

static void
tunnel_fail(struct evpop_tunnel *tunnel, const struct evpop_result *result)
{
	tunnel_unwatch(tunnel);
	close(tunnel->fd);
	tunnel->fd = -1;
	tunnel->callback(-1, result, tunnel->arg);
}

static void
tunnel_fail_system(struct evpop_tunnel *tunnel, const char *doing)
{
	struct evpop_result result;

	evpop_result_set(&result, EVPOP_ERROR_IO, EVPOP_PHASE_CONNECT,
	    "%s the proxy: %s", doing, strerror(errno));
	tunnel_fail(tunnel, &result);
}

static void
tunnel_succeed(struct evpop_tunnel *tunnel)
{
	evutil_socket_t fd = tunnel->fd;

	tunnel_unwatch(tunnel);
	tunnel->fd = -1;
	tunnel->callback(fd, NULL, tunnel->arg);
}

static void
tunnel_wait(struct evpop_tunnel *tunnel, struct event *event)
{
	if (event_add(event, NULL) == -1) {
		errno = ENOMEM;
		tunnel_fail_system(tunnel, "waiting for");
	}
}

static bool
tunnel_may_retry(int error)
{
	return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

/* Write what there is, then wait for what it brings. */
static void
tunnel_send(struct evpop_tunnel *tunnel)
{
	const unsigned char *octets;
	size_t length;
	ssize_t n;

	for (;;) {
		octets = evpop_proxy_output(tunnel->proxy, &length);
		if (length == 0) {
			tunnel_wait(tunnel, &tunnel->readable);
			return;
		}
		n = send(tunnel->fd, octets, length, MSG_NOSIGNAL);
		if (n == -1 && tunnel_may_retry(errno)) {
			tunnel_wait(tunnel, &tunnel->writable);
			return;
		}
		if (n == -1) {
			tunnel_fail_system(tunnel, "write to");
			return;
		}
		evpop_proxy_sent(tunnel->proxy, (size_t)n);
	}
}

static void
tunnel_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	tunnel_send(arg);
}

/*
 * Take so much from the socket, which was seen in it.  False where the socket
 * gives something else, which no working one does.
 */
static bool
tunnel_consume(evutil_socket_t fd, unsigned char *octets, size_t length)
{
	ssize_t n;

	while (length > 0) {
		n = recv(fd, octets, length, 0);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		length -= (size_t)n;
	}
	return true;
}

/* Look at what came, and take from the socket what belongs to the dialog. */
static void
tunnel_take(struct evpop_tunnel *tunnel, unsigned char *octets, size_t length)
{
	enum evpop_proxy_status status;
	struct evpop_result result;
	size_t used;

	status =
	    evpop_proxy_input(tunnel->proxy, octets, length, &used, &result);
	if (status != EVPOP_PROXY_FAILED &&
	    !tunnel_consume(tunnel->fd, octets, used)) {
		tunnel_fail_system(tunnel, "read from");
		return;
	}
	switch (status) {
	case EVPOP_PROXY_MORE:
		tunnel_send(tunnel);
		break;
	case EVPOP_PROXY_READY:
		tunnel_succeed(tunnel);
		break;
	case EVPOP_PROXY_FAILED:
		tunnel_fail(tunnel, &result);
		break;
	}
}

static void
tunnel_readable(evutil_socket_t fd, short what, void *arg)
{
	struct evpop_tunnel *tunnel = arg;
	unsigned char octets[PEEK_OCTETS];
	struct evpop_result result;
	ssize_t n;

	(void)what;
	n = recv(fd, octets, sizeof(octets), MSG_PEEK);
	if (n > 0) {
		tunnel_take(tunnel, octets, (size_t)n);
	} else if (n == 0) {
		evpop_proxy_eof(tunnel->proxy, &result);
		tunnel_fail(tunnel, &result);
	} else if (tunnel_may_retry(errno)) {
		tunnel_wait(tunnel, &tunnel->readable);
	} else {
		tunnel_fail_system(tunnel, "read from");
	}
}

struct evpop_tunnel *
evpop_tunnel_new(struct event_base *base, evutil_socket_t fd,
    const struct evpop_proxy_config *config, const char *host, uint16_t port,
    evpop_tunnel_cb callback, void *arg, struct evpop_result *result)
{
	struct evpop_tunnel *tunnel;

	tunnel = calloc(1, sizeof(*tunnel));
	if (tunnel == NULL) {
		evpop_result_set(result, EVPOP_ERROR_MEMORY,
		    EVPOP_PHASE_CONNECT, "no memory to ask a proxy");
		return NULL;
	}
	tunnel->fd = fd;
	tunnel->callback = callback;
	tunnel->arg = arg;
	tunnel->proxy = evpop_proxy_new(config, host, port, result);
	if (tunnel->proxy == NULL) {
		free(tunnel);
		return NULL;
	}
	if (event_assign(&tunnel->readable, base, fd, EV_READ, tunnel_readable,
		tunnel) == -1 ||
	    event_assign(&tunnel->writable, base, fd, EV_WRITE, tunnel_writable,
		tunnel) == -1 ||
	    event_add(&tunnel->writable, NULL) == -1) {
		evpop_result_set(result, EVPOP_ERROR_MEMORY,
		    EVPOP_PHASE_CONNECT, "no event for a proxy");
		evpop_proxy_free(&tunnel->proxy);
		free(tunnel);
		return NULL;
	}
	return tunnel;
}

const char *
evpop_tunnel_standing(const struct evpop_tunnel *tunnel)
{
	return evpop_proxy_standing(tunnel->proxy);
}

void
evpop_tunnel_free(struct evpop_tunnel **tunnel_r)
{
	struct evpop_tunnel *tunnel = *tunnel_r;

	if (tunnel == NULL)
		return;
	*tunnel_r = NULL;
	if (tunnel->fd != -1) {
		tunnel_unwatch(tunnel);
		close(tunnel->fd);
	}
	evpop_proxy_free(&tunnel->proxy);
	free(tunnel);
}

#include "lib/net/io.h"

#include <sys/socket.h>

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "lib/net/tls.h"

static enum evpop_io
io_of_errno(const char *doing, enum evpop_io again, struct evpop_result *result)
{
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
		return again;
	evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_NONE, "%s: %s",
	    doing, strerror(errno));
	return EVPOP_IO_FAILED;
}

enum evpop_io
evpop_io_read(evutil_socket_t fd, struct evpop_tls_channel *tls,
    unsigned char *buffer, size_t size, size_t *length_r,
    struct evpop_result *result)
{
	ssize_t n;

	if (tls != NULL)
		return evpop_tls_read(tls, buffer, size, length_r, result);
	n = recv(fd, buffer, size, 0);
	if (n == -1)
		return io_of_errno("read", EVPOP_IO_WANT_READ, result);
	*length_r = (size_t)n;
	return n == 0 ? EVPOP_IO_END : EVPOP_IO_DONE;
}

enum evpop_io
evpop_io_write(evutil_socket_t fd, struct evpop_tls_channel *tls,
    const unsigned char *data, size_t length, size_t *length_r,
    struct evpop_result *result)
{
	ssize_t n;

	if (tls != NULL)
		return evpop_tls_write(tls, data, length, length_r, result);
	n = send(fd, data, length, MSG_NOSIGNAL);
	if (n == -1)
		return io_of_errno("write", EVPOP_IO_WANT_WRITE, result);
	*length_r = (size_t)n;
	return EVPOP_IO_DONE;
}

void
evpop_io_acknowledge(evutil_socket_t fd)
{
	static const int on = 1;

	/* Where it cannot be had, things go on, only slower. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

#include "lib/net/tls_socket.h"

#include <sys/socket.h>

#include <errno.h>
#include <string.h>

#include "lib/net/tls.h"

/*
 * A record of data takes two reads at most; a server that sends key updates or
 * session tickets without end would else keep OpenSSL, and the loop with it,
 * for as long as it pleases.
 */
#define READS_AT_ONCE 2

static int
socket_write(BIO *bio, const char *data, size_t length, size_t *written)
{
	struct evpop_tls_socket *sock = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	do {
		n = send(sock->fd, data, length, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n == -1) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			BIO_set_retry_write(bio);
		return -1;
	}
	*written = (size_t)n;
	return 1;
}

/* Keep the server's first octets, to describe a failure. */
static void
socket_note_first(
    struct evpop_tls_socket *sock, const char *data, size_t length)
{
	struct evpop_tls_seen *seen = &sock->seen;
	size_t room = sizeof(seen->first) - seen->first_length;

	if (length > room)
		length = room;
	memcpy(seen->first + seen->first_length, data, length);
	seen->first_length += length;
}

void
evpop_tls_socket_note_rest(struct evpop_tls_socket *sock)
{
	struct evpop_tls_seen *seen = &sock->seen;
	char rest[sizeof(seen->first)];
	ssize_t n;

	if (seen->first_length == 0 ||
	    evpop_tls_is_record(seen->first, seen->first_length))
		return;
	n = recv(sock->fd, rest, sizeof(rest), MSG_DONTWAIT);
	if (n > 0)
		socket_note_first(sock, rest, (size_t)n);
}

static int
socket_read(BIO *bio, char *data, size_t size, size_t *length)
{
	struct evpop_tls_socket *sock = BIO_get_data(bio);
	ssize_t n;

	BIO_clear_retry_flags(bio);
	/* The descriptor is still readable in the loop's next turn. */
	if (sock->reads == READS_AT_ONCE) {
		BIO_set_retry_read(bio);
		return -1;
	}
	sock->reads++;
	do {
		n = recv(sock->fd, data, size, 0);
	} while (n == -1 && errno == EINTR);
	if (n == 0) {
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
		return 0;
	}
	if (n == -1) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			BIO_set_retry_read(bio);
		return -1;
	}
	*length = (size_t)n;
	socket_note_first(sock, data, *length);
	return 1;
}

static long
socket_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)number;
	(void)pointer;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	default:
		return 0;
	}
}

BIO_METHOD *
evpop_tls_socket_method(void)
{
	BIO_METHOD *method;

	method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "evpop socket");
	if (method == NULL)
		return NULL;
	if (BIO_meth_set_write_ex(method, socket_write) == 1 &&
	    BIO_meth_set_read_ex(method, socket_read) == 1 &&
	    BIO_meth_set_ctrl(method, socket_ctrl) == 1)
		return method;
	BIO_meth_free(method);
	return NULL;
}

void
evpop_tls_socket_begin(struct evpop_tls_socket *sock)
{
	sock->reads = 0;
}

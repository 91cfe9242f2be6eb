#include <sys/socket.h>

#include <errno.h>
#include <unistd.h>

#include <openssl/bio.h>

#include "lib/net/tls_internal.h"

static int
descriptor(BIO *bio)
{
	return (int)(intptr_t)BIO_get_data(bio);
}

static int
socket_write(BIO *bio, const char *data, size_t length, size_t *written)
{
	ssize_t n;

	BIO_clear_retry_flags(bio);
	do {
		n = send(descriptor(bio), data, length, MSG_NOSIGNAL);
	} while (n == -1 && errno == EINTR);
	if (n == -1) {
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			BIO_set_retry_write(bio);
		return -1;
	}
	*written = (size_t)n;
	return 1;
}

static int
socket_read(BIO *bio, char *data, size_t size, size_t *length)
{
	ssize_t n;

	BIO_clear_retry_flags(bio);
	do {
		n = recv(descriptor(bio), data, size, 0);
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
evpop_tls_socket_method_new(void)
{
	BIO_METHOD *method;

	method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "evpop socket");
	if (method == NULL)
		return NULL;
	if (BIO_meth_set_write_ex(method, socket_write) != 1 ||
	    BIO_meth_set_read_ex(method, socket_read) != 1 ||
	    BIO_meth_set_ctrl(method, socket_ctrl) != 1) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

/*
 * Many idle TLS connections by OpenSSL alone, set up as the library does: what
 * TLS itself takes of memory, to be subtracted from what sessions take.
 */
#include <sys/socket.h>

#include <arpa/inet.h>
#include <err.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tests/bench/resident.h"

/* Descriptors beside those of connections. */
#define OWN_DESCRIPTORS 16

struct connection {
	int fd;
	SSL *ssl;
};

static SSL_CTX *
make_context(const char *ca)
{
	static const unsigned char alpn[] = { 4, 'p', 'o', 'p', '3' };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());

	if (ctx == NULL || SSL_CTX_load_verify_file(ctx, ca) != 1 ||
	    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1 ||
	    SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn) != 0)
		errx(EXIT_FAILURE, "OpenSSL cannot be set up with %s", ca);
	SSL_CTX_set_options(
	    ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	return ctx;
}

/* Connected, and the greeting read, so that its buffers are as at rest. */
static void
connect_to(struct connection *connection, SSL_CTX *ctx, uint16_t port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	char greeting[512];

	connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connection->fd == -1 ||
	    connect(connection->fd, (const struct sockaddr *)&address,
		sizeof address) == -1)
		err(EXIT_FAILURE, "port %u", (unsigned int)port);
	connection->ssl = SSL_new(ctx);
	if (connection->ssl == NULL ||
	    X509_VERIFY_PARAM_set1_ip_asc(
		SSL_get0_param(connection->ssl), "127.0.0.1") != 1 ||
	    SSL_set_fd(connection->ssl, connection->fd) != 1 ||
	    SSL_connect(connection->ssl) != 1 ||
	    SSL_read(connection->ssl, greeting, sizeof greeting) <= 0)
		errx(EXIT_FAILURE, "no TLS");
}

int
main(int argc, char **argv)
{
	struct connection *connections;
	struct resident before, after;
	SSL_CTX *ctx;
	size_t count, i;
	uint16_t port;

	if (argc != 4)
		errx(EXIT_FAILURE, "usage: bench_idle_tls COUNT PORT CA");
	count = strtoul(argv[1], NULL, 10);
	port = (uint16_t)strtoul(argv[2], NULL, 10);
	if (count == 0 || port == 0)
		errx(EXIT_FAILURE, "COUNT and PORT are numbers");
	if (resident_descriptors() < count + OWN_DESCRIPTORS)
		errx(EXIT_FAILURE, "%zu descriptors are not allowed: ulimit -n",
		    count + OWN_DESCRIPTORS);
	connections = calloc(count, sizeof *connections);
	if (connections == NULL)
		errx(EXIT_FAILURE, "no memory");
	ctx = make_context(argv[3]);
	if (!resident_read(&before))
		errx(EXIT_FAILURE, "no word of memory from the kernel");
	for (i = 0; i < count; i++)
		connect_to(&connections[i], ctx, port);
	if (!resident_read(&after))
		errx(EXIT_FAILURE, "no word of memory from the kernel");
	printf("{\"connections\": %zu, \"before\": %zu, \"held\": %zu, "
	       "\"peak\": %zu, \"per_connection\": %zu}\n",
	    count, before.now, after.now, after.peak,
	    (after.peak - before.now) / count);
	for (i = 0; i < count; i++) {
		SSL_free(connections[i].ssl);
		close(connections[i].fd);
	}
	SSL_CTX_free(ctx);
	free(connections);
	return EXIT_SUCCESS;
}

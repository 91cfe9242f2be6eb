#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/net/address.h"
#include "lib/net/tls_internal.h"

/* Room behind the host for the port in the key of a session. */
#define PORT_ROOM 8

static bool
attach_socket(struct evpop_tls_channel *channel, evutil_socket_t fd)
{
	BIO *bio = BIO_new(channel->context->socket_method);

	if (bio == NULL)
		return false;
	BIO_set_data(bio, (void *)(intptr_t)fd);
	BIO_set_init(bio, 1);
	SSL_set_bio(channel->ssl, bio, bio);
	return true;
}

/* Whom the certificate must name; SNI is for names only (RFC 6066 3). */
static bool
expect_host(struct evpop_tls_channel *channel)
{
	SSL *ssl = channel->ssl;
	struct evpop_address address;
	char bare[EVPOP_ADDRESS_TEXT];
	X509_VERIFY_PARAM *param = SSL_get0_param(ssl);

	if (evpop_address_parse(&address, channel->host, 0)) {
		snprintf(bare, sizeof(bare), "%s", channel->host);
		bare[strcspn(bare, "%")] = '\0';
		return X509_VERIFY_PARAM_set1_ip_asc(param, bare) == 1;
	}
	/* RFC 9525 section 2: a common name is no name of a host. */
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
				   X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	return SSL_set1_host(ssl, channel->host) == 1 &&
	       SSL_set_tlsext_host_name(ssl, channel->host) == 1;
}

static bool
name_channel(struct evpop_tls_channel *channel, const char *host, uint16_t port)
{
	size_t length = strlen(host);

	if (length > 1 && host[length - 1] == '.')
		length--;
	channel->host = strndup(host, length);
	channel->key = malloc(length + PORT_ROOM);
	if (channel->host == NULL || channel->key == NULL)
		return false;
	snprintf(channel->key, length + PORT_ROOM, "%s %u", channel->host,
	    (unsigned int)port);
	return true;
}

static void
offer_session(struct evpop_tls_channel *channel)
{
	SSL_SESSION *session;

	session = evpop_tls_cache_take(&channel->context->cache, channel->key);
	if (session == NULL)
		return;
	/* Not to resume is always possible. */
	(void)SSL_set_session(channel->ssl, session);
	SSL_SESSION_free(session);
}

static void
channel_free(struct evpop_tls_channel *channel)
{
	SSL_free(channel->ssl);
	evpop_tls_context_free(channel->context);
	free(channel->host);
	free(channel->key);
	free(channel);
}

struct evpop_tls_channel *
evpop_tls_new(struct evpop_tls_context *context, evutil_socket_t fd,
    const char *host, uint16_t port, struct evpop_result *result)
{
	struct evpop_tls_channel *channel;

	ERR_clear_error();
	channel = calloc(1, sizeof(*channel));
	if (channel != NULL) {
		channel->context = evpop_tls_context_ref(context);
		channel->ssl = SSL_new(context->ctx);
		if (channel->ssl != NULL &&
		    SSL_set_app_data(channel->ssl, channel) == 1 &&
		    name_channel(channel, host, port) &&
		    attach_socket(channel, fd) && expect_host(channel)) {
			SSL_set_connect_state(channel->ssl);
			offer_session(channel);
			return channel;
		}
		channel_free(channel);
	}
	ERR_clear_error();
	evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_HANDSHAKE,
	    "cannot set up TLS for %.100s", host);
	return NULL;
}

static void
system_failure(struct evpop_result *result, int error, const char *doing)
{
	evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_NONE, "%s: %s",
	    doing, error != 0 ? strerror(error) : "connection lost");
}

static void
library_failure(struct evpop_result *result, const char *doing)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_NONE, "%s: %s",
	    doing, reason != NULL ? reason : "TLS failed");
}

/*
 * What a call of OpenSSL that returned `status` came to.  Calls begin with an
 * empty error queue, since it belongs to the thread, not to the connection.
 */
static enum evpop_io
outcome(struct evpop_tls_channel *channel, int status, int error,
    const char *doing, struct evpop_result *result)
{
	int reason;

	switch (SSL_get_error(channel->ssl, status)) {
	case SSL_ERROR_WANT_READ:
		return EVPOP_IO_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return EVPOP_IO_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return EVPOP_IO_END;
	case SSL_ERROR_SYSCALL:
		channel->broken = true;
		system_failure(result, error, doing);
		break;
	default:
		channel->broken = true;
		reason = ERR_GET_REASON(ERR_peek_error());
		if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
			ERR_clear_error();
			return EVPOP_IO_END;
		}
		library_failure(result, doing);
		break;
	}
	ERR_clear_error();
	return EVPOP_IO_FAILED;
}

static void
explain_handshake(
    struct evpop_tls_channel *channel, int reason, struct evpop_result *result)
{
	if (channel->verdict.error != X509_V_OK) {
		evpop_tls_verify_explain(channel, result);
		return;
	}
	if (reason == SSL_R_WRONG_VERSION_NUMBER)
		evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_HANDSHAKE,
		    "TLS handshake: the server does not speak TLS on this "
		    "port");
	result->phase = EVPOP_PHASE_HANDSHAKE;
}

enum evpop_io
evpop_tls_handshake(
    struct evpop_tls_channel *channel, struct evpop_result *result)
{
	enum evpop_io io;
	int status, reason, error;

	ERR_clear_error();
	errno = 0;
	status = SSL_do_handshake(channel->ssl);
	if (status == 1)
		return EVPOP_IO_DONE;
	error = errno;
	reason = ERR_GET_REASON(ERR_peek_error());
	io = outcome(channel, status, error, "TLS handshake", result);
	if (io == EVPOP_IO_FAILED)
		explain_handshake(channel, reason, result);
	if (io == EVPOP_IO_END) {
		evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_HANDSHAKE,
		    "the server closed the connection during the TLS "
		    "handshake");
		return EVPOP_IO_FAILED;
	}
	return io;
}

enum evpop_io
evpop_tls_read(struct evpop_tls_channel *channel, unsigned char *buffer,
    size_t size, size_t *length_r, struct evpop_result *result)
{
	int status;

	ERR_clear_error();
	errno = 0;
	status = SSL_read_ex(channel->ssl, buffer, size, length_r);
	if (status == 1)
		return EVPOP_IO_DONE;
	return outcome(channel, status, errno, "read", result);
}

enum evpop_io
evpop_tls_write(struct evpop_tls_channel *channel, const unsigned char *data,
    size_t length, size_t *length_r, struct evpop_result *result)
{
	int status;

	ERR_clear_error();
	errno = 0;
	status = SSL_write_ex(channel->ssl, data, length, length_r);
	if (status == 1)
		return EVPOP_IO_DONE;
	return outcome(channel, status, errno, "write", result);
}

void
evpop_tls_name(
    const struct evpop_tls_channel *channel, char name[EVPOP_TLS_NAME])
{
	snprintf(name, EVPOP_TLS_NAME, "%s %s", SSL_get_version(channel->ssl),
	    SSL_get_cipher_name(channel->ssl));
}

/*
 * TLS 1.3 has no tls-unique; before it, tls-exporter is safe only with the
 * extended master secret (RFC 9266 section 4), which tls-unique needs as well.
 */
void
evpop_tls_binding(
    struct evpop_tls_channel *channel, struct evpop_channel *binding)
{
	static const char label[] = "EXPORTER-Channel-Binding";

	*binding = (struct evpop_channel){ .tls = channel != NULL };
	if (channel == NULL)
		return;
	if (SSL_version(channel->ssl) >= TLS1_3_VERSION) {
		if (SSL_export_keying_material(channel->ssl, channel->binding,
			32, label, sizeof label - 1, NULL, 0, 0) != 1)
			return;
		binding->exporter = channel->binding;
		binding->exporter_length = 32;
		return;
	}
	if (SSL_get_extms_support(channel->ssl) != 1)
		return;
	/* The first Finished of the handshake: a resumed one is the server's.
	 */
	binding->unique_length =
	    SSL_session_reused(channel->ssl)
		? SSL_get_peer_finished(
		      channel->ssl, channel->binding, sizeof channel->binding)
		: SSL_get_finished(
		      channel->ssl, channel->binding, sizeof channel->binding);
	binding->unique = channel->binding;
}

bool
evpop_tls_context_shows_certificate(const struct evpop_tls_context *context)
{
	return SSL_CTX_get0_certificate(context->ctx) != NULL;
}

void
evpop_tls_free(struct evpop_tls_channel **channel_r)
{
	struct evpop_tls_channel *channel = *channel_r;

	if (channel == NULL)
		return;
	*channel_r = NULL;
	ERR_clear_error();
	if (!channel->broken && SSL_is_init_finished(channel->ssl))
		(void)SSL_shutdown(channel->ssl);
	else
		/* OpenSSL calls a session bad that was not closed politely. */
		SSL_set_quiet_shutdown(channel->ssl, 1);
	ERR_clear_error();
	channel_free(channel);
}

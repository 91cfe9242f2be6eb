/*
 * A context is what verifies and shows, shared by many channels; a channel is
 * TLS on one descriptor, by way of a BIO of our own.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "lib/net/address.h"
#include "lib/net/tls.h"
#include "lib/net/tls_failure.h"
#include "lib/net/tls_files.h"
#include "lib/net/tls_identity.h"
#include "lib/net/tls_session.h"
#include "lib/net/tls_show.h"
#include "lib/net/tls_socket.h"
#include "lib/net/tls_verify.h"

/* Room behind the host for the port in the key of a session. */
#define PORT_ROOM 8

/* The longest name of a protocol that is offered. */
#define PROTOCOL_MAX 16

struct evpop_tls_context {
	SSL_CTX *ctx;
	BIO_METHOD *socket_method;
	struct evpop_tls_sessions *sessions;
	const char *protocol;                /* that is offered; NULL: none */
	struct evpop_tls_pins *pins;         /* NULL: by authorities */
	struct evpop_tls_identity *identity; /* NULL: none is shown */
	evpop_certificate_cb certificate;
	void *certificate_arg;
	size_t references;
};

struct evpop_tls_channel {
	SSL *ssl;
	struct evpop_tls_context *context;
	struct evpop_tls_socket socket;
	char *host;                   /* without a final dot */
	char *key;                    /* of sessions to resume */
	struct evpop_result distrust; /* of the certificate, where there is */
	unsigned char binding[64];    /* of the channel, once asked for */
	bool broken;   /* after a fatal error nothing more may be said */
	bool has_read; /* what the server said behind the handshake */
	bool resumes;  /* it has offered to go on with an earlier session */
	bool resumption_failed;
};

/* ---- Contexts ---- */

static int
context_keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct evpop_tls_channel *channel = SSL_get_app_data(ssl);

	evpop_tls_sessions_put(
	    channel->context->sessions, channel->key, session);
	return 1;
}

/* OpenSSL calls it once the server has asked for a certificate. */
static int
context_note_wanted(SSL *ssl, void *arg)
{
	struct evpop_tls_channel *channel = SSL_get_app_data(ssl);
	const struct evpop_tls_context *context = arg;

	channel->socket.seen.certificate_wanted = true;
	return context->identity == NULL ||
	       evpop_tls_identity_use(context->identity, ssl);
}

static int
context_verify(X509_STORE_CTX *store, void *arg)
{
	const struct evpop_tls_context *context = arg;
	struct evpop_tls_channel *channel;
	SSL *ssl;

	ssl = X509_STORE_CTX_get_ex_data(
	    store, SSL_get_ex_data_X509_STORE_CTX_idx());
	channel = SSL_get_app_data(ssl);
	if (context->certificate != NULL)
		evpop_tls_show(
		    store, context->certificate, context->certificate_arg);
	return evpop_tls_verify(
	    store, context->pins, channel->host, &channel->distrust);
}

static bool
context_set_policy(struct evpop_tls_context *context)
{
	SSL_CTX *ctx = context->ctx;

	SSL_CTX_set_options(
	    ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* A record then costs one system call instead of two. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, context_verify, context);
	SSL_CTX_set_cert_cb(ctx, context_note_wanted, context);
	SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, context_keep_session);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       evpop_tls_context_speak(context, "pop3");
}

bool
evpop_tls_context_speak(struct evpop_tls_context *context, const char *protocol)
{
	unsigned char list[1 + PROTOCOL_MAX];
	size_t length = protocol != NULL ? strlen(protocol) : 0;

	assert(length <= PROTOCOL_MAX);
	context->protocol = protocol;
	if (length == 0)
		return SSL_CTX_set_alpn_protos(context->ctx, NULL, 0) == 0;
	list[0] = (unsigned char)length;
	memcpy(list + 1, protocol, length);
	return SSL_CTX_set_alpn_protos(
		   context->ctx, list, (unsigned int)length + 1) == 0;
}

static struct evpop_tls_context *
context_allocate(void)
{
	struct evpop_tls_context *context;

	context = calloc(1, sizeof(*context));
	if (context == NULL)
		return NULL;
	context->references = 1;
	context->sessions = evpop_tls_sessions_new();
	context->ctx = SSL_CTX_new(TLS_client_method());
	context->socket_method = evpop_tls_socket_method();
	if (context->sessions == NULL || context->ctx == NULL ||
	    context->socket_method == NULL || !context_set_policy(context)) {
		evpop_tls_context_free(context);
		return NULL;
	}
	return context;
}

struct evpop_tls_context *
evpop_tls_context_new(
    const struct evpop_tls_options *options, struct evpop_result *result)
{
	static const struct evpop_tls_options defaults;
	struct evpop_tls_context *context;

	ERR_clear_error();
	if (options == NULL)
		options = &defaults;
	context = context_allocate();
	if (context == NULL) {
		evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
		    "cannot set up TLS: out of memory");
		ERR_clear_error();
		return NULL;
	}
	context->certificate = options->certificate;
	context->certificate_arg = options->certificate_arg;
	/* Where there are pins, no CA is ever asked. */
	if (!evpop_tls_set_version(
		context->ctx, options->only_version, result) ||
	    !evpop_tls_pins_new(
		&context->pins, options->pins, options->pin_count, result) ||
	    (context->pins == NULL &&
		!evpop_tls_load_trust(context->ctx, options->ca, result)) ||
	    !evpop_tls_identity_load(&context->identity, context->ctx,
		options->cert, options->key, result)) {
		evpop_tls_context_free(context);
		return NULL;
	}
	return context;
}

struct evpop_tls_context *
evpop_tls_context_ref(struct evpop_tls_context *context)
{
	context->references++;
	return context;
}

void
evpop_tls_context_free(struct evpop_tls_context *context)
{
	if (context == NULL)
		return;
	assert(context->references > 0);
	if (--context->references > 0)
		return;
	evpop_tls_sessions_free(context->sessions);
	SSL_CTX_free(context->ctx);
	BIO_meth_free(context->socket_method);
	evpop_tls_pins_free(context->pins);
	evpop_tls_identity_free(context->identity);
	free(context);
}

/* ---- Channels ---- */

static bool
channel_attach(struct evpop_tls_channel *channel)
{
	BIO *bio = BIO_new(channel->context->socket_method);

	if (bio == NULL)
		return false;
	BIO_set_data(bio, &channel->socket);
	BIO_set_init(bio, 1);
	SSL_set_bio(channel->ssl, bio, bio);
	return true;
}

/*
 * Set the name that the certificate must have; SNI is for names only (RFC 6066
 * section 3).
 */
static bool
channel_expect_host(struct evpop_tls_channel *channel)
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
channel_set_names(
    struct evpop_tls_channel *channel, const char *host, uint16_t port)
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
channel_offer_session(struct evpop_tls_channel *channel)
{
	SSL_SESSION *session =
	    evpop_tls_sessions_take(channel->context->sessions, channel->key);

	if (session == NULL)
		return;
	/* A session that cannot be resumed is no failure. */
	channel->resumes = SSL_set_session(channel->ssl, session) == 1;
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
		channel->socket.fd = fd;
		channel->socket.seen.certificate_shown =
		    evpop_tls_context_shows_certificate(context);
		channel->socket.seen.protocol_offered = context->protocol;
		channel->context = evpop_tls_context_ref(context);
		channel->ssl = SSL_new(context->ctx);
		if (channel->ssl != NULL &&
		    SSL_set_app_data(channel->ssl, channel) == 1 &&
		    channel_set_names(channel, host, port) &&
		    channel_attach(channel) && channel_expect_host(channel)) {
			SSL_set_connect_state(channel->ssl);
			channel_offer_session(channel);
			return channel;
		}
		channel_free(channel);
	}
	ERR_clear_error();
	evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_HANDSHAKE,
	    "cannot set up TLS for %.100s", host);
	return NULL;
}

/*
 * The outcome of a call of OpenSSL that returned `status`; if it failed,
 * *code_r is OpenSSL's code, or 0 if `errno` tells why.  Calls begin with an
 * empty error queue, since it belongs to the thread, not to the connection.
 */
static enum evpop_io
channel_outcome(
    struct evpop_tls_channel *channel, int status, unsigned long *code_r)
{
	enum evpop_io io = EVPOP_IO_FAILED;

	*code_r = 0;
	switch (SSL_get_error(channel->ssl, status)) {
	case SSL_ERROR_WANT_READ:
		return EVPOP_IO_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return EVPOP_IO_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return EVPOP_IO_END;
	case SSL_ERROR_SYSCALL:
		break;
	default:
		*code_r = ERR_peek_error();
		if (ERR_GET_REASON(*code_r) ==
		    SSL_R_UNEXPECTED_EOF_WHILE_READING)
			io = EVPOP_IO_END;
		break;
	}
	channel->broken = true;
	ERR_clear_error();
	return io;
}

/*
 * The server has ended a handshake that was to go on with an earlier session:
 * maybe for just that, as OpenSSL's servers do which ask for a certificate and
 * were not given a context for sessions.
 */
static void
channel_doubt_session(struct evpop_tls_channel *channel, unsigned long code)
{
	if (!channel->resumes || ERR_GET_LIB(code) != ERR_LIB_SSL ||
	    ERR_GET_REASON(code) <= SSL_AD_REASON_OFFSET)
		return;
	channel->resumption_failed = true;
	evpop_tls_sessions_refuse(channel->context->sessions, channel->key);
}

bool
evpop_tls_resumption_failed(const struct evpop_tls_channel *channel)
{
	return channel->resumption_failed;
}

enum evpop_io
evpop_tls_handshake(
    struct evpop_tls_channel *channel, struct evpop_result *result)
{
	enum evpop_io io;
	unsigned long code;
	int status, error;

	ERR_clear_error();
	errno = 0;
	evpop_tls_socket_begin(&channel->socket);
	status = SSL_do_handshake(channel->ssl);
	error = errno;
	if (channel->socket.seen.certificate_wanted)
		evpop_tls_identity_wipe_stack();
	if (status == 1) {
		/* Not before: what asks for the key may come in pieces. */
		if (channel->socket.seen.certificate_wanted)
			SSL_certs_clear(channel->ssl);
		return EVPOP_IO_DONE;
	}
	io = channel_outcome(channel, status, &code);
	if (io == EVPOP_IO_WANT_READ || io == EVPOP_IO_WANT_WRITE)
		return io;
	channel_doubt_session(channel, code);
	if (channel->distrust.error != EVPOP_ERROR_NONE)
		*result = channel->distrust;
	else if (io == EVPOP_IO_END)
		evpop_tls_failure_lost(&channel->socket.seen, 0, result);
	else if (code == 0)
		evpop_tls_failure_lost(&channel->socket.seen, error, result);
	else {
		evpop_tls_socket_note_rest(&channel->socket);
		evpop_tls_failure(
		    &channel->socket.seen, code, channel->host, result);
	}
	return EVPOP_IO_FAILED;
}

/*
 * A server with TLS 1.3 judges the client's certificate when the handshake is
 * over for the client: then it is about that all the same.
 */
static enum evpop_io
channel_moved(struct evpop_tls_channel *channel, int status, int error,
    const char *doing, struct evpop_result *result)
{
	enum evpop_io io;
	const char *words;
	unsigned long code;

	io = channel_outcome(channel, status, &code);
	if (io != EVPOP_IO_FAILED)
		return io;
	if (!channel->has_read &&
	    evpop_tls_failure_is_late(&channel->socket.seen, code)) {
		evpop_tls_failure(
		    &channel->socket.seen, code, channel->host, result);
	} else if (code == 0) {
		evpop_result_set(result, EVPOP_ERROR_IO, EVPOP_PHASE_NONE,
		    "%s: %s", doing,
		    error != 0 ? strerror(error) : "connection lost");
	} else {
		words = ERR_reason_error_string(code);
		evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_NONE,
		    "%s: %s", doing, words != NULL ? words : "TLS failed");
	}
	return EVPOP_IO_FAILED;
}

enum evpop_io
evpop_tls_read(struct evpop_tls_channel *channel, unsigned char *buffer,
    size_t size, size_t *length_r, struct evpop_result *result)
{
	int status;

	ERR_clear_error();
	errno = 0;
	evpop_tls_socket_begin(&channel->socket);
	status = SSL_read_ex(channel->ssl, buffer, size, length_r);
	if (status != 1)
		return channel_moved(channel, status, errno, "read", result);
	channel->has_read = true;
	return EVPOP_IO_DONE;
}

enum evpop_io
evpop_tls_write(struct evpop_tls_channel *channel, const unsigned char *data,
    size_t length, size_t *length_r, struct evpop_result *result)
{
	int status;

	ERR_clear_error();
	errno = 0;
	evpop_tls_socket_begin(&channel->socket);
	status = SSL_write_ex(channel->ssl, data, length, length_r);
	if (status == 1)
		return EVPOP_IO_DONE;
	return channel_moved(channel, status, errno, "write", result);
}

void
evpop_tls_describe(const struct evpop_tls_channel *channel,
    char name[EVPOP_TLS_NAME], int64_t *expires)
{
	snprintf(name, EVPOP_TLS_NAME, "%s %s", SSL_get_version(channel->ssl),
	    SSL_get_cipher_name(channel->ssl));
	*expires = evpop_tls_expires(SSL_get0_peer_certificate(channel->ssl));
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
	/* The first Finished: the server's, if the session was resumed. */
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
	return context->identity != NULL;
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

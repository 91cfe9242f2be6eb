#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "lib/net/tls_internal.h"

/* The oldest entry of OpenSSL's queue is the exact one. */
static const char *
first_reason(void)
{
	unsigned long error = ERR_peek_error();
	const char *reason;

	if (ERR_SYSTEM_ERROR(error))
		return strerror(ERR_GET_REASON(error));
	reason = ERR_reason_error_string(error);
	return reason != NULL ? reason : "unusable";
}

static void
set_error(struct evpop_result *result, const char *what, const char *file)
{
	evpop_result_set(result, EVPOP_ERROR_TLS, EVPOP_PHASE_NONE,
	    "%s %.140s: %s", what, file, first_reason());
	result->scope = EVPOP_SCOPE_ACCOUNT;
	ERR_clear_error();
}

/* A key under a pass phrase is refused; OpenSSL would ask on the terminal. */
static int
no_pass_phrase(char *buffer, int size, int writing, void *arg)
{
	(void)buffer;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct evpop_tls_channel *channel = SSL_get_app_data(ssl);

	evpop_tls_cache_put(&channel->context->cache, channel->key, session);
	return 1;
}

static bool
load_trust(struct evpop_tls_context *context, const char *ca,
    struct evpop_result *result)
{
	if (ca != NULL) {
		if (SSL_CTX_load_verify_file(context->ctx, ca) == 1)
			return true;
		set_error(result, "cannot read the CA certificates in", ca);
		return false;
	}
	if (SSL_CTX_set_default_verify_paths(context->ctx) == 1)
		return true;
	set_error(result, "cannot read the CA certificates of", "the system");
	return false;
}

static bool
load_identity(struct evpop_tls_context *context,
    const struct evpop_tls_options *options, struct evpop_result *result)
{
	const char *key = options->key != NULL ? options->key : options->cert;

	if (options->cert == NULL) {
		if (options->key == NULL)
			return true;
		evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_NONE,
		    "a client key without a client certificate");
		return false;
	}
	if (SSL_CTX_use_certificate_chain_file(context->ctx, options->cert) !=
	    1) {
		set_error(result, "cannot read the client certificate in",
		    options->cert);
		return false;
	}
	if (SSL_CTX_use_PrivateKey_file(context->ctx, key, SSL_FILETYPE_PEM) !=
		1 ||
	    SSL_CTX_check_private_key(context->ctx) != 1) {
		set_error(result, "cannot use the client key in", key);
		return false;
	}
	return true;
}

static bool
load_pins(struct evpop_tls_context *context,
    const struct evpop_tls_options *options, struct evpop_result *result)
{
	if (options->pin_count == 0)
		return true;
	context->pins = calloc(options->pin_count, sizeof(*context->pins));
	if (context->pins == NULL) {
		evpop_result_set(result, EVPOP_ERROR_MEMORY, EVPOP_PHASE_NONE,
		    "out of memory");
		return false;
	}
	for (; context->pin_count < options->pin_count; context->pin_count++) {
		const char *text = options->pins[context->pin_count];

		if (evpop_tls_pin_parse(
			&context->pins[context->pin_count], text))
			continue;
		evpop_result_set(result, EVPOP_ERROR_USAGE, EVPOP_PHASE_NONE,
		    "\"%.100s\" is no pin: expected sha256: or spki-sha256: "
		    "and 64 hexadecimal digits",
		    text);
		return false;
	}
	return true;
}

static bool
set_policy(struct evpop_tls_context *context)
{
	static const unsigned char alpn[] = { 4, 'p', 'o', 'p', '3' };
	SSL_CTX *ctx = context->ctx;

	SSL_CTX_set_options(
	    ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
				  SSL_MODE_ENABLE_PARTIAL_WRITE |
				  SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* A record then costs one system call instead of two. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_passwd_cb(ctx, no_pass_phrase);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, evpop_tls_verify, context);
	SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, keep_session);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_alpn_protos(ctx, alpn, sizeof(alpn)) == 0;
}

static struct evpop_tls_context *
context_allocate(void)
{
	struct evpop_tls_context *context;

	context = calloc(1, sizeof(*context));
	if (context == NULL)
		return NULL;
	context->references = 1;
	evpop_tls_cache_init(&context->cache);
	context->ctx = SSL_CTX_new(TLS_client_method());
	context->socket_method = evpop_tls_socket_method_new();
	if (context->ctx == NULL || context->socket_method == NULL ||
	    !set_policy(context)) {
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
	/* Where there are pins, no CA is ever asked. */
	if (!load_pins(context, options, result) ||
	    (context->pin_count == 0 &&
		!load_trust(context, options->ca, result)) ||
	    !load_identity(context, options, result)) {
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
	evpop_tls_cache_clear(&context->cache);
	SSL_CTX_free(context->ctx);
	BIO_meth_free(context->socket_method);
	free(context->pins);
	free(context);
}

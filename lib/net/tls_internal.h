/*
 * What the parts of TLS share: the context (tls_context.c) with its cache of
 * sessions (tls_cache.c), the channel (tls.c), the verification of a server's
 * certificate (tls_verify.c) and the socket beneath it (tls_socket.c).
 */
#ifndef EVPOP_LIB_NET_TLS_INTERNAL_H
#define EVPOP_LIB_NET_TLS_INTERNAL_H

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "lib/net/tls.h"
#include "lib/net/tls_cache.h"

#define EVPOP_TLS_DIGEST ((size_t)32) /* SHA-256 */

struct evpop_tls_pin {
	bool public_key; /* of the SPKI, not of the certificate */
	unsigned char digest[EVPOP_TLS_DIGEST];
};

struct evpop_tls_context {
	SSL_CTX *ctx;
	BIO_METHOD *socket_method;
	struct evpop_tls_cache cache;
	struct evpop_tls_pin *pins;
	size_t pin_count;
	size_t references;
};

/* What verification found, for the words of a failure. */
struct evpop_tls_verdict {
	long error; /* X509_V_OK or another of X509_V_ERR_* */
	char fingerprint[2 * EVPOP_TLS_DIGEST + 1];
	char date[16]; /* not before or not after, where that failed */
	char name[48]; /* whose certificate it is */
};

struct evpop_tls_channel {
	SSL *ssl;
	struct evpop_tls_context *context;
	char *host; /* without a final dot */
	char *key;  /* of sessions in the cache */
	struct evpop_tls_verdict verdict;
	unsigned char binding[64]; /* of the channel, once asked for */
	bool broken; /* after a fatal error nothing more may be said */
};

/* Called by OpenSSL in place of its own verification; arg is the context. */
int evpop_tls_verify(X509_STORE_CTX *, void *arg);
/* Say what is wrong with the certificate, and how to trust it all the same. */
void evpop_tls_verify_explain(
    const struct evpop_tls_channel *, struct evpop_result *result_r);
/* Parse "sha256:..." or "spki-sha256:..."; false where it is neither. */
bool evpop_tls_pin_parse(struct evpop_tls_pin *pin_r, const char *text);

/*
 * A socket BIO that writes without raising SIGPIPE, which OpenSSL's own does:
 * a library must not end a program because a server hung up.
 */
BIO_METHOD *evpop_tls_socket_method_new(void);

#endif

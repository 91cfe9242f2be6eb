/*
 * The certificate that a client shows, and its key.  The key lies in guarded
 * memory; OpenSSL, which cannot use it there, gets it for the moment of a
 * handshake in which the server asks for it.
 */
#ifndef EVPOP_LIB_NET_TLS_IDENTITY_H
#define EVPOP_LIB_NET_TLS_IDENTITY_H

#include <openssl/ssl.h>

#include <evpop/error.h>

struct evpop_tls_identity;

/*
 * Let a context show this certificate, and whose chain stands behind it; its
 * key is in the same file where `key` is NULL.  With NULL for both, none is
 * shown and *identity_r is NULL.
 */
bool evpop_tls_identity_load(struct evpop_tls_identity **identity_r, SSL_CTX *,
    const char *certificate, const char *key,
    struct evpop_result *result_r) EVPOP_MUST_USE;

/* NULL is allowed. */
void evpop_tls_identity_free(struct evpop_tls_identity *);

/*
 * Give the key to a connection, which loses it with SSL_certs_clear() once its
 * handshake is over; false without memory.
 */
bool evpop_tls_identity_use(
    const struct evpop_tls_identity *, SSL *) EVPOP_MUST_USE;

/* OpenSSL 3.5 leaves octets of the key on the stack: for its caller. */
void evpop_tls_identity_wipe_stack(void);

#endif

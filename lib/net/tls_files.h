/*
 * What a context is set up with: certificates and keys from files, and the
 * version where it is only one.
 */
#ifndef EVPOP_LIB_NET_TLS_FILES_H
#define EVPOP_LIB_NET_TLS_FILES_H

#include <openssl/ssl.h>
#include <stdint.h>

#include <evpop/error.h>

/* Trust the authorities in a PEM file, or with NULL, those of the system. */
bool evpop_tls_load_trust(
    SSL_CTX *, const char *ca, struct evpop_result *result_r) EVPOP_MUST_USE;

/*
 * Show this certificate, and whose chain stands behind it; its key is in the
 * same file where `key` is NULL.  With NULL for both, none is shown.
 */
bool evpop_tls_load_identity(SSL_CTX *, const char *certificate,
    const char *key, struct evpop_result *result_r) EVPOP_MUST_USE;

/* Speak this version alone, as evpop_tls_options has it; 0: all that are safe.
 */
bool evpop_tls_set_version(
    SSL_CTX *, uint16_t version, struct evpop_result *result_r) EVPOP_MUST_USE;

#endif

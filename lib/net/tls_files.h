/*
 * What a context is set up with: the authorities in files, and the version
 * where it is only one.
 */
#ifndef EVPOP_LIB_NET_TLS_FILES_H
#define EVPOP_LIB_NET_TLS_FILES_H

#include <openssl/ssl.h>
#include <stdint.h>

#include <evpop/error.h>

/* Trust the authorities in a PEM file, or with NULL, those of the system. */
bool evpop_tls_load_trust(
    SSL_CTX *, const char *ca, struct evpop_result *result_r) EVPOP_MUST_USE;

/* Speak this version alone, as evpop_tls_options has it; 0: all that are safe.
 */
bool evpop_tls_set_version(
    SSL_CTX *, uint16_t version, struct evpop_result *result_r) EVPOP_MUST_USE;

/* What could not be done with a file; NULL: the reason is OpenSSL's. */
void evpop_tls_files_fail(struct evpop_result *result_r, const char *what,
    const char *file, const char *reason);

#endif

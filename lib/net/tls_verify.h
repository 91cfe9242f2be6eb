/*
 * Verifies a server's certificate by its chain and name, or by a pin, and
 * describes one that is not trusted.
 */
#ifndef EVPOP_LIB_NET_TLS_VERIFY_H
#define EVPOP_LIB_NET_TLS_VERIFY_H

#include <openssl/x509.h>

#include <evpop/error.h>

struct evpop_tls_pins;

/*
 * Read pins as evpop_tls_pin_check() takes them; *pins_r is NULL for none.
 * False with the reason where one makes no sense, or without memory.
 */
bool evpop_tls_pins_new(struct evpop_tls_pins **pins_r, const char *const *pins,
    size_t count, struct evpop_result *result_r) EVPOP_MUST_USE;
/* NULL is allowed. */
void evpop_tls_pins_free(struct evpop_tls_pins *);

/*
 * Judge what OpenSSL holds of a server's certificate: by the pins, or where
 * they are NULL, by the chain and the host that the store's parameters expect.
 * False with the reason, which names the host and the pin that would do, and
 * with OpenSSL's code of the error in the store.
 */
bool evpop_tls_verify(X509_STORE_CTX *, const struct evpop_tls_pins *,
    const char *host, struct evpop_result *result_r) EVPOP_MUST_USE;

/* When a certificate expires, as Unix time; 0 for NULL. */
int64_t evpop_tls_expires(const X509 *);

#endif

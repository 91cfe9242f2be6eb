/*
 * Describes the certificates that a server shows, for a program that wants to
 * tell a person of them, trusted or not.
 */
#ifndef EVPOP_LIB_NET_TLS_SHOW_H
#define EVPOP_LIB_NET_TLS_SHOW_H

#include <openssl/x509.h>

#include <evpop/client.h>

/* Each certificate that came, the server's own first. */
void evpop_tls_show(X509_STORE_CTX *, evpop_certificate_cb, void *arg);

#endif

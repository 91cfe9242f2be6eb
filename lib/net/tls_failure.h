/*
 * Describes a handshake that failed for another reason than the server's
 * certificate: from OpenSSL's error and the octets on the wire, in words that
 * tell a person what to do.
 */
#ifndef EVPOP_LIB_NET_TLS_FAILURE_H
#define EVPOP_LIB_NET_TLS_FAILURE_H

#include <evpop/error.h>

/* Octets that show a greeting in clear text or the version of a ServerHello. */
#define EVPOP_TLS_FIRST ((size_t)40)

/* The traces of a handshake. */
struct evpop_tls_seen {
	unsigned char first[EVPOP_TLS_FIRST]; /* from the server */
	size_t first_length;
	bool certificate_wanted;      /* the server asked for one */
	bool certificate_shown;       /* and there is one to show */
	const char *protocol_offered; /* by ALPN; NULL: none */
};

/* Describe a failure by OpenSSL's error code. */
void evpop_tls_failure(const struct evpop_tls_seen *, unsigned long code,
    const char *host, struct evpop_result *result_r);

/*
 * The connection ended, for this error of the system's or, with 0, because the
 * server closed it.
 */
void evpop_tls_failure_lost(
    const struct evpop_tls_seen *, int error, struct evpop_result *result_r);

/*
 * Whether a server with TLS 1.3 says by this, behind the handshake, what it
 * thinks of the client's certificate.
 */
bool evpop_tls_failure_is_late(
    const struct evpop_tls_seen *, unsigned long code);

#endif

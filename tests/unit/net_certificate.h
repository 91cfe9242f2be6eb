/*
 * Certificates made on the spot for the tests of TLS: what they say is stated
 * in a few members, and nothing of them outlives the test.
 */
#ifndef EVPOP_TESTS_UNIT_NET_CERTIFICATE_H
#define EVPOP_TESTS_UNIT_NET_CERTIFICATE_H

#include <stdbool.h>

#include <openssl/ssl.h>

/* The key and certificate of a server, or of a CA. */
struct net_certificate {
	EVP_PKEY *key;
	X509 *x509;
};

struct net_certificate_options {
	const char *common_name;
	const char *alt_names; /* "DNS:a,IP:127.0.0.1", or NULL for none */
	/* One DNS name more, in which '|' stands for NUL; or NULL. */
	const char *cut_name;
	long begins_s, ends_s; /* from now on; 0, 0: from yesterday for a week
				*/
	bool ca;
	const struct net_certificate *issuer; /* NULL: signs itself */
	unsigned int rsa_bits;                /* 0: a key on P-256 */
	bool sha1;                            /* signed by way of it */
	const char *extended_usage;           /* "clientAuth", or NULL: any */
};

void net_certificate_make(
    struct net_certificate *, const struct net_certificate_options *);
void net_certificate_clear(struct net_certificate *);

/* Write it to a new file, whose name of at least 32 octets is filled in. */
void net_certificate_write(
    const struct net_certificate *, bool with_key, char *path_r);

/* "sha256:..." or "spki-sha256:...", in at least 96 octets. */
void net_certificate_pin(
    const struct net_certificate *, bool public_key, char *pin_r);

/* What a server needs; it sends no certificate but this one. */
SSL_CTX *net_certificate_server(const struct net_certificate *);

#endif

/*
 * Addresses of the Internet, and which of them are not of it: those that a
 * house, a machine or a network of a provider has for itself.
 */
#ifndef HTTP_NETWORK_H
#define HTTP_NETWORK_H

#include <stdbool.h>

/* IPv6; IPv4 as it is mapped (RFC 4291 section 2.5.5.2). */
struct network_address {
	unsigned char octets[16];
};

/* False where the text is no address. */
bool network_address_read(const char *text, struct network_address *address_r);

/*
 * Whether anybody on the Internet can have it (RFC 6890): not loopback,
 * private, link-local, shared, multicast or reserved, nor a wrapped address of
 * those.
 */
bool network_is_public(const struct network_address *);

/* Whether they are of one network, as a provider gets it: a /24, or a /32. */
bool network_is_same(
    const struct network_address *, const struct network_address *);

#endif

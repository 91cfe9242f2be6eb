/*
 * Socket addresses as values: text to address and back, and whether an address
 * is this machine.  Pure; no name is ever resolved here.
 */
#ifndef EVPOP_LIB_NET_ADDRESS_H
#define EVPOP_LIB_NET_ADDRESS_H

#include <sys/socket.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct evpop_address {
	struct sockaddr_storage storage;
	socklen_t length;
};

/* "[", an IPv6 address with a scope, "]:65535", NUL. */
#define EVPOP_ADDRESS_TEXT 96

/*
 * Read an IPv4 or IPv6 address, the latter with or without a scope
 * ("fe80::1%eth0").  False where the text is something else, such as a name.
 */
bool evpop_address_parse(
    struct evpop_address *address_r, const char *text, uint16_t port);

/* Write "127.0.0.1:995" or "[::1]:995"; "" for any other family. */
void evpop_address_text(
    const struct evpop_address *, char text_r[EVPOP_ADDRESS_TEXT]);

/* Write "127.0.0.1", "::1" or "fe80::1%2"; "" for any other family. */
void evpop_address_bare(
    const struct evpop_address *, char text_r[EVPOP_ADDRESS_TEXT]);

/* 127.0.0.0/8, ::1, and the former inside the latter (::ffff:127.0.0.0/104). */
bool evpop_address_is_loopback(const struct evpop_address *);

/*
 * Order addresses for connection attempts as RFC 8305 section 4 says: the
 * families by turns, beginning with IPv6, each in the order that it had.  (What
 * evdns brings is in no order of preference that could be kept instead.)
 */
void evpop_address_interleave(struct evpop_address *, size_t count);
/* The same, beginning with this family as far as there is any of it. */
void evpop_address_interleave_from(
    struct evpop_address *, size_t count, sa_family_t);

#endif

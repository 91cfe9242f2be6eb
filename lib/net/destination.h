/*
 * The configuration of a client, copied and checked: where it connects to, and
 * how.
 */
#ifndef EVPOP_LIB_NET_DESTINATION_H
#define EVPOP_LIB_NET_DESTINATION_H

#include <evpop/client.h>

#include "lib/net/dial.h"

/* Read only, once it is made. */
struct evpop_destination {
	struct evpop_dial_options dial; /* host in ASCII */
	enum evpop_tls tls;
	struct evpop_tls_context *tls_context; /* NULL: none is used */
	bool allows_cleartext, asks_capabilities;
	uint32_t window_commands;
	size_t window_octets;
	struct evpop_result unusable; /* what is wrong with it */
	/* Owned; `dial` refers to them. */
	char *host, *source_address;
	struct evpop_proxy_config proxy;
};

/* Whether there is a host, and no control character in it. */
bool evpop_destination_is_named(const struct evpop_client_config *);

/*
 * `unusable` says what is wrong with a configuration.  False without memory;
 * clear it then, too.
 */
bool evpop_destination_init(struct evpop_destination *,
    const struct evpop_client_config *) EVPOP_MUST_USE;
/* Zeroed, it is clear. */
void evpop_destination_clear(struct evpop_destination *);

/*
 * A host in UTF-8 as ASCII, as the DNS, certificates and proxies know it
 * ("xn--..."), to be freed: mapped and encoded by UTS #46,
 * non-transitional (IDNA 2008).  ASCII, and so any address, passes untouched.
 * False with the reason where the name cannot exist, or without memory.
 */
bool evpop_idn_to_ascii(const char *host, char **ascii_r,
    struct evpop_result *result_r) EVPOP_MUST_USE;

#endif

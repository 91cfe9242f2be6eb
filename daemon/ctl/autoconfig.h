/*
 * What a domain publishes for mail programs: the file config-v1.1.xml that
 * Thunderbird and its kin read.  It is fetched over verified HTTPS only, also
 * where a redirection leads; who answers there may name any host.
 */
#ifndef CTL_AUTOCONFIG_H
#define CTL_AUTOCONFIG_H

#include <evpop/client.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define AUTOCONFIG_TEXT 256

/* A server of POP3 with TLS. */
struct autoconfig {
	char host[AUTOCONFIG_TEXT];
	char user[AUTOCONFIG_TEXT]; /* the log-in name, filled in */
	uint16_t port;
	enum evpop_tls tls;
};

enum autoconfig_answer {
	AUTOCONFIG_NOTHING = 0, /* nobody answers, or no file is there */
	AUTOCONFIG_FOUND,
	AUTOCONFIG_USELESS /* a file, but no server of POP3 with TLS in it */
};

/* From the address's domain, in the two places where it may be. */
enum autoconfig_answer autoconfig_of_domain(
    const char *address, struct autoconfig *found_r);

/*
 * From Mozilla's list of providers, which is told the domain, not the address.
 */
enum autoconfig_answer autoconfig_of_list(
    const char *address, struct autoconfig *found_r);

/* Read such a file; the best of its servers, those with TLS first. */
enum autoconfig_answer autoconfig_parse(const char *xml, size_t length,
    const char *address, struct autoconfig *found_r);

#endif

/*
 * The hosts that may hold the mail of a domain.
 */
#ifndef CTL_MAILHOSTS_H
#define CTL_MAILHOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAILHOSTS_MAX  8
#define MAILHOSTS_NAME 256

struct mailhost {
	char name[MAILHOSTS_NAME];
	uint16_t port; /* 0: not said */
};

/*
 * What the domain says of itself (RFC 6186), then the usual names, of those
 * that have an address.  Returns how many there are.
 */
size_t mailhosts_find(
    const char *domain, struct mailhost hosts_r[MAILHOSTS_MAX]);

/* Each address of a host as text, to `take`; false where it has none. */
bool mailhosts_addresses(
    const char *host, void (*take)(const char *address, void *arg), void *arg);

#endif

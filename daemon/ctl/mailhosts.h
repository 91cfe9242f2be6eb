/*
 * What the name service tells of the hosts that hold the mail of a domain.
 * Nobody vouches for its answers: the certificate of a host counts, or somebody
 * who knows better.
 */
#ifndef CTL_MAILHOSTS_H
#define CTL_MAILHOSTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAILHOSTS_NAME 256

struct mailhost {
	char name[MAILHOSTS_NAME];
	uint16_t port; /* 0: not said */
};

/* Read "HOST", "HOST:PORT", "ADDRESS" or "[ADDRESS]:PORT"; false: it is none.
 */
bool mailhosts_read(const char *text, struct mailhost *host_r);

enum mailhosts_service {
	MAILHOSTS_UNKNOWN = 0, /* the domain says nothing of it */
	MAILHOSTS_OFFERED,
	MAILHOSTS_DENIED /* it says that there is no such service */
};

#define MAILHOSTS_MAX 4

/*
 * What a domain says of a service, "_pop3s._tcp" (RFC 6186, 8314): its hosts,
 * those first that it prefers.
 */
enum mailhosts_service mailhosts_service(const char *service,
    const char *domain, struct mailhost hosts_r[MAILHOSTS_MAX],
    size_t *count_r);

/* The host that a domain's mail is preferably sent to (MX); false: none. */
bool mailhosts_exchanger(const char *domain, char name_r[MAILHOSTS_NAME]);

/*
 * Each address of a host as text, to `take`, which may be NULL; false where it
 * has none.
 */
bool mailhosts_addresses(
    const char *host, void (*take)(const char *address, void *arg), void *arg);

#endif

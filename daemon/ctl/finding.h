/*
 * Where the mail of an address may be fetched by POP3.  It is looked for in the
 * order of what can be relied on: the table of providers, what the domain says
 * of itself in the name service and by HTTPS, then usual names.
 */
#ifndef CTL_FINDING_H
#define CTL_FINDING_H

#include <evpop/client.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/config/provider.h"
#include "daemon/ctl/mailhosts.h"

#define FINDING_TEXT MAILHOSTS_NAME

/* How a server was found. */
enum finding_origin {
	FINDING_PROVIDER = 0, /* the table knows the domain */
	FINDING_EXCHANGER,    /* or who takes its mail */
	FINDING_SERVICE,      /* SRV (RFC 6186, 8314) */
	FINDING_AUTOCONFIG,   /* the domain's file, by HTTPS */
	FINDING_LIST,         /* Mozilla's list, likewise */
	FINDING_USUAL,        /* a name that many use, and that exists */
	FINDING_COUNT
};

struct finding_server {
	char host[FINDING_TEXT];
	char user[FINDING_TEXT]; /* to log in with; "": the address */
	uint16_t port;           /* 0: the usual ones, with TLS or STLS */
	enum evpop_tls tls;      /* where there is a port */
	bool is_tls_known;       /* not only likely */
	enum finding_origin origin;
	/* NULL: none that is known.  Without POP3 there is no host. */
	const struct config_provider *provider;
	/*
	 * Only an unsigned answer of the name service leads to this host, which
	 * is outside of the domain: RFC 6186 section 4 wants somebody to agree.
	 */
	bool is_foreign;
};

struct finding_search {
	const char *address, *domain; /* borrowed */
	char ascii[FINDING_TEXT];     /* the domain, as the DNS knows it */
	bool asks_list;
	/* The domain says that it has no POP3. */
	bool is_denied;
	/* Private: what to look at next, and hosts that were given already. */
	int step;
	size_t usual;
	struct mailhost services[MAILHOSTS_MAX];
	size_t service_count, service; /* the next one */
	struct finding_server given[16];
	size_t given_count;
};

/* "anna@example.org": one "@", and a domain that can be one. */
bool finding_is_address(const char *text);

/*
 * Begin; nothing is asked yet.  `asks_list`: Mozilla's list, too, which learns
 * the domain.  The address stays where it is.
 */
void finding_begin(
    struct finding_search *finding_r, const char *address, bool asks_list);

/* The next server that may be it, each once; false: there is no other. */
bool finding_next(struct finding_search *, struct finding_server *server_r)
    __attribute__((warn_unused_result));

/* How it was found, in words: "the SRV records of example.org". */
#define FINDING_WORDS (FINDING_TEXT + 64)
void finding_words(const struct finding_search *, const struct finding_server *,
    char words_r[FINDING_WORDS]);

#endif

/*
 * What is known of the big providers of mail: where their POP3 is, how it
 * wants to be logged in to, which domains are theirs, what their words mean,
 * and where their tokens of OAuth 2 come from.  `provider = NAME` takes from
 * here what an account does not say itself.
 */
#ifndef CONFIG_PROVIDER_H
#define CONFIG_PROVIDER_H

#include <stddef.h>
#include <stdint.h>

enum config_provider_flag {
	/* The password of the web page does not do: one of its own is made. */
	CONFIG_PROVIDER_APP_PASSWORD = 1 << 0,
	CONFIG_PROVIDER_NO_PASSWORD = 1 << 1, /* only OAuth 2 */
	CONFIG_PROVIDER_NO_POP3 = 1 << 2,     /* at all; no host */
	CONFIG_PROVIDER_POP3_IS_OFF = 1 << 3, /* until the user turns it on */
	/* It has OAuth 2, but not for programs that users bring themselves. */
	CONFIG_PROVIDER_OAUTH2_CLOSED = 1 << 4
};

/* Of OAuth 2; texts are NULL where there is none. */
struct config_provider_oauth2 {
	/* "{tenant}" in a URL is the account's oauth2_tenant. */
	const char *token_url, *device_url, *authorization_url;
	const char *scope;        /* of somebody who consents */
	const char *app_scope;    /* of client credentials */
	const char *tenant;       /* where the account gives none */
	const char *register_url; /* where a client id is to be had */
};

struct config_provider {
	const char *name, *title;
	const char *host; /* NULL: it has no POP3 */
	uint16_t port;
	uint8_t tls;    /* an enum evpop_tls */
	unsigned flags; /* of enum config_provider_flag */
	/* EVPOP_MECHANISM_BIT() of each, with a token. */
	uint32_t token_mechanisms;
	const char *domains; /* of addresses, separated by a space; or NULL */
	/* Ends of the names of MX hosts of domains that it serves; likewise. */
	const char *exchangers;
	struct config_provider_oauth2 oauth2;
	/* Where POP3 is turned on, and where a password is made; or NULL. */
	const char *pop3_url, *password_url;
	/* What a person has to know, as sentences; or NULL. */
	const char *advice;
};

/* By name. */
extern const struct config_provider config_providers[];
extern const size_t config_provider_count;

/* NULL where there is none. */
const struct config_provider *config_provider_find(const char *name);
/* By the part of an address behind its "@"; case does not matter. */
const struct config_provider *config_provider_of_domain(const char *domain);
/*
 * By the name of a host that takes a domain's mail; the longest end that fits
 * decides.
 */
const struct config_provider *config_provider_of_exchanger(const char *host);

/* What it means that a server refuses a log-in. */
enum config_refusal {
	/* The user name or the password is wrong. */
	CONFIG_REFUSAL_CREDENTIALS = 0,
	CONFIG_REFUSAL_APP_PASSWORD, /* it wants an application password */
	CONFIG_REFUSAL_POP3_OFF,     /* POP3 is turned off for the mailbox */
	CONFIG_REFUSAL_BROWSER, /* somebody has to log in by a web browser */
	CONFIG_REFUSAL_COUNT
};

/* By the server's words: providers have some of their own for it. */
enum config_refusal config_refusal_of(const char *words);

#endif

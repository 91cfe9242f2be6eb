/*
 * What can be told of a server from outside: each way to reach it, how well it
 * works, and what to write into the configuration.
 */
#ifndef CTL_DIAGNOSIS_H
#define CTL_DIAGNOSIS_H

#include <evpop/client.h>

#include "daemon/ctl/ctl.h"

enum diagnosis_say {
	DIAGNOSIS_SAY_ALWAYS = 0,
	DIAGNOSIS_SAY_WHEN_REACHED
};

#define DIAGNOSIS_PINS_MAX 16

/* Its section of the configuration; borrowed. */
struct diagnosis_account {
	const char *name;
	enum evpop_tls tls;
	const char *ca;                     /* NULL: the system's */
	const char *cert, *key;             /* NULL: none */
	const char *proxy, *source_address; /* NULL: none */
	unsigned mechanisms;                /* 0: any safe one */
	bool allow_cleartext, is_by_token;
	const char *pins[DIAGNOSIS_PINS_MAX];
	size_t pin_count;
};

struct diagnosis_request {
	const char *host;
	uint16_t port;        /* 0: the usual ones */
	const char *user;     /* or NULL */
	const char *password; /* NULL: no log-in */
	const char *asked;    /* what was typed */
	/* How an account is configured; NULL: nobody has configured it. */
	const struct diagnosis_account *account;
};

/*
 * Look; NULL without memory.  "host", "addresses", "ways" as of probe_run()
 * with "way", "certificate_error" and, where TLS is spoken, "tls_versions",
 * "warnings", "configuration" (null where nothing works, or where an account's
 * works as it is), "verdict" ("works", "warnings", "refused", "fails").
 */
json_t *diagnosis_make(const struct ctl *, const struct diagnosis_request *)
    __attribute__((warn_unused_result));

enum ctl_exit diagnosis_exit(const json_t *diagnosis);

#endif

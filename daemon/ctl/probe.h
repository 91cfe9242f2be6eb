/*
 * One session with a server that nobody knows yet: how far it gets, and what it
 * shows on the way.
 */
#ifndef CTL_PROBE_H
#define CTL_PROBE_H

#include <evpop/client.h>
#include <jansson.h>

struct probe_request {
	const char *host;
	uint16_t port;
	enum evpop_tls tls;
	const char *user, *password;        /* NULL: no log-in */
	bool is_token;                      /* the password is one of OAuth 2 */
	unsigned mechanisms;                /* allowed; 0: any safe one */
	bool allow_cleartext;               /* of that password */
	const char *proxy, *source_address; /* or NULL */
	const char *ca;                     /* trusted; NULL: the system's */
	const char *cert, *key;             /* to be shown; NULL: none */
	/* They stand in for the certificate's chain. */
	const char *const *pins;
	size_t pin_count;
	uint16_t
	    tls_version; /* only this one, as evpop_tls_options has it; or 0 */
};

/*
 * Run it; NULL without memory.  The answer has "works", "phase" and "error"
 * (null where it works), "peer", "tls", "certificates", "capabilities",
 * "capabilities_after", "mechanisms", "logged_in", "messages", "bytes",
 * "milliseconds" by step, "round_trip_milliseconds", "quirks".
 */
json_t *probe_run(const struct probe_request *)
    __attribute__((warn_unused_result));

#endif

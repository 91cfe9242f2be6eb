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
	const char *user, *password; /* NULL: no log-in */
	bool allow_cleartext;        /* of that password */
	const char *ca;              /* trusted; NULL: the system's */
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

/*
 * What can be told of a server from outside: each way to reach it, how well it
 * works, and what to write into the configuration.
 */
#ifndef CTL_DIAGNOSIS_H
#define CTL_DIAGNOSIS_H

#include "daemon/ctl/ctl.h"

enum diagnosis_say {
	DIAGNOSIS_SAY_ALWAYS = 0,
	DIAGNOSIS_SAY_WHEN_REACHED
};

struct diagnosis_request {
	const char *host;
	uint16_t port;        /* 0: the usual ones */
	const char *user;     /* or NULL */
	const char *password; /* NULL: no log-in */
	const char *asked;    /* what was typed */
};

/*
 * Look; NULL without memory.  "host", "addresses", "ways" as of probe_run()
 * with "way" and "certificate_error", "warnings", "configuration" (null where
 * nothing works), "verdict" ("works", "warnings", "refused", "fails").
 */
json_t *diagnosis_make(const struct ctl *, const struct diagnosis_request *)
    __attribute__((warn_unused_result));

enum ctl_exit diagnosis_exit(const json_t *diagnosis);

#endif

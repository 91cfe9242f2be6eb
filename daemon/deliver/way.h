/* How a target's server is reached, as the configuration says it. */
#ifndef DELIVER_WAY_H
#define DELIVER_WAY_H

#include "lib/net/destination.h"

struct config_target;

/* By the target's `timeout`, but for what never takes as long. */
struct evpop_timeouts way_timeouts(const struct config_target *);

/*
 * The context for TLS that the carriers of a target share: it costs as much as
 * the certificates that it loads, and knows sessions that can be resumed.
 * Zeroed, there is none as yet.
 */
struct way_trust {
	const struct config_target *target;
	struct evpop_tls_context *context;
};
/*
 * From now on it is of this target (NULL: of none), whose files are read again;
 * connections keep theirs, and who works by another configuration has its own.
 */
void way_trust_set(struct way_trust *, const struct config_target *);

/*
 * Where to connect, and the context for TLS where there is some, which is taken
 * from `trust`, or left there (NULL: it is the caller's alone).  Strings of the
 * target are borrowed.  False with the reason; evpop_destination_clear() in
 * either case.
 */
bool way_find(struct evpop_destination *way_r, const struct config_target *,
    struct way_trust *trust, struct evpop_result *result_r) EVPOP_MUST_USE;

#endif

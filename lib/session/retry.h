/*
 * Whether another session, at once, may do what one has failed to do, and how
 * it must be done then: one command after the other, or by another mechanism.
 * Each is bounded, so that no server is asked without end, and none locks the
 * account for too many log-ins.
 */
#ifndef EVPOP_SESSION_RETRY_H
#define EVPOP_SESSION_RETRY_H

#include "lib/session/target.h"

/* Sessions whose log-in may fail. */
#define EVPOP_RETRY_LOG_INS 3

/* Zeroed, nothing has failed yet. */
struct evpop_retry {
	bool is_careful;
	unsigned int log_ins;        /* failed, of so many sessions */
	struct evpop_result refusal; /* the first one */
};

/*
 * The client's session has failed with this result.  Where another may do
 * better, the target is changed for it.
 */
bool evpop_retry_prepare(struct evpop_retry *, struct evpop_target *,
    const struct evpop_client *, const struct evpop_result *) EVPOP_MUST_USE;

/*
 * All is over with this result: where other mechanisms were tried after a
 * refusal, and in vain, the words of that come first.
 */
void evpop_retry_explain(const struct evpop_retry *, struct evpop_result *);

#endif

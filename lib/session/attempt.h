/*
 * What the sessions of a poll are made with: copies of the configuration and
 * the credentials; and how another session, at once, may do what one has failed
 * to do: one command after the other, or by another mechanism.  Each is
 * bounded, so that no server is asked without end, and none locks the account
 * for too many log-ins.
 */
#ifndef EVPOP_SESSION_ATTEMPT_H
#define EVPOP_SESSION_ATTEMPT_H

#include <evpop/client.h>

/* Sessions whose log-in may fail. */
#define EVPOP_ATTEMPT_LOG_INS 3

/* Zeroed, it is empty, and nothing has failed yet. */
struct evpop_attempt {
	struct evpop_client_config config;
	struct evpop_memory *own_memory; /* where none was given */
	struct evpop_credentials credentials;
	unsigned int log_ins;        /* failed, of so many sessions */
	struct evpop_result refusal; /* the first one */
};

/* False without memory or host; then it is to be cleared all the same. */
bool evpop_attempt_init(
    struct evpop_attempt *, const struct evpop_client_config *) EVPOP_MUST_USE;
void evpop_attempt_clear(struct evpop_attempt *);

/*
 * The client's session has failed.  Whether another one may do better, for
 * which the configuration or the credentials are changed.
 */
bool evpop_attempt_again(struct evpop_attempt *, const struct evpop_client *,
    const struct evpop_result *) EVPOP_MUST_USE;

/*
 * All is over with this result: where other mechanisms were tried after a
 * refusal, and in vain, the words of that come first.
 */
void evpop_attempt_explain(const struct evpop_attempt *, struct evpop_result *);

#endif

/*
 * What the sessions of a poll are made with: copies of the configuration and
 * the credentials.  After a failure they are changed for another session: it
 * sends one command after the other, or logs in by another mechanism.  Both are
 * bounded, so that no server is asked without end, and none locks the account
 * for too many log-ins.
 */
#ifndef EVPOP_SESSION_ATTEMPT_H
#define EVPOP_SESSION_ATTEMPT_H

#include <evpop/client.h>

/* How many sessions of a poll may fail to log in. */
#define EVPOP_ATTEMPT_LOG_INS 3

/* Zeroed, it is empty, and nothing has failed yet. */
struct evpop_attempt {
	struct evpop_client_config config;
	struct evpop_memory *own_memory; /* where none was given */
	struct evpop_credentials credentials;
	unsigned int log_ins;        /* sessions that failed to log in */
	bool has_other_token;        /* a second one was asked for */
	bool has_new_tls;            /* it began anew, after a failure */
	struct evpop_result refusal; /* the first one */
};

/* False without memory or host; it must be cleared then, too. */
bool evpop_attempt_init(
    struct evpop_attempt *, const struct evpop_client_config *) EVPOP_MUST_USE;
void evpop_attempt_clear(struct evpop_attempt *);

/*
 * The client's session has failed.  True if another session may do better; the
 * configuration or the credentials are changed for it.
 */
bool evpop_attempt_again(struct evpop_attempt *, const struct evpop_client *,
    const struct evpop_result *) EVPOP_MUST_USE;

/*
 * The server has refused the token.  True, once, if the credentials can be
 * asked for another one.
 */
bool evpop_attempt_other_token(struct evpop_attempt *,
    const struct evpop_client *, const struct evpop_result *) EVPOP_MUST_USE;

/*
 * The poll ends with this result.  If other mechanisms were tried after a
 * refusal, the words of the refusal come first.
 */
void evpop_attempt_explain(const struct evpop_attempt *, struct evpop_result *);

#endif

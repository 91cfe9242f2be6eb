/*
 * One session with a server, in this order: connect and log in, list, compare
 * with what is known, plan, transfer, QUIT.
 */
#ifndef EVPOP_SESSION_ROUND_H
#define EVPOP_SESSION_ROUND_H

#include <evpop/sync.h>

#include "lib/session/attempt.h"
#include "lib/session/survey.h"
#include "lib/session/transfer.h"

struct evpop_round;

/* All from the loop. */
struct evpop_round_callbacks {
	/* As those of a sync of the same names. */
	void (*listing)(const struct evpop_listing *, void *arg);
	void (*planned)(const struct evpop_plan *, void *arg);
	/*
	 * The session is over; runs once.  needs_another: it was a flight, and
	 * there is work that it cannot do.
	 */
	void (*over)(bool needs_another, void *arg);
};

/* What is to be done, and how. */
struct evpop_round_order {
	struct event_base *base;
	struct evdns_base *dns;
	const struct evpop_client_config *config;
	struct evpop_caller *caller;
	bool may_fly;   /* QUIT may go out with UIDL */
	uint32_t begun; /* RETRs, of earlier rounds */
};

/* The outcome.  The first thing that goes wrong decides. */
struct evpop_round_outcome {
	struct evpop_result result; /* a QUIT that fails counts only where
				       something is marked for deletion */
	struct evpop_result
	    end; /* the same, where a QUIT that fails always counts */
	enum evpop_quit quit;
	bool did_its_work; /* up to QUIT, with no error before it */
};

/* It does nothing yet.  NULL without memory. */
struct evpop_round *evpop_round_new(const struct evpop_round_order *,
    const struct evpop_round_callbacks *, void *arg) EVPOP_MUST_USE;

/*
 * Closes at once, with no further callback but `closed`, which runs once none
 * of its client's callbacks runs any more.
 */
void evpop_round_close(struct evpop_round *, void (*closed)(void *), void *arg);

/* After `closed`, when no function of the round runs.  NULL is allowed. */
void evpop_round_free(struct evpop_round *);

/* After any error it can only be closed. */
enum evpop_error evpop_round_start(struct evpop_round *,
    const struct evpop_policy *,
    const struct evpop_credentials *) EVPOP_MUST_USE;

/* Answers to `listing`, as those of a sync. */
void evpop_round_known(struct evpop_round *, const struct evpop_known *,
    size_t count, enum evpop_known_part, int64_t now_ms);
void evpop_round_unchanged(struct evpop_round *);

/* As those of a sync. */
void evpop_round_stop(struct evpop_round *);
void evpop_round_cancel(struct evpop_round *, const struct evpop_result *);

struct evpop_client *evpop_round_client(struct evpop_round *);
const struct evpop_listing *evpop_round_listing(const struct evpop_round *);
/* NULL before anything is known. */
const struct evpop_plan *evpop_round_plan(const struct evpop_round *);
/* NULL before the transfer has begun. */
struct evpop_transfer *evpop_round_transfer(const struct evpop_round *);
const struct evpop_transfer_tally *evpop_round_tally(
    const struct evpop_round *);

/* Once it is over. */
const struct evpop_round_outcome *evpop_round_outcome(
    const struct evpop_round *);

#endif

/*
 * RETR and DELE by a plan, handed to the client ahead of their answers: a
 * message is deleted once its body is acknowledged as durable, and not before.
 *
 * A body that has fewer octets than LIST said may have been cut: by a line that
 * was a dot, which the server did not stuff.  What is behind that line then
 * stands where the next reply is due.  So such a body is not told of before the
 * next reply has come.
 */
#ifndef EVPOP_SESSION_TRANSFER_H
#define EVPOP_SESSION_TRANSFER_H

#include <evpop/sync.h>

#include "lib/session/caller.h"

struct evpop_transfer;

struct evpop_transfer_callbacks {
	/* The session ends on a message. */
	void (*broken)(const struct evpop_result *, void *arg);
	/* A body is not believed: nothing is deleted.  Runs once. */
	void (*doubted)(const struct evpop_result *, void *arg);
	/* Messages cannot be unmarked: close without QUIT. */
	void (*abandoned)(void *arg);
	/* A command was not taken. */
	void (*failed)(enum evpop_error, const char *why, void *arg);
	/* Nothing is left to do but QUIT.  Runs once. */
	void (*finished)(void *arg);
};

/* What a transfer works on, all of it borrowed. */
struct evpop_transfer_order {
	struct evpop_client *client;
	const struct evpop_listing *listing;
	const struct evpop_plan *plan;
	const struct evpop_policy *policy;
	uint32_t begun; /* RETRs, of earlier sessions of the poll */
	struct evpop_caller *caller;
};

/* The figures of a transfer. */
struct evpop_transfer_tally {
	uint32_t begun;   /* RETRs, the first ones of the plan */
	uint32_t fetched; /* acknowledged as durable */
	uint32_t failed;  /* refused, or not durable */
	uint32_t cut;     /* by the end of the session */
	uint32_t deleted; /* marked with DELE */
	uint64_t body_octets;
	size_t unacknowledged; /* bodies that ended well and are not
				  acknowledged */
	bool is_cut; /* the server cut a body; no other session mends that */
	bool ended_on_message; /* the session did, and the message may be the
				  reason */
};

/* NULL without memory. */
struct evpop_transfer *evpop_transfer_new(const struct evpop_transfer_order *,
    const struct evpop_transfer_callbacks *, void *arg) EVPOP_MUST_USE;
/* After the client is freed, or its session over.  NULL is allowed. */
void evpop_transfer_free(struct evpop_transfer *);

/* Deletions that need no fetch come first.  `finished` may run inside. */
void evpop_transfer_start(struct evpop_transfer *);

/*
 * Fetch no more, and delete only what was fetched.  `finished` may run inside.
 */
void evpop_transfer_stop(struct evpop_transfer *);

/*
 * The session is over, with this result.  `end` may run inside.  NULL is
 * allowed.
 */
void evpop_transfer_closed(
    struct evpop_transfer *, const struct evpop_result *);

/*
 * Tell of the message that the session ended on, once it is known what follows:
 * if another session fetches it again at once, it is not to blame.  NULL is
 * allowed.
 */
void evpop_transfer_tell_blamed(struct evpop_transfer *, bool is_repeated);

/* The answer to an `end` that went well. */
void evpop_transfer_stored(
    struct evpop_transfer *, const struct evpop_entry *, bool durable);

/* Whether the plan has work left that this session may not do. */
bool evpop_transfer_has_more(const struct evpop_transfer *);

/* Of a transfer that is NULL, all are 0. */
const struct evpop_transfer_tally *evpop_transfer_tally(
    const struct evpop_transfer *);

/*
 * The entries that are marked for deletion; NULL behind the last, and for a
 * transfer that is NULL.
 */
const struct evpop_entry *evpop_transfer_marked(
    const struct evpop_transfer *, size_t at);

#endif

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
	/* The session is ending, on a message. */
	void (*broken)(const struct evpop_result *, void *arg);
	/* A body is not believed, the first one: it deletes nothing. */
	void (*doubted)(const struct evpop_result *, void *arg);
	/* What it has marked cannot be unmarked: close, without QUIT. */
	void (*abandoned)(void *arg);
	/* A command was not taken. */
	void (*failed)(enum evpop_error, const char *why, void *arg);
	/* Nothing is left to do but QUIT.  Runs once. */
	void (*finished)(void *arg);
};

/* What it works on, all of it borrowed. */
struct evpop_transfer_order {
	struct evpop_client *client;
	const struct evpop_listing *listing;
	const struct evpop_plan *plan;
	const struct evpop_policy *policy;
	uint32_t begun; /* RETRs, of earlier sessions of the poll */
	struct evpop_caller *caller;
};

/* What came of it. */
struct evpop_transfer_tally {
	uint32_t begun;   /* RETRs, the first ones of the plan */
	uint32_t fetched; /* acknowledged as durable */
	uint32_t failed;  /* refused, or not durable */
	uint32_t cut;     /* by the end of the session */
	uint32_t deleted; /* marked with DELE */
	uint64_t body_octets;
	size_t unacknowledged; /* bodies that ended well, not answered for */
	bool is_cut; /* a body, by the server: no other session mends that */
	bool ended_on_message; /* the session, which is to blame */
};

/* NULL without memory. */
struct evpop_transfer *evpop_transfer_new(const struct evpop_transfer_order *,
    const struct evpop_transfer_callbacks *, void *arg) EVPOP_MUST_USE;
/* After the client is freed, or its session over.  NULL is allowed. */
void evpop_transfer_free(struct evpop_transfer *);

/* Deletions that are due come first.  `finished` may run before it returns. */
void evpop_transfer_start(struct evpop_transfer *);

/*
 * Fetch no more, and delete only what is fetched; `finished` may run before it
 * returns.
 */
void evpop_transfer_stop(struct evpop_transfer *);

/*
 * The session is over, with this result.  `end` may run before it returns.
 * NULL is allowed.
 */
void evpop_transfer_closed(
    struct evpop_transfer *, const struct evpop_result *);

/*
 * And that is what follows.  The message that the session has ended on is told
 * only now: where another session fetches it again at once, it is not to blame.
 * NULL is allowed.
 */
void evpop_transfer_tell_blamed(struct evpop_transfer *, bool is_repeated);

/* The answer to an `end` that went well. */
void evpop_transfer_stored(
    struct evpop_transfer *, const struct evpop_entry *, bool durable);

/* The plan has work left, though this session may do no more of it. */
bool evpop_transfer_has_more(const struct evpop_transfer *);

/* NULL: nothing came of it. */
const struct evpop_transfer_tally *evpop_transfer_tally(
    const struct evpop_transfer *);

/*
 * The entries that are marked for deletion, one by one; NULL behind the last,
 * and of a transfer that is NULL.
 */
const struct evpop_entry *evpop_transfer_marked(
    const struct evpop_transfer *, size_t at);

#endif

/*
 * The inside of a sync, shared by its life and sessions (sync.c), the listing
 * and the plan (survey.c), looks at headers (look.c), and the work on messages
 * (transfer.c).
 */
#ifndef EVPOP_SESSION_SYNC_H
#define EVPOP_SESSION_SYNC_H

#include <evpop/sync.h>

#include "lib/auth/credentials.h"
#include "lib/session/listing.h"

struct event;

/*
 * Commands on messages that are handed to the client ahead of their answers,
 * and octets of bodies: enough to fill a long fat line, few enough to end soon
 * when asked to.
 */
#define EVPOP_SYNC_AHEAD        128
#define EVPOP_SYNC_AHEAD_OCTETS 4194304

/* What a body counts for where LIST was not asked. */
#define EVPOP_SYNC_USUAL_OCTETS 32768

enum evpop_sync_step {
	EVPOP_SYNC_IDLE = 0,
	EVPOP_SYNC_LISTING,  /* up to the answer of UIDL, or else of LIST */
	EVPOP_SYNC_NAMING,   /* TOP, for ids that the server does not give */
	EVPOP_SYNC_ASKING,   /* for what is known */
	EVPOP_SYNC_SIZING,   /* LIST, where the plan depends on sizes */
	EVPOP_SYNC_LOOKING,  /* TOP, for messages that may be known */
	EVPOP_SYNC_TRANSFER, /* RETR and DELE */
	EVPOP_SYNC_QUITTING,
	EVPOP_SYNC_CLOSED, /* only acknowledgements are awaited */
	EVPOP_SYNC_DONE
};

/* A RETR that is handed over. */
struct evpop_fetch {
	uint32_t index; /* of its entry */
	uint32_t octets;
};

/* A TOP that was handed to the client. */
struct evpop_look {
	struct evpop_sync *sync;
	size_t index; /* of the entry */
	struct evpop_header *header;
};

/* Looks at the headers of some entries, in their order. */
struct evpop_looks {
	size_t *named; /* where the indices are its own */
	const size_t *indices;
	size_t count, next;
	struct evpop_look ring[EVPOP_SYNC_AHEAD]; /* as TOPs run */
	size_t head, ahead;
	bool answered; /* one TOP at least, so that more may be ahead */
	size_t refusals;
	bool refused; /* ask no more */
};

struct evpop_sync {
	struct event_base *base;
	struct evdns_base *dns;
	struct evpop_client_config config; /* host and TLS context are owned */
	struct evpop_memory *memory;       /* its own, where none was given */
	struct evpop_credentials credentials; /* owned */
	struct evpop_client *client;
	struct evpop_policy policy;
	const struct evpop_sync_callbacks *callbacks;
	void *arg;

	enum evpop_sync_step step;
	bool stopping; /* begin nothing more */
	bool given_up; /* by the caller: no second session either */
	bool flight;   /* QUIT went out with UIDL */
	bool left;     /* and was answered while known was still asked for */
	bool second;   /* a session of its own for the work, or a retreat */
	struct evpop_listing_builder builder;
	struct evpop_plan *plan;
	struct evpop_looks *looks; /* while at it */

	size_t next_fetch;                            /* in the plan's order */
	struct evpop_fetch fetches[EVPOP_SYNC_AHEAD]; /* ring, as RETRs run */
	size_t fetch_head, fetch_count;
	/* Of the first of them, whose turn it is. */
	bool begun_body;
	void *message; /* the sink's */
	uint64_t ahead_octets;
	size_t unacknowledged; /* bodies that ended well */
	size_t deletes_owed;   /* of these, to be deleted once durable */
	uint32_t slice;        /* messages that this session is to delete */
	size_t listed_before;  /* by the last slice; 0: there was none */
	uint32_t begun;        /* RETRs, of all sessions */
	bool blamed;           /* a message, for the end of the session */

	/*
	 * Indices of entries to delete, in the order they became due; answers
	 * come in the same order.  What is marked stands in front, compacted.
	 */
	size_t *deletes;
	size_t deletes_due, deletes_sent, deletes_answered, deletes_marked;

	struct event *deferred; /* runs `done` from the loop */
	struct evpop_sync_report report;
	unsigned busy; /* callbacks under way */
	bool freed;
};

/* Take leave of what was looked at, too. */
void evpop_sync_looks_clear(struct evpop_sync *);

/* Name the entries that have no unique-id, where TOP can; then ask. */
void evpop_sync_name(struct evpop_sync *);

/* Ask what of the listing is known. */
void evpop_sync_ask(struct evpop_sync *);

/* Look at the headers the plan depends on; then carry it out. */
void evpop_sync_look(struct evpop_sync *);

/* The plan is final. */
void evpop_sync_carry_out(struct evpop_sync *);

/* The plan has work left that another session may do. */
bool evpop_sync_has_more(const struct evpop_sync *);

/* Hand over as much work as may be ahead; then QUIT once all is done. */
void evpop_sync_transfer(struct evpop_sync *);

/* Do not send the deletions that are due without a fetch. */
void evpop_sync_drop_deletes(struct evpop_sync *);

/* Ask for the listing: UIDL, and in a flight QUIT at once. */
enum evpop_error evpop_sync_survey(struct evpop_sync *) EVPOP_MUST_USE;

/*
 * Begin anew with a session that does one thing after the other: `listing`
 * will run again.
 */
void evpop_sync_second_session(struct evpop_sync *);

/* The session is over, and nothing is left to be done but acknowledgements. */
void evpop_sync_closed(struct evpop_sync *);

/* Send QUIT. */
void evpop_sync_quit(struct evpop_sync *);

/* The session cannot go on, for this reason: close without QUIT. */
void evpop_sync_fail(struct evpop_sync *, enum evpop_error, const char *text);

/* The client did not take a command, for this reason. */
void evpop_sync_not_taken(struct evpop_sync *, enum evpop_error);

/*
 * Around everything that runs callbacks: the sync may be freed inside, and is
 * destroyed when the outermost leaves.  Returns whether it lives on.
 */
void evpop_sync_enter(struct evpop_sync *);
bool evpop_sync_leave(struct evpop_sync *);

/* `done` may be due: nothing is under way any more. */
void evpop_sync_settle(struct evpop_sync *);

#endif

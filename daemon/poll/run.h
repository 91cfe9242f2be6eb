/*
 * One poll of one account: its row in the store, its secret, a sync whose
 * bodies go to the store, and the record of what came of it.
 */
#ifndef POLL_RUN_H
#define POLL_RUN_H

#include <evpop/sync.h>

#include "daemon/config/config.h"
#include "daemon/notify/tally.h"
#include "daemon/poll/poller.h"
#include "daemon/poll/unchanged.h"

struct ledger;
struct notify;
struct oauth;
struct store;
struct run;
struct secret_key;
struct servers;

struct run_progress;

struct run_resources {
	struct event_base *base;
	struct evpop_names *names; /* NULL: hosts are addresses */
	struct store *store;
	struct notify *notify;
	const struct evpop_telemetry *telemetry; /* of sessions; or NULL */
	struct servers *servers;
	struct ledger *ledger;
	uint64_t memory_limit;
	const struct secret_key *key; /* of the daemon; or NULL */
	struct oauth *oauth;          /* gives tokens; or NULL */
	/* Whether a run besides this one has the row; NULL: none ever does. */
	bool (*is_shared)(const struct run *, int64_t account_id, void *arg);
	/*
	 * Runs once, on the loop, when all is over and what was fetched is
	 * durable; run_free() is allowed in it.
	 */
	void (*finished)(
	    struct run *, const struct run_progress *, void *owner, void *arg);
	void *arg;
};

struct run_order {
	const struct config_account *account; /* only read by run_new() */
	struct evpop_tls_context *tls;        /* NULL where it uses none */
	enum poller_wish wish;
	bool expect_nothing;   /* the polls before found nothing to do */
	bool keeps_transcript; /* a message may fail, see deposit_callbacks() */
	/* It cannot begin, and leaves its row only; NULL: it can. */
	const struct evpop_result *failure;
	const struct unchanged *unchanged; /* of the account's last poll */
	uint32_t credentials_mark;         /* see credentials_mark() */
	void *owner;                       /* handed to `finished` */
};

/* How far a run is, or how it ended. */
struct run_progress {
	struct evpop_result result;      /* meaningful once finished */
	int64_t started_ms, finished_ms; /* Unix time */
	int64_t account_id;              /* of the store; 0: not known yet */
	int64_t failing_since_ms; /* before this poll, by the store; 0: not */
	bool has_worked;          /* a poll went well before, by the store */
	bool was_asked;           /* the server has answered to a log-in */
	const char *mechanism;    /* of the log-in that was answered; or NULL */
	uint32_t credentials_mark;
	uint32_t login_delay_s; /* what the server asks for; 0: none */
	struct tally tally;
	enum poller_identity identity;
	/* Its maildrop is another one than before, in words; or NULL. */
	const char *note;
	enum poller_wish wish;
	struct unchanged unchanged; /* for the next poll, once finished */
};

/* Begin a poll.  NULL without memory, and `finished` will not run. */
struct run *run_new(const struct run_resources *, const struct run_order *)
    __attribute__((warn_unused_result));

/* The account was changed: what this poll sees is nothing for the next one. */
void run_forget_unchanged(struct run *);

/* Fetch nothing more, but commit what was marked; then `finished`. */
void run_stop(struct run *);

/*
 * The store's file is no longer where it was: cut the session, so that what it
 * has marked stays on the server.
 */
void run_store_lost(struct run *);

/* Cut the session; `finished` still runs, once the store has answered. */
void run_cancel(struct run *, const char *why);

const struct run_progress *run_progress(struct run *);

/* What a dry run found, the caller's to free; NULL: it did not get that far. */
struct poller_plan *run_take_plan(struct run *);

/* Only in or after `finished`; sets the pointer to NULL. */
void run_free(struct run **);

#endif

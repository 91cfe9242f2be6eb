/*
 * Between a sync and the store: the sync's callbacks.  Bodies go in and
 * acknowledgements come back, and what is known of an account's unique-ids
 * follows.
 */
#ifndef POLL_DEPOSIT_H
#define POLL_DEPOSIT_H

#include <evpop/sync.h>

#include "daemon/notify/tally.h"
#include "daemon/store/store.h"

struct deposit;
struct ledger;
struct notify;
struct poller_plan;

/* The poll that a deposit is part of. */
struct deposit_owner {
	/*
	 * The listing is there.  Answer, now or later, by deposit_look_up() or
	 * evpop_sync_unchanged().  Valid as the sync says.
	 */
	void (*listed)(const struct evpop_listing *, void *arg);
	/* The sync is done: deposit_close() is next. */
	void (*done)(const struct evpop_sync_report *, void *arg);
	/*
	 * The store has answered; or had no memory for a question, which is
	 * told from inside the call that asked.
	 */
	store_done_cb answered;
	void *arg;
};

struct deposit_order {
	struct store *store;
	struct notify *notify;
	struct ledger *ledger;
	const char *name; /* the account's, borrowed, for the log */
	/* The sync's, borrowed; nothing is written in a dry run. */
	const struct evpop_policy *policy;
	struct deposit_owner owner;
};

/* NULL without memory. */
struct deposit *deposit_new(const struct deposit_order *)
    __attribute__((warn_unused_result));

/*
 * The callbacks for its sync, whose argument is the deposit.  A transcript of
 * the session, for a message that goes into quarantine, costs a copy of each
 * line.
 */
const struct evpop_sync_callbacks *deposit_callbacks(bool with_transcript);

/* Before the sync starts. */
void deposit_set_sync(struct deposit *, struct evpop_sync *);
void deposit_set_account(struct deposit *, const struct store_account *);

/* What ages are judged by now; STORE_NEVER_MS: they cannot be. */
int64_t deposit_age_now_ms(const struct deposit *);

/* Look up what is known, and tell the sync. */
void deposit_look_up(struct deposit *);

/* The poll's figures, by what the sync reports so far. */
void deposit_tally(const struct deposit *, const struct evpop_sync_report *,
    struct tally *tally_r);

/* Whether it held more memory than there is for all. */
bool deposit_is_overdrawn(const struct deposit *);

/* Whether the server refused to give messages, as a matter of the account. */
bool deposit_was_refused(const struct deposit *, struct evpop_result *result_r);

/* Whether what is known of the account's unique-ids was changed. */
bool deposit_has_changed(const struct deposit *);

/* What a dry run would do, the caller's to free; NULL: there was none. */
struct poller_plan *deposit_take_plan(struct deposit *);

/* The sync is done: hand what is still noted to the store. */
void deposit_close(struct deposit *);

/* Whether the store owes no answer. */
bool deposit_is_settled(const struct deposit *);

/* Once it is settled.  Sets the pointer to NULL; NULL is allowed. */
void deposit_free(struct deposit **);

#endif

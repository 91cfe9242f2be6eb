/*
 * Between a sync and the store: bodies go in, acknowledgements come back, and
 * what is known of an account's unique-ids follows.
 */
#ifndef POLL_DEPOSIT_H
#define POLL_DEPOSIT_H

#include <evpop/sync.h>

#include "daemon/store/store.h"

struct deposit;
struct notify;

/* What a deposit tells the poll that it is part of, and asks of it. */
struct deposit_owner {
	/*
	 * The listing is there.  Answer, now or later, by deposit_look_up() or
	 * evpop_sync_unchanged().  Valid as the sync says.
	 */
	void (*listed)(const struct evpop_listing *, void *arg);
	/* The plan is made and about to be carried out. */
	void (*planned)(const struct evpop_plan *, void *arg);
	/* The sync is done: deposit_close() is next. */
	void (*done)(const struct evpop_sync_report *, void *arg);
	/* The store could not take something. */
	store_done_cb failed;
	/*
	 * May the poll hold so many octets, of its listing, its plan and what
	 * it has to write?  If not, it ends.
	 */
	bool (*hold)(size_t octets, void *arg);
	void *arg;
};

/*
 * The name is the account's, borrowed, for the log.  NULL without memory.
 */
struct deposit *deposit_new(struct store *, struct notify *, const char *name,
    const struct deposit_owner *) __attribute__((warn_unused_result));

/* The callbacks for its sync, whose argument is the deposit. */
extern const struct evpop_sync_callbacks deposit_callbacks;

/* Before the sync starts.  A dry run writes nothing. */
void deposit_set_sync(struct deposit *, struct evpop_sync *);
void deposit_set_account(
    struct deposit *, const struct store_account *, bool dry_run);

/* What its ages are judged by now; STORE_NEVER_MS: they cannot be. */
int64_t deposit_age_now_ms(const struct deposit *);

/* Look up what is known, and tell the sync. */
void deposit_look_up(struct deposit *);

/* How many bodies are durable so far, and were not here before. */
uint32_t deposit_stored(const struct deposit *);

/* Whether the server refused to give messages, as a matter of the account. */
bool deposit_was_refused(const struct deposit *, struct evpop_result *result_r);

/* Whether what is known of the account's unique-ids was changed. */
bool deposit_wrote(const struct deposit *);

/* How many messages the server has committed the deletion of. */
uint32_t deposit_deleted(const struct deposit *);

/* How many turned out to be known under an id that is gone. */
uint32_t deposit_adopted(const struct deposit *);

/*
 * The sync is done: write what is still owed.  `closed` runs on the loop, or
 * at once, when the store owes no answer any more.
 */
void deposit_close(struct deposit *, store_done_cb closed, void *arg);

/* Sets the pointer to NULL; NULL is allowed. */
void deposit_free(struct deposit **);

#endif

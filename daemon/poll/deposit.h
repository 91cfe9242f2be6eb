/*
 * Between a sync and the store: bodies go in, acknowledgements come back, and
 * what is known of an account's unique-ids follows.
 */
#ifndef POLL_DEPOSIT_H
#define POLL_DEPOSIT_H

#include <evpop/sync.h>

#include "daemon/store/store.h"

struct deposit;

/*
 * How long a unique-id is remembered once its message is gone from the server:
 * should the server show it again, its bytes tell whether it is the same.
 */
#define DEPOSIT_REMEMBER_MS (30 * INT64_C(86400000))

/* So often a message may fail before it goes into quarantine. */
#define DEPOSIT_ATTEMPTS 3

/*
 * `failed` runs when the store could not take something; NULL: no memory.  The
 * name is the account's, borrowed, for the log.
 */
struct deposit *deposit_new(struct store *, struct evpop_sync *,
    const char *name, store_done_cb failed, void *arg)
    __attribute__((warn_unused_result));

/* Before anything below.  A dry run writes nothing. */
void deposit_set_account(struct deposit *, int64_t account_id, bool dry_run);

/* The listing is there: look up what is known, and tell the sync. */
void deposit_listing(struct deposit *);

/* The callbacks of a sync of the same names. */
void deposit_matched(struct deposit *, const struct evpop_plan *);
void deposit_planned(
    struct deposit *, const struct evpop_listing *, const struct evpop_plan *);
enum evpop_flow deposit_begin(struct deposit *, const struct evpop_entry *,
    enum evpop_action, void **message_r);
enum evpop_flow deposit_data(
    struct deposit *, void *message, const unsigned char *, size_t length);
void deposit_end(struct deposit *, const struct evpop_entry *, void *message,
    const struct evpop_result *);
void deposit_refused(
    struct deposit *, const struct evpop_entry *, const struct evpop_result *);
void deposit_trace(struct deposit *, bool from_server, const char *line);
void deposit_deleted(struct deposit *, const struct evpop_entry *);

/* How many bodies are durable so far, and were not here before. */
uint32_t deposit_stored(const struct deposit *);

/* Whether what is known of the account's unique-ids was changed. */
bool deposit_wrote(const struct deposit *);

/* How many turned out to be known under an id that is gone. */
uint32_t deposit_adopted(const struct deposit *);

/* The store takes bodies again: resume the session if it was paused. */
void deposit_drained(struct deposit *);

/*
 * The sync is done: write what is still owed.  `closed` runs on the loop, or
 * at once, when the store owes no answer any more.
 */
void deposit_close(struct deposit *, store_done_cb closed, void *arg);

/* Sets the pointer to NULL; NULL is allowed. */
void deposit_free(struct deposit **);

#endif

/*
 * What is known of an account's unique-ids: read from the store for a sync, in
 * batches of which one is in memory, for there may be a million; and changed as
 * the session goes on.  What is read was asked for once all changes before it
 * are written.
 */
#ifndef POLL_KNOWN_H
#define POLL_KNOWN_H

#include <evpop/sync.h>

#include "daemon/store/store.h"

struct known;

struct known_callbacks {
	/*
	 * A batch, sorted; borrowed until the callback returns, and may be
	 * empty.
	 */
	void (*batch)(
	    const struct evpop_known *, size_t count, bool is_last, void *arg);
	/*
	 * The store has answered, after any batch; with STORE_MEMORY also from
	 * inside the calls below.  Reading ends at the first failure.
	 */
	store_done_cb answered;
};

/* The callbacks must outlive it.  NULL without memory. */
struct known *known_new(struct store *, const struct known_callbacks *,
    void *arg) __attribute__((warn_unused_result));

/* Before anything below. */
void known_set_account(struct known *, int64_t account_id);

/*
 * There is a listing: read all that is known, once what was noted is written.
 * What is still being read for an earlier one is dropped.
 */
void known_look_up(struct known *);

/* Read no further. */
void known_stop(struct known *);

/*
 * How long a unique-id is remembered once its message is gone from the server:
 * should the server show it again, its bytes tell whether it is the same.  Ids
 * of another maildrop are kept.
 */
#define KNOWN_REMEMBER_MS (30 * INT64_C(86400000))

/* What a change costs on its way, here and as a part of an operation. */
#define KNOWN_CHANGE_OCTETS (2 * sizeof(struct store_uid_change) + 64)

/*
 * Of a batch: this message is no longer listed.  Its change is written when the
 * batch's callback has returned.
 */
void known_note_gone(
    struct known *, const struct evpop_known *, int64_t now_ms);

/*
 * What a plan says: entries count as seen, wait from now on, or are adopted.
 * Handed to the store before it returns.
 */
void known_note_plan(
    struct known *, const struct evpop_listing *, const struct evpop_plan *);

/* The server has committed the deletion of this entry; its id is copied. */
void known_note_deleted(struct known *, const struct evpop_entry *);

/* Hand to the store what was noted. */
void known_write(struct known *);

/* Whether the store owes an answer; to changes; whether there were any. */
bool known_is_pending(const struct known *);
bool known_is_writing(const struct known *);
bool known_has_changed(const struct known *);

/* With no answer owed.  Sets the pointer to NULL; NULL is allowed. */
void known_free(struct known **);

#endif

/*
 * Changes of what is known of an account's unique-ids, on their way to the
 * store: gathered while a session goes on, and handed over together.
 */
#ifndef POLL_CHANGES_H
#define POLL_CHANGES_H

#include <evpop/sync.h>

#include "daemon/store/store.h"

struct changes;

/*
 * `written` runs for each hand-over when the store has answered, and with
 * STORE_MEMORY from inside the calls below.  NULL without memory.
 */
struct changes *changes_new(struct store *, store_done_cb written, void *arg)
    __attribute__((warn_unused_result));

/* Before anything below. */
void changes_set_account(struct changes *, int64_t account_id);

/*
 * How long a unique-id is remembered once its message is gone from the server:
 * should the server show it again, its bytes tell whether it is the same.  Ids
 * of another maildrop are kept.
 */
#define CHANGES_REMEMBER_MS (30 * INT64_C(86400000))

/* What a change costs on its way, here and as a part of an operation. */
#define CHANGES_OCTETS (2 * sizeof(struct store_uid_change) + 64)

/*
 * A known message is no longer listed.  Its id is borrowed until
 * changes_write(), which must be soon.
 */
void changes_gone(struct changes *, const struct evpop_known *, int64_t now_ms);

/*
 * What a plan says: entries count as seen, or are adopted.  Handed over before
 * it returns.
 */
void changes_planned(
    struct changes *, const struct evpop_listing *, const struct evpop_plan *);

/* The server has committed the deletion of this entry; its id is copied. */
void changes_deleted(struct changes *, const struct evpop_entry *);

/* Hand over what was noted. */
void changes_write(struct changes *);

/* Whether the store owes an answer; and whether there ever was a change. */
bool changes_are_pending(const struct changes *);
bool changes_were_written(const struct changes *);

/* With no answer owed.  Sets the pointer to NULL; NULL is allowed. */
void changes_free(struct changes **);

#endif

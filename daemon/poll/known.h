/*
 * What is known of an account's unique-ids, read from the store for a sync in
 * batches: there may be a million, and only one batch is in memory.
 */
#ifndef POLL_KNOWN_H
#define POLL_KNOWN_H

#include <evpop/sync.h>

#include "daemon/store/store.h"

struct known;

/*
 * A batch, sorted; it is borrowed until the callback returns, and may be empty.
 * `is_last` is also true with any status but STORE_OK.
 */
typedef void (*known_batch_cb)(enum store_status, const struct evpop_known *,
    size_t count, bool is_last, void *arg);

/* NULL without memory. */
struct known *known_new(struct store *, known_batch_cb batch, void *arg)
    __attribute__((warn_unused_result));

/* Begin to read; not before the last reading is over. */
void known_read(struct known *, int64_t account_id);

/* Nobody wants the rest: the batch that is asked for is the last. */
void known_stop(struct known *);

/* Whether the store owes an answer. */
bool known_is_pending(const struct known *);

/* With no answer owed.  Sets the pointer to NULL; NULL is allowed. */
void known_free(struct known **);

#endif

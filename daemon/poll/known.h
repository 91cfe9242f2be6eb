/*
 * What is known of an account's unique-ids, read from the store for a sync:
 * there may be a million, so that it is asked for in batches and held within
 * the memory that polls have.
 */
#ifndef POLL_KNOWN_H
#define POLL_KNOWN_H

#include <evpop/sync.h>

#include "daemon/store/store.h"

struct known;

/* Hold so many octets more (below 0: less); false: the poll must end. */
typedef bool (*known_hold_cb)(int64_t octets, void *arg);

/*
 * All that is known, sorted; borrowed until the callback returns.  NULL with
 * STORE_OK: there was no room for it, as `hold` has said.
 */
typedef void (*known_read_cb)(
    enum store_status, const struct evpop_known *, size_t count, void *arg);

/* Both callbacks get `arg`.  NULL without memory. */
struct known *known_new(struct store *, known_hold_cb hold, known_read_cb read,
    void *arg) __attribute__((warn_unused_result));

/* Begin to read; not before the last reading is over. */
void known_read(struct known *, int64_t account_id);

/* Whether the store owes an answer. */
bool known_is_pending(const struct known *);

/* With no answer owed.  Sets the pointer to NULL; NULL is allowed. */
void known_free(struct known **);

#endif

/*
 * Unique-ids of another maildrop than the one an account polls now.  They are
 * kept aside, under ids that no server's can equal: the messages behind them
 * are recognised by size, header and digest, as those are that are gone; and
 * should the account go back to that maildrop, they are what they were.
 */
#ifndef STORE_ASIDE_H
#define STORE_ASIDE_H

#include "daemon/store/unique.h"

/* A maildrop, as ids that are aside begin: " was-", a digest of it, "-". */
#define STORE_ASIDE_MAILDROP 22
struct store_aside {
	char prefix[STORE_ASIDE_MAILDROP + 1];
};

/* False without memory. */
bool store_aside_name(struct store_aside *aside_r, const char *host,
    const char *user) __attribute__((warn_unused_result));

/*
 * Put aside what is known of an account's unique-ids at this maildrop; what is
 * known by its bytes alone stays.  With `trust_seen`, so does what was counted
 * as seen without having been fetched, if its id is long: nothing else could
 * tell it again, and such ids do not meet by chance.
 */
enum store_status store_aside_put(struct sql_db *, const struct store_aside *,
    int64_t account_id, bool trust_seen, uint64_t *count_r, uint64_t *seen_r)
    __attribute__((warn_unused_result));

/* Bring back what is aside of this maildrop. */
enum store_status store_aside_return(struct sql_db *,
    const struct store_aside *, int64_t account_id, uint64_t *count_r)
    __attribute__((warn_unused_result));

/* Whatever is aside under this id as quarantined is forgotten. */
enum store_status store_aside_release(struct sql_db *,
    const struct store_unique *) __attribute__((warn_unused_result));

#endif

/*
 * The bodies of one session, recognised by their digests: a tally of those
 * without a unique-id, and the account's messages that are no longer listed.
 * The handle is the loop's, what it knows the writer's.
 */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "daemon/store/unique.h"

/* Each body of it holds it. */
struct store_identity *store_identity_hold(struct store_identity *);
void store_identity_release(struct store_identity *);

/* ---- for the writer's thread, inside its transaction ---- */

/*
 * Count a body without a unique-id: the first of its bytes is 0.  `owed` says
 * that its deletion will be.  False without memory.
 */
bool store_identity_count(struct store_identity *,
    const unsigned char digest[STORE_DIGEST_SIZE], bool owed,
    uint32_t *occurrence_r) __attribute__((warn_unused_result));
void store_identity_uncount(
    struct store_identity *, const unsigned char digest[STORE_DIGEST_SIZE]);

/*
 * Find a message of that digest that is GONE, its id (borrowed until the next
 * call) and row.  row_r->found is false where there is none (any more).
 */
enum store_status store_identity_find(struct store_identity *,
    struct store_db *, const unsigned char digest[STORE_DIGEST_SIZE],
    struct store_unique *from_r, struct store_unique_row *row_r)
    __attribute__((warn_unused_result));

/* A message is GONE now, whose id went to another; false without memory. */
bool store_identity_add(struct store_identity *,
    const struct store_unique_former *) __attribute__((warn_unused_result));

/* What was found may be GONE again: a transaction was undone. */
void store_identity_undone(struct store_identity *);

#endif

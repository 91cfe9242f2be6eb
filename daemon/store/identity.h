/*
 * The bodies of one session, recognised by their bytes: those without a
 * unique-id by counts of digests, others among the account's messages that are
 * no longer listed.  The handle is the loop's, what it knows the writer's.
 */
#ifndef STORE_IDENTITY_H
#define STORE_IDENTITY_H

#include "daemon/store/unique.h"

/* Each of its bodies holds it. */
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

/* By these a body is compared with the messages that are GONE. */
struct store_identity_body {
	uint64_t octets;
	const unsigned char *digest;        /* STORE_DIGEST_SIZE octets */
	const unsigned char *header_digest; /* or NULL */
	/* NULL where no server has added lines. */
	const unsigned char *whole_header_digest;
};

/*
 * Find a message of the same bytes that is GONE: its id (borrowed until the
 * next call) and row.  row_r->found is false where there is none.
 */
enum store_status store_identity_find(struct store_identity *, struct sql_db *,
    const struct store_identity_body *, struct store_unique *from_r,
    struct store_unique_row *row_r) __attribute__((warn_unused_result));

#endif

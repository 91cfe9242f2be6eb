/*
 * Whether the digests of a store are keyed, and the way there.  Once mail is
 * sealed the file must not tell by a digest what a message was: digests that
 * were plain are keyed then, in batches, before the store is used.  It is keyed
 * for ever, by one key.
 */
#ifndef STORE_KEYING_H
#define STORE_KEYING_H

#include "daemon/store/db.h"
#include "daemon/store/digest.h"

/*
 * Make sure that the key is the one that the store was keyed with, or key it if
 * `seals` asks for that; *is_keyed_r tells whether it is.  STORE_NO_KEY where
 * the key is missing or another one; *error_r says what to do.  Goes on where
 * it was interrupted.
 */
enum store_status store_keying_open(struct sql_db *, const char *path,
    const struct store_digest_key *, bool seals, bool *is_keyed_r,
    struct store_error *error_r) __attribute__((warn_unused_result));

#endif

/*
 * Whether two bodies are the same message.  Servers add header lines to a
 * message that was read; everything else stays the same.  For the writer's
 * thread, inside its transaction.
 */
#ifndef STORE_COMPARE_H
#define STORE_COMPARE_H

#include "daemon/store/body.h"

/*
 * Whether a body under way is the message that was known by its unique-id,
 * apart from such lines.  All pieces but the last are in the file.  Reads both,
 * but for what is sealed, which is known by a digest.
 */
enum store_status store_compare_known(struct sql_db *,
    const struct store_unique_row *known, const struct store_body *,
    const struct store_scan_result *, bool *same_r)
    __attribute__((warn_unused_result));

/* A message of the account with the same bytes; 0: there is none. */
enum store_status store_compare_find(struct sql_db *, const struct store_body *,
    const struct store_scan_result *, int64_t *id_r)
    __attribute__((warn_unused_result));

#endif

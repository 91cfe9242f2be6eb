/*
 * What of a message stays the same while it lies on a server: all but the
 * header lines that servers add to what was read.  For the writer's thread,
 * inside its transaction.
 */
#ifndef STORE_COMPARE_H
#define STORE_COMPARE_H

#include "daemon/store/body.h"

/*
 * Whether a body on its way, of which all but the last piece is in the file, is
 * the message of that id, but for such lines.  Reads both.
 */
enum store_status store_compare_message(struct sql_db *, int64_t message_id,
    const struct store_body *, bool *same_r)
    __attribute__((warn_unused_result));

#endif

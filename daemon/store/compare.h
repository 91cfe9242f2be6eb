/*
 * Whether two bodies are the same message.  Servers add header lines to a
 * message that was read; everything else stays the same.  For the writer's
 * thread, inside its transaction.
 */
#ifndef STORE_COMPARE_H
#define STORE_COMPARE_H

#include "daemon/store/body.h"

/*
 * Whether a body under way is the message with that id, apart from such lines.
 * All pieces but the last are in the file.  Reads both.
 */
enum store_status store_compare_message(struct sql_db *, int64_t message_id,
    const struct store_body *, bool *same_r)
    __attribute__((warn_unused_result));

#endif

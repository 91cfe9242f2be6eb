/*
 * Whether the deliveries of messages have come to an end, and what that means
 * for their unique-ids.  Inside a transaction.
 */
#ifndef STORE_DELIVERED_H
#define STORE_DELIVERED_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/db.h"

/* There was a delivery, and none waits, also not for a person. */
enum store_status store_delivered(struct sql_db *, int64_t message_id,
    bool *is_r) __attribute__((warn_unused_result));

/*
 * From now on the account deletes on its server what is delivered: that is owed
 * of what has been, and no more of anything else.
 */
enum store_status store_delivered_owe(struct sql_db *, int64_t account_id)
    __attribute__((warn_unused_result));

#endif

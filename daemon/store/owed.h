/*
 * Where an account deletes on its server what is delivered: the deletion of a
 * message's unique-id becomes owed with its last delivery.  The writer's.
 */
#ifndef STORE_OWED_H
#define STORE_OWED_H

#include <stdint.h>

#include "daemon/store/store.h"

struct store_writer;

/* A delivery of the message has come to an end, in this transaction. */
enum store_status store_owed_settled(struct store_writer *, int64_t account_id,
    int64_t message_id) __attribute__((warn_unused_result));

/*
 * A message that is here already is listed again: *state_r, which is STORED,
 * becomes DELETE where all of its deliveries have come to an end before.
 */
enum store_status store_owed_again(struct store_writer *, int64_t account_id,
    int64_t message_id, enum store_uid_state *state_r)
    __attribute__((warn_unused_result));

/* The account has unique-ids again that it had before. */
enum store_status store_owed_restored(struct store_writer *, int64_t account_id)
    __attribute__((warn_unused_result));

#endif

/*
 * The failures of messages that are not stored: counted, and forgotten once
 * the message is.  For the writer's thread, inside its transaction.
 */
#ifndef STORE_FAILURE_H
#define STORE_FAILURE_H

#include "daemon/store/unique.h"

struct store_writer;

/* Costs nothing while no message of any account has failed. */
enum store_status store_failure_forget(struct store_writer *,
    const struct store_unique *) __attribute__((warn_unused_result));

#endif

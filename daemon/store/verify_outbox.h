/*
 * A part of the verification of the file: what the outbox says of messages, and
 * its targets of the outbox.
 */
#ifndef STORE_VERIFY_OUTBOX_H
#define STORE_VERIFY_OUTBOX_H

#include "daemon/store/check.h"

enum store_status store_verify_outbox(struct sql_db *, struct store_checker *)
    __attribute__((warn_unused_result));

#endif

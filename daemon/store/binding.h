/*
 * An account's row is bound to a maildrop: the user's at the host.  Unique-ids
 * of another one than the account polls now are kept aside, under ids that no
 * server's can equal.  The messages behind them are recognised by size, header
 * and digest, as those are that are gone; and should the account go back to
 * that maildrop, they are what they were.
 */
#ifndef STORE_BINDING_H
#define STORE_BINDING_H

#include "daemon/store/unique.h"

/* Forget the id where it is aside as quarantined. */
enum store_status store_binding_release(struct sql_db *,
    const struct store_unique *) __attribute__((warn_unused_result));

#endif

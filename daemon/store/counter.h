/*
 * The counters of an account, which change in the transaction that adds its
 * messages.  A transaction often holds many of one account: they are added up,
 * and written before its end.
 */
#ifndef STORE_COUNTER_H
#define STORE_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/store/db.h"

/* Belongs to an open transaction; all zero when it begins. */
struct store_counter {
	int64_t account_id;       /* whose row is there; 0: none is known */
	int64_t messages, octets; /* of it, not written yet */
};

/* Count one more message; *found_r says whether the account exists. */
enum store_status store_counter_add(struct store_counter *, struct sql_db *,
    int64_t account_id, uint64_t octets, bool *found_r)
    __attribute__((warn_unused_result));

/* Write what is not; before the commit, and not where it is undone. */
enum store_status store_counter_write(struct store_counter *, struct sql_db *)
    __attribute__((warn_unused_result));

#endif

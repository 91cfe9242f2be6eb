/*
 * How often each message has failed that is not stored: counted, and forgotten
 * once it is.  For the writer's thread, inside its transaction.
 */
#ifndef STORE_ATTEMPTS_H
#define STORE_ATTEMPTS_H

#include "daemon/store/unique.h"

struct store_attempts {
	bool may_exist; /* rows of `failure` */
};

/* Forget what is known of the rows; also the initial state. */
void store_attempts_undone(struct store_attempts *);

/* Count a failure; *attempts_r is 0 where there is no such account. */
enum store_status store_attempts_count(struct store_attempts *, struct sql_db *,
    const struct store_failure *, unsigned *attempts_r)
    __attribute__((warn_unused_result));

/* Costs nothing while no message of any account has failed. */
enum store_status store_attempts_forget(
    struct store_attempts *, struct sql_db *, const struct store_unique *)
    __attribute__((warn_unused_result));
enum store_status store_attempts_forget_all(struct sql_db *, int64_t account_id)
    __attribute__((warn_unused_result));

/* Whether the message has failed; for any thread. */
enum store_status store_attempts_look_up(
    struct sql_db *, const struct store_unique *, bool *has_failed_r)
    __attribute__((warn_unused_result));

#endif

/*
 * Persons pause accounts and resume them.  The store remembers it, so that it
 * outlasts the daemon, and an account is paused once the store has it.
 */
#ifndef POLL_PAUSES_H
#define POLL_PAUSES_H

#include "daemon/poll/accounts.h"

struct pauses;

/*
 * `changed` runs after an account was paused or resumed.  All outlive it but
 * the answers that the store owes.  NULL without memory.
 */
struct pauses *pauses_new(struct store *, struct accounts *, struct agenda *,
    void (*changed)(struct account *, void *arg), void *arg)
    __attribute__((warn_unused_result));

/*
 * Pause an account from now on, or resume it.  `done` may be NULL; it may run
 * inside the call, and after pauses_free().
 */
void pauses_begin(struct pauses *, struct account *, const char *who,
    store_done_cb done, void *arg);
void pauses_end(
    struct pauses *, struct account *, store_done_cb done, void *arg);

/* Sets the pointer to NULL; NULL is allowed. */
void pauses_free(struct pauses **);

#endif

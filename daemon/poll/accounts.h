/*
 * All accounts of the configuration: found by name, taken over from one
 * configuration to the next, and made known to the store, which tells whose row
 * is whose.  Polls wait for that.
 */
#ifndef POLL_ACCOUNTS_H
#define POLL_ACCOUNTS_H

#include "daemon/config/config.h"
#include "daemon/poll/account.h"
#include "daemon/store/store.h"

struct accounts;

/*
 * Empty.  `known` runs whenever the store has told whose rows are whose, or
 * could not: within accounts_tell() where there is no memory.  NULL without
 * memory.
 */
struct accounts *accounts_new(struct store *, struct agenda *,
    void (*known)(void *arg), void *arg) __attribute__((warn_unused_result));

/*
 * Take over a configuration, the first one or another: accounts that are in
 * both stay, with their runs.  It must stay until the next one.  False without
 * memory, and nothing has changed.
 */
bool accounts_take(struct accounts *, const struct config *,
    const struct config_diff *) __attribute__((warn_unused_result));

/* Tell the store which accounts there are. */
void accounts_tell(struct accounts *);
/* The same, where the store could not take it. */
void accounts_tell_again(struct accounts *);

/* Whether the store has answered for the last configuration. */
bool accounts_are_answered(const struct accounts *);

/* Whether the store keeps all polls from their servers; with the reason. */
bool accounts_are_hindered(struct accounts *, struct evpop_result *why_r);

size_t accounts_count(const struct accounts *);
/* In the order of names; NULL where there are not so many. */
struct account *accounts_at(const struct accounts *, size_t index);
struct account *accounts_find(const struct accounts *, const char *name);

/* An account's poll has ended; before it, so many deletions were held. */
void accounts_note_held(
    struct accounts *, const struct account *, uint32_t before);
/* Those of all, and in how many accounts. */
uint64_t accounts_held(const struct accounts *, uint64_t *accounts_r);

/* With no run.  Sets the pointer to NULL; NULL is allowed. */
void accounts_free(struct accounts **);

#endif

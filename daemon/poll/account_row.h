/*
 * An account's row in the store, as one poll needs it: found at the beginning,
 * and bound to the account's maildrop once its listing is there.  Until then
 * nothing changes: who cannot log in has no other maildrop yet.
 */
#ifndef POLL_ACCOUNT_ROW_H
#define POLL_ACCOUNT_ROW_H

#include "daemon/config/config.h"
#include "daemon/store/store.h"

struct account_row;

/* The configuration is only read by this call.  NULL without memory. */
struct account_row *account_row_new(struct store *,
    const struct config_account *) __attribute__((warn_unused_result));

/* Ask for it; the answer comes once. */
void account_row_ask(struct account_row *, store_account_cb known, void *arg);

/* Instead: it is known from the last poll. */
void account_row_recall(struct account_row *, int64_t account_id);

/* Whether the row, if it was asked for, is bound to another maildrop. */
bool account_row_is_elsewhere(const struct account_row *);

/*
 * There may be work to do: ask again where it was recalled, so that the store
 * is tried, and bind it.  The answer comes once.
 */
void account_row_bind(struct account_row *, store_done_cb bound, void *arg);

/* The account as last read, without its texts; once it is bound. */
const struct store_account *account_row_account(const struct account_row *);

/*
 * What binding it has changed, in words for people, as was logged; NULL if
 * nothing.  Owned by the row.
 */
const char *account_row_note(const struct account_row *);

/* With no answer owed.  Sets the pointer to NULL; NULL is allowed. */
void account_row_free(struct account_row **);

#endif

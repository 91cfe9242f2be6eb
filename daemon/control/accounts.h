/*
 * Accounts as JSON: how the poller sees them, and what is stored of them.
 */
#ifndef CONTROL_ACCOUNTS_H
#define CONTROL_ACCOUNTS_H

#include <jansson.h>

#include "daemon/poll/poller.h"
#include "daemon/store/store.h"

/* `row` is NULL where the store has none, or could not say. */
json_t *account_json(
    const struct poller_account_status *, const struct store_account_row *row);

#endif

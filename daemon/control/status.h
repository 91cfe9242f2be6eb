/*
 * The daemon as a whole, as JSON.
 */
#ifndef CONTROL_STATUS_H
#define CONTROL_STATUS_H

#include <jansson.h>
#include <stdint.h>

#include "daemon/control/exchange.h"
#include "daemon/poll/poller.h"
#include "daemon/store/store.h"

/* Deletions that wait for a person, and in how many accounts. */
struct status_held {
	uint64_t accounts, deletions;
};
void status_held(const struct poller *, struct status_held *held_r);

json_t *status_json(const struct exchange_context *,
    const struct poller_status *, const struct status_held *,
    const struct store_error *health, const struct store_clock *,
    const struct store_stats *, int64_t now_ms, int64_t elapsed_ms);

#endif

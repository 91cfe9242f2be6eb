/* Credentials that a server refused before this program was started. */
#ifndef POLL_REFUSAL_H
#define POLL_REFUSAL_H

#include <evpop/error.h>

#include "daemon/config/config.h"
#include "daemon/store/store.h"

/*
 * Whether to send them again is too early, by the same back-off that a daemon
 * keeps to, which stays; with the reason.  Not where they may have changed.
 */
bool refusal_is_early(const struct store_refusal *,
    const struct config_account *, struct evpop_result *why_r);

#endif

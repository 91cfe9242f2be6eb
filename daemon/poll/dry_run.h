/*
 * What a poll would do, kept for whoever asked: a copy of a plan, bounded.
 */
#ifndef POLL_DRY_RUN_H
#define POLL_DRY_RUN_H

#include <evpop/sync.h>

#include "daemon/poll/poller.h"

/* NULL without memory. */
struct poller_plan *dry_run_new(
    const struct evpop_listing *, const struct evpop_plan *, int64_t now_ms)
    __attribute__((warn_unused_result));

/* Sets the pointer to NULL; NULL is allowed. */
void dry_run_free(struct poller_plan **);

#endif

/*
 * What a dry run found, as JSON.
 */
#ifndef CONTROL_PLAN_H
#define CONTROL_PLAN_H

#include <jansson.h>
#include <stddef.h>

#include "daemon/poll/poller.h"

/*
 * The plan with `limit` of its entries from `first` on, and "next_cursor"
 * where more follow.
 */
json_t *plan_json(const struct poller_plan *, const char *account, size_t first,
    size_t limit);

#endif

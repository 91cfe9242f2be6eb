/*
 * Stored messages as JSON.
 */
#ifndef CONTROL_MESSAGES_H
#define CONTROL_MESSAGES_H

#include <jansson.h>
#include <stdbool.h>

#include "daemon/control/parameters.h"
#include "daemon/store/store.h"

json_t *message_json(const struct store_message_row *);

/*
 * The filter that the parameters describe; its strings are borrowed from
 * them.
 */
bool messages_filter(struct store_message_filter *filter_r,
    const struct parameters *, int64_t now_ms, struct problem *problem_r)
    __attribute__((warn_unused_result));

#endif

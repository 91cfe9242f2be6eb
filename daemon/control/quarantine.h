/*
 * Messages that failed too often, as JSON.
 */
#ifndef CONTROL_QUARANTINE_H
#define CONTROL_QUARANTINE_H

#include <jansson.h>
#include <stdbool.h>

#include "daemon/store/store.h"

/* The transcript is long: lists do without. */
json_t *quarantine_json(const struct store_quarantine_row *, bool transcript);

#endif

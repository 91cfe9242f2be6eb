/*
 * What happened, as JSON: what readers of /v1/events get, and hooks on their
 * standard input.
 */
#ifndef CONTROL_EVENT_H
#define CONTROL_EVENT_H

#include <jansson.h>
#include <stdint.h>

#include "daemon/notify/notify.h"

/*
 * {"event", "time", "account", ...} with what belongs to the kind; "id" first
 * where it is not 0.  NULL without memory.
 */
json_t *event_json(const struct notify_event *, uint64_t id, int64_t time_ms);

#endif

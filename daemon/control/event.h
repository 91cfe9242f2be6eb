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

/*
 * A copy of an event that lasts, in one piece of *size_r bytes for free(); NULL
 * without memory.
 */
struct event_kept {
	struct notify_event event;
	int64_t time_ms;
	struct tally tally;
	char texts[]; /* of the event's */
};
struct event_kept *event_keep(const struct notify_event *, int64_t time_ms,
    size_t *size_r) __attribute__((warn_unused_result));

#endif

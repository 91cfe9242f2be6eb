/*
 * The feed of events (GET /v1/events, server-sent): keeps the newest, and sends
 * each reader what it has not seen, at the reader's own pace.  A reader costs a
 * connection and one small part of the feed, however little it reads; one that
 * takes nothing for LIMITS_EVENTS_STALL_SECONDS is dropped.
 *
 * Ids grow by one within a run of the daemon, and those of a later run are all
 * higher: they count from the time of its start.
 */
#ifndef CONTROL_EVENTS_H
#define CONTROL_EVENTS_H

#include <stddef.h>
#include <stdint.h>

struct event_base;
struct events;
struct notify;

/* `started_ms` is Unix time, from which the ids count.  NULL without memory. */
struct events *events_new(struct event_base *, struct notify *,
    int64_t started_ms) __attribute__((warn_unused_result));

/* After all readers have left: their connections are closed. */
void events_free(struct events **);

struct events_count {
	size_t readers;
	uint64_t dropped; /* because they did not read, so far */
	uint64_t next_id; /* of the next event */
};
struct events_count events_count(const struct events *);

#endif

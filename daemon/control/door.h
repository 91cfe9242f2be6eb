/*
 * Where connections come in: how many in one turn of the loop, and with what
 * descriptor when the process has none left.  The listener accepts, this lets
 * it.
 */
#ifndef CONTROL_DOOR_H
#define CONTROL_DOOR_H

#include <stdbool.h>

struct door;
struct event_base;
struct evconnlistener;

/* Close a connection for the next one; false: all are at work. */
typedef bool (*door_make_room_cb)(void *arg);

/* NULL without memory. */
struct door *door_new(struct event_base *, struct evconnlistener *,
    door_make_room_cb, void *arg) __attribute__((warn_unused_result));
/* Before the listener is freed. */
void door_free(struct door **);

/* One came in; those behind it wait until door_open() where they are many. */
void door_passed(struct door *);
void door_open(struct door *);

#endif

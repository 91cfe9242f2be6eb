/*
 * Counts the connections of an evhttp, and stops accepting while there are too
 * many.  evhttp of libevent 2.1 has no such limit and tells nobody when a
 * connection that sent no request ends.
 */
#ifndef CONTROL_CONNECTIONS_H
#define CONTROL_CONNECTIONS_H

#include <stddef.h>

struct event_base;
struct evconnlistener;
struct evhttp;
struct connections;

/* NULL without memory. */
struct connections *connections_new(struct event_base *, struct evhttp *,
    struct evconnlistener *, size_t most) __attribute__((warn_unused_result));

/* After evhttp_free(), which took the listener with it. */
void connections_free(struct connections **);

/* How many there are now. */
size_t connections_count(struct connections *);

#endif

/*
 * The connections of an evhttp: accepts them, asks admission.h which to serve,
 * and closes idle ones for others. evhttp of libevent 2.1 has no limit of its
 * own, and does not report connections without a request.
 */
#ifndef CONTROL_CONNECTIONS_H
#define CONTROL_CONNECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/control/admission.h"

struct event_base;
struct evconnlistener;
struct evhttp;
struct evhttp_request;
struct connections;

struct connections_options {
	struct admission_limits limits;
	/* How long a user who is not an admin may take to read an answer. */
	int64_t taking_ms;
	bool (*is_admin)(uid_t, void *arg);
	void *arg;
};

struct connections_count {
	size_t served, waiting;
	uint64_t closed;  /* idle ones, for others, so far */
	uint64_t refused; /* with an answer that says so */
};

/* The listener is bound to the evhttp.  NULL without memory. */
struct connections *connections_new(struct event_base *, struct evhttp *,
    struct evconnlistener *, const struct connections_options *)
    __attribute__((warn_unused_result));

/* Before evhttp_free(), which closes what is open. */
void connections_free(struct connections **);

/*
 * A whole request came: its connection is busy until evhttp has sent the
 * answer.
 */
void connections_begin(struct connections *, struct evhttp_request *);

/*
 * The connection of a request reads events from now on, and makes room for
 * another one; false if there are too many that do.
 */
bool connections_read(struct connections *, struct evhttp_request *)
    __attribute__((warn_unused_result));

/* The connections now, and what happened to others. */
struct connections_count connections_count(const struct connections *);

#endif

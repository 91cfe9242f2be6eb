/*
 * What evhttp has of a request, and how it is answered.
 */
#ifndef CONTROL_REQUEST_H
#define CONTROL_REQUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "daemon/control/response.h"

struct evhttp_request;
struct timeval;

bool request_is_head(struct evhttp_request *);

/* Notice that the client disconnects while it waits for an answer. */
void request_watch_client(struct evhttp_request *);

/* How long its connection may make no progress; NULL: for ever. */
void request_set_deadlines(struct evhttp_request *,
    const struct timeval *reading, time_t writing_seconds);
/* As a connection has them that is not in use. */
void request_set_idle_deadlines(struct evhttp_request *);

/* Of every answer. */
void request_set_headers(struct evhttp_request *, const char *content_type);

/* Of a body whose end evhttp does not see. */
void request_set_length(struct evhttp_request *, uint64_t length);

/* With what is in its output buffer. */
void request_send(struct evhttp_request *, int status);

/* Takes over the answer's JSON. */
void request_answer(struct evhttp_request *, struct response);

#endif

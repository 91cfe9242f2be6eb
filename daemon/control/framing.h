/*
 * Whether a request leaves no doubt about where it ends.  evhttp takes the
 * first of several lengths, and signs in front of one; whoever reads the same
 * bytes otherwise would find another request behind this one.
 */
#ifndef CONTROL_FRAMING_H
#define CONTROL_FRAMING_H

#include <stdbool.h>

#include "daemon/control/response.h"

struct evhttp_request;

/*
 * RFC 9112 sections 2.3, 5.1, 6.1 and 6.3.  False with the answer, behind which
 * the connection must close: what follows cannot be read.
 */
bool framing_is_clear(struct evhttp_request *, struct response *answer_r)
    __attribute__((warn_unused_result));

#endif

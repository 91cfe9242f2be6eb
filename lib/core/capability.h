/* The lines of a CAPA response (RFC 2449 section 6), one at a time. */
#ifndef EVPOP_CORE_CAPABILITY_H
#define EVPOP_CORE_CAPABILITY_H

#include <evpop/proto.h>

/*
 * Note a line, which holds one capability and its arguments.  Unknown ones are
 * passed over, as are arguments that make no sense.
 */
void evpop_capability_line(
    struct evpop_capabilities *, const unsigned char *line, size_t length);

#endif

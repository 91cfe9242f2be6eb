/*
 * The digest of a message's header, from bytes in pieces of any size: up to the
 * first empty line, and without it.
 */
#ifndef EVPOP_SESSION_HEADER_H
#define EVPOP_SESSION_HEADER_H

#include <evpop/sync.h>

struct evpop_header;

/* NULL without memory. */
struct evpop_header *evpop_header_new(void) EVPOP_MUST_USE;
void evpop_header_feed(
    struct evpop_header *, const unsigned char *bytes, size_t length);
/* After the last byte; false where OpenSSL could not. */
bool evpop_header_finish(struct evpop_header *,
    unsigned char digest_r[EVPOP_HEADER_DIGEST_SIZE]) EVPOP_MUST_USE;
/* NULL is allowed. */
void evpop_header_free(struct evpop_header *);

#endif

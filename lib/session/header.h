/*
 * What tells one message's header from another's, from octets in pieces of any
 * size: up to the first empty line, and without it.
 */
#ifndef EVPOP_SESSION_HEADER_H
#define EVPOP_SESSION_HEADER_H

#include <evpop/sync.h>

struct evpop_header_reader;

/* NULL without memory. */
struct evpop_header_reader *evpop_header_reader_new(void) EVPOP_MUST_USE;
void evpop_header_reader_feed(
    struct evpop_header_reader *, const unsigned char *bytes, size_t length);
/* After the last octet; false where OpenSSL could not. */
bool evpop_header_reader_finish(
    struct evpop_header_reader *, struct evpop_header *header_r) EVPOP_MUST_USE;
/* NULL is allowed. */
void evpop_header_reader_free(struct evpop_header_reader *);

#endif

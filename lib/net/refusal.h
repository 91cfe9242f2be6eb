/*
 * What a server means by the words of a refusal, where no response code (RFC
 * 2449 section 8, RFC 3206) says it.
 */
#ifndef EVPOP_NET_REFUSAL_H
#define EVPOP_NET_REFUSAL_H

#include <evpop/error.h>

/*
 * Where the text says "not now", the result becomes a refusal that passes: of
 * credentials it says nothing.  A response code that is known stands above
 * words.
 */
void evpop_refusal_by_words(struct evpop_result *);

#endif

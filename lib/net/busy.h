/*
 * Refusals of a log-in that are not about the credentials, said in words by
 * servers that know no response codes (RFC 2449 section 8, RFC 3206).
 */
#ifndef EVPOP_LIB_NET_BUSY_H
#define EVPOP_LIB_NET_BUSY_H

#include <stdbool.h>

/* Whether the words say that the maildrop is in use, locked or unavailable. */
bool evpop_busy_words(const char *text);

#endif

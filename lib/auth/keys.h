/*
 * Derived keys (derivation.h) that are kept, so that the log-ins to come need
 * not compute them.  A key logs in like the password it is made from: keys and
 * the digests they are found by live in memory of their own that goes into no
 * core dump, is not swapped out as far as the process may lock memory
 * (RLIMIT_MEMLOCK), has guard pages around it, and is wiped.  For one thread.
 */
#ifndef EVPOP_AUTH_KEYS_H
#define EVPOP_AUTH_KEYS_H

#include "lib/auth/derivation.h"

struct evpop_keys;

/* Half a megabyte of memory, and what 4,096 accounts need. */
#define EVPOP_KEYS_MAX ((size_t)4096)

/*
 * Room for this many keys, at most EVPOP_KEYS_MAX; the least recently used
 * goes.  Memory is taken as keys come.  NULL without memory.
 */
struct evpop_keys *evpop_keys_new(size_t most) EVPOP_MUST_USE;

/* Wipe and free; NULL is allowed. */
void evpop_keys_free(struct evpop_keys *);

/*
 * Find a key by evpop_derivation_digest(); it is copied, and counts as used.
 * False where there is none of that digest and size.
 */
bool evpop_keys_find(struct evpop_keys *,
    const unsigned char digest[EVPOP_SHA256_SIZE], unsigned char *key_r,
    size_t key_size) EVPOP_MUST_USE;

/* Keep a copy of a key; without memory it is not kept. */
void evpop_keys_put(struct evpop_keys *,
    const unsigned char digest[EVPOP_SHA256_SIZE], const unsigned char *key,
    size_t key_size);

#endif

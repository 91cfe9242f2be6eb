/*
 * Since when the messages of a listing are known to wait until they are
 * fetched, see fetch_after_ms in <evpop/sync.h>.  NULL is one in which nothing
 * waits.
 */
#ifndef EVPOP_SESSION_WAITS_H
#define EVPOP_SESSION_WAITS_H

#include <evpop/sync.h>

struct evpop_waits;

/* For so many entries, none of which is known to wait; NULL without memory. */
struct evpop_waits *evpop_waits_new(size_t entries) EVPOP_MUST_USE;
void evpop_waits_free(struct evpop_waits *);

/* The entry is known as WAITING.  Returns whether it still has to wait. */
bool evpop_waits_take(struct evpop_waits *, size_t index,
    const struct evpop_known *, const struct evpop_policy *, int64_t now_ms);

/* Whether the entry has waited for as long as it has to. */
bool evpop_waits_are_over(const struct evpop_waits *, size_t index);

/* Since when it is known to wait; 0: it is not, or has waited. */
int64_t evpop_waits_since(const struct evpop_waits *, size_t index);

/* Bytes of memory in use. */
size_t evpop_waits_held(const struct evpop_waits *);

#endif

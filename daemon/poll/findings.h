/*
 * What is noted of few accounts only, so that all others pay no more than a
 * pointer for it: the plan of a dry run, which account this may be, and since
 * when it is paused.
 */
#ifndef POLL_FINDINGS_H
#define POLL_FINDINGS_H

#include <evpop/sync.h>

#include "daemon/poll/poller.h"

struct findings; /* NULL: nothing */

/*
 * What a poll would do, kept for whoever asked: a copy of a plan, bounded, that
 * was made now (Unix time) with this fetch_after_ms.  NULL without memory.
 */
struct poller_plan *poller_plan_new(const struct evpop_listing *,
    const struct evpop_plan *, int64_t fetch_after_ms, int64_t now_ms)
    __attribute__((warn_unused_result));

/* Sets the pointer to NULL; NULL is allowed. */
void poller_plan_free(struct poller_plan **);

/* What the last dry run found; takes it, or frees it without memory. */
void findings_set_plan(struct findings **, struct poller_plan *);
const struct poller_plan *findings_plan(const struct findings *);

/*
 * The account has no row in the store, and may be the one with this id, which
 * is no longer configured; NULL: it is not.
 */
void findings_set_former(struct findings **, const char *former_id);
const char *findings_former(const struct findings *);

/* The account's maildrop has changed; this says how, in words. */
void findings_set_moved(struct findings **, const char *words);
const char *findings_moved(const struct findings *);

/*
 * Since when a person wants it paused (Unix time; 0: nobody does), and who that
 * is; NULL: not known.
 */
void findings_set_paused(struct findings **, int64_t since_ms, const char *who);
int64_t findings_paused_ms(const struct findings *);
const char *findings_paused_by(const struct findings *);

/* How its credentials were refused last; at_ms 0: they were not. */
void findings_set_refusal(struct findings **, const struct store_refusal *);
struct store_refusal findings_refusal(const struct findings *);

/* Sets the pointer to NULL; NULL is allowed. */
void findings_free(struct findings **);

#endif

/*
 * What is on the server against what is known: the plan, by unique-ids first,
 * and where that leaves something open by sizes (LIST) and headers (TOP).
 */
#ifndef EVPOP_SESSION_COMPARISON_H
#define EVPOP_SESSION_COMPARISON_H

#include <evpop/sync.h>

#include "lib/session/survey.h"

struct evpop_comparison;

struct evpop_comparison_callbacks {
	/* This known message is not listed any more. */
	void (*gone)(const struct evpop_known *, void *arg);
	/* The plan has come to need so many octets of memory; false: stop. */
	bool (*may_hold)(size_t octets, void *arg);
	/* The plan is made, as far as unique-ids tell. */
	void (*matched)(void *arg);
	/* It is final. */
	void (*planned)(void *arg);
	/*
	 * EVPOP_ERROR_MEMORY; or EVPOP_ERROR_USAGE where what is known is not
	 * in order, or the session is ending.
	 */
	void (*failed)(enum evpop_error, const char *why, void *arg);
};

/* NULL without memory. */
struct evpop_comparison *evpop_comparison_new(struct evpop_client *,
    struct evpop_survey *, const struct evpop_comparison_callbacks *,
    void *arg) EVPOP_MUST_USE;
/* While no callback runs.  NULL is allowed. */
void evpop_comparison_free(struct evpop_comparison *);

/* How much of what is known comes at once. */
enum evpop_known_part {
	EVPOP_KNOWN_ALL = 0, /* in any order */
	EVPOP_KNOWN_SOME,
	EVPOP_KNOWN_LAST
};

/* What is known; `matched` comes with the last of it. */
void evpop_comparison_known(struct evpop_comparison *,
    const struct evpop_known *, size_t count, enum evpop_known_part,
    const struct evpop_policy *, int64_t now_ms);

/*
 * Ask the server for what the plan still depends on; `planned` may run before
 * it returns.
 */
void evpop_comparison_settle(
    struct evpop_comparison *, const struct evpop_policy *);

/* There are whatever sizes can be had. */
void evpop_comparison_sized(struct evpop_comparison *);

/* Look at no more headers. */
void evpop_comparison_stop(struct evpop_comparison *);

/* NULL before anything is known. */
const struct evpop_plan *evpop_comparison_plan(const struct evpop_comparison *);

#endif

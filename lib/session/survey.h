/*
 * What is on the server, compared with what is known: UIDL, or without it LIST
 * and, for names, TOP; then the plan, by unique-ids, and where these do not
 * decide by sizes (LIST) and headers (TOP).
 */
#ifndef EVPOP_SESSION_SURVEY_H
#define EVPOP_SESSION_SURVEY_H

#include <evpop/sync.h>

#include "lib/session/caller.h"

struct evpop_survey;

struct evpop_survey_callbacks {
	/* The listing is complete. */
	void (*listed)(const struct evpop_listing *, void *arg);
	/* The server refuses to list. */
	void (*refused)(const struct evpop_result *, void *arg);
	/* The plan is made, as far as unique-ids tell. */
	void (*matched)(const struct evpop_plan *, void *arg);
	/* The plan is final. */
	void (*planned)(const struct evpop_plan *, void *arg);
	/*
	 * EVPOP_ERROR_MEMORY; EVPOP_ERROR_LIMIT where the caller does not let
	 * it hold more; EVPOP_ERROR_USAGE where what is known is not in order,
	 * or the session is ending.
	 */
	void (*failed)(enum evpop_error, const char *why, void *arg);
};

/* NULL without memory. */
struct evpop_survey *evpop_survey_new(struct evpop_client *,
    struct evpop_caller *, const struct evpop_survey_callbacks *,
    void *arg) EVPOP_MUST_USE;
/* After the client is freed, or its session over.  NULL is allowed. */
void evpop_survey_free(struct evpop_survey *);

/* Ask for the listing.  In a flight, only UIDL can be asked for. */
enum evpop_error evpop_survey_start(struct evpop_survey *,
    const struct evpop_policy *, bool is_flight) EVPOP_MUST_USE;

/* Which part of what is known comes in a call. */
enum evpop_known_part {
	EVPOP_KNOWN_ALL = 0, /* in any order */
	EVPOP_KNOWN_SOME,
	EVPOP_KNOWN_LAST
};

/* The answer to `listed`; `matched` comes with the last of it. */
void evpop_survey_known(struct evpop_survey *, const struct evpop_known *,
    size_t count, enum evpop_known_part, int64_t now_ms);

/*
 * Ask the server for what the plan still depends on; `planned` may run before
 * it returns.
 */
void evpop_survey_compare(struct evpop_survey *);

/* If the plan fetches and deletes, ask for sizes, unless that was done. */
void evpop_survey_size_bodies(struct evpop_survey *);

/* Ask for no more headers, be it for names or to compare. */
void evpop_survey_stop(struct evpop_survey *);

/* Besides, take no more lines, and run no more callbacks. */
void evpop_survey_end(struct evpop_survey *);

/*
 * The listing as far as it has come; the plan is NULL before anything is known.
 */
const struct evpop_listing *evpop_survey_listing(const struct evpop_survey *);
const struct evpop_plan *evpop_survey_plan(const struct evpop_survey *);

#endif

/*
 * What is on the server: UIDL, or where there is none LIST and, for names, TOP;
 * and LIST once more for sizes, where they are wanted later.
 */
#ifndef EVPOP_SESSION_SURVEY_H
#define EVPOP_SESSION_SURVEY_H

#include <evpop/sync.h>

struct evpop_survey;

/* The survey may be freed in each of these, which are told from the loop. */
struct evpop_survey_callbacks {
	/* The listing has grown. */
	void (*grown)(void *arg);
	/* It is complete. */
	void (*listed)(void *arg);
	/* It has whatever sizes can be had. */
	void (*sized)(void *arg);
	/* There can be none, in this session. */
	void (*refused)(const struct evpop_result *, void *arg);
	/*
	 * Not for want of memory alone: EVPOP_ERROR_USAGE where the session is
	 * ending.
	 */
	void (*failed)(enum evpop_error, const char *why, void *arg);
};

/* NULL without memory. */
struct evpop_survey *evpop_survey_new(struct evpop_client *,
    const struct evpop_survey_callbacks *, void *arg) EVPOP_MUST_USE;
/* After the client is freed, or its session over.  NULL is allowed. */
void evpop_survey_free(struct evpop_survey *);

/*
 * Ask for the listing.  In a flight, UIDL is all that can be asked; names are
 * made where they are wanted.
 */
enum evpop_error evpop_survey_start(
    struct evpop_survey *, bool is_flight, bool wants_names) EVPOP_MUST_USE;

/* Ask for sizes; without UIDL they are there. */
void evpop_survey_sizes(struct evpop_survey *);

/*
 * Ask for them, if that was not done, in one flight with the bodies that this
 * plan fetches and deletes.
 */
void evpop_survey_sizes_for(struct evpop_survey *, const struct evpop_plan *);

/* Make no more names. */
void evpop_survey_stop_naming(struct evpop_survey *);

/* Nor take any more lines, nor tell of anything. */
void evpop_survey_stop(struct evpop_survey *);

/* What has come so far. */
const struct evpop_listing *evpop_survey_listing(struct evpop_survey *);

/* Octets of memory in use. */
size_t evpop_survey_held(const struct evpop_survey *);

#endif

/* What a session came to: the first thing that went wrong decides. */
#ifndef EVPOP_SESSION_OUTCOME_H
#define EVPOP_SESSION_OUTCOME_H

#include <evpop/sync.h>

/* Zeroed, all is well so far. */
struct evpop_outcome {
	struct evpop_result result; /* how a server takes leave matters only
				       where deletions are at stake */
	struct evpop_result end;    /* as if it always did */
	enum evpop_quit quit;
	bool did_its_work; /* up to QUIT, with no error before it */
};

/* How far a session was that is closed. */
enum evpop_outcome_stage {
	EVPOP_OUTCOME_EARLY = 0, /* before it was done */
	EVPOP_OUTCOME_IDLE,      /* at QUIT; there was nothing to transfer */
	EVPOP_OUTCOME_DONE       /* at QUIT, behind a transfer */
};

/* Whether nothing went wrong yet. */
bool evpop_outcome_is_well(const struct evpop_outcome *);

/* This went wrong; later things no longer matter. */
void evpop_outcome_fail(struct evpop_outcome *, const struct evpop_result *);

/* A body was not believed, and so nothing is deleted. */
void evpop_outcome_doubt(struct evpop_outcome *, const struct evpop_result *);

/*
 * QUIT is answered.  A server may say that it has not deleted what was marked.
 */
void evpop_outcome_quit(
    struct evpop_outcome *, bool deletes, const struct evpop_reply *);

/* The connection is closed; are deletions at stake? */
void evpop_outcome_close(struct evpop_outcome *, enum evpop_outcome_stage,
    bool deletes, const struct evpop_result *);

#endif

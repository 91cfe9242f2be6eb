/*
 * The message that a session has ended on.  It is told once it is known what
 * follows: where another session fetches it again at once, it is not to blame.
 */
#ifndef EVPOP_SESSION_BLAME_H
#define EVPOP_SESSION_BLAME_H

#include "lib/session/caller.h"

/* Zeroed, none is to blame yet. */
struct evpop_blame {
	bool is_placed;
	bool is_owed; /* to the caller */
	const struct evpop_entry *entry;
	bool has_begun; /* its body */
	void *message;
	struct evpop_result result;
};

/* It was something else. */
void evpop_blame_excuse_all(struct evpop_blame *);

/*
 * The session ends with this result, and this message was under way.  Whether
 * it is the one whose turn it was, and is told of later.
 */
bool evpop_blame_place(struct evpop_blame *, const struct evpop_entry *,
    bool has_begun, void *message, const struct evpop_result *) EVPOP_MUST_USE;

/* Tell of it, if there is one. */
void evpop_blame_tell(
    struct evpop_blame *, const struct evpop_caller *, bool is_repeated);

#endif

/*
 * How a server lists sizes, by what was stored of it: some list far more than
 * they have, and what comes of theirs is not doubted for that.
 */
#ifndef EVPOP_SESSION_HABIT_H
#define EVPOP_SESSION_HABIT_H

#include <evpop/sync.h>

/* Zeroed, nothing was stored yet. */
struct evpop_habit {
	size_t sized; /* messages whose size and listed size are known */
	size_t less;  /* of them, with less than half of what was listed */
};

/* Such a message was not stored before it was doubted for a day. */
void evpop_habit_note(struct evpop_habit *, const struct evpop_known *);

/* Whether it lists too much as a habit. */
bool evpop_habit_is_to_list_more(const struct evpop_habit *);

#endif

#include "lib/session/habit.h"

#include "lib/session/doubt.h"

/* So many, and one of so many, are no accident. */
#define HABIT_LEAST 3
#define HABIT_SHARE 20

void
evpop_habit_note(struct evpop_habit *habit, const struct evpop_known *known)
{
	if (known->octets == 0 || known->listed_octets == 0)
		return;
	habit->sized++;
	habit->less +=
	    evpop_doubt_is_short(known->octets, known->listed_octets);
}

bool
evpop_habit_is_to_list_more(const struct evpop_habit *habit)
{
	return habit->less >= HABIT_LEAST &&
	       habit->less >= habit->sized / HABIT_SHARE;
}

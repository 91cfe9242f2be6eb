/*
 * A listing and what is known of it, made from a line of text each, for tests
 * of the planner.
 *
 * An entry is "id:octets", with "-" for no id.  What is known is
 * "id/occurrence=state@stored_ms#octets~D": states are s(tored), d(elete),
 * n(ot to be fetched), x (deleted), g(one), w(aiting); D is a letter that
 * stands for a digest.  All but the id may be left out.
 */
#ifndef EVPOP_TESTS_UNIT_SESSION_PLAN_H
#define EVPOP_TESTS_UNIT_SESSION_PLAN_H

#include <evpop/sync.h>

#define MAX_ENTRIES 512

/* Every plan is made for this moment. */
#define NOW_MS 1000

/* One letter for each action. */
extern const char session_plan_letters[EVPOP_ACTION_COUNT];

struct fixture {
	char listing_text[256], known_text[256];
	struct evpop_entry entries[MAX_ENTRIES];
	struct evpop_listing listing;
	struct evpop_known known[MAX_ENTRIES];
	size_t known_count;
};

void session_plan_fixture(
    struct fixture *, const char *listing, const char *known);

/* The digest that a letter stands for. */
const unsigned char *session_plan_digest(char letter);

#endif

/*
 * The planner.  A case is a listing, what is known, and a policy, each in a
 * line of text; so is what must come of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/session_plan.h"

#define FOREVER                             \
	{                                   \
		.keep = EVPOP_KEEP_FOREVER, \
	}
#define DELETE                           \
	{                                \
		.keep = EVPOP_KEEP_NONE, \
	}
#define FOR_100_MS                                      \
	{                                               \
		.keep = EVPOP_KEEP_AGE, .keep_ms = 100, \
	}

#define AFTER_100_MS                   \
	{                              \
		.fetch_after_ms = 100, \
	}

struct plan_case {
	const char *name;
	const char *listing, *known; /* see session_plan.h */
	struct evpop_policy policy;
	const char *actions; /* in letters, as the listing stands */
	const char *order;   /* indices to fetch */
	const char *gone;    /* indices of known */
};

static const struct plan_case cases[] = {
	{ "nothing at all", "", "", FOREVER, "", "", "" },
	{ "an empty maildrop", "", "a b", FOREVER, "", "", "01" },
	{ "all is new", "a b c", "", FOREVER, "FFF", "012", "" },
	{ "all is known", "a b c", "a b c", FOREVER, "...", "", "" },
	{ "known in another order", "c a b", "b c a", FOREVER, "...", "", "" },
	{ "one is new", "a b c", "a c", FOREVER, ".F.", "1", "" },
	{ "one is gone", "a c", "a b c", FOREVER, "..", "", "1" },
	{ "ids that begin alike", "ab a abc", "a abc", FOREVER, "F..", "0",
	    "" },
	{ "delete what is new", "a b", "", DELETE, "RR", "01", "" },
	{ "delete what is stored", "a b", "a", DELETE, "DR", "1", "" },
	{ "a deletion is owed", "a b", "a=d b", FOR_100_MS, "D.", "", "" },
	{ "only what is owed", "a b c", "a=d b",
	    { .keep = EVPOP_KEEP_UNTIL_OWED }, "D.F", "2", "" },
	{ "a deletion was owed, but the policy has changed", "a", "a=d",
	    FOREVER, ".", "", "" },
	{ "not to be fetched is not to be deleted", "a b", "a=n b=n", DELETE,
	    "..", "", "" },
	{ "deleted and listed again", "a b", "a=x b=x@0", FOREVER, "FF", "01",
	    "" },
	{ "deleted and listed again, to be deleted", "a", "a=x", DELETE, "R",
	    "0", "" },
	{ "deleted and gone", "", "a=x b=s", DELETE, "", "", "01" },
	{ "not old enough", "a b c", "a@901 b@1000 c@1500", FOR_100_MS, "...",
	    "", "" },
	{ "old enough", "a b", "a@900 b@0", FOR_100_MS, "DD", "", "" },
	{ "new ones are kept for a while", "a", "", FOR_100_MS, "F", "0", "" },
	{ "too large", "a:100 b:101 c", "", { .max_message_octets = 100 },
	    "FTF", "02", "" },
	{ "too large does not matter once stored", "a:101", "a",
	    { .keep = EVPOP_KEEP_NONE, .max_message_octets = 100 }, "D", "",
	    "" },
	{ "later", "a b c d", "b", { .max_messages = 2 }, "F.FL", "02", "" },
	{ "newest first", "a b c d", "b",
	    { .max_messages = 2, .order = EVPOP_ORDER_NEWEST }, "L.FF", "32",
	    "" },
	{ "too large ones do not count", "a:9 b:1 c:9 d:1 e:1", "",
	    { .max_messages = 2, .max_message_octets = 5 }, "TFTFL", "13", "" },
	{ "deletions are not limited", "a b c", "a b",
	    { .keep = EVPOP_KEEP_NONE, .max_messages = 1 }, "DDR", "2", "" },
	{ "octets are limited", "a:5 b:5 c:1", "", { .max_octets = 10 }, "FFL",
	    "01", "" },
	{ "small ones do not overtake", "a:5 b:6 c:1 d:1", "",
	    { .max_octets = 10 }, "FLLL", "0", "" },
	{ "octets of the newest", "a:5 b:6 c:4", "",
	    { .max_octets = 10, .order = EVPOP_ORDER_NEWEST }, "LFF", "21",
	    "" },
	{ "no room for any", "a:5 b:6", "b", { .max_octets = 1 }, "L.", "",
	    "" },
	{ "larger than may be", "a:50 b:1", "", { .max_octets = 10 }, "LL", "",
	    "" },
	{ "larger than may be, alone", "a:50 b:1", "",
	    { .max_octets = 10, .may_exceed_first = true }, "FL", "0", "" },
	{ "the first only", "a:5 b:50 c:1", "",
	    { .max_octets = 10, .may_exceed_first = true }, "FLL", "0", "" },
	{ "both limits", "a:1 b:1 c:1", "",
	    { .max_octets = 10, .max_messages = 1 }, "FLL", "0", "" },
	{ "deletions cost nothing", "a:9 b:9", "a b",
	    { .keep = EVPOP_KEEP_NONE, .max_octets = 1 }, "DD", "", "" },
	{ "all that is new waits", "a b", "", AFTER_100_MS, "WW", "", "" },
	{ "it waits on", "a b", "a=w@901 b=w@1000", AFTER_100_MS, "WW", "",
	    "" },
	{ "it has waited", "a b c", "a=w@900 b=w@901 c=w@1", AFTER_100_MS,
	    "FWF", "02", "" },
	{ "what is stored does not wait", "a b", "a b=w@950", AFTER_100_MS,
	    ".W", "", "" },
	{ "by a clock gone back it waits", "a", "a=w@9223372036854775807",
	    AFTER_100_MS, "W", "", "" },
	{ "it has waited for ever", "a", "a=w@-9223372036854775807",
	    AFTER_100_MS, "F", "0", "" },
	{ "what has gone waits no more", "b", "a=w@1 b=w@950", AFTER_100_MS,
	    "W", "", "0" },
	{ "nothing waits any longer", "a b", "a=w@999 b=w@1", FOREVER, "FF",
	    "01", "" },
	{ "it waits, to be deleted", "a b", "a=w@950 b=w@1",
	    { .keep = EVPOP_KEEP_NONE, .fetch_after_ms = 100 }, "WR", "1", "" },
	{ "large ones wait, to be deleted", "a:9 b:9", "a=w@950 b=w@1",
	    { .delete_above_octets = 5, .fetch_after_ms = 100 }, "WR", "1",
	    "" },
	{ "too large is found out once it has waited", "a:9 b:9",
	    "a=w@950 b=w@1", { .max_message_octets = 5, .fetch_after_ms = 100 },
	    "WT", "", "" },
	{ "what has waited waits for later", "a b c", "a=w@1 b=w@1 c=w@950",
	    { .max_messages = 1, .fetch_after_ms = 100 }, "FLW", "0", "" },
	{ "the newest that has waited", "a b c", "a=w@1 b=w@1 c=w@950",
	    { .max_messages = 1,
		.order = EVPOP_ORDER_NEWEST,
		.fetch_after_ms = 100 },
	    "LFW", "1", "" },
	{ "what waits is not in the way of others", "a:9 b:9", "a=w@950 b=w@1",
	    { .max_octets = 9, .fetch_after_ms = 100 }, "WF", "1", "" },
	{ "a baseline waits for nothing", "a b", "a=w@950 b=w@1",
	    { .baseline = true, .fetch_after_ms = 100 }, "SS", "", "" },
	{ "listed again, it waits", "a b c", "a=x@1 b=g@1 c=n@1", AFTER_100_MS,
	    "WW.", "", "" },
	{ "no unique-id, and nobody knows for how long", "- -", "",
	    { .keep = EVPOP_KEEP_NONE,
		.fetch_unidentified = true,
		.fetch_after_ms = 100 },
	    "UU", "", "" },
	{ "one id twice, one of them has waited", "a a", "a=w@1 a/1=w@950",
	    AFTER_100_MS, "FW", "0", "" },
	{ "one id twice", "a a", "", FOREVER, "FF", "01", "" },
	{ "one id twice, one known", "a b a", "a b", FOREVER, "..F", "2", "" },
	{ "one id twice, both known", "a a", "a/1 a", FOREVER, "..", "", "" },
	{ "one of two is gone", "a", "a a/1", FOREVER, ".", "", "1" },
	{ "no unique-id", "- -", "", FOREVER, "UU", "", "" },
	{ "no unique-id, kept for a while", "-", "", FOR_100_MS, "U", "", "" },
	{ "no unique-id, to be deleted", "- a", "a", DELETE, "RD", "0", "" },
	{ "no unique-id, too large", "-:9", "", { .max_message_octets = 1 },
	    "T", "", "" },
};

static size_t
count_of(const char *actions, char letter)
{
	size_t count = 0;

	for (; *actions != '\0'; actions++)
		count += *actions == letter;
	return count;
}

static void
check_totals(const struct plan_case *one, const struct fixture *fixture,
    const struct evpop_plan *plan)
{
	uint64_t octets = 0;
	size_t i;

	assert_int_equal(plan->fetches, strlen(one->order));
	assert_int_equal(plan->deletes, count_of(one->actions, 'D'));
	assert_int_equal(plan->too_large, count_of(one->actions, 'T'));
	assert_int_equal(plan->later, count_of(one->actions, 'L'));
	assert_int_equal(plan->unidentified, count_of(one->actions, 'U'));
	assert_int_equal(plan->waits, count_of(one->actions, 'W'));
	assert_int_equal(plan->gone_count, strlen(one->gone));
	for (i = 0; i < plan->fetches; i++)
		octets += fixture->entries[plan->order[i]].octets;
	assert_int_equal(plan->fetch_octets, octets);
}

static void
check_case(const struct plan_case *one)
{
	char actions[64] = "", order[64] = "", gone[64] = "";
	struct fixture fixture;
	struct evpop_plan *plan;
	size_t i, found = 0;

	session_plan_fixture(&fixture, one->listing, one->known);
	assert_int_equal(evpop_plan_new(&plan, &fixture.listing, fixture.known,
			     fixture.known_count, &one->policy, NOW_MS),
	    EVPOP_ERROR_NONE);
	for (i = 0; i < fixture.listing.count; i++)
		actions[i] = session_plan_letters[plan->actions[i]];
	for (i = 0; i < plan->fetches; i++)
		order[i] = (char)('0' + plan->order[i]);
	for (i = 0; i < fixture.known_count; i++)
		if (plan->gone[i])
			gone[found++] = (char)('0' + i);
	assert_string_equal(actions, one->actions);
	assert_string_equal(order, one->order);
	assert_string_equal(gone, one->gone);
	check_totals(one, &fixture, plan);
	evpop_plan_free(&plan);
	assert_null(plan);
	evpop_plan_free(&plan);
}

static void
test_cases(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].name);
		check_case(&cases[i]);
	}
}

/* An id that is missing from such a listing may be there all the same. */
static void
test_listings_that_tell_nothing_gone(void **state)
{
	const struct plan_case one = { "", "a", "a b", FOREVER, "", "", "" };
	struct fixture fixture;
	struct evpop_plan *plan;
	unsigned round;

	(void)state;
	for (round = 0; round < 3; round++) {
		session_plan_fixture(&fixture, one.listing, one.known);
		fixture.listing.unique_ids = round != 1;
		fixture.listing.ignored = round == 2 ? 1 : 0;
		assert_int_equal(
		    evpop_plan_new(&plan, &fixture.listing, fixture.known,
			fixture.known_count, &one.policy, NOW_MS),
		    EVPOP_ERROR_NONE);
		assert_int_equal(plan->gone_count, round == 0);
		assert_false(plan->gone[0]);
		assert_int_equal(plan->gone[1], round == 0);
		evpop_plan_free(&plan);
	}
}

/* When the next of those that stay falls due, by its age. */
static void
test_due(void **state)
{
	static const struct {
		const char *listing, *known;
		struct evpop_policy policy;
		int64_t due_ms;
	} dues[] = {
		{ "a", "a@950", FOR_100_MS, 1050 },
		{ "a b c", "c@990 a@980 b@970", FOR_100_MS, 1070 },
		/* At that moment, and not before, it is deleted. */
		{ "a", "a@901", FOR_100_MS, 1001 },
		{ "a b", "a@900 b@960", FOR_100_MS, 1060 },
		{ "a", "a@900", FOR_100_MS, 0 },
		{ "a b", "a=d@960 b@970", FOR_100_MS, 1070 },
		/* None of these is ever due. */
		{ "", "", FOR_100_MS, 0 },
		{ "a", "", FOR_100_MS, 0 },
		{ "a", "b@950", FOR_100_MS, 0 },
		{ "a", "a=n@950", FOR_100_MS, 0 },
		{ "a b", "a=x@950 b=g@950", FOR_100_MS, 0 },
		{ "a", "a@950", FOREVER, 0 },
		{ "a", "a@950", DELETE, 0 },
		{ "a b", "a@950 b@9223372036854775800", FOR_100_MS, 1050 },
		{ "a", "a@1", { EVPOP_KEEP_AGE, .keep_ms = INT64_MAX }, 0 },
		/* What waits falls due to be fetched. */
		{ "a b", "a=w@950 b=w@940", AFTER_100_MS, 1040 },
		{ "a", "a=w@901", AFTER_100_MS, 1001 },
		{ "a", "a=w@900", AFTER_100_MS, 0 },
		{ "a", "", AFTER_100_MS, 0 },
		{ "", "a=w@950", AFTER_100_MS, 0 },
		{ "a b", "a=w@950 b@940",
		    { EVPOP_KEEP_AGE, .keep_ms = 100, .fetch_after_ms = 200 },
		    1040 },
	};
	struct fixture fixture;
	struct evpop_plan *plan;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof dues / sizeof dues[0]; i++) {
		print_message("%s, %s\n", dues[i].listing, dues[i].known);
		session_plan_fixture(&fixture, dues[i].listing, dues[i].known);
		assert_int_equal(
		    evpop_plan_new(&plan, &fixture.listing, fixture.known,
			fixture.known_count, &dues[i].policy, NOW_MS),
		    EVPOP_ERROR_NONE);
		assert_int_equal(plan->due_ms, dues[i].due_ms);
		evpop_plan_free(&plan);
	}
}

/* Whoever plans remembers what is new, and that only once. */
static void
test_waits(void **state)
{
	static const struct evpop_policy policy = AFTER_100_MS;
	struct fixture fixture;
	struct evpop_plan *plan;

	(void)state;
	session_plan_fixture(&fixture, "a b c d", "b=w@950 c=w@1 d=g@950");
	assert_int_equal(evpop_plan_new(&plan, &fixture.listing, fixture.known,
			     fixture.known_count, &policy, NOW_MS),
	    EVPOP_ERROR_NONE);
	for (int round = 0; round < 3; round++) {
		assert_int_equal(plan->waits, 3);
		assert_int_equal(plan->new_waits, 2);
		assert_int_equal(evpop_plan_waits_since(plan, 0), 0);
		assert_int_equal(evpop_plan_waits_since(plan, 1), 950);
		assert_int_equal(plan->actions[2], EVPOP_ACTION_FETCH);
		assert_int_equal(evpop_plan_waits_since(plan, 3), 0);
		/* Nothing of this is lost when sizes and headers come. */
		if (round == 0)
			evpop_plan_sizes(plan, &fixture.listing, &policy);
		else
			evpop_plan_settle(plan, &fixture.listing, &policy);
	}
	evpop_plan_free(&plan);
}

static void
test_bytes_of_ids(void **state)
{
	static const unsigned char with_nul[] = { 'a', 0, 'b' },
				   high[] = { 0xff, 0xfe };
	struct evpop_entry entries[] = {
		{ .number = 1, .unique_id = with_nul, .unique_id_length = 3 },
		{ .number = 2, .unique_id = high, .unique_id_length = 2 },
		{ .number = 3, .unique_id = with_nul, .unique_id_length = 1 },
	};
	struct evpop_listing listing = {
		.entries = entries, .count = 3, .unique_ids = true
	};
	const struct evpop_known known[] = {
		{ .unique_id = high, .unique_id_length = 2 },
		{ .unique_id = with_nul, .unique_id_length = 2 },
		{ .unique_id = with_nul, .unique_id_length = 3 },
	};
	const struct evpop_policy policy = FOREVER;
	struct evpop_plan *plan;

	(void)state;
	assert_int_equal(evpop_listing_occurrences(&listing), EVPOP_ERROR_NONE);
	assert_int_equal(
	    evpop_plan_new(&plan, &listing, known, 3, &policy, NOW_MS),
	    EVPOP_ERROR_NONE);
	assert_int_equal(plan->actions[0], EVPOP_ACTION_NONE);
	assert_int_equal(plan->actions[1], EVPOP_ACTION_NONE);
	assert_int_equal(plan->actions[2], EVPOP_ACTION_FETCH);
	assert_false(plan->gone[0]);
	assert_true(plan->gone[1]);
	assert_false(plan->gone[2]);
	evpop_plan_free(&plan);
}

static void
test_names(void **state)
{
	int action;

	(void)state;
	for (action = 0; action < EVPOP_ACTION_COUNT; action++)
		assert_true(
		    strlen(evpop_action_name((enum evpop_action)action)) > 0);
}

/* ---- many listings, against a planner that is slow and plain ---- */

/* Repeatable, whatever the platform's rand() does. */
static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

static const char *const ids[] = { "a", "b", "c", "d", "e", "f", "g", "h", "aa",
	"ab", "ba", "bb" };
#define ID_COUNT (sizeof ids / sizeof ids[0])

static bool
same(const struct evpop_entry *entry, const struct evpop_known *known)
{
	return entry->unique_id != NULL &&
	       entry->unique_id_length == known->unique_id_length &&
	       memcmp(entry->unique_id, known->unique_id,
		   known->unique_id_length) == 0 &&
	       entry->occurrence == known->occurrence;
}

static void
make_random(struct fixture *fixture, uint32_t *seed)
{
	struct evpop_known *known;
	struct evpop_entry *entry;
	uint32_t used[ID_COUNT] = { 0 };
	size_t i, id;

	memset(fixture, 0, sizeof *fixture);
	fixture->listing.entries = fixture->entries;
	fixture->listing.unique_ids = true;
	fixture->listing.count = next_random(seed) % 24;
	for (i = 0; i < fixture->listing.count; i++) {
		entry = &fixture->entries[i];
		entry->number = (uint32_t)i + 1;
		entry->octets = next_random(seed) % 20;
		id = next_random(seed) % (ID_COUNT + 1);
		if (id == ID_COUNT)
			continue;
		entry->unique_id = (const unsigned char *)ids[id];
		entry->unique_id_length = (uint32_t)strlen(ids[id]);
	}
	fixture->known_count = next_random(seed) % 24;
	for (i = 0; i < fixture->known_count; i++) {
		known = &fixture->known[i];
		id = next_random(seed) % ID_COUNT;
		known->unique_id = (const unsigned char *)ids[id];
		known->unique_id_length = strlen(ids[id]);
		known->occurrence = used[id]++;
		id = next_random(seed) % 5;
		known->state = id == 4 ? EVPOP_KNOWN_WAITING : id;
		known->stored_ms = next_random(seed) % 20;
	}
	assert_int_equal(
	    evpop_listing_occurrences(&fixture->listing), EVPOP_ERROR_NONE);
}

static bool
is_due(const struct evpop_known *known, const struct evpop_policy *policy)
{
	if (policy->keep == EVPOP_KEEP_FOREVER ||
	    known->state == EVPOP_KNOWN_SEEN)
		return false;
	if (policy->keep == EVPOP_KEEP_UNTIL_OWED)
		return known->state == EVPOP_KNOWN_DELETE;
	return policy->keep == EVPOP_KEEP_NONE ||
	       known->state == EVPOP_KNOWN_DELETE ||
	       NOW_MS - known->stored_ms >= policy->keep_ms;
}

/* What an entry deserves, but for the limit on their number. */
static enum evpop_action
expected_action(const struct fixture *fixture, const struct evpop_entry *entry,
    const struct evpop_policy *policy)
{
	const struct evpop_known *known = NULL;
	size_t i;

	for (i = 0; i < fixture->known_count; i++)
		if (same(entry, &fixture->known[i]))
			known = &fixture->known[i];
	if (known != NULL && known->state != EVPOP_KNOWN_DELETED &&
	    known->state != EVPOP_KNOWN_WAITING)
		return is_due(known, policy) ? EVPOP_ACTION_DELETE
					     : EVPOP_ACTION_NONE;
	if (policy->fetch_after_ms > 0 && entry->unique_id != NULL &&
	    (known == NULL || known->state == EVPOP_KNOWN_DELETED ||
		NOW_MS - known->stored_ms < policy->fetch_after_ms))
		return EVPOP_ACTION_WAIT;
	if (policy->max_message_octets != 0 &&
	    entry->octets > policy->max_message_octets)
		return EVPOP_ACTION_TOO_LARGE;
	if (entry->unique_id == NULL && policy->fetch_after_ms > 0)
		return EVPOP_ACTION_UNIDENTIFIED;
	if (policy->keep == EVPOP_KEEP_NONE)
		return EVPOP_ACTION_FETCH_DELETE;
	return entry->unique_id == NULL ? EVPOP_ACTION_UNIDENTIFIED
					: EVPOP_ACTION_FETCH;
}

static void
check_random(const struct fixture *fixture, const struct evpop_policy *policy)
{
	const struct evpop_listing *listing = &fixture->listing;
	enum evpop_action expected;
	struct evpop_plan *plan;
	size_t i, e, later = 0;
	bool listed, nameless = false;

	assert_int_equal(evpop_plan_new(&plan, listing, fixture->known,
			     fixture->known_count, policy, NOW_MS),
	    EVPOP_ERROR_NONE);
	for (e = 0; e < listing->count; e++) {
		nameless |= fixture->entries[e].unique_id == NULL;
		expected =
		    expected_action(fixture, &fixture->entries[e], policy);
		if (plan->actions[e] == EVPOP_ACTION_LATER) {
			later++;
			assert_true(expected == EVPOP_ACTION_FETCH ||
				    expected == EVPOP_ACTION_FETCH_DELETE);
		} else
			assert_int_equal(plan->actions[e], expected);
	}
	assert_int_equal(plan->later, later);
	assert_true(later == 0 || plan->fetches == policy->max_messages);
	for (i = 0; i < fixture->known_count; i++) {
		listed = false;
		for (e = 0; e < listing->count; e++)
			listed |=
			    same(&fixture->entries[e], &fixture->known[i]);
		assert_int_equal(plan->gone[i], !listed && !nameless);
	}
	evpop_plan_free(&plan);
}

static void
test_random(void **state)
{
	struct fixture fixture;
	struct evpop_policy policy;
	uint32_t seed = 1;
	unsigned round;

	(void)state;
	for (round = 0; round < 3000; round++) {
		make_random(&fixture, &seed);
		policy = (struct evpop_policy){
			.keep = next_random(&seed) % 4,
			.keep_ms = (int64_t)(NOW_MS - next_random(&seed) % 20),
			.max_message_octets = next_random(&seed) % 20,
			.max_messages = next_random(&seed) % 10,
			.order = next_random(&seed) % 2,
		};
		if (next_random(&seed) % 2 == 0)
			policy.fetch_after_ms =
			    (int64_t)(NOW_MS - next_random(&seed) % 20);
		check_random(&fixture, &policy);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_listings_that_tell_nothing_gone),
		cmocka_unit_test(test_due),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_bytes_of_ids),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

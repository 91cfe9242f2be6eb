/*
 * Plans that depend on sizes and headers: what is verified before it is
 * deleted, and what is adopted because its id has changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/failing_alloc.h"
#include "tests/unit/session_plan.h"

#define FOREVER                             \
	{                                   \
		.keep = EVPOP_KEEP_FOREVER, \
	}
#define DELETE                           \
	{                                \
		.keep = EVPOP_KEEP_NONE, \
	}

struct identity_case {
	const char *name;
	const char *listing, *known; /* see session_plan.h */
	const char *headers;         /* a digest's letter for each entry */
	struct evpop_policy policy;
	const char *by_ids; /* the actions by unique-ids alone */
	const char *looks;  /* indices; NULL: sizes are not wanted */
	const char *actions;
	const char *order;
	const char *adopted; /* indices of known, in the order of the listing */
};

static const struct identity_case cases[] = {
	/* What is verified. */
	{ "nothing to verify", "a:5 b:5", "a", "", DELETE, "DR", NULL, "DR",
	    "1", "" },
	{ "the size it had", "a:5", "a#5", "", DELETE, "D", "", "D", "", "" },
	{ "another size", "a:6", "a#5", "", DELETE, "D", "", "R", "0", "" },
	{ "no size to be had", "a", "a#5", "", DELETE, "D", "", "R", "0", "" },
	{ "ids exchanged", "a:6 b:5", "a#5 b#6", "", DELETE, "DD", "", "RR",
	    "01", "" },
	{ "one of two", "a:5 b:6", "a#5 b#5", "", DELETE, "DD", "", "DR", "1",
	    "" },
	{ "kept, and so not verified", "a:6", "a#5", "", FOREVER, ".", NULL,
	    ".", "", "" },
	{ "not due, and so not verified", "a:6 b:5", "a@999#5 b@0#5", "",
	    { .keep = EVPOP_KEEP_AGE, .keep_ms = 100 }, ".D", "", ".D", "",
	    "" },
	{ "more to verify than may be fetched", "a:6 b:6 c:6", "a#5 b#5 c#5",
	    "", { .keep = EVPOP_KEEP_NONE, .max_messages = 2 }, "DDD", "",
	    "RRL", "01", "" },
	{ "seen is not verified", "a:6", "a=n#5", "", DELETE, ".", NULL, ".",
	    "", "" },
	/* States. */
	{ "gone and listed again", "a:5 b:5", "a=g#5~A b#5", "", FOREVER, "F.",
	    NULL, "F.", "0", "" },
	{ "gone, and not a candidate for itself alone", "a:5", "a=g#5~A", "A",
	    DELETE, "R", "0", "A", "", "0" },
	/* The guard. */
	{ "as many as the limit", "a b", "a b", "",
	    { .keep = EVPOP_KEEP_NONE, .max_deletes = 2 }, "DD", NULL, "DD", "",
	    "" },
	{ "more than the limit", "a b c", "a b", "",
	    { .keep = EVPOP_KEEP_NONE, .max_deletes = 1 }, "HHR", NULL, "HHR",
	    "2", "" },
	{ "held is not verified", "a:6 b:6", "a#5 b#5", "",
	    { .keep = EVPOP_KEEP_NONE, .max_deletes = 1 }, "HH", NULL, "HH", "",
	    "" },
	/* Deletion of what is large. */
	{ "above the size", "a:5 b:6", "", "", { .delete_above_octets = 5 },
	    "FF", "", "FR", "01", "" },
	{ "above the size, stored", "a:5 b:6", "a#5 b#6", "",
	    { .delete_above_octets = 5 }, ".D", "", ".D", "", "" },
	{ "above the size as stored, another now", "a:5", "a#6", "",
	    { .delete_above_octets = 5 }, "D", "", "R", "0", "" },
	{ "seen, and above the size", "a:6", "a=n#6", "",
	    { .delete_above_octets = 5 }, ".", NULL, ".", "", "" },
	{ "above the size and too large", "a:9", "", "",
	    { .delete_above_octets = 5, .max_message_octets = 8 }, "F", "", "T",
	    "", "" },
	/* Baseline. */
	{ "all counts as seen", "a:9 b", "", "",
	    { .baseline = true, .max_message_octets = 5 }, "SS", NULL, "SS", "",
	    "" },
	{ "what is due is deleted", "a b", "a", "",
	    { .baseline = true, .keep = EVPOP_KEEP_NONE }, "DS", NULL, "DS", "",
	    "" },
	{ "without an id it cannot be known again", "-", "", "",
	    { .baseline = true, .keep = EVPOP_KEEP_NONE }, "U", NULL, "U", "",
	    "" },
	{ "known again, not only seen", "x:5 y:6", "a#5~A", "A",
	    { .baseline = true }, "SS", "0", "AS", "", "0" },
	/* Without ids. */
	{ "known by its bytes", "-:5 -:6", "", "",
	    { .fetch_unidentified = true }, "FF", NULL, "FF", "01", "" },
	{ "and above the size", "-:6", "", "",
	    { .fetch_unidentified = true, .delete_above_octets = 5 }, "F", "",
	    "F", "0", "" },
	/* Other ids than before. */
	{ "all changed", "x:5 y:6", "a#5~A b#6~B", "AB", FOREVER, "FF", "01",
	    "AA", "", "01" },
	{ "all changed, and their order", "x:6 y:5", "a#5~A b#6~B", "BA",
	    FOREVER, "FF", "01", "AA", "", "10" },
	{ "not deleted by a likeness", "x:5 y:6", "a=g#5~A b#6~B", "AB", DELETE,
	    "RR", "01", "AA", "", "01" },
	{ "owed to the server, which may have deleted it", "x:5 y:6",
	    "a=d#5~A b#6~B", "AB", DELETE, "RR", "1", "RA", "0", "1" },
	{ "deleted, and not stored", "x:5", "a=x#5~A b=n#5~A", "A", FOREVER,
	    "F", NULL, "F", "0", "" },
	{ "still listed, and so no candidate", "a:5 x:5 y:5 z:5", "a#5~A",
	    "AAAA", FOREVER, ".FFF", NULL, ".FFF", "123", "" },
	{ "another header", "x:5", "a#5~A", "B", FOREVER, "F", "0", "F", "0",
	    "" },
	{ "another size", "x:6", "a#5~A", "A", FOREVER, "F", "", "F", "0", "" },
	{ "no size by LIST", "x", "a#5~A", "A", FOREVER, "F", "", "F", "0",
	    "" },
	{ "no size as stored", "x:5", "a~A", "A", FOREVER, "F", NULL, "F", "0",
	    "" },
	{ "no header as stored", "x:5", "a#5", "A", FOREVER, "F", NULL, "F",
	    "0", "" },
	{ "no header to be had", "x:5 y:6", "a#5~A b#6~B", "-B", FOREVER, "FF",
	    "01", "FA", "0", "1" },
	{ "alike, two and two", "x:5 y:5", "a#5~A b#5~A", "AA", FOREVER, "FF",
	    "01", "AA", "", "01" },
	{ "alike, two and one", "x:5 y:5", "a#5~A", "AA", FOREVER, "FF", "01",
	    "AF", "1", "0" },
	{ "alike, one and two", "x:5", "a#5~A b#5~A", "A", FOREVER, "F", "0",
	    "A", "", "0" },
	{ "of one size, and two headers", "x:5 y:5", "a#5~B b#5~A", "AB",
	    FOREVER, "FF", "01", "AA", "", "10" },
	{ "less than most are unknown", "a b c x:5", "a b c o#5~A", "...A",
	    FOREVER, "...F", NULL, "...F", "3", "" },
	{ "half of them are", "a b x:5 y:6", "a b o#5~A p#6~B", "..AB", FOREVER,
	    "..FF", NULL, "..FF", "23", "" },
	{ "more than half are", "a x:5 y:6", "a o#5~A p#6~B", ".AB", FOREVER,
	    ".FF", "12", ".AA", "", "12" },
	{ "what is adopted leaves room", "x:5 y:6 z:7", "a#5~A", "A..",
	    { .max_messages = 1 }, "FLL", "0", "AFL", "1", "0" },
	{ "newest first leaves room, too", "x:5 y:6 z:7", "a#7~A", "..A",
	    { .max_messages = 1, .order = EVPOP_ORDER_NEWEST }, "LLF", "2",
	    "LFA", "1", "0" },
	{ "known again though too large", "x:9 y:1", "a#9~A", "A.",
	    { .max_message_octets = 5 }, "FF", "0", "AF", "1", "0" },
	{ "without an id, never adopted", "-:5", "a#5~A", "A", DELETE, "R",
	    NULL, "R", "0", "" },
};

static void
check_actions(const struct evpop_plan *plan, size_t count, const char *expected)
{
	char actions[64] = "";
	size_t i;

	for (i = 0; i < count; i++)
		actions[i] = session_plan_letters[plan->actions[i]];
	assert_string_equal(actions, expected);
}

static void
look(struct evpop_plan *plan, const struct fixture *fixture,
    const struct identity_case *one)
{
	const uint32_t *indices;
	struct evpop_header seen = { .added_octets = 0 };
	size_t count = evpop_plan_looks(plan, &indices), i;
	char looks[64] = "", header;

	for (i = 0; i < count; i++)
		looks[i] = (char)('0' + indices[i]);
	assert_string_equal(looks, one->looks);
	for (i = 0; i < count; i++) {
		header = one->headers[indices[i]];
		if (header < 'A' || header > 'Z')
			continue;
		memcpy(seen.digest, session_plan_digest(header),
		    sizeof seen.digest);
		evpop_plan_header(plan, &fixture->listing, indices[i], &seen);
	}
	evpop_plan_settle(plan, &fixture->listing, &one->policy);
}

static void
check_adopted(const struct evpop_plan *plan, const struct fixture *fixture,
    const char *expected)
{
	const struct evpop_adoption *adoption;
	const struct evpop_known *known;
	char adopted[64] = "";
	uint64_t octets = 0;
	size_t i, count = 0;

	for (i = 0; i < fixture->listing.count; i++) {
		if (plan->actions[i] != EVPOP_ACTION_ADOPT)
			continue;
		adoption = evpop_plan_adoption(plan, i);
		known = &fixture->known[adoption->known];
		adopted[count++] = (char)('0' + adoption->known);
		octets += adoption->octets;
		assert_int_equal(adoption->octets, known->octets);
		assert_int_equal(adoption->occurrence, known->occurrence);
		assert_int_equal(
		    adoption->unique_id_length, known->unique_id_length);
		assert_memory_equal(adoption->unique_id, known->unique_id,
		    known->unique_id_length);
	}
	assert_string_equal(adopted, expected);
	assert_int_equal(plan->adopts, count);
	assert_int_equal(plan->adopt_octets, octets);
}

static size_t
count_of(const char *actions, char letter)
{
	size_t count = 0;

	for (; *actions != '\0'; actions++)
		count += *actions == letter;
	return count;
}

static void
check_totals(const struct evpop_plan *plan, const struct identity_case *one)
{
	char order[64] = "";
	size_t i;

	for (i = 0; i < plan->fetches; i++)
		order[i] = (char)('0' + plan->order[i]);
	assert_string_equal(order, one->order);
	assert_int_equal(plan->deletes, count_of(one->actions, 'D'));
	assert_int_equal(plan->too_large, count_of(one->actions, 'T'));
	assert_int_equal(plan->later, count_of(one->actions, 'L'));
	assert_int_equal(plan->unidentified, count_of(one->actions, 'U'));
	assert_int_equal(plan->seen, count_of(one->actions, 'S'));
	assert_int_equal(plan->held, count_of(one->actions, 'H'));
}

static void
check_case(const struct identity_case *one)
{
	struct fixture fixture, sized;
	struct evpop_plan *plan;
	size_t i;

	session_plan_fixture(&sized, one->listing, one->known);
	fixture = sized;
	fixture.listing.entries = fixture.entries;
	for (i = 0; i < fixture.listing.count; i++)
		fixture.entries[i].octets = 0;
	assert_int_equal(evpop_plan_new(&plan, &fixture.listing, fixture.known,
			     fixture.known_count, &one->policy, NOW_MS),
	    EVPOP_ERROR_NONE);
	check_actions(plan, fixture.listing.count, one->by_ids);
	memcpy(fixture.entries, sized.entries, sizeof sized.entries);
	assert_int_equal(
	    evpop_plan_wants_sizes(plan, &one->policy), one->looks != NULL);
	if (one->looks != NULL) {
		/* The known need not be there any more. */
		memset(fixture.known, 0, sizeof fixture.known);
		evpop_plan_sizes(plan, &fixture.listing, &one->policy);
		look(plan, &fixture, one);
	}
	check_actions(plan, fixture.listing.count, one->actions);
	check_totals(plan, one);
	check_adopted(plan, &sized, one->adopted);
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

/* An entry without an id may be any message of which the id is missing. */
static void
test_gone_only_where_all_have_names(void **state)
{
	static const struct {
		const char *listing;
		bool unique_ids, digests;
		uint32_t ignored;
		size_t gone;
	} rounds[] = {
		{ "a", true, false, 0, 1 },
		{ "a", false, true, 0, 1 },
		{ "a", false, false, 0, 0 },
		{ "a", true, false, 1, 0 },
		{ "a", false, true, 1, 0 },
		{ "a -", true, false, 0, 0 },
	};
	const struct evpop_policy policy = FOREVER;
	struct fixture fixture;
	struct evpop_plan *plan;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
		session_plan_fixture(&fixture, rounds[i].listing, "a b");
		fixture.listing.unique_ids = rounds[i].unique_ids;
		fixture.listing.digests = rounds[i].digests;
		fixture.listing.ignored = rounds[i].ignored;
		assert_int_equal(
		    evpop_plan_new(&plan, &fixture.listing, fixture.known,
			fixture.known_count, &policy, NOW_MS),
		    EVPOP_ERROR_NONE);
		assert_int_equal(plan->gone_count, rounds[i].gone);
		assert_int_equal(plan->gone[1], rounds[i].gone);
		evpop_plan_free(&plan);
	}
}

/* It may stand on the line that could not be read. */
static void
test_garbled(void **state)
{
	const struct evpop_policy policies[] = { DELETE,
		{ .fetch_unidentified = true } };
	struct fixture fixture;
	struct evpop_plan *plan;
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		session_plan_fixture(&fixture, "- b", "a");
		fixture.listing.ignored = 1;
		assert_int_equal(
		    evpop_plan_new(&plan, &fixture.listing, fixture.known,
			fixture.known_count, &policies[i], NOW_MS),
		    EVPOP_ERROR_NONE);
		check_actions(plan, 2, i == 0 ? "UR" : "UF");
		evpop_plan_free(&plan);
	}
}

/* ---- without memory ---- */

static void
test_without_memory(void **state)
{
	const struct evpop_policy policy = FOREVER;
	struct fixture fixture;
	struct evpop_plan *plan;
	enum evpop_error error = EVPOP_ERROR_MEMORY;
	size_t failing = 0;

	(void)state;
	session_plan_fixture(&fixture, "x:5 y:6", "a#5~A b#6~B");
	while (error != EVPOP_ERROR_NONE) {
		failing_alloc_arm(++failing);
		error = evpop_plan_new(&plan, &fixture.listing, fixture.known,
		    fixture.known_count, &policy, NOW_MS);
		failing_alloc_disarm();
		if (error != EVPOP_ERROR_NONE) {
			assert_int_equal(error, EVPOP_ERROR_MEMORY);
			assert_null(plan);
		}
	}
	/* Its parts, the two sorted lists, and the candidates. */
	assert_in_range(failing, 10, 40);
	evpop_plan_free(&plan);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_gone_only_where_all_have_names),
		cmocka_unit_test(test_garbled),
		cmocka_unit_test(test_without_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Whether what a server lists is the message that was stored: servers that
 * count octets in ways of their own, and that add lines to what was read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/session_plan.h"

/*
 * Stored with 1000 octets and 40 line ends.  A header is "A" (the one stored)
 * or another, as a whole and without the lines added.
 */
struct same_case {
	const char *name;
	struct {
		uint64_t listed, lines, added;
	} then;
	bool no_digest;
	uint64_t now;         /* listed; 0: not at all */
	const char *by_size;  /* the action before any header */
	char filtered, whole; /* as TOP shows it; 0: refused */
	uint64_t added;
	uint32_t added_lines;
	const char *action;
	const char *verified; /* the same, where all is to be verified */
};

static const struct same_case cases[] = {
	{ "as stored", { 0, 0, 0 }, false, 1000, "D", 'A', 'A', 0, 0, "D",
	    "D" },
	{ "as listed then, in a way of its own", { 1234, 40, 0 }, false, 1234,
	    "D", 'A', 'A', 0, 0, "D", "D" },
	{ "LF counted", { 0, 40, 0 }, false, 960, "D", 'A', 'A', 0, 0, "D",
	    "D" },
	{ "LF counted then, CRLF now", { 960, 40, 0 }, false, 1000, "D", 'A',
	    'A', 0, 0, "D", "D" },
	{ "larger without a reason", { 1000, 40, 0 }, false, 1001, "?", 'A',
	    'A', 0, 0, "R", "R" },
	{ "smaller without a reason", { 1000, 40, 0 }, false, 10, "?", 'A', 'A',
	    0, 0, "R", "R" },
	{ "Status added", { 1000, 40, 0 }, false, 1012, "?", 'A', 'X', 12, 1,
	    "D", "D" },
	{ "Status added, listed size unknown then", { 0, 40, 0 }, false, 1012,
	    "?", 'A', 'X', 12, 1, "D", "D" },
	{ "three added, LF counted", { 960, 40, 0 }, false, 960 + 57, "?", 'A',
	    'X', 60, 3, "D", "D" },
	{ "three added, LF counted but for these", { 960, 40, 0 }, false,
	    960 + 60, "?", 'A', 'X', 60, 3, "D", "D" },
	{ "O becomes RO", { 1000, 40, 11 }, false, 1001, "?", 'A', 'X', 12, 1,
	    "D", "D" },
	{ "O becomes RO, LF counted", { 960, 40, 11 }, false, 961, "?", 'A',
	    'X', 12, 1, "D", "D" },
	{ "Status is gone", { 1000, 40, 12 }, false, 988, "?", 'A', 'A', 0, 0,
	    "D", "D" },
	{ "two added where one was, LF counted in these alone",
	    { 1000, 40, 11 }, false, 1000 - 11 + 28, "?", 'A', 'X', 30, 2, "D",
	    "D" },
	{ "more grew than lines", { 1000, 40, 0 }, false, 1050, "?", 'A', 'X',
	    12, 1, "R", "R" },
	{ "another header of the size that lines explain", { 1000, 40, 0 },
	    false, 1012, "?", 'B', 'X', 12, 1, "R", "R" },
	{ "another message under the id, of one size", { 1000, 40, 0 }, false,
	    1000, "D", 'B', 'B', 0, 0, "D", "R" },
	{ "another message under the id, of its size counted by LF",
	    { 1000, 40, 0 }, false, 960, "D", 'B', 'B', 0, 0, "D", "R" },
	{ "a row of old: the digest is the whole header's", { 0, 0, 0 }, false,
	    1000, "D", 'X', 'A', 12, 1, "D", "D" },
	{ "no digest, and the size", { 1000, 40, 0 }, true, 1000, "D", 'A', 'A',
	    0, 0, "D", "R" },
	{ "no digest, and another size", { 1000, 40, 0 }, true, 1012, "R", 'A',
	    'X', 12, 1, "R", "R" },
	{ "TOP refused, and another size", { 1000, 40, 0 }, false, 1012, "?", 0,
	    0, 0, 0, "R", "R" },
	{ "LIST refused", { 1000, 40, 0 }, false, 0, "R", 'A', 'A', 0, 0, "R",
	    "R" },
};

static void
check_action(const struct evpop_plan *plan, const char *expected)
{
	assert_int_equal(session_plan_letters[plan->actions[0]], expected[0]);
}

static void
check_case(const struct same_case *one, bool verify)
{
	const struct evpop_policy policy = { .keep = EVPOP_KEEP_NONE,
		.verify_deletes = verify };
	struct evpop_header header = { .added_octets = one->added,
		.added_lines = one->added_lines };
	const uint32_t *indices;
	struct fixture fixture;
	struct evpop_plan *plan;
	size_t looks;

	session_plan_fixture(&fixture, "a", "a#1000~A");
	fixture.known[0].listed_octets = one->then.listed;
	fixture.known[0].lines = one->then.lines;
	fixture.known[0].added_octets = one->then.added;
	if (one->no_digest)
		fixture.known[0].header_digest = NULL;
	assert_int_equal(evpop_plan_new(&plan, &fixture.listing, fixture.known,
			     1, &policy, NOW_MS),
	    EVPOP_ERROR_NONE);
	assert_true(evpop_plan_wants_sizes(plan, &policy));
	fixture.entries[0].octets = one->now;
	evpop_plan_sizes(plan, &fixture.listing, &policy);
	looks = evpop_plan_looks(plan, &indices);
	if (!verify && one->by_size[0] != '?')
		check_action(plan, one->by_size);
	if (!verify)
		assert_int_equal(looks, one->by_size[0] == '?');
	if (looks > 0 && one->filtered != 0) {
		memcpy(header.digest, session_plan_digest(one->filtered),
		    sizeof header.digest);
		memcpy(header.whole_digest, session_plan_digest(one->whole),
		    sizeof header.whole_digest);
		evpop_plan_header(plan, &fixture.listing, 0, &header);
	}
	evpop_plan_settle(plan, &fixture.listing, &policy);
	check_action(plan, verify ? one->verified : one->action);
	evpop_plan_free(&plan);
}

static void
test_cases(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		print_message("%s\n", cases[i].name);
		check_case(&cases[i], false);
		check_case(&cases[i], true);
	}
}

/* An id that has changed, on servers that count in their way. */
static void
test_adopted_by_any_size(void **state)
{
	static const struct {
		uint64_t now;
		bool is_adopted;
	} rounds[] = { { 1000, true }, { 960, true }, { 1234, true },
		{ 999, false }, { 961, false }, { 0, false } };
	const struct evpop_policy policy = { .keep = EVPOP_KEEP_FOREVER };
	struct evpop_header header = { .added_octets = 0 };
	const uint32_t *indices;
	struct fixture fixture;
	struct evpop_plan *plan;
	size_t i;

	(void)state;
	memcpy(header.digest, session_plan_digest('A'), sizeof header.digest);
	for (i = 0; i < sizeof rounds / sizeof rounds[0]; i++) {
		session_plan_fixture(&fixture, "new", "old#1000~A");
		fixture.known[0].listed_octets = 1234;
		fixture.known[0].lines = 40;
		assert_int_equal(evpop_plan_new(&plan, &fixture.listing,
				     fixture.known, 1, &policy, NOW_MS),
		    EVPOP_ERROR_NONE);
		fixture.entries[0].octets = rounds[i].now;
		evpop_plan_sizes(plan, &fixture.listing, &policy);
		assert_int_equal(
		    evpop_plan_looks(plan, &indices), rounds[i].is_adopted);
		if (rounds[i].is_adopted)
			evpop_plan_header(plan, &fixture.listing, 0, &header);
		evpop_plan_settle(plan, &fixture.listing, &policy);
		check_action(plan, rounds[i].is_adopted ? "A" : "F");
		evpop_plan_free(&plan);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_adopted_by_any_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

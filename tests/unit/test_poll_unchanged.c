/* What is remembered of a listing, and how long it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/poll/unchanged.h"

#define AGE_NOW_MS INT64_C(1767323045678)
#define NOW_MS     INT64_C(5678)
#define DAY_MS     INT64_C(86400000)
#define VERSION    3

static struct evpop_entry entries[] = {
	{ .number = 1,
	    .unique_id = (unsigned char *)"a",
	    .unique_id_length = 1 },
	{ .number = 2,
	    .unique_id = (unsigned char *)"b",
	    .unique_id_length = 1 },
};
static const struct evpop_listing listing = {
	.entries = entries, .count = 2, .unique_ids = true
};
static const struct store_account account = {
	.id = 7, .listed = true, .usual_deletes = 40
};

static void
note(struct unchanged *unchanged, const struct evpop_plan *plan)
{
	unchanged_note(
	    unchanged, &listing, plan, &account, VERSION, AGE_NOW_MS, NOW_MS);
}

static bool
is(const struct unchanged *unchanged, int64_t now_ms)
{
	return unchanged_is(unchanged, &listing, VERSION, now_ms);
}

static void
test_same_listing(void **state)
{
	const struct evpop_plan plan = {
		.too_large = 5, .waits = 6, .gone_count = 1
	};
	struct evpop_listing other = listing;
	struct store_account back;
	struct unchanged unchanged = { 0 };

	(void)state;
	assert_false(is(&unchanged, NOW_MS));
	assert_false(unchanged_account(&unchanged, &back));
	note(&unchanged, &plan);
	assert_true(is(&unchanged, NOW_MS));
	assert_true(unchanged_account(&unchanged, &back));
	assert_int_equal(back.id, 7);
	assert_int_equal(back.usual_deletes, 40);
	/* A baseline is for the first poll only. */
	assert_true(back.listed);
	assert_int_equal(unchanged.too_large, 5);
	assert_int_equal(unchanged.waiting, 6);
	assert_false(unchanged_is(&unchanged, &listing, VERSION + 1, NOW_MS));
	other.count = 1;
	assert_false(unchanged_is(&unchanged, &other, VERSION, NOW_MS));
	other = listing;
	other.ignored = 1;
	assert_false(unchanged_is(&unchanged, &other, VERSION, NOW_MS));
}

static void
test_how_long_it_holds(void **state)
{
	static const struct {
		int64_t due_ms, until_ms;
	} cases[] = {
		{ 0, NOW_MS + DAY_MS },
		{ AGE_NOW_MS + 1, NOW_MS + 1 },
		{ AGE_NOW_MS + DAY_MS - 1, NOW_MS + DAY_MS - 1 },
		{ AGE_NOW_MS + DAY_MS + 1, NOW_MS + DAY_MS },
		{ INT64_MAX, NOW_MS + DAY_MS },
	};
	struct unchanged unchanged = { 0 };
	struct evpop_plan plan = { 0 };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		plan.due_ms = cases[i].due_ms;
		note(&unchanged, &plan);
		assert_true(is(&unchanged, cases[i].until_ms - 1));
		assert_false(is(&unchanged, cases[i].until_ms));
		assert_false(is(&unchanged, cases[i].until_ms + 1));
	}
	/* It fell due while the session went on. */
	plan.due_ms = AGE_NOW_MS - 1;
	note(&unchanged, &plan);
	assert_false(is(&unchanged, NOW_MS));
}

/* What is old may be told by the next poll, so that one has to look. */
static void
test_ages_that_cannot_be_judged(void **state)
{
	struct unchanged unchanged = { 0 };
	struct evpop_plan plan = { .due_ms = 1 };

	(void)state;
	unchanged_note(&unchanged, &listing, &plan, &account, VERSION,
	    STORE_NEVER_MS, NOW_MS);
	assert_false(is(&unchanged, NOW_MS));
	plan.due_ms = 0;
	unchanged_note(&unchanged, &listing, &plan, &account, VERSION,
	    STORE_NEVER_MS, NOW_MS);
	assert_true(is(&unchanged, NOW_MS));
}

/* Work that was planned, whether it was done or not, is looked at again. */
static void
test_plans_with_work(void **state)
{
	const struct evpop_plan idle = { 0 };
	const struct evpop_plan plans[] = {
		{ .fetches = 1 },
		{ .deletes = 1 },
		{ .later = 1 },
		{ .unidentified = 1 },
		{ .seen = 1 },
		{ .adopts = 1 },
		{ .held = 1 },
	};
	struct unchanged unchanged = { 0 };
	struct store_account back;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof plans / sizeof plans[0]; i++) {
		note(&unchanged, &idle);
		note(&unchanged, &plans[i]);
		assert_false(is(&unchanged, NOW_MS));
		assert_false(unchanged_account(&unchanged, &back));
	}
}

/* A listing that does not tell all says nothing of the next one. */
static void
test_listings_without_a_digest(void **state)
{
	const struct evpop_plan idle = { 0 };
	struct evpop_listing vague[2] = { listing, listing };
	struct unchanged unchanged = { 0 };
	struct store_account back;
	size_t i;

	(void)state;
	vague[0].unique_ids = false;
	vague[1].ignored = 1;
	for (i = 0; i < 2; i++) {
		note(&unchanged, &idle);
		unchanged_note(&unchanged, &vague[i], &idle, &account, VERSION,
		    AGE_NOW_MS, NOW_MS);
		assert_false(is(&unchanged, NOW_MS));
		assert_false(
		    unchanged_is(&unchanged, &vague[i], VERSION, NOW_MS));
		assert_false(unchanged_account(&unchanged, &back));
	}
}

static void
test_empty_maildrop(void **state)
{
	static const struct evpop_listing empty = { .unique_ids = true };
	const struct evpop_plan idle = { 0 };
	struct unchanged unchanged = { 0 };

	(void)state;
	unchanged_note(
	    &unchanged, &empty, &idle, &account, VERSION, AGE_NOW_MS, NOW_MS);
	assert_true(unchanged_is(&unchanged, &empty, VERSION, NOW_MS));
	assert_false(is(&unchanged, NOW_MS));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_listing),
		cmocka_unit_test(test_how_long_it_holds),
		cmocka_unit_test(test_ages_that_cannot_be_judged),
		cmocka_unit_test(test_plans_with_work),
		cmocka_unit_test(test_listings_without_a_digest),
		cmocka_unit_test(test_empty_maildrop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

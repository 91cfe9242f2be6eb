/* The table of a poll's figures: each has a name of its own and a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/notify/tally.h"

static void
test_every_figure_is_named_once(void **state)
{
	(void)state;
	for (size_t i = 0; i < TALLY_COUNT; i++) {
		assert_non_null(tally_names[i].json);
		assert_non_null(tally_names[i].words);
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(
			    tally_names[i].json, tally_names[j].json);
			assert_true(
			    tally_names[i].offset != tally_names[j].offset);
		}
	}
}

static void
test_figures_are_kept_apart(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	for (int i = 0; i < TALLY_COUNT; i++)
		tally_set(&tally, i, (uint64_t)i + 1);
	for (int i = 0; i < TALLY_COUNT; i++)
		assert_int_equal(tally_get(&tally, i), (uint64_t)i + 1);
	assert_int_equal(tally.messages, TALLY_MESSAGES + 1);
	assert_int_equal(tally.held, TALLY_HELD + 1);
	assert_int_equal(tally.octets_out, TALLY_OCTETS_OUT + 1);
}

static void
test_counts_stop_at_their_largest(void **state)
{
	struct tally tally = { 0 };

	(void)state;
	tally_set(&tally, TALLY_FETCHED, UINT64_MAX);
	tally_set(&tally, TALLY_OCTETS_IN, UINT64_MAX);
	assert_int_equal(tally.fetched, UINT32_MAX);
	assert_true(tally.octets_in == UINT64_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_figure_is_named_once),
		cmocka_unit_test(test_figures_are_kept_apart),
		cmocka_unit_test(test_counts_stop_at_their_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

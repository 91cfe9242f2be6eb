/* Which word was meant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/near.h"

static void
slips_are_near(void **state)
{
	static const struct {
		const char *typed;
		bool near;
	} rows[] = {
		{ "interval", true },
		{ "intervall", true },
		{ "inteval", true },
		{ "intreval", true },
		{ "Interval", true },
		{ "intvl", false },
		{ "", false },
		{ "intervalintervalintervalintervalinterval", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evpop_near near = { 0 };

		evpop_near_consider(&near, rows[i].typed, "interval");
		assert_int_equal(near.word != NULL, rows[i].near);
	}
}

/* A third of the letters, and one of a short word. */
static void
how_far_a_slip_may_go(void **state)
{
	static const struct {
		const char *typed, *meant;
		bool near;
	} rows[] = {
		{ "host", "host", true },
		{ "hots", "host", true },
		{ "ohst", "host", true },
		{ "hst", "host", true },
		{ "hosst", "host", true },
		{ "most", "host", true },
		{ "hsto", "host", false },
		{ "hs", "host", false },
		{ "max_s", "host", false },
		{ "apssword", "password", true },
		{ "passwrod", "password", true },
		{ "passxxrd", "password", true },
		{ "pasxxxrd", "password", false },
		{ "pswd", "password", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct evpop_near near = { 0 };

		evpop_near_consider(&near, rows[i].typed, rows[i].meant);
		if ((near.word != NULL) != rows[i].near)
			fail_msg("%s, %s", rows[i].typed, rows[i].meant);
	}
}

static void
the_nearest_wins(void **state)
{
	struct evpop_near near = { 0 };

	(void)state;
	evpop_near_consider(&near, "passwort", "password_x");
	evpop_near_consider(&near, "passwort", "password");
	evpop_near_consider(&near, "passwort", "passwords");
	assert_string_equal(near.word, "password");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slips_are_near),
		cmocka_unit_test(how_far_a_slip_may_go),
		cmocka_unit_test(the_nearest_wins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

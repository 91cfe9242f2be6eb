/* Which names fit a pattern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/glob.h"

static void
names_fit_patterns(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool fits;
	} rows[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "a", "", false },
		{ "shop", "shop", true },
		{ "shop", "shops", false },
		{ "shops", "shop", false },
		{ "Shop", "shop", false },
		{ "*", "", true },
		{ "*", "shop", true },
		{ "**", "shop", true },
		{ "cust0*", "cust0", true },
		{ "cust0*", "cust01", true },
		{ "cust0*", "cust1", false },
		{ "*0", "cust010", true },
		{ "*0", "cust01", false },
		{ "c*t*1", "cust01", true },
		{ "c*t*1", "cost11", true },
		{ "c*t*1", "cust02", false },
		{ "*ab*ab", "ab", false },
		{ "*ab*ab", "abab", true },
		{ "cust?", "cust1", true },
		{ "cust?", "cust", false },
		{ "cust?", "cust12", false },
		{ "?*", "", false },
		{ "b?ro", "b\xc3\xbcro", true },
		{ "*?ro", "b\xc3\xbcro", true },
		{ "b??ro", "b\xc3\xbcro", false },
		{ "[ab]", "a", false },
		{ "[ab]", "[ab]", true },
		{ "a\\*", "a*", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (evpop_glob_matches(rows[i].pattern, rows[i].name) !=
		    rows[i].fits)
			fail_msg(
			    "\"%s\" and \"%s\"", rows[i].pattern, rows[i].name);
}

/* With a try for each star it would take years. */
static void
many_stars_take_no_time(void **state)
{
	char pattern[200], name[200];

	(void)state;
	for (size_t i = 0; i + 2 < sizeof(pattern); i += 2)
		memcpy(pattern + i, "a*", 2);
	memcpy(pattern + sizeof(pattern) - 2, "b", 2);
	memset(name, 'a', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_false(evpop_glob_matches(pattern, name));
}

static void
a_name_is_no_pattern(void **state)
{
	(void)state;
	assert_true(evpop_glob_is_pattern("cust*"));
	assert_true(evpop_glob_is_pattern("cust?"));
	assert_false(evpop_glob_is_pattern("cust[0]"));
	assert_false(evpop_glob_is_pattern(""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_fit_patterns),
		cmocka_unit_test(many_stars_take_no_time),
		cmocka_unit_test(a_name_is_no_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

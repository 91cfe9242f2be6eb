/* What is pure: times, UTF-8, parameters, numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "daemon/control/parameters.h"
#include "daemon/control/when.h"

/* 2024-02-29T12:34:56.789Z */
#define NOW      1709210096789LL
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
test_times_that_are_understood(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "1970-01-01", 0 },
		{ "1970-01-01T00:00:00Z", 0 },
		{ "1969-12-31T23:59:59.999Z", -1 },
		{ "2024-02-29", 1709164800000LL },
		{ "2024-02-29T12:34", 1709210040000LL },
		{ "2024-02-29 12:34:56", 1709210096000LL },
		{ "2024-02-29t12:34:56.789z", NOW },
		{ "2024-02-29T12:34:56.7891234", NOW },
		{ "2024-02-29T12:34:56.5Z", 1709210096500LL },
		{ "2024-02-29T14:34:56.789+02:00", NOW },
		{ "2024-02-29T14:34:56.789+02", NOW },
		{ "2024-02-29T07:04:56.789-0530", NOW },
		{ "2000-02-29", 951782400000LL },
		{ "0001-01-01", -62135596800000LL },
		{ "9999-12-31T23:59:59.999Z", 253402300799999LL },
		{ "2016-12-31T23:59:60Z", 1483228800000LL },
		{ "0s", NOW },
		{ "90s", NOW - 90000 },
		{ "30m", NOW - 1800000 },
		{ "24h", NOW - 86400000 },
		{ "7d", NOW - 7 * 86400000LL },
		{ "2w", NOW - 14 * 86400000LL },
		{ "36525d", NOW - 36525 * 86400000LL },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ms = 1;

		if (!when_parse(cases[i].text, NOW, &ms))
			fail_msg("%s: not understood", cases[i].text);
		if (ms != cases[i].ms)
			fail_msg("%s: %lld, not %lld", cases[i].text,
			    (long long)ms, (long long)cases[i].ms);
	}
}

static void
test_times_that_are_refused(void **state)
{
	static const char *const cases[] = { "", " ", "yesterday", "2024",
		"2024-2-1", "2024-02-30", "2023-02-29", "1900-02-29",
		"2024-13-01", "2024-00-01", "2024-01-00", "0000-01-01",
		"2024-02-29T", "2024-02-29T24:00", "2024-02-29T12:60",
		"2024-02-29T12:34:61", "2024-02-29T12:34:56.",
		"2024-02-29T12:34Zx", "2024-02-29T12:34+2",
		"2024-02-29T12:34+24:00", "2024-02-29T12:34+02:60",
		"2024-02-29T12:34+02:", "2024-02-29x", "-7d", "7", "d", "7D",
		"7dd", "7 d", "36526d", "99999999999999999999d",
		"18446744073709551617s", "5219w", "876601h" };
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		int64_t ms;

		if (when_parse(cases[i], NOW, &ms))
			fail_msg("\"%s\" was understood as %lld", cases[i],
			    (long long)ms);
	}
}

static void
test_times_are_written_as_they_are_read(void **state)
{
	static const int64_t times[] = { 0, -1, 1, NOW, 951782400000LL,
		951868800000LL, 253402300799999LL, -62135596800000LL,
		4107542400000LL, -86400000LL };
	char text[WHEN_SIZE];
	int64_t back;

	(void)state;
	for (size_t i = 0; i < COUNT(times); i++) {
		assert_true(when_format(times[i], text));
		assert_int_equal(strlen(text), WHEN_SIZE - 1);
		assert_true(when_parse(text, 0, &back));
		assert_int_equal(back, times[i]);
	}
	/* Each day of four centuries, which is when the calendar repeats. */
	for (int64_t day = 0; day < 146097; day++) {
		assert_true(when_format(day * 86400000LL, text));
		assert_true(when_parse(text, 0, &back));
		assert_int_equal(back, day * 86400000LL);
	}
	assert_true(when_format(NOW, text));
	assert_string_equal(text, "2024-02-29T12:34:56.789Z");
	assert_false(when_format(253402300800000LL, text));
	assert_string_equal(text, "");
	assert_false(when_format(-62135596800001LL, text));
	assert_false(when_format(INT64_MAX, text));
	assert_false(when_format(INT64_MIN, text));
}

static const char *const known[] = { "account", "limit", "since", NULL };

static void
test_parameters_are_decoded(void **state)
{
	struct parameters parameters;
	struct problem problem;

	(void)state;
	assert_true(parameters_parse(&parameters,
	    "account=a%2Fb+c%26d&limit=7&&since=%C3%BC", known, &problem));
	assert_string_equal(parameters_text(&parameters, "account"), "a/b c&d");
	assert_string_equal(parameters_text(&parameters, "limit"), "7");
	assert_string_equal(parameters_text(&parameters, "since"), "\xc3\xbc");
	parameters_free(&parameters);

	assert_true(parameters_parse(&parameters, NULL, known, &problem));
	assert_null(parameters_text(&parameters, "limit"));
	parameters_free(&parameters);
}

static void
test_parameters_that_are_refused(void **state)
{
	static const struct {
		const char *query, *message, *hint;
	} cases[] = {
		{ "acount=x", "unknown parameter \"acount\"",
		    "did you mean \"account\"?" },
		{ "zzz=x", "unknown parameter \"zzz\"",
		    "known are account, limit, since" },
		{ "limit=1&limit=2", "parameter \"limit\" is given twice",
		    "give it once" },
		{ "limit=", "parameter \"limit\" is empty",
		    "leave it out, or give a value" },
		{ "limit", "parameter \"limit\" is empty",
		    "leave it out, or give a value" },
		{ "limit=%", "badly encoded", "encode" },
		{ "limit=%4", "badly encoded", "encode" },
		{ "limit=%zz", "badly encoded", "encode" },
		{ "limit=%00", "badly encoded", "encode" },
		{ "limit=%ff", "badly encoded", "encode" },
		{ "%ff=1", "badly encoded", "encode" },
	};
	struct parameters parameters;
	struct problem problem;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_false(parameters_parse(
		    &parameters, cases[i].query, known, &problem));
		assert_non_null(strstr(problem.message, cases[i].message));
		assert_non_null(strstr(problem.hint, cases[i].hint));
	}
	assert_false(parameters_parse(&parameters, "x=1", &known[3], &problem));
	assert_non_null(strstr(problem.hint, "no parameters"));
}

static void
test_parameters_have_bounds(void **state)
{
	static const char *const bad[] = { "0", "1001", "-1", "1e3", "0x10",
		"99999999999999999999", "+5", "5%20" };
	struct parameters parameters;
	struct problem problem;
	char query[64];
	int64_t value = 50;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		snprintf(query, sizeof(query), "limit=%s", bad[i]);
		assert_true(
		    parameters_parse(&parameters, query, known, &problem));
		assert_false(parameters_number(
		    &parameters, "limit", 1, 1000, &value, &problem));
		assert_non_null(strstr(problem.message, "invalid limit \""));
		assert_string_equal(
		    problem.hint, "expected a whole number from 1 to 1000");
		parameters_free(&parameters);
	}
	assert_int_equal(value, 50);
	assert_true(
	    parameters_parse(&parameters, "limit=1000", known, &problem));
	assert_true(
	    parameters_number(&parameters, "limit", 1, 1000, &value, &problem));
	assert_int_equal(value, 1000);
	parameters_free(&parameters);
	assert_true(number_parse("9223372036854775807", 1, INT64_MAX, &value));
	assert_true(value == INT64_MAX);
	assert_false(number_parse("9223372036854775808", 1, INT64_MAX, &value));
}

static void
test_parameters_take_times(void **state)
{
	struct parameters parameters;
	struct problem problem;
	int64_t ms = 0;
	bool given;

	(void)state;
	assert_true(parameters_parse(&parameters,
	    "since=2024-02-29T14:34:56.789%2B02:00", known, &problem));
	assert_true(
	    parameters_time(&parameters, "since", 0, &given, &ms, &problem));
	assert_true(given);
	assert_int_equal(ms, NOW);
	assert_true(
	    parameters_time(&parameters, "limit", 0, &given, &ms, &problem));
	assert_false(given);
	parameters_free(&parameters);

	assert_true(
	    parameters_parse(&parameters, "since=soon", known, &problem));
	assert_false(
	    parameters_time(&parameters, "since", 0, &given, &ms, &problem));
	assert_string_equal(problem.message, "invalid since \"soon\"");
	assert_non_null(strstr(problem.hint, "7d"));
	parameters_free(&parameters);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times_that_are_understood),
		cmocka_unit_test(test_times_that_are_refused),
		cmocka_unit_test(test_times_are_written_as_they_are_read),
		cmocka_unit_test(test_parameters_are_decoded),
		cmocka_unit_test(test_parameters_that_are_refused),
		cmocka_unit_test(test_parameters_have_bounds),
		cmocka_unit_test(test_parameters_take_times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

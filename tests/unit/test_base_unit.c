/* Durations and sizes, read and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/unit.h"

static void
numbers_are_written(void **state)
{
	static const struct {
		int64_t value;
		const char *duration, *size;
	} rows[] = {
		{ 0, "0ms", "0" },
		{ 1, "1ms", "1" },
		{ 1000, "1s", "1000" },
		{ 90000, "90s", "90000" },
		{ 300000, "5m", "300000" },
		{ 86400000, "1d", "84375K" },
		{ 1073741824, "1073741824ms", "1G" },
		{ 1536, "1536ms", "1536" },
		{ 1049600, "1049600ms", "1025K" },
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		evpop_unit_text(
		    rows[i].value, evpop_unit_durations, text, sizeof(text));
		assert_string_equal(text, rows[i].duration);
		evpop_unit_text(
		    rows[i].value, evpop_unit_sizes, text, sizeof(text));
		assert_string_equal(text, rows[i].size);
	}
}

static void
numbers_are_read(void **state)
{
	static const struct {
		const struct evpop_unit *units;
		const char *text;
		int64_t value; /* -1: refused */
	} rows[] = {
		{ evpop_unit_durations, "0ms", 0 },
		{ evpop_unit_durations, "90s", 90000 },
		{ evpop_unit_durations, "5m", 300000 },
		{ evpop_unit_durations, "2h", 7200000 },
		{ evpop_unit_durations, "1d", 86400000 },
		{ evpop_unit_durations, "5", -1 },
		{ evpop_unit_durations, "5 s", -1 },
		{ evpop_unit_durations, " 5s", -1 },
		{ evpop_unit_durations, "-5s", -1 },
		{ evpop_unit_durations, "+5s", -1 },
		{ evpop_unit_durations, "s", -1 },
		{ evpop_unit_durations, "", -1 },
		{ evpop_unit_durations, "5S", -1 },
		{ evpop_unit_durations, "5w", -1 },
		{ evpop_unit_ages, "2w", 1209600000 },
		{ evpop_unit_ages, "2ms", -1 },
		{ evpop_unit_sizes, "8M", 8388608 },
		{ evpop_unit_sizes, "8m", 8388608 },
		{ evpop_unit_sizes, "1500", 1500 },
		{ evpop_unit_sizes, "1T", -1 },
		{ evpop_unit_none, "9223372036854775807", INT64_MAX },
		{ evpop_unit_none, "9223372036854775808", -1 },
		{ evpop_unit_none, "99999999999999999999", -1 },
		{ evpop_unit_sizes, "8589934591G",
		    INT64_C(8589934591) * 1073741824 },
		{ evpop_unit_sizes, "8589934592G", -1 },
	};
	int64_t value;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(
		    evpop_unit_parse(rows[i].text, rows[i].units, &value),
		    rows[i].value != -1);
		if (rows[i].value != -1)
			assert_true(value == rows[i].value);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written),
		cmocka_unit_test(numbers_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

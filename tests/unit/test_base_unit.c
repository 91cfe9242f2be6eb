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

static void
people_read_sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{ 0, "0 B" },
		{ 1023, "1023 B" },
		{ 1024, "1.0 KiB" },
		{ 1536, "1.5 KiB" },
		{ 10239, "9.9 KiB" },
		{ 10240, "10 KiB" },
		{ 1048575, "1023 KiB" },
		{ 1048576, "1.0 MiB" },
		{ UINT64_MAX, "15 EiB" },
	};
	char text[EVPOP_UNIT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(
		    evpop_unit_size(rows[i].bytes, text), rows[i].text);
}

static void
people_read_spans(void **state)
{
	static const struct {
		int64_t seconds;
		const char *about, *span;
	} rows[] = {
		{ 0, "0 s", "0 s" },
		{ 59, "59 s", "59 s" },
		{ 310, "5 min", "5 min 10 s" },
		{ 3600, "1 h", "1 h" },
		{ 7200, "2 h", "2 h" },
		{ 183600, "2 d", "2 d 3 h" },
		{ 800LL * 86400, "2 y", "2 y 70 d" },
	};
	char text[EVPOP_UNIT_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_string_equal(
		    evpop_unit_about(rows[i].seconds, text), rows[i].about);
		assert_string_equal(
		    evpop_unit_span(rows[i].seconds, text), rows[i].span);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(people_read_sizes),
		cmocka_unit_test(people_read_spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

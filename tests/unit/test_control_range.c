/* Ranges of bytes, and lists of entity tags, as requests have them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/control/etag.h"
#include "daemon/control/range.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
test_ranges(void **state)
{
	static const struct {
		const char *header;
		uint64_t whole;
		enum range_result result;
		uint64_t first, length;
	} cases[] = {
		{ NULL, 10, RANGE_ALL, 0, 10 },
		{ "bytes=0-0", 10, RANGE_PART, 0, 1 },
		{ "bytes=0-9", 10, RANGE_PART, 0, 10 },
		{ "bytes=3-5", 10, RANGE_PART, 3, 3 },
		{ "BYTES= 3-5 ", 10, RANGE_PART, 3, 3 },
		{ "bytes=3-", 10, RANGE_PART, 3, 7 },
		{ "bytes=9-", 10, RANGE_PART, 9, 1 },
		{ "bytes=3-10", 10, RANGE_PART, 3, 7 },
		{ "bytes=3-99999999999999999999999", 10, RANGE_PART, 3, 7 },
		{ "bytes=-1", 10, RANGE_PART, 9, 1 },
		{ "bytes=-10", 10, RANGE_PART, 0, 10 },
		{ "bytes=-11", 10, RANGE_PART, 0, 10 },
		{ "bytes=-99999999999999999999999", 10, RANGE_PART, 0, 10 },
		{ "bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 10 },
		{ "bytes=10-20", 10, RANGE_UNSATISFIABLE, 0, 10 },
		{ "bytes=99999999999999999999999-", 10, RANGE_UNSATISFIABLE, 0,
		    10 },
		{ "bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 10 },
		{ "bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=-5", 0, RANGE_ALL, 0, 0 },
		{ "bytes=", 10, RANGE_ALL, 0, 10 },
		{ "bytes=-", 10, RANGE_ALL, 0, 10 },
		{ "bytes=5", 10, RANGE_ALL, 0, 10 },
		{ "bytes=5-3", 10, RANGE_ALL, 0, 10 },
		{ "bytes=5-3x", 10, RANGE_ALL, 0, 10 },
		{ "bytes=x-3", 10, RANGE_ALL, 0, 10 },
		{ "bytes=1-2,4-5", 10, RANGE_ALL, 0, 10 },
		{ "bytes=1--2", 10, RANGE_ALL, 0, 10 },
		{ "bytes 1-2", 10, RANGE_ALL, 0, 10 },
		{ "lines=1-2", 10, RANGE_ALL, 0, 10 },
		{ "", 10, RANGE_ALL, 0, 10 },
	};
	struct range range;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		enum range_result result =
		    range_read(cases[i].header, cases[i].whole, &range);

		if (result != cases[i].result ||
		    range.first != cases[i].first ||
		    range.length != cases[i].length)
			fail_msg("%s: %d, %llu of %llu", cases[i].header,
			    (int)result, (unsigned long long)range.length,
			    (unsigned long long)range.first);
	}
}

static void
test_tags(void **state)
{
	static const struct {
		const char *list;
		bool is_listed;
	} cases[] = {
		{ "\"abc\"", true },
		{ "W/\"abc\"", true },
		{ "*", true },
		{ " * ", false },
		{ "\"x\", \"abc\"", true },
		{ "\"x\",\"abc\",\"y\"", true },
		{ "\"a,b\" , W/\"abc\"", true },
		{ "\"abcd\"", false },
		{ "\"ab\"", false },
		{ "\"ABC\"", false },
		{ "abc", false },
		{ "\"x\", abc", false },
		{ "\"abc", false },
		{ "", false },
		{ ",", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (etag_is_listed(cases[i].list, "\"abc\"") !=
		    cases[i].is_listed)
			fail_msg("%s", cases[i].list);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The lines that servers add to a header: which they are, however they are
 * spelt, continued or cut into pieces, and what looks like them and is not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/header_filter.h"

static const struct {
	const char *message, *counts, *added;
	unsigned lines; /* added */
} cases[] = {
	{ "", "", "", 0 },
	{ "\r\nbody", "", "", 0 },
	{ "Subject: a\r\n\r\nStatus: RO\r\n", "Subject: a\r\n", "", 0 },
	{ "Status: RO\r\n\r\n", "", "Status: RO\r\n", 1 },
	{ "A: b\r\nStatus: RO\r\nC: d\r\n\r\n", "A: b\r\nC: d\r\n",
	    "Status: RO\r\n", 1 },
	{ "A: b\nX-UID: 7\n\nbody", "A: b\n", "X-UID: 7\n", 1 },
	{ "sTATUS: O\r\nx-uid: 9\r\nX-STATUS: A\r\n", "",
	    "sTATUS: O\r\nx-uid: 9\r\nX-STATUS: A\r\n", 3 },
	{ "X-IMAP: 1 2\r\nX-IMAPbase: 1 2\r\nX-Keywords: \r\nX-UIDL: q\r\n", "",
	    "X-IMAP: 1 2\r\nX-IMAPbase: 1 2\r\nX-Keywords: \r\nX-UIDL: q\r\n",
	    4 },
	{ "Content-Length: 12\r\nContent-Type: text/plain\r\n",
	    "Content-Type: text/plain\r\n", "Content-Length: 12\r\n", 1 },
	/* Continued, and what is continued itself. */
	{ "X-Keywords: a\r\n\tb\r\n c\r\nD: e\r\n f\r\n", "D: e\r\n f\r\n",
	    "X-Keywords: a\r\n\tb\r\n c\r\n", 3 },
	{ "A: b\r\n Status: RO\r\n", "A: b\r\n Status: RO\r\n", "", 0 },
	/* Likenesses. */
	{ "Status-Of: RO\r\nXStatus: a\r\nX-UIDs: 1\r\n",
	    "Status-Of: RO\r\nXStatus: a\r\nX-UIDs: 1\r\n", "", 0 },
	{ "Status\r\nStatu: x\r\n", "Status\r\nStatu: x\r\n", "", 0 },
	{ "X-IMAPbaseball: 1\r\nContent-Lengths: 2\r\n",
	    "X-IMAPbaseball: 1\r\nContent-Lengths: 2\r\n", "", 0 },
	/* Cut, and oddly ended. */
	{ "A: b\r\nStat", "A: b\r\nStat", "", 0 },
	{ "A: b\r\nStatus: R", "A: b\r\n", "Status: R", 1 },
	{ "A: b\r\n\r", "A: b\r\n\r", "", 0 },
	{ "\rStatus: RO\r\nB: c\r\n", "\rStatus: RO\r\nB: c\r\n", "", 0 },
	{ "Status: RO\r\r\nA: b\r\n", "A: b\r\n", "Status: RO\r\r\n", 1 },
	{ " first\r\nA: b\r\n", " first\r\nA: b\r\n", "", 0 },
};

struct parts {
	char counts[256], added[256];
};

static void
take(const unsigned char *bytes, size_t length, bool is_added, void *arg)
{
	struct parts *parts = arg;
	char *text = is_added ? parts->added : parts->counts;

	strncat(text, (const char *)bytes, length);
}

static void
check(size_t which, size_t first, size_t second)
{
	const unsigned char *message =
	    (const unsigned char *)cases[which].message;
	size_t length = strlen(cases[which].message);
	struct parts parts = { .counts = "" };
	struct evpop_header_filter filter;

	evpop_header_filter_init(&filter, take, &parts);
	evpop_header_filter_feed(&filter, message, first);
	evpop_header_filter_feed(&filter, message + first, second - first);
	evpop_header_filter_feed(&filter, message + second, length - second);
	evpop_header_filter_finish(&filter);
	assert_string_equal(parts.counts, cases[which].counts);
	assert_string_equal(parts.added, cases[which].added);
	assert_int_equal(evpop_header_filter_added_octets(&filter),
	    strlen(cases[which].added));
	assert_int_equal(
	    evpop_header_filter_added_lines(&filter), cases[which].lines);
}

static void
test_every_cut(void **state)
{
	size_t i, length, first, second;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		length = strlen(cases[i].message);
		for (first = 0; first <= length; first++)
			for (second = first; second <= length; second++)
				check(i, first, second);
	}
}

static void
test_complete(void **state)
{
	struct evpop_header_filter filter;
	struct parts parts = { .counts = "" };

	(void)state;
	evpop_header_filter_init(&filter, take, &parts);
	evpop_header_filter_feed(
	    &filter, (const unsigned char *)"A: b\r\n\r", 7);
	assert_false(evpop_header_filter_is_complete(&filter));
	evpop_header_filter_feed(&filter, (const unsigned char *)"\nX: y", 5);
	assert_true(evpop_header_filter_is_complete(&filter));
	assert_string_equal(parts.counts, "A: b\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/mail/header.h"
#include "daemon/store/mail/words.h"
#include "daemon/store/scan.h"

static int
setup(void **state)
{
	(void)state;
	return store_digest_init() ? 0 : -1;
}

#define MIXED                                                        \
	"Subject: s\r\nContent-Type: multipart/mixed; boundary=\"b " \
	"1\"\r\n\r\n"

static const struct {
	const char *message;
	uint32_t attachments;
} cases[] = {
	{ "", 0 },
	{ "Subject: s\r\n\r\nbody", 0 },
	{ "Subject: s\r\nContent-Type: application/pdf; name=x.pdf\r\n\r\nx",
	    1 },
	{ "Subject: s\r\nContent-Disposition: ATTACHMENT\r\n\r\nx", 1 },
	{ "Subject: s\r\nContent-Disposition: inline\r\n\r\nx", 0 },
	{ MIXED "--b 1\r\n\r\ntext\r\n--b 1--\r\n", 0 },
	{ MIXED "--b 1\r\n\r\ntext\r\n--b 1\r\n"
		"Content-Disposition: attachment; filename=a\r\n\r\nx\r\n"
		"--b 1 \r\nContent-Type: image/png;\r\n name=\"b;c\"\r\n\r\n"
		"x\r\n--b 1--\r\n",
	    2 },
	/* RFC 2231, and a name that is empty. */
	{ MIXED "--b 1\r\nContent-Disposition: inline;\r\n"
		" filename*0*=utf-8''a\r\n\r\n--b 1\r\n"
		"Content-Type: text/plain; name=\"\"\r\n\r\n--b 1--\r\n",
	    1 },
	/* LF only. */
	{ "Content-Type: multipart/mixed; boundary=q\n\n--q\n"
	  "Content-Disposition: attachment\n\nx\n--q--\n",
	    1 },
	/* Nested; the outer boundary ends the inner one. */
	{ MIXED "--b 1\r\nContent-Type: multipart/related; boundary=in\r\n\r\n"
		"--in\r\nContent-Disposition: attachment\r\n\r\nx\r\n"
		"--b 1\r\nContent-Disposition: attachment\r\n\r\nx\r\n"
		"--in\r\nContent-Disposition: attachment\r\n\r\nx\r\n"
		"--b 1--\r\n",
	    2 },
	/* An attached message is one, whatever is in it. */
	{ MIXED "--b 1\r\nContent-Type: message/rfc822\r\n"
		"Content-Disposition: attachment\r\n\r\n"
		"Content-Type: multipart/mixed; boundary=far\r\n\r\n"
		"--far\r\nContent-Disposition: attachment\r\n\r\nx\r\n"
		"--far--\r\n--b 1--\r\n",
	    1 },
	/* Words about attachments are none, and nothing follows the end. */
	{ MIXED "--b 1\r\n\r\nContent-Disposition: attachment\r\n-- \r\n"
		"--b 12\r\nContent-Disposition: attachment\r\n\r\n"
		"--b 1--\r\nContent-Disposition: attachment\r\n\r\n"
		"--b 1\r\nContent-Disposition: attachment\r\n\r\n",
	    0 },
};

static struct store_scan_result
scan(struct store_scan *state, const char *message, size_t cut, size_t step)
{
	struct store_scan_result result;
	size_t length = strlen(message);

	for (size_t at = 0; at < length;) {
		size_t piece = at < cut ? cut - at : step;

		if (piece > length - at)
			piece = length - at;
		assert_true(store_scan_feed(state, message + at, piece));
		at += piece;
	}
	assert_true(store_scan_finish(state, &result));
	return result;
}

static void
expect(size_t index, size_t cut, size_t step, const unsigned char *digest)
{
	const char *message = cases[index].message;
	struct store_scan_held held = { 0 };
	struct store_scan *state = store_scan_new(&held, STORE_SCAN_FOR_ROW);
	struct store_scan_result result;

	assert_non_null(state);
	result = scan(state, message, cut, step);
	if (result.attachments != cases[index].attachments)
		fail_msg("case %zu cut at %zu by %zu: %u attachments", index,
		    cut, step, result.attachments);
	assert_int_equal(result.octets, strlen(message));
	assert_memory_equal(result.digest, digest, STORE_DIGEST_SIZE);
	if (strncmp(message, "Subject: s\r\n", 12) == 0)
		assert_string_equal(result.envelope->subject, "s");
	store_scan_free(state);
}

static void
cutting_anywhere_changes_nothing(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t length = strlen(cases[i].message);
		struct store_scan_held held = { 0 };
		struct store_scan *whole =
		    store_scan_new(&held, STORE_SCAN_FOR_ROW);
		struct store_scan_result result;

		assert_non_null(whole);
		result = scan(whole, cases[i].message, 0, length + 1);
		for (size_t cut = 0; cut <= length; cut++)
			expect(i, cut, length + 1, result.digest);
		expect(i, 0, 1, result.digest);
		expect(i, 0, 7, result.digest);
		store_scan_free(whole);
	}
}

/* The header is the same, however its message goes on. */
static const struct {
	const char *message, *header; /* NULL: none that tells */
} headers[] = {
	{ "", NULL },
	{ "\r\n", NULL },
	{ "Subject: no id\r\n\r\nbody\r\n", NULL },
	{ "Message-ID: \r\nSubject: s\r\n\r\n", NULL },
	{ "Subject: no id\r\n\r\nMessage-ID: <in the body>\r\n", NULL },
	{ "message-id: <1>\r\nA: b\r\n\r\nbody\r\n",
	    "message-id: <1>\r\nA: b\r\n" },
	{ "Message-ID: <1>\r\nA: b\r\n\r\n", "Message-ID: <1>\r\nA: b\r\n" },
	/* No empty line at all. */
	{ "Message-ID: <1>\r\nA: b\r\n", "Message-ID: <1>\r\nA: b\r\n" },
	{ "Message-ID: <1>\r\nA: b", "Message-ID: <1>\r\nA: b" },
	/* LF only, and both. */
	{ "Message-ID: <1>\n\nb\n", "Message-ID: <1>\n" },
	{ "Message-ID: <1>\r\n\nb\n", "Message-ID: <1>\r\n" },
	{ "Message-ID: <1>\r\n \r\n\r\nb\n", "Message-ID: <1>\r\n \r\n" },
};

static void
expect_header(size_t index, size_t cut, size_t step)
{
	unsigned char expected[STORE_DIGEST_SHA256_SIZE];
	struct store_scan_held held = { 0 };
	struct store_scan *state = store_scan_new(&held, STORE_SCAN_FOR_ROW);
	struct store_scan_result result;
	const char *header = headers[index].header;

	assert_non_null(state);
	result = scan(state, headers[index].message, cut, step);
	if (result.has_header_digest != (header != NULL))
		fail_msg("case %zu cut at %zu by %zu", index, cut, step);
	if (header != NULL) {
		assert_true(
		    store_digest_sha256(header, strlen(header), expected));
		if (memcmp(result.header_digest, expected, sizeof(expected)) !=
		    0)
			fail_msg(
			    "case %zu cut at %zu by %zu", index, cut, step);
	}
	store_scan_free(state);
}

static void
header_is_digested_without_its_end(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		size_t length = strlen(headers[i].message);

		for (size_t cut = 0; cut <= length; cut++)
			expect_header(i, cut, length + 1);
		expect_header(i, 0, 1);
	}
}

/* What servers add to what was read does not count, wherever it is cut. */
static void
added_lines_are_left_out(void **unused)
{
	static const char kept[] = "Message-ID: <1>\r\nSubject: s\r\n t\r\n";
	static const char whole[] =
	    "Status: RO\r\nMessage-ID: <1>\r\nX-UID: 7\r\n 8\r\n"
	    "Subject: s\r\n t\r\nX-Keywords:\r\n";
	static const char message[] =
	    "Status: RO\r\nMessage-ID: <1>\r\nX-UID: 7\r\n 8\r\n"
	    "Subject: s\r\n t\r\nX-Keywords:\r\n\r\nStatus: body\n\r\n";
	unsigned char filtered[STORE_DIGEST_SHA256_SIZE];
	unsigned char all[STORE_DIGEST_SHA256_SIZE];
	struct store_scan_held held = { 0 };
	struct store_scan_result result;

	(void)unused;
	assert_true(store_digest_sha256(kept, sizeof(kept) - 1, filtered));
	assert_true(store_digest_sha256(whole, sizeof(whole) - 1, all));
	for (size_t cut = 0; cut <= sizeof(message) - 1; cut++) {
		struct store_scan *state =
		    store_scan_new(&held, STORE_SCAN_FOR_ROW);

		assert_non_null(state);
		result = scan(state, message, cut, sizeof(message));
		assert_true(result.has_header_digest);
		assert_memory_equal(
		    result.header_digest, filtered, sizeof(filtered));
		assert_memory_equal(
		    result.whole_header_digest, all, sizeof(all));
		assert_int_equal(
		    result.added_octets, sizeof(whole) - sizeof(kept));
		assert_int_equal(result.lines, 10);
		store_scan_free(state);
	}
}

/* "abc", FIPS 180-2 appendix B.1. */
static void
header_digest_is_sha256(void **state)
{
	static const unsigned char expected[] = { 0xba, 0x78, 0x16, 0xbf, 0x8f,
		0x01, 0xcf, 0xea, 0x41, 0x41, 0x40, 0xde, 0x5d, 0xae, 0x22,
		0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17, 0x7a, 0x9c, 0xb4,
		0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
	unsigned char digest[STORE_DIGEST_SHA256_SIZE];

	(void)state;
	assert_true(store_digest_sha256("abc", 3, digest));
	assert_memory_equal(digest, expected, sizeof(expected));
}

static void
endless_header_is_bounded(void **state)
{
	struct store_scan_held held = { 0 };
	struct store_scan *scanning = store_scan_new(&held, STORE_SCAN_FOR_ROW);
	struct store_scan_result result;
	char line[1000];

	(void)state;
	assert_non_null(scanning);
	memset(line, 'x', sizeof(line));
	assert_true(store_scan_feed(scanning, "Subject: s\r\n", 12));
	assert_true(store_scan_feed(scanning, "Message-ID: <1>\r\n", 17));
	for (int i = 0; i < 5000; i++)
		assert_true(store_scan_feed(scanning, line, sizeof(line)));
	assert_true(store_scan_finish(scanning, &result));
	assert_int_equal(result.octets, 5000029);
	assert_false(result.has_header_digest);
	assert_string_equal(result.envelope->subject, "s");
	store_scan_free(scanning);
	assert_int_equal(held.octets, 0);
}

/* What is too much for all of them is still something of each. */
static void
endless_headers_are_bounded_together(void **state)
{
	static const char begin[] = "Subject: s\r\nMessage-ID: <1>\r\n";
	struct store_scan *scans[500];
	struct store_scan_held held = { 0 };
	struct store_scan_result result;
	char *piece = malloc(50000);
	size_t told = 0, most = 0;

	(void)state;
	assert_non_null(piece);
	memset(piece, 'x', 50000);
	for (size_t i = 0; i < 500; i++) {
		scans[i] = store_scan_new(&held, STORE_SCAN_FOR_ROW);
		assert_non_null(scans[i]);
		memcpy(piece, begin, sizeof(begin) - 1);
		assert_true(store_scan_feed(scans[i], piece, 50000));
		if (held.octets > most)
			most = held.octets;
	}
	memset(piece, 'x', 50000);
	for (size_t i = 0; i < 500; i++) {
		assert_true(store_scan_feed(scans[i], piece, 50000));
		assert_true(store_scan_finish(scans[i], &result));
		assert_int_equal(result.octets, 100000);
		assert_string_equal(result.envelope->subject, "s");
		assert_string_equal(result.envelope->header_id, "<1>");
		told += result.has_header_digest;
		store_scan_free(scans[i]);
	}
	assert_in_range(most, 7 * 1024 * 1024, 8 * 1024 * 1024);
	assert_int_equal(held.octets, 0);
	/* Only of a whole header is there a digest. */
	assert_in_range(told, 1, 499);
	free(piece);
}

/* The scan's search for the end of the header goes through here. */
static uint64_t octets_searched;

bool __real_mail_header_find_end(struct mail_header_edge *, const char *bytes,
    size_t length, size_t *at, size_t *length_r);
bool __wrap_mail_header_find_end(struct mail_header_edge *, const char *bytes,
    size_t length, size_t *at, size_t *length_r);

bool
__wrap_mail_header_find_end(struct mail_header_edge *edge, const char *bytes,
    size_t length, size_t *at, size_t *length_r)
{
	octets_searched += length - *at;
	return __real_mail_header_find_end(edge, bytes, length, at, length_r);
}

/* Each octet is searched with its line, not with all before it. */
#define LINEAR_OCTETS 120000
#define LINEAR_FACTOR 8

static void
a_header_in_octets_takes_linear_work(void **state)
{
	static const char line[] = "A:\n";
	struct store_scan_held held = { 0 };
	struct store_scan *scan = store_scan_new(&held, STORE_SCAN_FOR_ROW);
	struct store_scan_result result;

	(void)state;
	assert_non_null(scan);
	octets_searched = 0;
	for (size_t i = 0; i < LINEAR_OCTETS; i++)
		assert_true(store_scan_feed(scan, line + i % 3, 1));
	assert_true(store_scan_finish(scan, &result));
	assert_in_range(octets_searched, LINEAR_OCTETS / 3,
	    (uint64_t)LINEAR_FACTOR * LINEAR_OCTETS);
	assert_int_equal(result.octets, LINEAR_OCTETS);
	store_scan_free(scan);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cutting_anywhere_changes_nothing),
		cmocka_unit_test(header_is_digested_without_its_end),
		cmocka_unit_test(added_lines_are_left_out),
		cmocka_unit_test(header_digest_is_sha256),
		cmocka_unit_test(endless_header_is_bounded),
		cmocka_unit_test(endless_headers_are_bounded_together),
		cmocka_unit_test(a_header_in_octets_takes_linear_work),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}

/* The digest of a header is that of its octets, however they come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#include "lib/session/headers.h"

static const struct {
	const char *name;
	const char *message;
	size_t header; /* octets of it that count */
} cases[] = {
	{ "nothing", "", 0 },
	{ "an empty line alone", "\r\n", 0 },
	{ "a bare line feed alone", "\n", 0 },
	{ "a carriage return alone", "\r", 1 },
	{ "a header and a body", "A: b\r\n\r\nbody\r\n", 6 },
	{ "bare line feeds", "A: b\n\nbody\n", 5 },
	{ "line feeds, then an empty line with both", "A: b\n\r\nbody", 5 },
	{ "both, then a bare line feed", "A: b\r\n\nbody", 6 },
	{ "two lines", "A: b\r\nC: d\r\n\r\nbody", 12 },
	{ "a folded line", "A: b\r\n c\r\n\r\nbody", 10 },
	{ "no body", "A: b\r\n\r\n", 6 },
	{ "no body and no empty line", "A: b\r\n", 6 },
	{ "cut off amid a line", "A: b", 4 },
	{ "cut off amid a line end", "A: b\r", 5 },
	{ "cut off amid the empty line", "A: b\r\n\r", 7 },
	{ "a body that begins with an empty line", "A: b\r\n\r\n\r\nbody", 6 },
	{ "a body that looks like a header", "A: b\r\n\r\nC: d\r\n\r\n", 6 },
	{ "no header", "\r\nbody\r\n", 0 },
	{ "a blank is no empty line", "A: b\r\n \r\nC: d\r\n\r\nx", 15 },
	{ "bare carriage returns", "A: b\r\r\n\r\rc\r\n\r\nbody", 12 },
	{ "a line of a carriage return", "A\r\n\r\r\n\r\nx", 6 },
	{ "carriage returns only", "\r\r\r\r", 4 },
};

static void
digest_of(const void *bytes, size_t length,
    unsigned char digest[EVPOP_HEADER_DIGEST_SIZE])
{
	assert_int_equal(
	    EVP_Digest(bytes, length, digest, NULL, EVP_sha256(), NULL), 1);
}

/* In pieces up to these places, and the rest. */
static void
check(const char *message, size_t length, size_t first, size_t second,
    const unsigned char *expected)
{
	struct evpop_header seen;
	struct evpop_header_reader *header = evpop_header_reader_new();
	const unsigned char *bytes = (const unsigned char *)message;

	assert_non_null(header);
	evpop_header_reader_feed(header, bytes, first);
	evpop_header_reader_feed(header, bytes + first, second - first);
	evpop_header_reader_feed(header, bytes + second, length - second);
	assert_true(evpop_header_reader_finish(header, &seen));
	assert_memory_equal(seen.digest, expected, sizeof seen.digest);
	assert_memory_equal(seen.whole_digest, expected, sizeof seen.digest);
	assert_int_equal(seen.added_octets, 0);
	evpop_header_reader_free(header);
}

static void
test_every_cut(void **state)
{
	unsigned char expected[EVPOP_HEADER_DIGEST_SIZE];
	size_t i, length, first, second;

	(void)state;
	for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		length = strlen(cases[i].message);
		digest_of(cases[i].message, cases[i].header, expected);
		print_message("%s\n", cases[i].name);
		for (first = 0; first <= length; first++)
			for (second = first; second <= length; second++)
				check(cases[i].message, length, first, second,
				    expected);
	}
}

static void
test_octet_by_octet(void **state)
{
	/* NULs and octets of any kind are as good as others. */
	static const unsigned char message[] = "A: \0\xff\xfe\r\nB\r\n\r\nC";
	const size_t header_length = 11;
	unsigned char expected[EVPOP_HEADER_DIGEST_SIZE];
	struct evpop_header seen;
	struct evpop_header_reader *header = evpop_header_reader_new();
	size_t i;

	(void)state;
	assert_non_null(header);
	for (i = 0; i < sizeof message - 1; i++)
		evpop_header_reader_feed(header, &message[i], 1);
	assert_true(evpop_header_reader_finish(header, &seen));
	evpop_header_reader_free(header);
	digest_of(message, header_length, expected);
	assert_memory_equal(seen.digest, expected, sizeof seen.digest);
}

/* TOP gives no more than the header, RETR the body as well. */
static void
test_same_by_top_and_retr(void **state)
{
	static const char top[] = "A: b\r\nC: d\r\n\r\n";
	static const char retr[] = "A: b\r\nC: d\r\n\r\nbody\r\n";
	unsigned char expected[EVPOP_HEADER_DIGEST_SIZE];

	(void)state;
	digest_of(top, 12, expected);
	check(top, sizeof top - 1, 0, 0, expected);
	check(retr, sizeof retr - 1, 0, 0, expected);
}

static void
test_free_at_any_time(void **state)
{
	struct evpop_header_reader *header = evpop_header_reader_new();

	(void)state;
	assert_non_null(header);
	evpop_header_reader_feed(header, (const unsigned char *)"A: b\r", 5);
	evpop_header_reader_free(header);
	evpop_header_reader_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_cut),
		cmocka_unit_test(test_octet_by_octet),
		cmocka_unit_test(test_same_by_top_and_retr),
		cmocka_unit_test(test_free_at_any_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

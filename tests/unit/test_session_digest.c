/* The digest of a listing: what it tells apart, and what has none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <openssl/crypto.h>

#include "tests/unit/session_plan.h"

#define SIZE EVPOP_LISTING_DIGEST_SIZE

static void
digest_of(const char *text, uint32_t first, unsigned char digest_r[SIZE])
{
	struct fixture fixture;
	size_t i;

	session_plan_fixture(&fixture, text, "");
	for (i = 0; i < fixture.listing.count; i++)
		fixture.entries[i].number = first + (uint32_t)i;
	assert_int_equal(
	    evpop_listing_digest(&fixture.listing, digest_r), EVPOP_ERROR_NONE);
}

/* No two of these are the same; sizes do not count. */
static void
test_what_differs(void **state)
{
	static const char *const listings[] = { "", "a", "b", "a b", "b a",
		"a b c", "a bc", "ab c", "abc", "a a", "a a a", "aa a" };
	enum {
		COUNT = sizeof listings / sizeof listings[0]
	};
	unsigned char digests[COUNT + 1][SIZE], again[SIZE];
	size_t i, j;

	(void)state;
	for (i = 0; i < COUNT; i++)
		digest_of(listings[i], 1, digests[i]);
	/* The same ids under other numbers. */
	digest_of("a b c", 2, digests[COUNT]);
	for (i = 0; i <= COUNT; i++)
		for (j = 0; j < i; j++)
			assert_memory_not_equal(digests[i], digests[j], SIZE);
	digest_of("a:10 b:20 c:0", 1, again);
	digest_of("a b c", 1, digests[0]);
	assert_memory_equal(again, digests[0], SIZE);
}

/* A number is not mistaken for a part of an id, nor an id for a number. */
static void
test_octets_that_look_like_others(void **state)
{
	static const unsigned char ids[] = { 'x', 2, 0, 0, 0, 1, 0, 0, 0, 'y' };
	struct evpop_entry one = {
		.number = 1, .unique_id = ids, .unique_id_length = sizeof ids
	};
	struct evpop_entry two[] = {
		{ .number = 1, .unique_id = ids, .unique_id_length = 1 },
		{ .number = 2, .unique_id = ids + 9, .unique_id_length = 1 },
	};
	const struct evpop_listing listings[] = {
		{ .entries = &one, .count = 1, .unique_ids = true },
		{ .entries = two, .count = 2, .unique_ids = true },
	};
	unsigned char digests[2][SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++)
		assert_int_equal(evpop_listing_digest(&listings[i], digests[i]),
		    EVPOP_ERROR_NONE);
	assert_memory_not_equal(digests[0], digests[1], SIZE);
}

/* Servers give longer ids than they should; their last octet counts as well. */
static void
test_long_ids(void **state)
{
	static unsigned char ids[3][5000];
	struct evpop_entry entries[3] = { 0 };
	struct evpop_listing listing = {
		.entries = entries, .count = 3, .unique_ids = true
	};
	unsigned char digests[2][SIZE];
	size_t length, i;

	(void)state;
	memset(ids, 'i', sizeof ids);
	for (length = 1000; length <= sizeof ids[0]; length++) {
		if (length == 1100)
			length = 4990;
		for (i = 0; i < 3; i++)
			entries[i] = (struct evpop_entry){
				.number = (uint32_t)i + 1,
				.unique_id = ids[i],
				.unique_id_length = (uint32_t)length,
			};
		assert_int_equal(evpop_listing_digest(&listing, digests[0]),
		    EVPOP_ERROR_NONE);
		ids[1][length - 1] ^= 1;
		assert_int_equal(evpop_listing_digest(&listing, digests[1]),
		    EVPOP_ERROR_NONE);
		assert_memory_not_equal(digests[0], digests[1], SIZE);
		ids[1][length - 1] ^= 1;
		assert_int_equal(evpop_listing_digest(&listing, digests[1]),
		    EVPOP_ERROR_NONE);
		assert_memory_equal(digests[0], digests[1], SIZE);
	}
}

/* What does not tell all that is on the server has no digest. */
static void
test_listings_that_do_not_tell_all(void **state)
{
	unsigned char digest[SIZE];
	struct fixture fixture;

	(void)state;
	session_plan_fixture(&fixture, "a - c", "");
	assert_int_equal(
	    evpop_listing_digest(&fixture.listing, digest), EVPOP_ERROR_USAGE);
	session_plan_fixture(&fixture, "a b c", "");
	assert_int_equal(
	    evpop_listing_digest(&fixture.listing, digest), EVPOP_ERROR_NONE);
	fixture.listing.ignored = 1;
	assert_int_equal(
	    evpop_listing_digest(&fixture.listing, digest), EVPOP_ERROR_USAGE);
	fixture.listing.ignored = 0;
	fixture.listing.unique_ids = false;
	fixture.listing.digests = true;
	assert_int_equal(
	    evpop_listing_digest(&fixture.listing, digest), EVPOP_ERROR_USAGE);
	/* LIST alone tells of an empty maildrop, but nothing can be compared.
	 */
	session_plan_fixture(&fixture, "", "");
	fixture.listing.unique_ids = false;
	assert_int_equal(
	    evpop_listing_digest(&fixture.listing, digest), EVPOP_ERROR_USAGE);
}

/* ---- without memory ---- */

static size_t allocations, failing;

static void *
allocate(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return ++allocations == failing ? NULL : malloc(size);
}

static void *
reallocate(void *memory, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return ++allocations == failing ? NULL : realloc(memory, size);
}

static void
release(void *memory, const char *file, int line)
{
	(void)file;
	(void)line;
	free(memory);
}

/* OpenSSL can do without some: then the digest is right all the same. */
static void
test_every_allocation(void **state)
{
	unsigned char digest[SIZE], expected[SIZE];
	struct fixture fixture;
	enum evpop_error error;
	size_t failed = 0;

	(void)state;
	digest_of("a b c", 1, expected);
	session_plan_fixture(&fixture, "a b c", "");
	for (failing = 1;; failing++) {
		allocations = 0;
		error = evpop_listing_digest(&fixture.listing, digest);
		if (error == EVPOP_ERROR_NONE)
			assert_memory_equal(digest, expected, SIZE);
		else
			assert_int_equal(error, EVPOP_ERROR_MEMORY);
		failed += error != EVPOP_ERROR_NONE;
		if (allocations < failing)
			break;
	}
	assert_int_equal(error, EVPOP_ERROR_NONE);
	assert_true(failed > 0);
	failing = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_differs),
		cmocka_unit_test(test_octets_that_look_like_others),
		cmocka_unit_test(test_long_ids),
		cmocka_unit_test(test_listings_that_do_not_tell_all),
		cmocka_unit_test(test_every_allocation),
	};

	if (CRYPTO_set_mem_functions(allocate, reallocate, release) != 1)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* FNV-1a, by the vectors of those who made it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/base/hash.h"

static void
vectors_of_its_makers(void **state)
{
	static const struct {
		const char *text;
		uint64_t hash;
	} rows[] = {
		{ "", UINT64_C(0xcbf29ce484222325) },
		{ "a", UINT64_C(0xaf63dc4c8601ec8c) },
		{ "foobar", UINT64_C(0x85944171f73967e8) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		assert_true(evpop_hash_text(rows[i].text) == rows[i].hash);
		assert_true(evpop_hash_name(rows[i].text) == rows[i].hash);
	}
}

static void
pieces_are_the_whole(void **state)
{
	(void)state;
	assert_true(evpop_hash_add(evpop_hash_text("foo"), "bar", 3) ==
		    evpop_hash_text("foobar"));
}

static void
names_are_the_same_in_either_case(void **state)
{
	(void)state;
	assert_true(evpop_hash_name("@ABCDEFGHIJKLMNOPQRSTUVWXYZ[") ==
		    evpop_hash_text("@abcdefghijklmnopqrstuvwxyz["));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors_of_its_makers),
		cmocka_unit_test(pieces_are_the_whole),
		cmocka_unit_test(names_are_the_same_in_either_case),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Memory that is given back at once, and wiped. */
#include <malloc.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/base/arena.h"

void __real_free(void *);
void __wrap_free(void *);

#define SECRET "correct horse battery"

static size_t freed_with_secret;

void
__wrap_free(void *memory)
{
	if (memory != NULL && memmem(memory, malloc_usable_size(memory), SECRET,
				  strlen(SECRET)) != NULL)
		freed_with_secret++;
	__real_free(memory);
}

static void
pieces_are_zeroed_aligned_and_apart(void **state)
{
	static const size_t sizes[] = { 1, 0, 7, 16, 280, 1000, 20000, 3,
		16384 };
	struct evpop_arena arena = { 0 };
	unsigned char *pieces[sizeof sizes / sizeof sizes[0]];
	size_t i, j;

	(void)state;
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
		assert_non_null(evpop_arena_copy(&arena, "x", 1));
		pieces[i] = evpop_arena_take(&arena, sizes[i]);
		assert_non_null(pieces[i]);
		/* As any object of that size may need it. */
		for (j = alignof(max_align_t); sizes[i] % j != 0;)
			j /= 2;
		assert_int_equal((uintptr_t)pieces[i] % j, 0);
		for (j = 0; j < sizes[i]; j++)
			assert_int_equal(pieces[i][j], 0);
		memset(pieces[i], (int)i + 1, sizes[i]);
	}
	for (i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
		for (j = 0; j < sizes[i]; j++)
			assert_int_equal(pieces[i][j], i + 1);
	evpop_arena_free(&arena);
	assert_null(arena.blocks);
}

static void
what_is_too_large_is_refused(void **state)
{
	struct evpop_arena arena = { 0 };

	(void)state;
	assert_null(evpop_arena_take(&arena, SIZE_MAX));
	assert_null(evpop_arena_take(&arena, SIZE_MAX / 2 + 1));
	evpop_arena_free(&arena);
}

static void
equal_texts_share_a_copy(void **state)
{
	struct evpop_arena arena = { 0 };
	char *first = evpop_arena_share(&arena, "pop.example"), text[16];

	(void)state;
	assert_string_equal(first, "pop.example");
	/* Enough to let the table grow. */
	for (int i = 0; i < 1000; i++) {
		text[0] = (char)('a' + i % 26);
		text[1] = (char)('a' + i / 26 % 26);
		text[2] = (char)('a' + i / 676);
		text[3] = '\0';
		assert_string_equal(evpop_arena_share(&arena, text), text);
	}
	assert_ptr_equal(evpop_arena_share(&arena, "pop.example"), first);
	assert_ptr_not_equal(evpop_arena_copy(&arena, first, 11), first);
	evpop_arena_seal(&arena);
	assert_ptr_not_equal(evpop_arena_share(&arena, "pop.example"), first);
	assert_string_equal(first, "pop.example");
	evpop_arena_free(&arena);
}

static void
all_is_wiped(void **state)
{
	struct evpop_arena arena = { 0 };
	char *large;

	(void)state;
	assert_non_null(evpop_arena_copy(&arena, SECRET, strlen(SECRET)));
	assert_non_null(evpop_arena_share(&arena, SECRET));
	large = evpop_arena_take(&arena, 100000);
	assert_non_null(large);
	memcpy(large + 99000, SECRET, strlen(SECRET));
	/* The last piece of a block that is full to the last octet. */
	large = evpop_arena_take(&arena, 16384);
	assert_non_null(large);
	memcpy(large + 16384 - strlen(SECRET), SECRET, strlen(SECRET));
	evpop_arena_free(&arena);
	assert_int_equal(freed_with_secret, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_zeroed_aligned_and_apart),
		cmocka_unit_test(what_is_too_large_is_refused),
		cmocka_unit_test(equal_texts_share_a_copy),
		cmocka_unit_test(all_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

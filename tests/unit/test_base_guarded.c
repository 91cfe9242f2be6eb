/* Memory for secrets: apart, locked, not dumped, wiped, and compact. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/base/guarded.h"

int __real_munmap(void *, size_t);
int __wrap_munmap(void *, size_t);
int __real_mlock(const void *, size_t);
int __wrap_mlock(const void *, size_t);

static bool lock_fails;
static size_t unmapped, unmapped_unwiped;

int
__wrap_mlock(const void *memory, size_t size)
{
	return lock_fails ? -1 : __real_mlock(memory, size);
}

/* A guard page is at either end. */
int
__wrap_munmap(void *memory, size_t size)
{
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const unsigned char *bytes = memory;
	size_t i;

	for (i = page; i < size - page; i++)
		unmapped_unwiped += bytes[i] != 0;
	unmapped++;
	return __real_munmap(memory, size);
}

static void
pieces_are_apart_and_zeroed(void **state)
{
	static const size_t sizes[] = { 0, 1, 31, 32, 33, 100, 4096, 32768,
		32769, 200000 };
	const size_t count = sizeof sizes / sizeof sizes[0];
	unsigned char *pieces[sizeof sizes / sizeof sizes[0]];
	size_t i, j, round;

	(void)state;
	for (round = 0; round < 3; round++) {
		for (i = 0; i < count; i++) {
			pieces[i] = evpop_guarded_alloc(sizes[i]);
			assert_non_null(pieces[i]);
			assert_int_equal((uintptr_t)pieces[i] % 16, 0);
			for (j = 0; j < sizes[i]; j++)
				assert_int_equal(pieces[i][j], 0);
			memset(pieces[i], (int)i + 1, sizes[i]);
		}
		for (i = 0; i < count; i++)
			for (j = 0; j < sizes[i]; j++)
				assert_int_equal(pieces[i][j], i + 1);
		for (i = 0; i < count; i++)
			evpop_guarded_free(pieces[(i * 3) % count]);
		assert_int_equal(evpop_guarded_status().used, 0);
	}
	/* One region is kept, the others went, and wiped. */
	assert_int_equal(evpop_guarded_status().held, 65536);
	assert_true(unmapped > 0);
	assert_int_equal(unmapped_unwiped, 0);
}

/* Pieces come and go in any order, and no two ever overlap. */
static void
pieces_come_and_go(void **state)
{
	enum {
		PIECES = 400
	};
	static unsigned char *pieces[PIECES];
	static size_t sizes[PIECES];
	uint32_t random = 7;
	size_t i, j, turn;

	(void)state;
	for (turn = 0; turn < 20000; turn++) {
		random = random * 1664525 + 1013904223;
		i = (random >> 8) % PIECES;
		if (pieces[i] != NULL) {
			for (j = 0; j < sizes[i]; j++)
				assert_int_equal(
				    pieces[i][j], (unsigned char)i);
			evpop_guarded_free(pieces[i]);
			pieces[i] = NULL;
			continue;
		}
		sizes[i] = (random >> 16) % 700;
		pieces[i] = evpop_guarded_alloc(sizes[i]);
		assert_non_null(pieces[i]);
		memset(pieces[i], (int)i, sizes[i]);
	}
	for (i = 0; i < PIECES; i++)
		evpop_guarded_free(pieces[i]);
	assert_int_equal(evpop_guarded_status().used, 0);
}

static void
many_are_compact(void **state)
{
	enum {
		MANY = 100000
	};
	char **texts = calloc(MANY, sizeof *texts), text[24];
	int i;

	(void)state;
	assert_non_null(texts);
	for (i = 0; i < MANY; i++) {
		snprintf(text, sizeof text, "password %d", i);
		texts[i] = evpop_guarded_copy(text, strlen(text));
		assert_non_null(texts[i]);
	}
	assert_true(evpop_guarded_status().held <= 33 * (size_t)MANY);
	assert_string_equal(texts[4711], "password 4711");
	for (i = 0; i < MANY; i++)
		evpop_guarded_free(texts[i]);
	free(texts);
	assert_int_equal(evpop_guarded_status().used, 0);
}

static void
a_freed_one_is_wiped(void **state)
{
	char *kept, *freed;
	size_t i, found = 0;

	(void)state;
	kept = evpop_guarded_copy("kept", 4);
	freed = evpop_guarded_copy("hunter2 hunter2", 15);
	assert_non_null(kept);
	assert_non_null(freed);
	evpop_guarded_free(freed);
	freed = evpop_guarded_alloc(16);
	assert_non_null(freed);
	for (i = 0; i < 16; i++)
		found += freed[i] != 0;
	assert_int_equal(found, 0);
	evpop_guarded_free(freed);
	evpop_guarded_free(kept);
	evpop_guarded_free(NULL);
}

static void
what_is_too_much_is_refused(void **state)
{
	(void)state;
	assert_null(evpop_guarded_alloc(SIZE_MAX));
	assert_null(evpop_guarded_alloc(SIZE_MAX / 4));
	assert_null(evpop_guarded_copy("", SIZE_MAX));
}

/* It is given all the same, and the status tells. */
static void
what_cannot_be_locked_is_told(void **state)
{
	const size_t before = evpop_guarded_status().unlocked;
	void *large;

	(void)state;
	lock_fails = true;
	large = evpop_guarded_alloc(100000);
	lock_fails = false;
	assert_non_null(large);
	assert_true(evpop_guarded_status().unlocked >= before + 100000);
	evpop_guarded_free(large);
	assert_int_equal(evpop_guarded_status().unlocked, before);
	assert_true(evpop_guarded_status().unlocked_most >= before + 100000);
}

#if !defined(__SANITIZE_ADDRESS__)
/* Whoever reads on behind a secret dies by it. */
static void
the_end_is_guarded(void **state)
{
	volatile unsigned char *large = evpop_guarded_alloc(65536);
	int status, offsets[] = { -1, 65536 }, i;
	pid_t child;

	(void)state;
	assert_non_null(large);
	for (i = 0; i < 2; i++) {
		child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			signal(SIGSEGV, SIG_DFL);
			(void)large[offsets[i]];
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), SIGSEGV);
	}
	evpop_guarded_free((void *)(uintptr_t)large);
}
#endif

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_apart_and_zeroed),
		cmocka_unit_test(pieces_come_and_go),
		cmocka_unit_test(many_are_compact),
		cmocka_unit_test(a_freed_one_is_wiped),
		cmocka_unit_test(what_is_too_much_is_refused),
		cmocka_unit_test(what_cannot_be_locked_is_told),
#if !defined(__SANITIZE_ADDRESS__)
		cmocka_unit_test(the_end_is_guarded),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * The ring of events: bounded in number and bytes, and what it forgets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/control/recent.h"

static void
add(struct recent *recent, const char *text)
{
	char *copy = strdup(text);

	assert_non_null(copy);
	recent_add(recent, copy, strlen(text) + 1);
}

/* In brackets, so that it shows; and how often. */
static unsigned rendered;

static char *
render(uint64_t id, const void *kept, size_t *length_r)
{
	char *text = NULL;
	int length = asprintf(
	    &text, "%llu[%s]", (unsigned long long)id, (const char *)kept);

	assert_true(length > 0);
	rendered++;
	*length_r = (size_t)length;
	return text;
}

static void
expect(struct recent *recent, uint64_t id, const char *expected)
{
	size_t length;
	unsigned before = rendered;
	const char *text = recent_text(recent, id, &length);

	assert_ptr_equal(recent_text(recent, id, &length), text);
	assert_true(rendered <= before + 1);
	assert_non_null(text);
	assert_int_equal(length, strlen(expected));
	assert_memory_equal(text, expected, length);
}

static void
test_ids_grow_by_one(void **state)
{
	struct recent *recent = recent_new(3, 100, 7, render);

	(void)state;
	assert_non_null(recent);
	assert_int_equal(recent_oldest_id(recent), 7);
	assert_int_equal(recent_next_id(recent), 7);
	add(recent, "a");
	add(recent, "bb");
	add(recent, "ccc");
	assert_int_equal(recent_oldest_id(recent), 7);
	add(recent, "dddd");
	assert_int_equal(recent_first_id(recent), 7);
	assert_int_equal(recent_oldest_id(recent), 8);
	assert_int_equal(recent_next_id(recent), 11);
	expect(recent, 8, "8[bb]");
	expect(recent, 9, "9[ccc]");
	expect(recent, 10, "10[dddd]");
	recent_free(&recent);
	assert_null(recent);
}

static void
test_bytes_are_bounded(void **state)
{
	struct recent *recent = recent_new(100, 12, 1, render);

	(void)state;
	assert_non_null(recent);
	add(recent, "12345");
	add(recent, "67890");
	assert_int_equal(recent_oldest_id(recent), 1);
	add(recent, "x");
	assert_int_equal(recent_oldest_id(recent), 2);
	add(recent, "0123456789");
	assert_int_equal(recent_oldest_id(recent), 4);
	/* A text may be longer than what was kept; the next one pays. */
	expect(recent, 4, "4[0123456789]");
	recent_free(&recent);
}

/* A gap in the ids is what readers see of it. */
static void
test_what_cannot_be_kept_is_a_gap(void **state)
{
	struct recent *recent = recent_new(100, 12, 1, render);
	size_t length;

	(void)state;
	assert_non_null(recent);
	add(recent, "a");
	recent_add(recent, NULL, 0);
	add(recent, "longer than twelve bytes");
	add(recent, "b");
	assert_int_equal(recent_oldest_id(recent), 1);
	assert_int_equal(recent_next_id(recent), 5);
	assert_null(recent_text(recent, 2, &length));
	assert_int_equal(length, 0);
	assert_null(recent_text(recent, 3, &length));
	expect(recent, 4, "4[b]");
	recent_free(&recent);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids_grow_by_one),
		cmocka_unit_test(test_bytes_are_bounded),
		cmocka_unit_test(test_what_cannot_be_kept_is_a_gap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Arrays that grow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/base/array.h"
#include "tests/unit/failing_alloc.h"

static void
items_stay_where_they_are(void **state)
{
	size_t room = 0, grown = 0, before, i;
	uint32_t *items = NULL;

	(void)state;
	for (i = 0; i < 10000; i++) {
		before = room;
		items = evpop_array_grow(items, i, &room, sizeof *items);
		assert_non_null(items);
		assert_true(room > i);
		grown += room != before;
		items[i] = (uint32_t)i;
	}
	for (i = 0; i < 10000; i++)
		assert_int_equal(items[i], i);
	/* Not one allocation an item. */
	assert_in_range(grown, 2, 30);
	free(items);
}

static void
what_cannot_grow_is_as_it_was(void **state)
{
	size_t room = 0;
	char *items;

	(void)state;
	items = evpop_array_grow(NULL, 0, &room, sizeof *items);
	assert_non_null(items);
	items[0] = 'x';
	failing_alloc_arm(1);
	assert_null(evpop_array_grow(items, room, &room, 1));
	assert_int_equal(failing_alloc_disarm(), 1);
	assert_int_equal(items[0], 'x');
	assert_ptr_equal(evpop_array_grow(items, 1, &room, 1), items);
	free(items);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(items_stay_where_they_are),
		cmocka_unit_test(what_cannot_grow_is_as_it_was),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

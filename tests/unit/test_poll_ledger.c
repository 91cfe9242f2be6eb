/* What polls hold together is bounded, and the largest of them pays for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/poll/ledger.h"

#define SHARES 4

struct world {
	struct ledger *ledger;
	struct ledger_share *shares[SHARES];
	unsigned overdrawn[SHARES];
};

static void
overdrawn(void *arg)
{
	++*(unsigned *)arg;
}

static void
world_make(struct world *world, uint64_t capacity)
{
	size_t i;

	*world = (struct world){ .ledger = ledger_new(capacity) };
	assert_non_null(world->ledger);
	for (i = 0; i < SHARES; i++) {
		world->shares[i] =
		    ledger_open(world->ledger, overdrawn, &world->overdrawn[i]);
		assert_non_null(world->shares[i]);
	}
}

static void
world_end(struct world *world)
{
	size_t i;

	for (i = 0; i < SHARES; i++)
		ledger_close(&world->shares[i]);
	assert_int_equal(ledger_held(world->ledger), 0);
	ledger_free(&world->ledger);
	assert_null(world->ledger);
}

static void
test_up_to_the_capacity(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, 100);
	assert_int_equal(ledger_capacity(world.ledger), 100);
	assert_true(ledger_charge(world.shares[0], 60));
	assert_true(ledger_charge(world.shares[1], 40));
	assert_int_equal(ledger_held(world.ledger), 100);
	assert_true(ledger_charge(world.shares[0], 0));
	assert_true(ledger_charge(world.shares[0], -50));
	assert_int_equal(ledger_share_held(world.shares[0]), 10);
	assert_true(ledger_charge(world.shares[2], 50));
	assert_int_equal(world.overdrawn[0] + world.overdrawn[1], 0);
	world_end(&world);
}

/* Whoever asks and holds most is told by the answer. */
static void
test_the_largest_asks(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, 100);
	assert_true(ledger_charge(world.shares[1], 30));
	assert_true(ledger_charge(world.shares[0], 60));
	assert_false(ledger_charge(world.shares[0], 11));
	assert_int_equal(world.overdrawn[0], 0);
	/* Its room is free at once. */
	assert_int_equal(ledger_held(world.ledger), 30);
	assert_false(ledger_charge(world.shares[0], 1));
	assert_false(ledger_charge(world.shares[0], -70));
	assert_int_equal(ledger_share_held(world.shares[0]), 2);
	assert_true(ledger_charge(world.shares[1], 70));
	ledger_close(&world.shares[0]);
	assert_int_equal(ledger_held(world.ledger), 100);
	world_end(&world);
}

/* A small one does not wait for a large one, nor end because of it. */
static void
test_another_is_larger(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, 100);
	assert_true(ledger_charge(world.shares[0], 97));
	assert_true(ledger_charge(world.shares[1], 2));
	assert_true(ledger_charge(world.shares[2], 2));
	assert_int_equal(world.overdrawn[0], 1);
	assert_int_equal(world.overdrawn[1] + world.overdrawn[2], 0);
	assert_int_equal(ledger_held(world.ledger), 4);
	/* While it ends it may still ask, and is told once only. */
	assert_false(ledger_charge(world.shares[0], 5));
	assert_true(ledger_charge(world.shares[3], 96));
	assert_int_equal(world.overdrawn[0], 1);
	world_end(&world);
}

/* One charge may take the room of several. */
static void
test_several_end(void **state)
{
	struct world world;

	(void)state;
	world_make(&world, 100);
	assert_true(ledger_charge(world.shares[0], 34));
	assert_true(ledger_charge(world.shares[1], 33));
	assert_true(ledger_charge(world.shares[2], 32));
	assert_true(ledger_charge(world.shares[3], 1));
	assert_true(ledger_charge(world.shares[3], 30));
	assert_int_equal(world.overdrawn[0], 1);
	assert_true(ledger_charge(world.shares[3], 1));
	assert_int_equal(world.overdrawn[1], 0);
	assert_false(ledger_charge(world.shares[3], INT64_MAX / 2));
	assert_int_equal(world.overdrawn[1], 0);
	world_end(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_up_to_the_capacity),
		cmocka_unit_test(test_the_largest_asks),
		cmocka_unit_test(test_another_is_larger),
		cmocka_unit_test(test_several_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

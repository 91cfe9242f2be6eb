/*
 * When the writer does its chores: while its clock stands still, or moves as
 * the test says.
 */
#include <string.h>

#include "daemon/store/chores.h"
#include "daemon/store/index/index.h"
#include "daemon/store/queue.h"
#include "daemon/store/removal.h"
#include "daemon/store/sql/place.h"
#include "daemon/store/sql/schema.h"
#include "lib/base/clock.h"
#include "tests/unit/test_store_fixture.h"

/* As in chores.c. */
#define REST_MS     100
#define TURN_MS     1000
#define LOG_REST_MS 2000
#define PAGES_IDLE  513
#define PAGES_MAX   4097

#define FAR_OFF INT64_MAX

static int64_t clock_ms;

/* The linker puts it in the place of the store's clock. */
int64_t __wrap_evpop_clock_monotonic_ms(void);

int64_t
__wrap_evpop_clock_monotonic_ms(void)
{
	return clock_ms;
}

/* What a writer would work with, which has just worked and done its chores. */
struct rest {
	struct sql_db *db;
	struct store_queue queue;
	struct store_place place;
	struct sql_patience patience;
	struct store_chores chores;
	int64_t worked_ms;
};

static void
begin(struct rest *rest, struct fixture *fixture, bool is_behind)
{
	struct store_index *index;
	struct store_removal *removal;
	struct store_error error;

	memset(rest, 0, sizeof(*rest));
	clock_ms = 1000000;
	rest->worked_ms = clock_ms;
	assert_true(store_queue_init(&rest->queue));
	assert_int_equal(
	    store_db_open(&rest->db, fixture->path, SQL_WRITE), STORE_OK);
	assert_int_equal(
	    store_schema_open(rest->db, fixture->path, &error), STORE_OK);
	assert_int_equal(
	    store_place_note(&rest->place, rest->db, fixture->path), STORE_OK);
	index = store_index_new(NULL, &rest->queue);
	assert_non_null(index);
	/* It is empty, as all that is in the store. */
	store_index_work(index, rest->db, clock_ms);
	assert_int_equal(store_index_next_ms(index), FAR_OFF);
	if (is_behind)
		store_index_message_added(index);
	removal = store_removal_new(
	    fixture->path, &rest->place, &rest->patience, &rest->queue);
	assert_non_null(removal);
	store_chores_init(&rest->chores, rest->db, &rest->place,
	    &rest->patience, index, removal);
	rest->chores.log_written_ms = clock_ms;
}

static void
end(struct rest *rest)
{
	store_chores_free(&rest->chores);
	store_index_free(rest->chores.index);
	store_removal_free(rest->chores.removal);
	store_place_free(&rest->place);
	store_db_close(rest->db);
	store_queue_destroy(&rest->queue);
}

/* A step; returns when the next one is due. */
static int64_t
step(struct rest *rest, bool is_idle)
{
	int64_t wake_ms;

	assert_int_equal(store_chores_step(
			     &rest->chores, is_idle, rest->worked_ms, &wake_ms),
	    STORE_OK);
	return wake_ms;
}

static bool
is_behind(const struct rest *rest)
{
	return store_index_next_ms(rest->chores.index) != FAR_OFF;
}

static void
nothing_to_do(void **state)
{
	struct rest rest;

	begin(&rest, *state, false);
	assert_int_equal(step(&rest, true), FAR_OFF);
	clock_ms += TURN_MS;
	assert_int_equal(step(&rest, true), FAR_OFF);
	assert_int_equal(step(&rest, false), STORE_QUEUE_NOW);
	end(&rest);
}

/* The index is filled once nobody has come for a while. */
static void
index_waits_for_a_rest(void **state)
{
	struct rest rest;

	begin(&rest, *state, true);
	assert_int_equal(step(&rest, false), STORE_QUEUE_NOW);
	assert_int_equal(step(&rest, true), rest.worked_ms + REST_MS);
	clock_ms += REST_MS - 1;
	assert_int_equal(step(&rest, true), rest.worked_ms + REST_MS);
	assert_true(is_behind(&rest));
	clock_ms++;
	assert_int_equal(step(&rest, true), FAR_OFF);
	assert_false(is_behind(&rest));
	end(&rest);
}

/* Under constant work, too, though seldom. */
static void
index_has_its_turn(void **state)
{
	struct rest rest;

	begin(&rest, *state, true);
	clock_ms += TURN_MS - 1;
	rest.worked_ms = clock_ms;
	assert_int_equal(step(&rest, false), STORE_QUEUE_NOW);
	assert_true(is_behind(&rest));
	clock_ms++;
	rest.worked_ms = clock_ms;
	step(&rest, false);
	assert_false(is_behind(&rest));
	assert_int_equal(rest.chores.turn_ms, clock_ms);
	end(&rest);
}

static void
log_is_emptied_at_rest(void **state)
{
	struct rest rest;

	begin(&rest, *state, false);
	rest.chores.log_pages = PAGES_IDLE;
	assert_int_equal(step(&rest, false), STORE_QUEUE_NOW);
	assert_int_equal(step(&rest, true), rest.worked_ms + REST_MS);
	assert_int_equal(rest.chores.log_pages, PAGES_IDLE);
	clock_ms += REST_MS;
	/* Rested, but somebody waits. */
	step(&rest, false);
	assert_int_equal(rest.chores.log_pages, PAGES_IDLE);
	assert_int_equal(step(&rest, true), FAR_OFF);
	assert_int_equal(rest.chores.log_pages, 0);
	end(&rest);
}

static void
log_has_a_bound(void **state)
{
	struct rest rest;

	begin(&rest, *state, false);
	rest.chores.log_pages = PAGES_MAX;
	step(&rest, false);
	assert_int_equal(rest.chores.log_pages, 0);
	end(&rest);
}

/* A short log is in nobody's way. */
static void
short_log_waits_longer(void **state)
{
	struct rest rest;

	begin(&rest, *state, false);
	rest.chores.log_pages = 1;
	clock_ms += REST_MS;
	assert_int_equal(
	    step(&rest, true), rest.chores.log_written_ms + LOG_REST_MS);
	assert_int_equal(rest.chores.log_pages, 1);
	clock_ms = rest.chores.log_written_ms + LOG_REST_MS;
	assert_int_equal(step(&rest, true), FAR_OFF);
	assert_int_equal(rest.chores.log_pages, 0);
	end(&rest);
}

/* A store, left alone. */
static int
setup(void **state)
{
	int failed = fixture_setup(state);

	if (failed == 0)
		fixture_close(*state);
	return failed;
}

#define TEST(function) \
	cmocka_unit_test_setup_teardown(function, setup, fixture_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_to_do),
		TEST(index_waits_for_a_rest),
		TEST(index_has_its_turn),
		TEST(log_is_emptied_at_rest),
		TEST(log_has_a_bound),
		TEST(short_log_waits_longer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

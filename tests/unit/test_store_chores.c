/*
 * When the writer does its chores: while its clock stands still, or moves as
 * the test says.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/store/chores.h"
#include "daemon/store/schema.h"
#include "daemon/store/writer.h"
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

/* A writer without a thread, which has just worked and done its chores. */
static void
begin(struct store_writer *writer, struct fixture *fixture)
{
	struct store_error error;

	memset(writer, 0, sizeof(*writer));
	clock_ms = 1000000;
	writer->path = fixture->path;
	writer->worked_ms = writer->chores_ms = writer->log_idle_ms = clock_ms;
	assert_true(store_queue_init(&writer->queue));
	assert_int_equal(
	    store_db_open(&writer->db, fixture->path, SQL_WRITE), STORE_OK);
	assert_int_equal(
	    store_schema_open(&writer->db, fixture->path, &error), STORE_OK);
	assert_int_equal(
	    store_place_note(&writer->place, &writer->db, fixture->path),
	    STORE_OK);
}

static void
end(struct store_writer *writer)
{
	store_place_free(&writer->place);
	store_db_close(&writer->db);
	store_queue_destroy(&writer->queue);
}

static void
nothing_to_do(void **state)
{
	struct store_writer writer;

	begin(&writer, *state);
	assert_int_equal(store_chores(&writer, true), FAR_OFF);
	clock_ms += TURN_MS;
	assert_int_equal(store_chores(&writer, true), FAR_OFF);
	assert_int_equal(store_chores(&writer, false), STORE_QUEUE_NOW);
	end(&writer);
}

/* The index is filled once nobody has come for a while. */
static void
index_waits_for_a_rest(void **state)
{
	struct store_writer writer;

	begin(&writer, *state);
	writer.index_behind = true;
	assert_int_equal(store_chores(&writer, false), STORE_QUEUE_NOW);
	assert_int_equal(
	    store_chores(&writer, true), writer.worked_ms + REST_MS);
	clock_ms += REST_MS - 1;
	assert_int_equal(
	    store_chores(&writer, true), writer.worked_ms + REST_MS);
	assert_true(writer.index_behind);
	clock_ms++;
	assert_int_equal(store_chores(&writer, true), FAR_OFF);
	assert_false(writer.index_behind);
	end(&writer);
}

/* Under constant work, too, though seldom. */
static void
index_has_its_turn(void **state)
{
	struct store_writer writer;

	begin(&writer, *state);
	writer.index_behind = true;
	clock_ms += TURN_MS - 1;
	writer.worked_ms = clock_ms;
	assert_int_equal(store_chores(&writer, false), STORE_QUEUE_NOW);
	assert_true(writer.index_behind);
	clock_ms++;
	writer.worked_ms = clock_ms;
	store_chores(&writer, false);
	assert_false(writer.index_behind);
	assert_int_equal(writer.chores_ms, clock_ms);
	end(&writer);
}

static void
log_is_emptied_at_rest(void **state)
{
	struct store_writer writer;

	begin(&writer, *state);
	writer.log_pages = PAGES_IDLE;
	assert_int_equal(store_chores(&writer, false), STORE_QUEUE_NOW);
	assert_int_equal(
	    store_chores(&writer, true), writer.worked_ms + REST_MS);
	assert_int_equal(writer.log_pages, PAGES_IDLE);
	clock_ms += REST_MS;
	/* Rested, but somebody waits. */
	store_chores(&writer, false);
	assert_int_equal(writer.log_pages, PAGES_IDLE);
	assert_int_equal(store_chores(&writer, true), FAR_OFF);
	assert_int_equal(writer.log_pages, 0);
	end(&writer);
}

static void
log_has_a_bound(void **state)
{
	struct store_writer writer;

	begin(&writer, *state);
	writer.log_pages = PAGES_MAX;
	store_chores(&writer, false);
	assert_int_equal(writer.log_pages, 0);
	end(&writer);
}

/* A short log is in nobody's way. */
static void
short_log_waits_longer(void **state)
{
	struct store_writer writer;

	begin(&writer, *state);
	writer.log_pages = 1;
	clock_ms += REST_MS;
	assert_int_equal(
	    store_chores(&writer, true), writer.log_idle_ms + LOG_REST_MS);
	assert_int_equal(writer.log_pages, 1);
	clock_ms = writer.log_idle_ms + LOG_REST_MS;
	assert_int_equal(store_chores(&writer, true), FAR_OFF);
	assert_int_equal(writer.log_pages, 0);
	end(&writer);
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

/*
 * A clock that is wrong, and set, under a store: how old what is stored is
 * afterwards, and when that counts.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "daemon/store/clock.h"
#include "lib/base/clock.h"
#include "tests/unit/test_store_faulty.h"
#include "tests/unit/test_store_fixture.h"

#include <sqlite3.h>

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS   (60 * MINUTE_MS)
#define DAY_MS    (24 * HOUR_MS)
#define YEAR_MS   (365 * DAY_MS)

/* When the program was built, and a day some weeks later. */
#define BUILT_MS INT64_C(1780000000000)
#define TODAY_MS (BUILT_MS + 40 * DAY_MS)

static _Atomic int64_t unix_ms, elapsed_ms;
static _Atomic(const char *) machine_start;

/* The linker puts these in the place of the store's clocks. */
int64_t __wrap_evpop_clock_unix_ms(void);
int64_t __wrap_evpop_clock_elapsed_ms(void);
int64_t __wrap_store_clock_built_ms(void);
void __wrap_store_clock_start(char start_r[STORE_CLOCK_START]);

int64_t
__wrap_evpop_clock_unix_ms(void)
{
	return unix_ms;
}

int64_t
__wrap_evpop_clock_elapsed_ms(void)
{
	return elapsed_ms;
}

int64_t
__wrap_store_clock_built_ms(void)
{
	return BUILT_MS;
}

void
__wrap_store_clock_start(char start_r[STORE_CLOCK_START])
{
	snprintf(start_r, STORE_CLOCK_START, "%s", machine_start);
}

/* ---- what happens to the machine ---- */

static void
pass(int64_t ms)
{
	unix_ms += ms;
	elapsed_ms += ms;
}

static void
set_clock(int64_t ms)
{
	unix_ms = ms;
}

static void
start_machine(const char *start, int64_t ms)
{
	machine_start = start;
	unix_ms = ms;
	elapsed_ms = 5000;
}

/* The machine is switched off, and on again. */
static void
restart_machine(struct fixture *fixture, const char *start, int64_t ms)
{
	fixture_close(fixture);
	start_machine(start, ms);
	fixture_open(fixture);
}

static void
restart_daemon(struct fixture *fixture)
{
	fixture_close(fixture);
	fixture_open(fixture);
}

/* ---- what happens to the store ---- */

static uint64_t
setting_of(struct fixture *fixture)
{
	struct answer answer = { 0 };

	store_account(fixture->store, "home", NULL, answer_account, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
	return answer.row.setting;
}

static void
put(struct fixture *fixture, const char *unique_id)
{
	fixture_store(fixture, unique_id, unique_id, strlen(unique_id));
}

static void
poll(struct fixture *fixture, const char *outcome, uint32_t messages)
{
	const struct store_poll row = { .account_id = fixture->account,
		.started_ms = unix_ms,
		.finished_ms = unix_ms,
		.outcome = outcome,
		.tally.messages = messages };
	struct answer answer = { 0 };

	store_poll_record(fixture->store, &row, answer_done, &answer);
	fixture_wait(fixture, &answer.done);
	assert_int_equal(answer.status, STORE_OK);
}

static int64_t
stored_ms(const struct fixture *fixture, const char *unique_id)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
	    "SELECT stored_ms FROM uid WHERE unique_id = CAST('%s' AS BLOB)",
	    unique_id);
	return fixture_integer(fixture, sql);
}

static int64_t
shown_ms(const struct fixture *fixture, const char *unique_id)
{
	char sql[128];

	snprintf(sql, sizeof(sql),
	    "SELECT stored_ms FROM message WHERE unique_id ="
	    " CAST('%s' AS BLOB)",
	    unique_id);
	return fixture_integer(fixture, sql);
}

/* How old it is for a poll that begins now; negative: nothing is old. */
static int64_t
age(struct fixture *fixture, const char *unique_id)
{
	int64_t now_ms = store_age_now_ms(fixture->store, setting_of(fixture));

	return now_ms == STORE_NEVER_MS
		   ? -1
		   : now_ms - stored_ms(fixture, unique_id);
}

static bool
is_behind(struct fixture *fixture)
{
	struct store_clock clock;

	(void)setting_of(fixture);
	store_clock(fixture->store, &clock);
	return clock.is_behind;
}

static int
setup(void **state)
{
	start_machine("first", TODAY_MS);
	return fixture_setup_folder(state);
}

/* ---- a clock that is set while the daemon runs ---- */

/* It was wrong from the start, by so much, and is set right after a while. */
static void
ages_go_on_where_a_clock_is_set(void **state)
{
	static const struct {
		int64_t wrong_ms;
		bool is_behind;
	} cases[] = {
		{ -TODAY_MS + 600000, true }, /* 1970 */
		{ -50 * DAY_MS, true },       /* before the build */
		{ -30 * DAY_MS, false },
		{ -15 * DAY_MS, false },
		{ -2 * MINUTE_MS, false },
		{ 2 * MINUTE_MS, false },
		{ 15 * DAY_MS, false },
		{ 20 * YEAR_MS, false },
	};
	struct fixture *fixture = *state;
	char id[16];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fixture_setup_folder((void **)&fixture);
		start_machine("case", TODAY_MS + cases[i].wrong_ms);
		fixture_open(fixture);
		snprintf(id, sizeof(id), "m%zu", i);
		put(fixture, id);
		assert_int_equal(is_behind(fixture), cases[i].is_behind);
		poll(fixture, "ok", 1);
		pass(3000);
		set_clock(TODAY_MS);
		/* Nothing is old before a poll has gone by. */
		assert_int_equal(age(fixture, id), -1);
		assert_int_equal(stored_ms(fixture, id), TODAY_MS - 3000);
		assert_int_equal(shown_ms(fixture, id), TODAY_MS - 3000);
		poll(fixture, "timeout", 0);
		assert_int_equal(age(fixture, id), -1);
		poll(fixture, "ok", 1);
		pass(1000);
		assert_int_equal(age(fixture, id), 4000);
		assert_false(is_behind(fixture));
		fixture_expect(fixture, "SELECT min(finished_ms) FROM poll",
		    TODAY_MS - 3000);
		fixture_expect(
		    fixture, "SELECT last_success_ms FROM account", TODAY_MS);
		pass(14 * DAY_MS);
		assert_int_equal(age(fixture, id), 4000 + 14 * DAY_MS);
		fixture_teardown((void **)&fixture);
	}
}

static void
count_clock(struct store *store, void *arg)
{
	unsigned int *count = arg;

	(void)store;
	++*count;
}

static void
clock_that_is_kept_right_is_not_set(void **state)
{
	struct fixture *fixture = *state;
	struct store_clock clock;
	unsigned int told = 0;
	uint64_t setting;

	fixture_open(fixture);
	fixture_on(fixture, NOTIFY_CLOCK, count_clock, &told);
	put(fixture, "a");
	setting = setting_of(fixture);
	for (int i = 0; i < 10; i++) {
		set_clock(unix_ms + (i % 2 == 0 ? 59000 : -59000));
		pass(1000);
		assert_int_equal(setting_of(fixture), setting);
	}
	assert_int_equal(stored_ms(fixture, "a"), TODAY_MS);
	store_clock(fixture->store, &clock);
	assert_int_equal(clock.times_set, 0);
	assert_int_equal(told, 0);
}

static void
clock_that_is_set_wrong_and_right_again_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	unsigned int told = 0;

	fixture_open(fixture);
	fixture_on(fixture, NOTIFY_CLOCK, count_clock, &told);
	put(fixture, "a");
	pass(HOUR_MS);
	set_clock(unix_ms + 30 * DAY_MS);
	put(fixture, "b");
	assert_int_equal(age(fixture, "a"), -1);
	poll(fixture, "ok", 2);
	assert_int_equal(age(fixture, "a"), HOUR_MS);
	assert_int_equal(age(fixture, "b"), 0);
	assert_true(told > 0);
	set_clock(unix_ms - 30 * DAY_MS);
	poll(fixture, "ok", 2);
	assert_int_equal(age(fixture, "a"), -1);
	poll(fixture, "ok", 2);
	assert_int_equal(age(fixture, "a"), HOUR_MS);
	assert_int_equal(stored_ms(fixture, "a"), TODAY_MS);
	assert_int_equal(shown_ms(fixture, "b"), TODAY_MS + HOUR_MS);
}

/*
 * A virtual machine that stands still at night: what people see stays, and
 * mail seems younger, never older.
 */
static void
machine_that_stood_still_shows_what_was_right(void **state)
{
	struct fixture *fixture = *state;

	fixture_open(fixture);
	put(fixture, "a");
	pass(2 * DAY_MS);
	put(fixture, "b");
	set_clock(unix_ms + 8 * HOUR_MS);
	poll(fixture, "ok", 2);
	assert_int_equal(age(fixture, "a"), -1);
	poll(fixture, "ok", 2);
	assert_int_equal(age(fixture, "a"), 2 * DAY_MS);
	assert_int_equal(shown_ms(fixture, "a"), TODAY_MS);
	assert_int_equal(shown_ms(fixture, "b"), TODAY_MS + 2 * DAY_MS);
}

/* What was read before it was set is judged by nothing. */
static void
ages_that_were_read_before_do_not_count(void **state)
{
	struct fixture *fixture = *state;
	uint64_t setting;

	fixture_open(fixture);
	put(fixture, "a");
	poll(fixture, "ok", 1);
	setting = setting_of(fixture);
	assert_int_equal(store_age_now_ms(fixture->store, setting), TODAY_MS);
	/* Not yet seen by the writer: time goes on by what was known. */
	set_clock(TODAY_MS + 20 * DAY_MS);
	assert_int_equal(store_age_now_ms(fixture->store, setting), TODAY_MS);
	poll(fixture, "ok", 1);
	assert_true(
	    store_age_now_ms(fixture->store, setting) == STORE_NEVER_MS);
	assert_true(store_age_now_ms(fixture->store, 0) == STORE_NEVER_MS);
}

static void
setting_is_undone_with_its_transaction(void **state)
{
	struct fixture *fixture = *state;

	faulty_install();
	fixture_open(fixture);
	put(fixture, "a");
	pass(1000);
	set_clock(unix_ms + 20 * DAY_MS);
	faulty_set(0, SQLITE_IOERR_FSYNC);
	assert_int_equal(fixture_put(fixture, "b", "b", 1, NULL), STORE_IO);
	faulty_set(0, 0);
	while (fixture_put(fixture, "c", "c", 1, NULL) != STORE_OK)
		fixture_turn(fixture, 10);
	poll(fixture, "ok", 1);
	assert_int_equal(age(fixture, "a"), 1000);
	assert_int_equal(age(fixture, "c"), 0);
}

/* ---- the daemon, or the machine, is started anew ---- */

static void
clock_that_is_set_while_the_daemon_is_not_there(void **state)
{
	struct fixture *fixture = *state;

	start_machine("first", 600000);
	fixture_open(fixture);
	put(fixture, "a");
	fixture_close(fixture);
	pass(5000);
	set_clock(TODAY_MS);
	fixture_open(fixture);
	assert_int_equal(age(fixture, "a"), -1);
	poll(fixture, "ok", 1);
	assert_int_equal(age(fixture, "a"), 5000);
	/* A daemon that is started anew says the same. */
	pass(DAY_MS);
	restart_daemon(fixture);
	assert_int_equal(age(fixture, "a"), 5000 + DAY_MS);
}

static void
machine_that_was_off_for_a_while_is_doubted(void **state)
{
	struct fixture *fixture = *state;

	fixture_open(fixture);
	put(fixture, "a");
	restart_machine(fixture, "second", TODAY_MS + DAY_MS);
	assert_int_equal(age(fixture, "a"), DAY_MS);
	restart_machine(fixture, "third", TODAY_MS + 8 * DAY_MS);
	assert_int_equal(age(fixture, "a"), -1);
	poll(fixture, "ok", 1);
	assert_int_equal(age(fixture, "a"), 8 * DAY_MS);
	/* One poll a week: the next one counts. */
	restart_machine(fixture, "fourth", TODAY_MS + 15 * DAY_MS);
	assert_int_equal(age(fixture, "a"), 15 * DAY_MS);
	assert_int_equal(stored_ms(fixture, "a"), TODAY_MS);
}

/* A battery is empty: it starts years ahead, and is set right. */
static void
machine_that_starts_in_the_future(void **state)
{
	struct fixture *fixture = *state;

	fixture_open(fixture);
	put(fixture, "a");
	restart_machine(fixture, "second", TODAY_MS + 14 * YEAR_MS);
	put(fixture, "b");
	assert_int_equal(age(fixture, "a"), -1);
	pass(3000);
	set_clock(TODAY_MS + HOUR_MS);
	poll(fixture, "ok", 2);
	assert_int_equal(age(fixture, "b"), -1);
	poll(fixture, "ok", 2);
	assert_int_equal(age(fixture, "a"), HOUR_MS);
	assert_int_equal(age(fixture, "b"), 3000);
	assert_false(is_behind(fixture));
}

/* It starts weeks behind what the store has seen, and is set right. */
static void
machine_that_starts_behind_what_was_stored(void **state)
{
	struct fixture *fixture = *state;

	fixture_open(fixture);
	put(fixture, "a");
	pass(MINUTE_MS);
	poll(fixture, "ok", 1);
	restart_machine(fixture, "second", TODAY_MS - 20 * DAY_MS);
	put(fixture, "b");
	assert_true(is_behind(fixture));
	assert_int_equal(age(fixture, "a"), -1);
	poll(fixture, "ok", 2);
	assert_int_equal(age(fixture, "a"), -1);
	pass(3000);
	set_clock(TODAY_MS + HOUR_MS);
	poll(fixture, "ok", 2);
	poll(fixture, "ok", 2);
	assert_false(is_behind(fixture));
	assert_int_equal(age(fixture, "a"), HOUR_MS);
	assert_int_equal(age(fixture, "b"), 3000);
	assert_int_equal(shown_ms(fixture, "a"), TODAY_MS);
	assert_int_equal(shown_ms(fixture, "b"), TODAY_MS + HOUR_MS - 3000);
}

/* It never is set right, only the next start is: then all of it is young. */
static void
clock_that_was_behind_to_the_end(void **state)
{
	struct fixture *fixture = *state;

	start_machine("first", 600000);
	fixture_open(fixture);
	put(fixture, "a");
	pass(HOUR_MS);
	put(fixture, "b");
	restart_machine(fixture, "second", 600000);
	put(fixture, "c");
	assert_true(is_behind(fixture));
	pass(MINUTE_MS);
	restart_machine(fixture, "third", TODAY_MS);
	poll(fixture, "ok", 3);
	assert_false(is_behind(fixture));
	assert_in_range(age(fixture, "c"), 0, MINUTE_MS);
	assert_in_range(age(fixture, "b"), 0, 2 * MINUTE_MS);
	assert_in_range(age(fixture, "a"), HOUR_MS, HOUR_MS + 2 * MINUTE_MS);
	assert_in_range(
	    shown_ms(fixture, "a"), TODAY_MS - 2 * HOUR_MS, TODAY_MS);
}

/* What the store has seen was wrong, and nobody set it: not for ever. */
static void
clock_that_stays_behind_is_believed(void **state)
{
	struct fixture *fixture = *state;

	start_machine("first", TODAY_MS + 14 * YEAR_MS);
	fixture_open(fixture);
	put(fixture, "a");
	poll(fixture, "ok", 1);
	restart_machine(fixture, "second", TODAY_MS);
	put(fixture, "b");
	poll(fixture, "ok", 2);
	pass(6 * DAY_MS);
	assert_true(is_behind(fixture));
	assert_int_equal(age(fixture, "a"), -1);
	pass(DAY_MS);
	assert_false(is_behind(fixture));
	assert_int_equal(age(fixture, "a"), 0);
	assert_int_equal(age(fixture, "b"), 7 * DAY_MS);
	/* One that is behind the build never is. */
	fixture_close(fixture);
	start_machine("third", 600000);
	fixture_open(fixture);
	pass(365 * DAY_MS);
	assert_true(is_behind(fixture));
}

/* Each daemon counts as a start where the system does not tell of any. */
static void
system_that_does_not_tell_of_its_start(void **state)
{
	struct fixture *fixture = *state;

	start_machine("", TODAY_MS);
	fixture_open(fixture);
	put(fixture, "a");
	pass(1000);
	restart_daemon(fixture);
	assert_int_equal(age(fixture, "a"), 1000);
	set_clock(unix_ms + 20 * DAY_MS);
	poll(fixture, "ok", 1);
	poll(fixture, "ok", 1);
	assert_int_equal(stored_ms(fixture, "a"), TODAY_MS);
	put(fixture, "b");
	pass(1000);
	set_clock(unix_ms - 20 * DAY_MS);
	poll(fixture, "ok", 1);
	poll(fixture, "ok", 1);
	assert_int_equal(age(fixture, "b"), 1000);
}

/* A store that an earlier version wrote in 1970, or in the future. */
static void
store_of_an_earlier_version(void **state)
{
	struct fixture *fixture = *state;

	fixture_open(fixture);
	put(fixture, "a");
	put(fixture, "b");
	fixture_close(fixture);
	fixture_change(fixture, "DELETE FROM meta WHERE key GLOB 'clock_*';"
				"UPDATE uid SET stored_ms = 700000"
				" WHERE unique_id = CAST('a' AS BLOB)");
	fixture_open(fixture);
	pass(DAY_MS);
	assert_int_equal(age(fixture, "a"), DAY_MS);
	assert_int_equal(age(fixture, "b"), DAY_MS);
	fixture_close(fixture);
	fixture_change(fixture,
	    "DELETE FROM meta WHERE key GLOB 'clock_*';"
	    "UPDATE message SET stored_ms = stored_ms + 864000000");
	fixture_open(fixture);
	assert_true(is_behind(fixture));
	assert_int_equal(age(fixture, "a"), -1);
}

/* ---- words ---- */

static void
words_say_what_the_clock_did(void **state)
{
	const struct store_clock behind = {
		.is_behind = true, .least_ms = BUILT_MS, .offset_ms = 600000
	};
	const struct store_clock older = {
		.is_behind = true, .least_ms = TODAY_MS, .offset_ms = 600000
	};
	const struct store_clock set[] = {
		{ .set_by_ms = 3 * DAY_MS },
		{ .set_by_ms = -3 * HOUR_MS },
		{ .set_by_ms = -MINUTE_MS },
	};
	static const char *const words[] = { "forward by 3 days",
		"back by 3 hours", "back by 1 minute:" };
	char text[512];

	(void)state;
	start_machine("first", TODAY_MS);
	store_clock_behind_text(&behind, text, sizeof(text));
	assert_non_null(strstr(text, "clock says 1970-01-01"));
	assert_non_null(strstr(text, "evpopd was built on 2026-05-28"));
	store_clock_behind_text(&older, text, sizeof(text));
	assert_non_null(strstr(text, "the store was last written on"));
	for (size_t i = 0; i < 3; i++) {
		store_clock_set_text(&set[i], text, sizeof(text));
		assert_non_null(strstr(text, words[i]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
		    ages_go_on_where_a_clock_is_set, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    clock_that_is_kept_right_is_not_set, setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    clock_that_is_set_wrong_and_right_again_leaves_nothing,
		    setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    machine_that_stood_still_shows_what_was_right, setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    ages_that_were_read_before_do_not_count, setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    setting_is_undone_with_its_transaction, setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    clock_that_is_set_while_the_daemon_is_not_there, setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    machine_that_was_off_for_a_while_is_doubted, setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    machine_that_starts_in_the_future, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    machine_that_starts_behind_what_was_stored, setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    clock_that_was_behind_to_the_end, setup, fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    clock_that_stays_behind_is_believed, setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    system_that_does_not_tell_of_its_start, setup,
		    fixture_teardown),
		cmocka_unit_test_setup_teardown(
		    store_of_an_earlier_version, setup, fixture_teardown),
		cmocka_unit_test(words_say_what_the_clock_did),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
